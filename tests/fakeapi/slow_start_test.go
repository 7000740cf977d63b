package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// gate holds back the requests that `wanted` takes until it is opened.
func (w *world) gate(wanted func(*request) bool) (open func(), held *atomic.Int64) {
	closed := make(chan struct{})
	held = &atomic.Int64{}
	w.a.intercept(func(r *request, to answer) bool {
		if !wanted(r) {
			return false
		}
		held.Add(1)
		select {
		case <-closed:
			return false
		case <-to.Gone():
			return true
		}
	})
	return func() { close(closed) }, held
}

// lives is a pod whose container's runs write one line when they begin and one when they end.
type lives struct {
	w    *world
	pod  *pod
	runs []*run
	of   map[*instance]*run
}

// newLives makes the pod; call it within do, as the others that change it.
func (w *world) newLives(name string) *lives {
	l := &lives{w: w, pod: w.a.cluster.addPod(name), of: map[*instance]*run{}}
	l.pod.created = time.Now()
	return l
}

func (l *lives) write() {
	i := l.pod.containers[0].last()
	r := l.of[i]
	if r == nil {
		r = &run{pod: l.pod.uid, instance: "fake/ci/" + l.pod.uid + "/runner/" + i.id, writer: fmt.Sprintf("%s%d", l.pod.name, len(l.runs))}
		l.of[i] = r
		l.runs = append(l.runs, r)
	}
	line := written{len(r.lines), time.Now()}
	r.lines = append(r.lines, line)
	i.print(record{at: line.at, text: blockLine(r.writer, line.n)})
}

func (l *lives) restart() {
	l.w.a.cluster.endContainer(l.pod, 0, 1)
	l.w.a.cluster.startContainer(l.pod, 0)
	instances := l.pod.containers[0].instances
	for at, i := range instances {
		i.removed = at < len(instances)-2
	}
}

func (l *lives) again() {
	l.write()
	l.restart()
	l.write()
}

// account ends the daemon when it has read what it can: so many lines were not read, and each of
// them lies in a gap record.
func (l *lives) account(unread int) {
	w := l.w
	w.t.Helper()
	began := time.Now()
	w.until("all is proven read", func() bool {
		return w.d.metric("runnerwatch_sources_living") > 0 &&
			w.d.metric("runnerwatch_sources_living") == w.d.metric("runnerwatch_sources_current") &&
			w.d.metric("runnerwatch_coverage_as_of_seconds") > float64(began.UnixNano())/1e9
	})
	w.d.stop(os.Interrupt)
	b, err := readBooks(w.d.program, filepath.Join(w.d.dir, "runnerwatch.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	sum := b.account(l.runs, nil)
	if sum.lost > 0 || sum.doubled > 0 || sum.lostInGaps != unread {
		w.t.Fatalf("%v, but %d were not to be read\n%s", sum, unread, strings.Join(sum.examples, "\n"))
	}
}

// Runs that come and go while the daemon's start is slow, or between its lives, are read or lie in
// a gap record: each of them.
func TestRunsThatComeAndGoWhileAStartIsSlow(t *testing.T) {
	// The daemon has watched for a while, so that what is new was to be read.
	begin := func(t *testing.T) *world {
		w := setUp(t, options{}).probing().start()
		w.following(1)
		w.print(2)
		w.hasAll()
		time.Sleep(100 * time.Millisecond) // committed
		return w
	}
	isLives := func(r *request) bool { return isLog(r) && strings.Contains(r.Path, "/lives/") }
	const lifeSign = 6 * time.Second // within it the daemon writes down that it lives

	t.Run("a pod that is new, and the list of pods is slow", func(t *testing.T) {
		w := begin(t)
		w.d.stop(os.Kill)
		time.Sleep(1100 * time.Millisecond)
		var l *lives
		w.a.cluster.do(func() { l = w.newLives("lives"); l.write() })
		time.Sleep(1100 * time.Millisecond)
		open, held := w.gate(func(r *request) bool { return isList(r) || isWatch(r) })
		w.start()
		w.until("pods are asked for", func() bool { return held.Load() > 0 })
		time.Sleep(lifeSign)
		w.d.stop(os.Kill)
		w.a.cluster.do(func() { l.again(); l.again(); l.again() })
		open()
		w.start()
		l.account(4)
	})
	live := func(w *world) (l *lives) {
		w.a.cluster.do(func() { l = w.newLives("lives"); l.write() })
		w.following(2)
		time.Sleep(1100 * time.Millisecond)
		return l
	}
	t.Run("the logs are slow", func(t *testing.T) {
		w := begin(t)
		l := live(w)
		w.d.stop(os.Kill)
		w.a.cluster.do(l.again)
		open, held := w.gate(isLives)
		w.start()
		w.until("the log is asked for", func() bool { return held.Load() > 0 })
		w.a.cluster.do(l.again)
		time.Sleep(time.Second)
		w.a.cluster.do(l.again)
		time.Sleep(time.Second)
		open()
		l.account(3)
	})
	t.Run("the logs are slow, and it is killed", func(t *testing.T) {
		w := begin(t)
		l := live(w)
		w.d.stop(os.Kill)
		w.a.cluster.do(l.again)
		open, held := w.gate(isLives)
		w.start()
		w.until("the log is asked for", func() bool { return held.Load() > 0 })
		time.Sleep(lifeSign)
		w.d.stop(os.Kill)
		w.a.cluster.do(func() { l.again(); l.again() })
		open()
		w.start()
		l.account(3)
	})
	// By name the log of the next run is served, which is empty. That says nothing of this one.
	t.Run("an empty log of the next run", func(t *testing.T) {
		w := begin(t)
		c := w.a.cluster
		var l *lives
		c.do(func() { l = w.newLives("lives") })
		w.following(2)
		time.Sleep(1500 * time.Millisecond)
		var stale []byte
		over := &atomic.Bool{}
		c.do(func() { stale, _ = json.Marshal(podObject(l.pod)) })
		w.a.intercept(func(r *request, to answer) bool {
			switch {
			case over.Load():
				return false
			case r.Query.Get("previous") == "true":
				status(to, 500, "InternalError", "not now", nil)
				return true
			case !isLog(r) && strings.HasSuffix(r.Path, "/pods/lives"):
				reply(to, 200, "application/json", string(stale))
				return true
			}
			return false
		})
		asked := w.a.asked("/lives/log")
		w.cut(func() {
			events, version := c.events, c.version
			l.write()
			l.restart()
			c.events, c.version = events, version
		})
		w.until("the log is asked for again", func() bool { return w.a.asked("/lives/log") > asked+2 })
		time.Sleep(lifeSign)
		w.d.stop(os.Kill)
		c.do(func() { l.again() })
		over.Store(true)
		w.start()
		l.account(1)
	})
}
