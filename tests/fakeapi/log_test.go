package main

import (
	"os"
	"testing"
	"time"
)

// at gives the next line, written at a time of its own.
func (w *world) at(when time.Time) record {
	r := w.entry()
	r.at = when
	return r
}

// cut ends the stream and lets `meanwhile` happen before the next request for the log is answered.
func (w *world) cut(meanwhile func()) {
	w.t.Helper()
	gate := make(chan struct{})
	w.a.intercept(func(r *request, to answer) bool {
		if isLog(r) {
			<-gate
		}
		return false
	})
	before := w.a.follows.Load()
	w.s.cutAll()
	w.until("the stream has ended", func() bool { return w.a.following.Load() == 0 })
	w.a.cluster.do(meanwhile)
	close(gate)
	w.following(before + 1)
}

// Times that are equal, run back, stand for another zone or have fewer digits: after a cut every
// line is there once.
func TestLinesAreReadOnceWhateverTheirTimes(t *testing.T) {
	base := time.Now().Truncate(time.Second)
	for name, lines := range map[string]func(w *world) []record{
		"a buffer of fifty with one time": func(w *world) (all []record) {
			for range 50 {
				all = append(all, w.at(base))
			}
			return all
		},
		"back by a microsecond over a second": func(w *world) []record {
			return []record{w.at(base.Add(time.Microsecond)), w.at(base.Add(-time.Microsecond)), w.at(base.Add(time.Microsecond))}
		},
		"fewer digits": func(w *world) []record {
			r := w.at(base)
			r.time = base.UTC().Format("2006-01-02T15:04:05Z")
			s := w.at(base.Add(500 * time.Millisecond))
			s.time = base.UTC().Format("2006-01-02T15:04:05") + ".5Z"
			return []record{r, s}
		},
		"a local offset": func(w *world) []record {
			r := w.at(base)
			r.time = base.In(time.FixedZone("", 2*3600)).Format("2006-01-02T15:04:05.000000000Z07:00")
			return []record{r}
		},
		"the clock steps forth by an hour": func(w *world) []record {
			now := base
			if w.printed > 0 {
				now = base.Add(time.Hour)
			}
			return []record{w.at(now), w.at(now), w.at(now)}
		},
		"the clock steps back by an hour": func(w *world) []record {
			return []record{w.at(base), w.at(base.Add(-time.Hour)), w.at(base.Add(-time.Hour))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := setUp(t, options{})
			w.start()
			w.following(1)
			w.a.cluster.do(func() { w.one.print(lines(w)...) })
			w.hasAll()
			half := lines(w)
			w.cut(func() { w.one.print(half...) })
			w.hasAll()
			w.a.cluster.do(func() { w.one.print(lines(w)...) })
			w.hasAll()
		})
	}
}

// A long line is several records of the file: it is one line, also where a resume cuts into it.
func TestALineOfSeveralRecordsIsOne(t *testing.T) {
	w := setUp(t, options{})
	w.start()
	w.following(1)
	long := func() []record {
		r := w.entry()
		return []record{{tag: 'P', text: r.text + " "}, {tag: 'P', text: "x"}, {text: "y"}}
	}
	w.a.cluster.do(func() { w.one.print(long()...) })
	w.hasAll()
	w.cut(func() { w.one.print(long()...) })
	w.hasAll()
	w.hasNoGap()
}

// What the kubelet writes instead of the log is no line of it.
func TestAnErrorInsideTheLogIsNoLine(t *testing.T) {
	for _, words := range []string{"failed to create fsnotify watcher: too many open files",
		"rpc error: code = NotFound desc = an error occurred when try to find container: not found",
		"unable to retrieve container logs for fake://gone",
		`failed to try resolving symlinks in path "/var/log/pods/ci_runner/runner/0.log": lstat: no such file or directory`} {
		t.Run(words[:20], func(t *testing.T) {
			w := setUp(t, options{})
			w.print(2)
			w.a.times(2, isFollow, func(to answer) {
				to.Begin(200, map[string]string{"Content-Type": "text/plain"})
				to.Write([]byte(words))
				to.End()
			})
			w.start()
			w.following(1)
			w.print(2)
			w.hasAll()
			w.hasNoGap()
		})
	}
}

