package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// probing makes the daemon ask quiet logs for their end every second.
func (w *world) probing() *world {
	w.t.Helper()
	edit(w.t, w.d, "    open_rate: 1000\n", "    open_rate: 1000\n    probe_every: 1s\n")
	return w
}

// A stream that brings nothing any more, though the log goes on: the kubelet follows a file that is
// no more, or the connection is half open. Only asking for the log's end tells.
func TestAStreamThatStoppedIsOpenedAgain(t *testing.T) {
	t.Run("without loss", func(t *testing.T) {
		w := setUp(t, options{}).probing().start()
		w.following(1)
		w.print(3)
		w.hasAll()
		w.a.cluster.do(func() { w.one.frozen = true })
		w.print(2)
		w.following(2)
		w.a.cluster.do(func() { w.one.frozen = false })
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("R1: and its file was rotated away", func(t *testing.T) {
		w := setUp(t, options{}).probing().start()
		w.following(1)
		w.print(3)
		w.hasAll()
		w.a.cluster.do(func() { w.one.frozen = true })
		w.print(2)
		w.a.cluster.do(func() { w.one.rotate() })
		w.print(2)
		w.following(2)
		w.a.cluster.do(func() { w.one.frozen = false })
		w.has(w.printed - 2)
		w.until("a gap is known", func() bool { return w.gaps("stalled") == 1 })
	})
	t.Run("half open", func(t *testing.T) {
		w := setUp(t, options{})
		open := make(chan answer, 100)
		w.a.intercept(func(r *request, to answer) bool {
			if isFollow(r) {
				open <- to
			}
			return false
		})
		w.probing().start()
		w.following(1)
		w.print(3)
		w.hasAll()
		(<-open).(*h2Stream).conn.fallSilent()
		w.print(2)
		w.hasAll()
		w.hasNoGap()
	})
}

// R2: what a follower does not read before a rotation never comes, and nothing in the stream tells.
// It is no more than that: what comes later is read once.
func TestLinesThatTheKubeletDropsAtARotationAreNoOthers(t *testing.T) {
	w := setUp(t, options{}).start()
	w.following(1)
	w.print(3)
	w.hasAll()
	w.a.cluster.do(func() {
		w.one.skip = 2
		w.one.print(w.entry(), w.entry(), w.entry())
		w.one.rotate()
	})
	w.has(w.printed - 2)
	w.print(3)
	w.has(w.printed - 2)
	w.hasNoGap()
}

// conmon with a size limit replaces its file and stamps a whole buffer with one time.
func TestAFileThatIsReplaced(t *testing.T) {
	replace := func(w *world) { w.one.current = &file{} }
	buffer := func(w *world) (all []record) {
		at := time.Now()
		for range 10 {
			r := w.at(at)
			r.time = at.In(time.FixedZone("", 2*3600)).Format("2006-01-02T15:04:05.000000000Z07:00")
			all = append(all, r)
		}
		return all
	}
	t.Run("while away", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.a.cluster.do(func() { w.one.print(buffer(w)...) })
		w.hasAll()
		w.cut(func() {
			replace(w)
			w.one.print(buffer(w)...)
		})
		w.hasAll()
		w.until("a gap is known", func() bool { return w.gaps("rotated_while_disconnected") == 1 })
	})
	t.Run("while followed", func(t *testing.T) {
		w := setUp(t, options{}).probing().start()
		w.following(1)
		w.a.cluster.do(func() { w.one.print(buffer(w)...) })
		w.hasAll()
		w.a.cluster.do(func() {
			replace(w)
			w.one.print(buffer(w)...)
		})
		w.hasAll()
		w.until("a gap is known", func() bool { return w.gaps("stalled") == 1 })
	})
	t.Run("and read again from its start", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.a.cluster.do(func() { w.one.print(buffer(w)...) })
		w.hasAll()
		w.a.cluster.do(func() { w.one.print(buffer(w)...) })
		w.hasAll()
		w.a.cluster.do(func() {
			w.one.print(buffer(w)...)
			w.one.replay = true
		})
		w.print(3)
		w.hasAll()
		w.hasNoGap()
	})
}

