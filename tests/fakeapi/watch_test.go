package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func edit(t *testing.T, d *daemon, from, to string) {
	t.Helper()
	file := filepath.Join(d.dir, "runnerwatch.yaml")
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), from) {
		t.Fatalf("no %q in the configuration: %v", from, err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), from, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// seesNewPod makes a pod and waits for its line.
func (w *world) seesNewPod(name string) {
	w.t.Helper()
	w.a.cluster.do(func() {
		p := w.a.cluster.addPod(name)
		p.containers[0].last().print(w.entry())
	})
	w.hasAll()
}

func TestPodsAreSeenWhateverHappensToTheWatch(t *testing.T) {
	for name, row := range map[string]struct {
		before func(w *world) // the start
		during func(w *world) // the watch
	}{
		"streamed list":           {nil, nil},
		"streamed list off (422)": {func(w *world) { w.a.noWatchList = true }, nil},
		"streamed list unknown (400)": {func(w *world) {
			w.a.intercept(func(r *request, to answer) bool {
				if r.Query.Get("sendInitialEvents") == "" {
					return false
				}
				status(to, 400, "BadRequest", "unknown parameter", nil)
				return true
			})
		}, nil},
		"410 inside the watch": {nil, func(w *world) {
			w.a.cluster.do(func() { w.a.cluster.version += 10; w.a.cluster.oldest = w.a.cluster.version; w.a.cluster.events = nil })
		}},
		"410 of the watch's request": {nil, func(w *world) {
			w.a.times(1, isWatch, func(to answer) { status(to, 410, "Expired", "too old resource version", nil) })
			w.s.cutAll()
		}},
		"410 of a page": {func(w *world) {
			w.a.noWatchList = true
			w.a.cluster.do(func() {
				for n := range 250 {
					p := w.a.cluster.addPod(fmt.Sprintf("other-%03d", n))
					p.containers[0].image = "busybox"
				}
			})
			w.a.intercept(func(r *request, to answer) bool {
				if isList(r) && strings.HasPrefix(r.Query.Get("continue"), fmt.Sprint(w.a.cluster.version)) {
					w.a.cluster.do(func() { w.a.cluster.version++; w.a.cluster.oldest = w.a.cluster.version })
				}
				return false
			})
		}, nil},
		"the same version again": {nil, func(w *world) {
			w.a.cluster.do(func() { w.a.cluster.addEvent("MODIFIED", w.pod) })
		}},
		"bookmarks": {nil, func(w *world) {
			version := w.a.cluster.version
			w.a.times(1, isWatch, func(to answer) {
				to.Begin(200, nil)
				to.Write([]byte(bookmark(version, false)))
				to.End()
			})
			w.s.cutAll()
		}},
		"watches that die within a second": {nil, func(w *world) {
			w.a.times(4, isWatch, func(to answer) { to.Begin(200, nil); to.End() })
			w.s.cutAll()
		}},
		"a proxy that holds the headers back": {nil, func(w *world) {
			w.a.intercept(func(r *request, to answer) bool {
				if isWatch(r) {
					time.Sleep(3 * time.Second)
				}
				return false
			})
			w.s.cutAll()
		}},
		"no right to watch": {func(w *world) {
			w.a.intercept(func(r *request, to answer) bool {
				if !isWatch(r) {
					return false
				}
				status(to, 403, "Forbidden", `pods is forbidden: User "u" cannot watch resource "pods"`, nil)
				return true
			})
		}, func(w *world) { w.says("may not watch pods in all namespaces") }},
	} {
		t.Run(name, func(t *testing.T) {
			w := setUp(t, options{})
			if row.before != nil {
				row.before(w)
			}
			w.print(1)
			w.start()
			w.following(1)
			w.hasAll()
			if row.during != nil {
				row.during(w)
			}
			w.seesNewPod("late")
			w.print(1)
			w.hasAll()
			w.hasNoGap()
		})
	}
}

// A pod that came, wrote and went while nobody watched was not seen; one that lives is.
func TestAPodOfTheSameNameIsAnother(t *testing.T) {
	w := setUp(t, options{})
	w.print(2)
	w.start()
	w.following(1)
	w.hasAll()
	w.a.cluster.do(func() {
		w.a.cluster.deletePod(w.pod)
		w.pod = w.a.cluster.addPod("runner")
		w.one = w.pod.containers[0].last()
	})
	w.print(2)
	w.hasAll()
}
