package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"
)

// record is one line of a CRI log file: TIME stdout TAG TEXT.
type record struct {
	at   time.Time
	time string // as served; "": nine digits in UTC
	tag  byte   // F, or P where the line goes on in the next record
	text string
}

// file is one log file; the kubelet serves only the current one.
type file struct{ records []record }

// instance is one container from its start to its end.
type instance struct {
	id       string
	current  *file
	next     map[*file]*file // what a rotation replaced, and by what
	exited   bool
	exitCode int
	start    time.Time
	end      time.Time
	removed  bool // its files are gone
	frozen   bool // followers deliver nothing (a kubelet that has lost its file)
	skip     int  // so many undrained records are lost to a follower at the next rotation
	replay   bool // a follower reads the file from its start once more
	jump     bool // at a rotation a follower goes to the newest file, and reads that twice (R3)
	starved  bool // the kubelet has no inotify instance for a follower
}

type container struct {
	name, image string
	init        bool
	instances   []*instance
	waiting     string // why it does not run
}

type pod struct {
	namespace, name, uid, node string
	labels                     map[string]string
	owner                      [2]string // kind, name
	containers                 []*container
	deleting                   bool
	version                    int
	created                    time.Time // zero: long ago
}

type event struct {
	version int
	kind    string
	pod     []byte // JSON
	key     string
}

// cluster holds pods and logs; `changed` wakes whoever waits for either.
type cluster struct {
	mutex   sync.Mutex
	changed *sync.Cond
	pods    map[string]*pod // by namespace/name
	version int
	events  []event
	oldest  int // a watch from before this version is too old
	made    int
}

func newCluster() *cluster {
	c := &cluster{pods: map[string]*pod{}, version: 100}
	c.changed = sync.NewCond(&c.mutex)
	return c
}

// do changes the cluster and tells whoever waits.
func (c *cluster) do(change func()) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	change()
	c.changed.Broadcast()
}

func (c *cluster) id(kind string) string {
	c.made++
	return fmt.Sprintf("%s-%08d", kind, c.made)
}

// addPod makes a pod of one running container; call it within do.
func (c *cluster) addPod(name string) *pod {
	p := &pod{namespace: "ci", name: name, uid: c.id("uid"), node: "node-1", labels: map[string]string{"app": "runner"},
		containers: []*container{{name: "runner", image: "gitlab/gitlab-runner:v17"}}}
	c.pods["ci/"+name] = p
	c.startContainer(p, 0)
	return p
}

func (c *cluster) startContainer(p *pod, index int) *instance {
	i := &instance{id: "fake://" + c.id("container"), current: &file{}, next: map[*file]*file{}, start: time.Now()}
	p.containers[index].instances = append(p.containers[index].instances, i)
	p.containers[index].waiting = ""
	c.tell(p)
	return i
}

func (c *cluster) endContainer(p *pod, index, code int) {
	i := p.containers[index].last()
	i.exited, i.exitCode, i.end = true, code, time.Now()
	c.tell(p)
}

// tell makes an event of a pod as it is now.
func (c *cluster) tell(p *pod) {
	kind := "MODIFIED"
	if p.version == 0 {
		kind = "ADDED"
	}
	c.version++
	p.version = c.version
	c.addEvent(kind, p)
}

func (c *cluster) addEvent(kind string, p *pod) {
	text, _ := json.Marshal(podObject(p))
	c.events = append(c.events, event{c.version, kind, text, p.namespace + "/" + p.name})
}

func (c *cluster) deletePod(p *pod) {
	c.version++
	p.version = c.version
	c.addEvent("DELETED", p)
	delete(c.pods, p.namespace+"/"+p.name)
	for _, one := range p.containers {
		for _, i := range one.instances {
			if !i.exited {
				i.exited, i.end = true, time.Now()
			}
		}
	}
}

func (k *container) last() *instance {
	if len(k.instances) == 0 {
		return nil
	}
	return k.instances[len(k.instances)-1]
}

func (i *instance) print(records ...record) {
	for _, r := range records {
		if r.tag == 0 {
			r.tag = 'F'
		}
		if r.at.IsZero() {
			r.at = time.Now()
		}
		i.current.records = append(i.current.records, r)
	}
}

func (i *instance) rotate() {
	fresh := &file{}
	i.next[i.current] = fresh
	i.current = fresh
}

func (r record) stamp() string {
	if r.time != "" {
		return r.time
	}
	return r.at.UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
}

type object = map[string]any

func state(i *instance, waiting string) object {
	switch {
	case i == nil || waiting != "":
		return object{"waiting": object{"reason": waiting}}
	case i.exited:
		reason := "Completed"
		if i.exitCode != 0 {
			reason = "Error"
		}
		return object{"terminated": object{"exitCode": i.exitCode, "reason": reason, "containerID": i.id,
			"startedAt": i.start.UTC().Format(time.RFC3339), "finishedAt": i.end.UTC().Format(time.RFC3339)}}
	}
	return object{"running": object{"startedAt": i.start.UTC().Format(time.RFC3339)}}
}

func podObject(p *pod) object {
	metadata := object{"name": p.name, "namespace": p.namespace, "uid": p.uid, "labels": p.labels,
		"resourceVersion": fmt.Sprint(p.version), "creationTimestamp": "2026-01-01T00:00:00Z"}
	if !p.created.IsZero() {
		metadata["creationTimestamp"] = p.created.UTC().Format(time.RFC3339)
	}
	if p.deleting {
		metadata["deletionTimestamp"] = "2026-01-01T01:00:00Z"
	}
	if p.owner[0] != "" {
		metadata["ownerReferences"] = []object{{"kind": p.owner[0], "name": p.owner[1], "controller": true}}
	}
	spec, status := object{"nodeName": p.node}, object{"phase": "Running"}
	specs, statuses := map[string][]object{}, map[string][]object{}
	for _, one := range p.containers {
		where := "container"
		if one.init {
			where = "initContainer"
		}
		specs[where+"s"] = append(specs[where+"s"], object{"name": one.name, "image": one.image})
		last := one.last()
		told := object{"name": one.name, "state": state(last, one.waiting), "restartCount": max(0, len(one.instances)-1)}
		if last != nil {
			told["containerID"] = last.id
		}
		if len(one.instances) > 1 {
			told["lastState"] = state(one.instances[len(one.instances)-2], "")
		}
		if one.waiting != "" && last != nil {
			told["lastState"] = state(last, "")
		}
		statuses[where+"Statuses"] = append(statuses[where+"Statuses"], told)
	}
	for key, value := range specs {
		spec[key] = value
	}
	for key, value := range statuses {
		status[key] = value
	}
	return object{"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status}
}

// names of the pods of a namespace (empty: of all), in order.
func (c *cluster) names(namespace string) []string {
	var names []string
	for name := range c.pods {
		if namespace == "" || strings.HasPrefix(name, namespace+"/") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}
