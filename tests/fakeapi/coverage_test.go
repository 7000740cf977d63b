package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func (w *world) coverage(arguments ...string) (string, int) {
	w.t.Helper()
	text, err := exec.Command(w.d.program, append([]string{"coverage"}, arguments...)...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	if exit != nil {
		return string(text), exit.ExitCode()
	}
	return string(text), 0
}

func (w *world) coverageSays(code int, words string, arguments ...string) {
	w.t.Helper()
	text, got := w.coverage(arguments...)
	if got != code || !strings.Contains(text, words) {
		w.t.Fatalf("coverage %v ended with %d (not %d) and without %q:\n%s", arguments, got, code, words, text)
	}
}

// The daemon, its database, the command, the probe and the metrics tell the same of a container.
func TestWhatIsCoveredIsSaidEverywhere(t *testing.T) {
	w := setUp(t, options{}).start()
	w.following(1)
	w.print(3)
	w.hasAll()
	current := "1 of 1 container proven current as of "
	w.coverageSays(0, current, "--api", w.d.api)
	w.coverageSays(0, "| ci | runner | runner | current |", "--api", w.d.api, "-o", "markdown")
	w.coverageSays(0, `"lines": 3`, "--api", w.d.api, "-o", "json")
	if text, _ := get(w.d.probe, "/readyz"); !strings.Contains(string(text), current) {
		t.Fatalf("/readyz: %s", text)
	}
	if w.d.metric("runnerwatch_sources_current") != 1 || w.d.metric("runnerwatch_sources_living") != 1 ||
		w.d.metric("runnerwatch_coverage_as_of_seconds") < 1e9 {
		t.Fatal("the metrics do not say so")
	}

	w.cut(func() {
		w.one.rotate()
		w.one.print(w.entry())
	})
	w.hasAll()
	w.coverageSays(0, "rotated_while_disconnected", "--api", w.d.api)
	w.d.stop(os.Kill)
	w.coverageSays(2, "no daemon can be asked at "+w.d.api, "--api", w.d.api)
	w.coverageSays(0, "rotated_while_disconnected", "--database", filepath.Join(w.d.dir, "runnerwatch.db"))
	w.coverageSays(2, "none.db", "--database", filepath.Join(w.d.dir, "none.db"))
}

// A log that cannot be read is not current, whatever else is.
func TestWhatCannotBeReadIsNotCurrent(t *testing.T) {
	w := setUp(t, options{})
	w.a.intercept(func(r *request, to answer) bool {
		if !isLog(r) || !strings.Contains(r.Path, "/second/") {
			return false
		}
		status(to, 500, "", "dial tcp: i/o timeout", nil)
		return true
	})
	w.a.cluster.do(func() { w.a.cluster.addPod("second") })
	w.print(1)
	w.start()
	w.following(1)
	w.hasAll()
	w.coverageSays(1, "1 of 2 containers proven current as of ", "--api", w.d.api)
}

// A right that the namespace lacks is said once, however many containers there are.
func TestAMissingRightIsSaidOnce(t *testing.T) {
	w := setUp(t, options{})
	words := `cannot get resource "pods/log" in API group "" in the namespace "ci"`
	w.a.intercept(func(r *request, to answer) bool {
		if !isLog(r) {
			return false
		}
		status(to, 403, "Forbidden", `pods "runner" is forbidden: User "system:serviceaccount:watch:rw" `+words,
			object{"name": "runner", "kind": "pods"})
		return true
	})
	w.a.cluster.do(func() {
		w.a.cluster.addPod("second")
		w.a.cluster.addPod("third")
	})
	w.start()
	w.says("may not get pods/log in namespace ci")
	w.until("all were refused", func() bool { return w.a.asked("/second/log") > 0 && w.a.asked("/third/log") > 0 })
	w.until("and once more", func() bool { return w.a.asked("/log") > 6 })
	if said := strings.Count(w.d.said(), "may not get pods/log in namespace ci"); said != 1 {
		t.Fatalf("it is said %d times:\n%s", said, w.d.said())
	}
}
