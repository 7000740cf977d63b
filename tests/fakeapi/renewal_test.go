package main

import (
	"testing"
	"time"
)

// renewing makes the daemon replace a stream that is between one and two seconds old, as it does
// before the kubelet's four hours are over.
func (w *world) renewing() *world {
	w.t.Helper()
	edit(w.t, w.d, "    open_rate: 1000\n", "    open_rate: 1000\n    renew_every: 2s\n")
	return w
}

// A stream is replaced while it works: at no moment is none open, and each line is read once.
func TestAStreamIsReplacedBeforeTheServerEndsIt(t *testing.T) {
	t.Run("while lines come", func(t *testing.T) {
		w := setUp(t, options{}).renewing()
		w.print(5)
		w.start()
		w.following(1)
		for w.a.follows.Load() < 4 {
			w.print(3)
			time.Sleep(20 * time.Millisecond)
			if w.a.following.Load() == 0 {
				t.Fatal("no stream is open")
			}
		}
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("of a quiet log", func(t *testing.T) {
		w := setUp(t, options{}).renewing()
		w.print(3)
		w.start()
		w.following(3)
		w.print(3)
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("of a log without a line", func(t *testing.T) {
		w := setUp(t, options{}).renewing().start()
		w.following(3)
		w.print(3)
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("of equal times", func(t *testing.T) {
		w := setUp(t, options{}).renewing()
		base := time.Now()
		w.a.cluster.do(func() {
			for range 100 {
				w.one.print(w.at(base))
			}
		})
		w.start()
		w.following(3)
		w.a.cluster.do(func() { w.one.print(w.at(base), w.at(base)) })
		w.hasAll()
		w.following(w.a.follows.Load() + 1)
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("which is not lost when the next one is refused", func(t *testing.T) {
		w := setUp(t, options{}).renewing()
		refused := w.a.times(1000, func(r *request) bool { return isFollow(r) && w.a.follows.Load() > 0 },
			func(to answer) { status(to, 500, "", "dial tcp: i/o timeout", nil) })
		w.start()
		w.following(1)
		w.until("one was refused", func() bool { return refused.Load() < 1000 })
		w.print(3)
		w.hasAll()
		w.hasNoGap()
	})
}

// What is read by then stands in a file that a new stream does not bring: the old one is kept until
// both bring the same line.
func TestAStreamOfARotatedLogIsKeptUntilBothBringALine(t *testing.T) {
	t.Run("of a quiet log", func(t *testing.T) {
		w := setUp(t, options{}).renewing().start()
		w.following(1)
		w.print(3)
		w.hasAll()
		w.a.cluster.do(func() { w.one.rotate() })
		seen := w.a.follows.Load()
		w.following(seen + 1)
		time.Sleep(3 * time.Second) // it could be replaced by now, and again
		if again := w.a.follows.Load(); again != seen+1 {
			t.Fatalf("%d streams were opened, but the old one and the new one are to wait for a line", again-seen)
		}
		w.print(1)
		w.following(seen + 2)
		w.print(3)
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("while lines come", func(t *testing.T) {
		w := setUp(t, options{}).renewing().start()
		w.following(1)
		for w.a.follows.Load() < 6 {
			w.print(2)
			w.a.cluster.do(func() { w.one.rotate() })
			w.print(1)
			time.Sleep(100 * time.Millisecond)
		}
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("and the server ends the old one", func(t *testing.T) {
		w := setUp(t, options{}).renewing()
		open := make(chan answer, 100)
		w.a.intercept(func(r *request, to answer) bool {
			if isFollow(r) {
				open <- to
			}
			return false
		})
		w.start()
		w.following(1)
		w.print(3)
		w.hasAll()
		w.a.cluster.do(func() { w.one.rotate() })
		w.until("two are open", func() bool { return w.a.following.Load() == 2 })
		for len(open) > 1 {
			(<-open).End()
		}
		w.print(3)
		w.hasAll()
		// Nobody can say that the old one had brought all of the file before.
		w.until("a gap is known", func() bool { return w.gaps("rotated_while_disconnected") == 1 })
	})
}

// The log is asked for by names: what a container without a line is replaced by is another's log.
func TestAStreamIsNotReplacedByThatOfAnotherPod(t *testing.T) {
	w := setUp(t, options{}).renewing().start()
	w.until("its place in the log is known", func() bool { return w.a.asked("/ci/pods/runner?") > 0 })
	time.Sleep(300 * time.Millisecond)
	c := w.a.cluster
	c.do(func() { // the watch does not tell of it yet
		events, version := c.events, c.version
		w.pod = c.addPod("runner")
		c.events, c.version = events, version
		w.one = w.pod.containers[0].last()
		w.one.print(w.entry())
	})
	w.following(2)
	time.Sleep(time.Second) // it could be mistaken by now
	if known := len(w.d.incidents()); known != 0 {
		t.Fatalf("%d lines of another pod are known", known)
	}
	c.do(func() { c.tell(w.pod) })
	w.hasAll()
}
