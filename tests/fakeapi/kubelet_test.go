package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// R3: two rotations while the follower does not read. It passes over the file between and begins
// the last one twice, within one stream: no line counts twice, and what was passed over is a gap.
func TestAFileThatTheKubeletPassesOver(t *testing.T) {
	for name, row := range map[string]struct{ passedOver, last int }{
		"a short one": {2, 3}, "a long one": {700, 3}, "before a long one": {2, 700},
	} {
		t.Run(name, func(t *testing.T) {
			w := setUp(t, options{}).start()
			w.following(1)
			w.print(3)
			w.hasAll()
			w.a.cluster.do(func() {
				w.one.frozen, w.one.jump = true, true
				w.one.rotate()
				for range row.passedOver {
					w.one.print(w.entry())
				}
				w.one.rotate()
				for range row.last {
					w.one.print(w.entry())
				}
				w.one.frozen = false
			})
			w.has(w.printed - row.passedOver)
			w.print(2)
			w.has(w.printed - row.passedOver)
			w.until("a gap is known", func() bool { return w.gaps("kubelet_skip") == 1 })
			if streams := w.a.follows.Load(); streams != 1 {
				t.Fatalf("%d streams", streams)
			}
		})
	}
}

// A node without inotify instances: some logs cannot be followed, and are read all the same.
func TestANodeThatCannotFollowItsLogs(t *testing.T) {
	w := setUp(t, options{})
	starve := func(starved bool) {
		w.a.cluster.do(func() {
			for _, p := range w.a.cluster.pods {
				p.containers[0].last().starved = starved
			}
		})
	}
	w.a.cluster.do(func() { w.a.cluster.addPod("second") })
	starve(true)
	w.print(1)
	w.a.cluster.do(func() { w.a.cluster.pods["ci/second"].containers[0].last().print(w.entry()) })
	w.start()
	w.following(2)
	for range 3 {
		w.print(2)
		w.hasAll()
	}
	const words = "logs of node node-1 cannot be followed: its kubelet has no inotify instance left"
	w.says(words)
	starve(false)
	w.says("logs of node node-1 can be followed again")
	w.print(2)
	w.hasAll()
	w.hasNoGap()
	if said := strings.Count(w.d.said(), words); said != 1 {
		t.Fatalf("it is said %d times:\n%s", said, w.d.said())
	}
}

// The API server says twice that there is no such pod. Whether it is gone is for the watch to say.
func TestAPodThatIsNotFoundTwice(t *testing.T) {
	missing := func(w *world) {
		w.a.times(2, isLog, func(to answer) { noPod(to, "ci/runner") })
	}
	t.Run("and lives", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(2)
		w.hasAll()
		w.cut(func() {
			w.one.print(w.entry())
			missing(w)
		})
		w.hasAll()
		w.hasNoGap()
	})
	t.Run("and is gone", func(t *testing.T) {
		w := setUp(t, options{}).start()
		w.following(1)
		w.print(2)
		w.hasAll()
		w.a.times(2, isWatch, func(to answer) { status(to, 410, "Expired", "too old resource version", nil) })
		w.cutAndDelete()
		w.until("a gap is known", func() bool { return w.gaps("tail_unproven") == 1 })
		w.has(w.printed - 1)
		asked := w.a.asked("/log")
		time.Sleep(3 * time.Second)
		if again := w.a.asked("/log") - asked; again > 0 {
			t.Fatalf("%d requests for the log of a pod that is gone", again)
		}
	})
}

// cutAndDelete cuts everything, and the pod is gone with a line that nobody read.
func (w *world) cutAndDelete() {
	w.t.Helper()
	open, _ := w.gate(isLog)
	w.s.cutAll()
	w.until("the stream has ended", func() bool { return w.a.following.Load() == 0 })
	w.a.cluster.do(func() {
		w.one.print(w.entry())
		w.a.cluster.deletePod(w.pod)
	})
	open()
}

// The README's table names a test for each behaviour of a cluster that the reader is built for.
func TestTheTableOfBehavioursNamesTests(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir(".")
	source := ""
	for _, file := range files {
		if strings.HasSuffix(file.Name(), "_test.go") {
			text, _ := os.ReadFile(file.Name())
			source += string(text)
		}
	}
	rows := regexp.MustCompile("(?m)^\\|.*\\| `(Test\\w+)(?:/([^`]+))?` \\|$").FindAllStringSubmatch(string(readme), -1)
	if len(rows) < 60 {
		t.Fatalf("only %d rows", len(rows))
	}
	for _, row := range rows {
		begin := strings.Index(source, "func "+row[1]+"(t *testing.T)")
		if begin < 0 {
			t.Errorf("there is no %s", row[1])
			continue
		}
		end := strings.Index(source[begin:], "\n}\n")
		if row[2] != "" && !strings.Contains(source[begin:begin+end], fmt.Sprintf("%q", row[2])) {
			t.Errorf("%s has no part %q", row[1], row[2])
		}
	}
}