func TestRotations(t *testing.T) {
	t.Run("while followed", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		for range 5 {
			w.print(4)
			w.a.cluster.do(func() { w.one.rotate() })
		}
		w.print(4)
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("while away: a gap, and no line twice", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(3)
		w.hasAll()
		w.cut(func() {
			w.one.rotate()
			w.one.print(w.entry())
		})
		w.hasAll()
		w.until("a gap is known", func() bool { return w.gaps("rotated_while_disconnected") == 1 })
	})
	t.Run("twice while away: what was between is lost and said", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(3)
		w.hasAll()
		lost := 0
		w.cut(func() {
			w.one.rotate()
			w.one.print(w.entry(), w.entry())
			lost = 2
			w.one.rotate()
			w.one.print(w.entry())
		})
		w.has(w.printed - lost)
		w.until("a gap is known", func() bool { return w.gaps("rotated_while_disconnected") == 1 })
	})
	t.Run("a file read again from its start", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.a.cluster.do(func() {
			for n := range 100 {
				w.one.print(w.at(time.Now().Add(time.Duration(n-100) * time.Second)))
			}
		})
		w.hasAll()
		w.a.cluster.do(func() { w.one.replay = true })
		w.print(3)
		w.hasAll()
		w.hasNoGap()
	})
}

func TestLives(t *testing.T) {
	restart := func(w *world) {
		w.a.cluster.endContainer(w.pod, 0, 1)
		w.one = w.a.cluster.startContainer(w.pod, 0)
		w.one.print(w.entry())
	}
	t.Run("a restart", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(2)
		w.hasAll()
		w.a.cluster.do(func() { w.one.print(w.entry()); restart(w) })
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("a restart while the daemon is away", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(2)
		w.hasAll()
		w.d.stop(os.Kill)
		w.a.cluster.do(func() { w.one.print(w.entry()); restart(w) })
		w.start()
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("a container that ends and starts again later", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(2)
		w.a.cluster.do(func() {
			w.a.cluster.endContainer(w.pod, 0, 1)
			w.pod.containers[0].waiting = "CrashLoopBackOff"
			w.a.cluster.tell(w.pod)
		})
		w.hasAll()
		time.Sleep(2 * time.Second) // it is not read again and again meanwhile
		asked := w.a.asked("/log")
		time.Sleep(3 * time.Second)
		if again := w.a.asked("/log") - asked; again > 6 {
			t.Fatalf("%d requests in three seconds for a container that has ended", again)
		}
		w.a.cluster.do(func() {
			w.one = w.a.cluster.startContainer(w.pod, 0)
			w.one.print(w.entry())
		})
		w.hasAll()
	})
	t.Run("an init container of a moment", func(t *testing.T) {
		w := setUp(t, options{})
		w.a.cluster.do(func() {
			w.pod.containers = append([]*container{{name: "configure", image: "gitlab/gitlab-runner:v17", init: true}}, w.pod.containers...)
		})
		w.start()
		w.following(1)
		w.a.cluster.do(func() {
			i := w.a.cluster.startContainer(w.pod, 0)
			i.print(w.entry(), w.entry())
			w.a.cluster.endContainer(w.pod, 0, 0)
		})
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("a pod that goes before its stream ends", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(2)
		w.hasAll()
		w.a.cluster.do(func() {
			w.one.print(w.entry())
			w.a.cluster.deletePod(w.pod)
		})
		w.hasAll()
	})
	t.Run("a pod that goes with its log unread", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(2)
		w.hasAll()
		gate := make(chan struct{})
		w.a.intercept(func(r *request, to answer) bool {
			if isLog(r) {
				<-gate
			}
			return false
		})
		w.s.cutAll()
		w.a.cluster.do(func() {
			w.one.print(w.entry())
			w.a.cluster.deletePod(w.pod)
		})
		close(gate)
		w.until("a gap is known", func() bool { return w.gaps("tail_unproven") == 1 })
		w.has(w.printed - 1)
	})
}

// What was read stays read: the daemon is killed between the lines again and again.
func TestADaemonThatIsKilledGoesOn(t *testing.T) {
	w := setUp(t, options{})
	for round := range 5 {
		w.start()
		w.following(int64(round + 1))
		w.print(7)
		time.Sleep(time.Duration(round*37) * time.Millisecond)
		w.d.stop(os.Kill)
		w.print(2)
	}
	w.start()
	w.hasAll()
	// Killed before its first line, it cannot know that it was the first one written.
	if gaps := w.d.metric("runnerwatch_gaps_total") - w.gaps("start_unproven"); gaps > 0 {
		t.Fatalf("%v gaps, but nothing was missed", gaps)
	}
}