// The kubelet begins a file again, all of which is younger than two seconds.
func TestAYoungFileReadAgainIsReadOnce(t *testing.T) {
	for _, lines := range []int{3, 70, 700} {
		t.Run(fmt.Sprint(lines), func(t *testing.T) {
			w := setUp(t, options{}).start()
			w.following(1)
			w.print(lines)
			w.a.cluster.do(func() { w.one.replay = true })
			w.print(3)
			w.hasAll()
			w.hasNoGap()
		})
	}
	// As conmon stamps a buffer: only the file tells whether it has the lines twice.
	buffer := func(w *world, at time.Time, lines int) (all []record) {
		for range lines {
			all = append(all, w.at(at))
		}
		return all
	}
	for _, lines := range []int{1, 10, 200} {
		t.Run(fmt.Sprint(lines, " of one time"), func(t *testing.T) {
			w := setUp(t, options{}).start()
			w.following(1)
			at := time.Now()
			w.a.cluster.do(func() { w.one.print(buffer(w, at, lines)...) })
			w.hasAll()
			w.a.cluster.do(func() { w.one.replay = true })
			w.a.cluster.do(func() { w.one.print(buffer(w, at.Add(time.Second), 3)...) })
			w.hasAll()
			w.hasNoGap()
		})
	}
	t.Run("of one time, after a restart of the daemon", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		at := time.Now()
		w.a.cluster.do(func() { w.one.print(buffer(w, at, 200)...) })
		w.hasAll()
		w.d.stop(os.Interrupt)
		w.start()
		w.following(2)
		w.a.cluster.do(func() { w.one.replay = true })
		w.print(3)
		w.until("all lines are known", func() bool { return len(w.d.incidents()) == w.printed })
		// While it looks for its place by lines of one time, more of them may be new.
		for _, one := range w.d.incidents() {
			if one.Count != 1 && w.gaps("replay_unproven") == 0 {
				t.Fatalf("%s counts %d, and no gap says so", one.Key, one.Count)
			}
		}
	})
	t.Run("of one time, and its file cannot be asked for", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		at := time.Now()
		w.a.cluster.do(func() { w.one.print(buffer(w, at, 2)...) })
		w.hasAll()
		w.a.times(1, func(r *request) bool { return isLog(r) && !isFollow(r) }, func(to answer) {
			status(to, 500, "InternalError", "not now", nil)
		})
		w.a.cluster.do(func() { w.one.replay = true })
		w.until("a gap is known", func() bool { return w.gaps("replay_unproven") == 1 })
	})
	t.Run("after a restart of the daemon", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(200)
		w.hasAll()
		w.d.stop(os.Interrupt)
		w.start()
		w.following(2)
		w.a.cluster.do(func() { w.one.replay = true })
		w.print(3)
		w.hasAll()
		// It does not know any more that there was no file before.
		w.until("a gap is known", func() bool { return w.gaps("kubelet_skip") == 1 })
	})
}

func TestAClockThatGoesForthAndBack(t *testing.T) {
	base := time.Now()
	ahead := func(w *world) {
		w.a.cluster.do(func() { w.one.print(w.at(base), w.at(base.Add(time.Hour)), w.at(base.Add(time.Hour+time.Millisecond))) })
		w.hasAll()
	}
	t.Run("and then a cut", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		ahead(w)
		w.cut(func() { w.one.print(w.at(base.Add(time.Second)), w.at(base.Add(2*time.Second))) })
		w.hasAll()
		w.a.cluster.do(func() { w.one.print(w.at(base.Add(3 * time.Second))) })
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("behind an open stream", func(t *testing.T) {
		w := setUp(t, options{}).probing().start()
		w.following(1)
		ahead(w)
		w.cut(func() {})
		w.a.cluster.do(func() { w.one.print(w.at(base.Add(time.Second))) })
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("and the log is never quiet", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		ahead(w)
		for n := range 12 {
			w.a.cluster.do(func() { w.one.print(w.at(base.Add(time.Duration(n) * time.Second))) })
			time.Sleep(time.Second)
		}
		if known := len(w.d.incidents()); known < w.printed-8 {
			t.Fatalf("%d of %d lines are known", known, w.printed)
		}
		w.hasAll()
		w.hasNoGap()
	})
}

// What happens to a container while nobody reads it is read as far as it can be, and the rest is
// said.
func TestLivesWhileTheDaemonIsAway(t *testing.T) {
	begin := func(t *testing.T) *world {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(2)
		w.hasAll()
		time.Sleep(100 * time.Millisecond) // committed
		w.d.stop(os.Kill)
		return w
	}
	restart := func(w *world) {
		w.one.print(w.entry())
		w.a.cluster.endContainer(w.pod, 0, 1)
		w.one = w.a.cluster.startContainer(w.pod, 0)
		for at, i := range w.pod.containers[0].instances {
			i.removed = at < len(w.pod.containers[0].instances)-2
		}
	}
	t.Run("three restarts", func(t *testing.T) {
		w := begin(t)
		w.a.cluster.do(func() {
			for range 3 {
				restart(w)
			}
			w.one.print(w.entry())
		})
		w.start()
		// The last line of the first run and all of the second; the third is the one before.
		w.has(w.printed - 2)
		w.until("a gap is known", func() bool { return w.gaps("restarted_unseen") == 1 && w.gaps("tail_unproven") == 1 })
	})
	t.Run("another pod of that name", func(t *testing.T) {
		w := begin(t)
		w.a.cluster.do(func() {
			w.one.print(w.entry())
			w.a.cluster.deletePod(w.pod)
			w.pod = w.a.cluster.addPod("runner")
			w.one = w.pod.containers[0].last()
			w.one.print(w.entry(), w.entry())
		})
		w.start()
		w.has(w.printed - 1)
		w.until("a gap is known", func() bool { return w.gaps("tail_unproven") == 1 })
	})
	t.Run("a rotation", func(t *testing.T) {
		w := begin(t)
		w.a.cluster.do(func() {
			w.one.print(w.entry())
			w.one.rotate()
			w.one.print(w.entry())
		})
		w.start()
		w.has(w.printed - 1)
		w.until("a gap is known", func() bool { return w.gaps("rotated_while_disconnected") == 1 })
	})
	t.Run("a rotation before its first line was read", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		time.Sleep(100 * time.Millisecond) // committed
		w.d.stop(os.Kill)
		w.a.cluster.do(func() {
			w.one.print(w.entry())
			w.one.rotate()
			w.one.print(w.entry())
		})
		w.start()
		w.has(w.printed - 1)
		w.until("a gap is known", func() bool { return w.gaps("start_unproven") == 1 })
	})
	t.Run("a restart before its first line was read", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		time.Sleep(100 * time.Millisecond) // committed
		w.d.stop(os.Kill)
		w.a.cluster.do(func() {
			restart(w)
			w.one.print(w.entry())
		})
		w.start()
		w.hasAll()
	})
}

