package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// api answers as kube-apiserver and kubelet do, with the faults that a test asks for.
type api struct {
	cluster *cluster

	mutex       sync.Mutex
	intercepts  []func(*request, answer) bool // true: it has answered
	seen        []string                      // targets asked for, in order
	noWatchList bool
	keepSeen    bool

	following atomic.Int64 // log streams that are open
	follows   atomic.Int64 // log streams ever
}

// intercept lets `f` answer first; it is asked for every request until it says that it is done.
func (a *api) intercept(f func(*request, answer) bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.intercepts = append(a.intercepts, f)
}

// times answers the next n requests that `wanted` takes with `reply`.
func (a *api) times(n int, wanted func(*request) bool, reply func(answer)) *atomic.Int64 {
	left := &atomic.Int64{}
	left.Store(int64(n))
	a.intercept(func(r *request, to answer) bool {
		if !wanted(r) || left.Add(-1) < 0 {
			return false
		}
		reply(to)
		return true
	})
	return left
}

func (a *api) asked(part string) int {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	count := 0
	for _, target := range a.seen {
		if strings.Contains(target, part) {
			count++
		}
	}
	return count
}

func isLog(r *request) bool    { return strings.HasSuffix(r.Path, "/log") }
func isFollow(r *request) bool { return isLog(r) && r.Query.Get("follow") == "true" }
func isWatch(r *request) bool  { return r.Query.Get("watch") == "1" }
func isList(r *request) bool   { return strings.HasSuffix(r.Path, "/pods") && !isWatch(r) }

func (a *api) handle(r *request, to answer) {
	a.mutex.Lock()
	if a.keepSeen {
		a.seen = append(a.seen, r.Path+"?"+r.Query.Encode())
	}
	intercepts := a.intercepts
	a.mutex.Unlock()
	for _, f := range intercepts {
		if f(r, to) {
			return
		}
	}
	a.answer(r, to)
}

func (a *api) answer(r *request, to answer) {
	parts := strings.Split(strings.TrimPrefix(r.Path, "/"), "/")
	switch {
	case r.Path == "/api/v1/pods" && isWatch(r):
		a.watch(r, "", to)
	case r.Path == "/api/v1/pods":
		a.list(r, "", to)
	case len(parts) == 5 && parts[4] == "pods" && isWatch(r):
		a.watch(r, parts[3], to)
	case len(parts) == 5 && parts[4] == "pods":
		a.list(r, parts[3], to)
	case len(parts) == 6 && parts[4] == "pods":
		a.pod(parts[3]+"/"+parts[5], to)
	case len(parts) == 7 && parts[6] == "log":
		a.log(r, parts[3]+"/"+parts[5], to)
	default:
		status(to, 404, "NotFound", "the server could not find the requested resource", nil)
	}
}

// status answers with a Status object, as the API server refuses.
func status(to answer, code int, reason, message string, details object) {
	body := object{"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Failure",
		"message": message, "code": code}
	if reason != "" {
		body["reason"] = reason
	}
	if details != nil {
		body["details"] = details
	}
	text, _ := json.Marshal(body)
	reply(to, code, "application/json", string(text))
}

func reply(to answer, code int, kind, body string) {
	to.Begin(code, map[string]string{"Content-Type": kind})
	to.Write([]byte(body))
	to.End()
}

func (a *api) pod(name string, to answer) {
	a.cluster.mutex.Lock()
	p := a.cluster.pods[name]
	var text []byte
	if p != nil {
		text, _ = json.Marshal(podObject(p))
	}
	a.cluster.mutex.Unlock()
	if p == nil {
		noPod(to, name)
		return
	}
	reply(to, 200, "application/json", string(text))
}

func noPod(to answer, name string) {
	short := name[strings.Index(name, "/")+1:]
	status(to, 404, "NotFound", fmt.Sprintf("pods %q not found", short), object{"name": short, "kind": "pods"})
}

