package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// How long something may take that is a matter of seconds: a busy machine is no failure.
const patience = 90 * time.Second

// world is a fake cluster with one pod, and the real daemon that watches it.
type world struct {
	t       *testing.T
	a       *api
	s       *server
	d       *daemon
	pod     *pod
	one     *instance
	printed int
}

// setUp makes the cluster with its pod; the daemon is not started yet.
func setUp(t *testing.T, o options) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, a: &api{cluster: newCluster(), keepSeen: true}}
	var err error
	if w.s, err = newServer(o, w.a.handle); err != nil {
		t.Fatal(err)
	}
	binary := os.Getenv("RUNNERWATCH")
	if binary == "" {
		binary, _ = filepath.Abs("../../build/release/runnerwatch")
	}
	dir := t.TempDir()
	if w.d, err = newDaemon(binary, dir, w.s, "    open_rate: 1000\n", ledgerRules(dir)); err != nil {
		t.Fatal(err)
	}
	w.a.cluster.do(func() {
		w.pod = w.a.cluster.addPod("runner")
		w.one = w.pod.containers[0].last()
	})
	t.Cleanup(func() {
		w.d.stop(os.Kill)
		if t.Failed() {
			t.Logf("the daemon said:\n%s", w.d.said())
		}
		w.s.close()
	})
	return w
}

func (w *world) start() *world {
	w.t.Helper()
	if err := w.d.start(); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// following waits until the pod's log is followed, for the n-th time.
func (w *world) following(n int64) {
	w.t.Helper()
	w.until(fmt.Sprintf("stream %d is open", n), func() bool { return w.a.follows.Load() >= n })
}

func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	if err := within(patience, what, holds); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) entry() record {
	w.printed++
	return record{text: ledgerLine("runner", w.printed-1)}
}

func (w *world) print(lines int) {
	w.a.cluster.do(func() {
		for range lines {
			w.one.print(w.entry())
		}
	})
}

// hasAll waits until each line that was printed is an incident that counts one, and nothing more is.
func (w *world) hasAll() { w.t.Helper(); w.has(w.printed) }

func (w *world) has(lines int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d lines are known (%d are)", lines, len(w.d.incidents())),
		func() bool { return len(w.d.incidents()) >= lines })
	known := w.d.incidents()
	if len(known) > lines {
		w.t.Fatalf("%d lines are known, but %d were to be", len(known), lines)
	}
	for _, one := range known {
		if one.Count != 1 {
			w.t.Fatalf("%s counts %d", one.Key, one.Count)
		}
	}
}

func (w *world) says(words string) {
	w.t.Helper()
	w.until("the daemon says: "+words, func() bool { return strings.Contains(w.d.said(), words) })
}

func (w *world) gaps(kind string) float64 {
	return w.d.metric("runnerwatch_gaps_total", fmt.Sprintf("kind=%q", kind))
}

func (w *world) hasNoGap() {
	w.t.Helper()
	if gaps := w.d.metric("runnerwatch_gaps_total"); gaps > 0 {
		text, _ := get(w.d.api, "/api/v1/coverage")
		w.t.Fatalf("%v gaps, but nothing was missed:\n%s", gaps, text)
	}
}