// While its log was asked for, the pod of that name became another one.
func TestAPodReplacedUnderItsReader(t *testing.T) {
	w := setUp(t, options{}).start()
	w.following(1)
	w.print(2)
	w.hasAll()
	w.cut(func() {
		w.one.print(w.entry())
		w.a.cluster.deletePod(w.pod)
		w.pod = w.a.cluster.addPod("runner")
		w.one = w.pod.containers[0].last()
		w.one.print(w.entry(), w.entry())
	})
	w.has(w.printed - 1)
	w.until("a gap is known", func() bool { return w.gaps("tail_unproven") == 1 })
}

// The kubelet serves the log of a new run seconds before the pod's object tells of it.
func TestARunThatThePodDoesNotTellOfYet(t *testing.T) {
	w := setUp(t, options{}).start()
	w.following(1)
	w.print(2)
	w.hasAll()
	w.restartsUntold(2) // the last line of the run before is known
}

// The same where a run came before: what the kubelet gives as the last one is told from it by its
// time, which may deceive, so the pod's object is waited for.
func TestALaterRunThatThePodDoesNotTellOfYet(t *testing.T) {
	w := setUp(t, options{}).start()
	w.following(1)
	w.print(1)
	w.hasAll()
	w.a.cluster.do(func() {
		w.a.cluster.endContainer(w.pod, 0, 1)
		w.one = w.a.cluster.startContainer(w.pod, 0)
		w.one.print(w.entry(), w.entry())
	})
	w.hasAll()
	w.restartsUntold(3)
}

// The container ends and starts again while nothing can be asked; the pod's object tells of it
// after the new run's log is served. Until then all but `unknown` lines are known.
func (w *world) restartsUntold(unknown int) {
	c := w.a.cluster
	var stale []byte
	c.do(func() { stale, _ = json.Marshal(podObject(w.pod)) })
	told := &atomic.Bool{}
	w.a.intercept(func(r *request, to answer) bool {
		if told.Load() || isLog(r) || !strings.HasSuffix(r.Path, "/pods/runner") {
			return false
		}
		reply(to, 200, "application/json", string(stale))
		return true
	})
	asked := w.a.asked("/pods/runner?")
	w.cut(func() {
		events, version := c.events, c.version
		w.one.print(w.entry())
		c.endContainer(w.pod, 0, 1)
		w.one = c.startContainer(w.pod, 0)
		w.one.print(w.entry(), w.entry())
		c.events, c.version = events, version
	})
	w.until("the pod was asked for", func() bool { return w.a.asked("/pods/runner?") > asked })
	w.has(w.printed - unknown)
	told.Store(true)
	c.do(func() { c.tell(w.pod) })
	w.hasAll()
	w.hasNoGap()
}

// A run that began under watch, and whose log was rotated before it could be read.
func TestARunThatIsReadTooLate(t *testing.T) {
	w := setUp(t, options{}).start()
	w.following(1)
	w.print(2)
	w.hasAll()
	gate := make(chan struct{})
	w.a.intercept(func(r *request, to answer) bool {
		if strings.HasSuffix(r.Path, "/late/log") {
			<-gate
		}
		return false
	})
	w.a.cluster.do(func() {
		i := w.a.cluster.addPod("late").containers[0].last()
		i.print(w.entry())
		i.rotate()
		i.print(w.at(time.Now().Add(5 * time.Second)))
	})
	close(gate)
	w.has(w.printed - 1)
	w.until("a gap is known", func() bool { return w.gaps("start_unproven") == 1 })
}