func (a *api) list(r *request, namespace string, to answer) {
	c := a.cluster
	c.mutex.Lock()
	limit, _ := strconv.Atoi(r.Query.Get("limit"))
	version, last := c.version, ""
	if token := r.Query.Get("continue"); token != "" {
		fmt.Sscanf(token, "%d:%s", &version, &last)
		if version >= 0 && version < c.oldest {
			c.mutex.Unlock()
			text, _ := json.Marshal(object{"kind": "Status", "code": 410, "reason": "Expired", "status": "Failure",
				"message":  "The provided continue parameter is too old to display a consistent list result.",
				"metadata": object{"continue": "-1:" + last}})
			reply(to, 410, "application/json", string(text))
			return
		}
	}
	metadata := object{"resourceVersion": fmt.Sprint(c.version)}
	items := []object{}
	for _, name := range c.names(namespace) {
		if name <= last {
			continue
		}
		if limit > 0 && len(items) == limit {
			metadata["continue"] = fmt.Sprintf("%d:%s", version, last)
			break
		}
		items = append(items, podObject(c.pods[name]))
		last = name
	}
	c.mutex.Unlock()
	text, _ := json.Marshal(object{"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items})
	reply(to, 200, "application/json", string(text))
}

func bookmark(version int, end bool) string {
	metadata := object{"resourceVersion": fmt.Sprint(version)}
	if end {
		metadata["annotations"] = object{"k8s.io/initial-events-end": "true"}
	}
	text, _ := json.Marshal(object{"type": "BOOKMARK", "object": object{"kind": "Pod", "metadata": metadata}})
	return string(text) + "\n"
}

func (a *api) watch(r *request, namespace string, to answer) {
	c := a.cluster
	whole := r.Query.Get("sendInitialEvents") == "true"
	if whole && a.noWatchList {
		status(to, 422, "Invalid", "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: "+
			"sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled", nil)
		return
	}
	to.Begin(200, map[string]string{"Content-Type": "application/json"})
	go a.wakeAtEnd(to)
	c.mutex.Lock()
	version, _ := strconv.Atoi(r.Query.Get("resourceVersion"))
	var out bytes.Buffer
	if whole {
		version = c.version
		for _, name := range c.names(namespace) {
			text, _ := json.Marshal(podObject(c.pods[name]))
			fmt.Fprintf(&out, "{\"type\":\"ADDED\",\"object\":%s}\n", text)
		}
		out.WriteString(bookmark(version, true))
	}
	for {
		if version < c.oldest {
			text, _ := json.Marshal(object{"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired",
				"message": fmt.Sprintf("too old resource version: %d (%d)", version, c.version)})
			fmt.Fprintf(&out, "{\"type\":\"ERROR\",\"object\":%s}\n", text)
			c.mutex.Unlock()
			to.Write(out.Bytes())
			to.End()
			return
		}
		for _, e := range c.events {
			if e.version > version && (namespace == "" || strings.HasPrefix(e.key, namespace+"/")) {
				fmt.Fprintf(&out, "{\"type\":%q,\"object\":%s}\n", e.kind, e.pod)
			}
		}
		version = c.version
		if out.Len() > 0 {
			c.mutex.Unlock()
			alive := to.Write(out.Bytes())
			out.Reset()
			if !alive {
				return
			}
			c.mutex.Lock()
			continue
		}
		select {
		case <-to.Gone():
			c.mutex.Unlock()
			return
		default:
		}
		c.changed.Wait()
	}
}

// wakeAtEnd wakes a waiting answer whose client has gone.
func (a *api) wakeAtEnd(to answer) {
	<-to.Gone()
	a.cluster.do(func() {})
}

// pick finds the instance a log request means, or refuses as the kubelet does.
func (a *api) pick(r *request, name string, to answer) *instance {
	c := a.cluster
	c.mutex.Lock()
	defer c.mutex.Unlock()
	p := c.pods[name]
	if p == nil {
		noPod(to, name)
		return nil
	}
	if p.node == "" {
		to.Begin(204, nil)
		to.End()
		return nil
	}
	for _, one := range p.containers {
		if one.name != r.Query.Get("container") {
			continue
		}
		chosen := one.last()
		if r.Query.Get("previous") == "true" {
			chosen = nil
			if len(one.instances) > 1 {
				chosen = one.instances[len(one.instances)-2]
			}
			if chosen == nil {
				status(to, 400, "BadRequest", fmt.Sprintf("previous terminated container %q in pod %q not found", one.name, p.name), nil)
				return nil
			}
		}
		if chosen == nil {
			status(to, 400, "BadRequest", fmt.Sprintf("container %q in pod %q is waiting to start: %s", one.name, p.name, one.waiting), nil)
			return nil
		}
		return chosen
	}
	status(to, 400, "BadRequest", fmt.Sprintf("container %s is not valid for pod %s", r.Query.Get("container"), p.name), nil)
	return nil
}

// served is what the kubelet writes for records: lines joined, a time only where a line begins.
func served(records []record, since time.Time, timestamps bool, fresh *bool) []byte {
	var out bytes.Buffer
	for _, r := range records {
		if !r.at.Before(since) {
			if *fresh && timestamps {
				out.WriteString(r.stamp() + " ")
			}
			out.WriteString(r.text)
			if r.tag == 'F' {
				out.WriteByte('\n')
			}
			*fresh = r.tag == 'F'
		}
	}
	return out.Bytes()
}

func (a *api) log(r *request, name string, to answer) {
	i := a.pick(r, name, to)
	if i == nil {
		return
	}
	c := a.cluster
	var since time.Time
	if text := r.Query.Get("sinceTime"); text != "" {
		since, _ = time.Parse(time.RFC3339, text)
		since = since.Truncate(time.Second)
	}
	to.Begin(200, map[string]string{"Content-Type": "text/plain"})
	timestamps := r.Query.Get("timestamps") == "true"
	fresh := true
	c.mutex.Lock()
	if i.removed {
		c.mutex.Unlock()
		to.Write([]byte("unable to retrieve container logs for " + i.id))
		to.End()
		return
	}
	from := i.current
	next := 0
	if tail, err := strconv.Atoi(r.Query.Get("tailLines")); err == nil {
		next = max(0, len(from.records)-tail)
	}
	if r.Query.Get("follow") != "true" {
		text := append([]byte{}, served(from.records[next:], since, timestamps, &fresh)...)
		c.mutex.Unlock()
		if limit, err := strconv.Atoi(r.Query.Get("limitBytes")); err == nil && len(text) > limit {
			text = text[:limit]
		}
		to.Write(text)
		to.End()
		return
	}
	a.following.Add(1)
	a.follows.Add(1)
	defer a.following.Add(-1)
	go a.wakeAtEnd(to)
	replayed := false
	for {
		if text := a.follow(i, &from, &next, &replayed, since, timestamps, &fresh); len(text) > 0 {
			c.mutex.Unlock()
			if !to.Write(text) {
				return
			}
			c.mutex.Lock()
			continue
		}
		if i.starved && !i.exited {
			c.mutex.Unlock()
			to.Write([]byte("failed to create fsnotify watcher: too many open files"))
			to.End()
			return
		}
		over := i.exited && !i.frozen
		select {
		case <-to.Gone():
			c.mutex.Unlock()
			return
		default:
		}
		if over {
			c.mutex.Unlock()
			to.End()
			return
		}
		c.changed.Wait()
	}
}

// follow gives what a follower reads next and moves it on. Called with the mutex.
func (a *api) follow(i *instance, from **file, next *int, replayed *bool, since time.Time, timestamps bool, fresh *bool) []byte {
	if i.frozen {
		return nil
	}
	if i.replay && !*replayed {
		*replayed = true
		*next = 0
	}
	for {
		end := len((*from).records)
		rotated := i.next[*from]
		if rotated != nil && i.skip > 0 {
			end = max(*next, end-i.skip)
		}
		if *next < end {
			text := served((*from).records[*next:end], since, timestamps, fresh)
			*next = end
			return append([]byte{}, text...)
		}
		if rotated == nil {
			return nil
		}
		if i.jump { // two events of one directory: the second begins the same file again
			rotated, i.replay, *replayed = i.current, true, false
			text := served(rotated.records, since, timestamps, fresh)
			*from, *next = rotated, len(rotated.records)
			return append([]byte{}, text...)
		}
		*from, *next = rotated, 0
	}
}
