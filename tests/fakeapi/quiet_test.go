package main

import (
	"fmt"
	"testing"
	"time"
)

// A log that is quiet for half an hour (QUIET_SECONDS=1800; here shorter, with what is asked for in
// the same proportion). After a third of it the server drops the stream without a word. At every
// moment the daemon claims no more than is true, and no less: it has read what there is until a line
// comes that the stream does not bring; then it notices, and reads it.
func TestALongQuietWhoseStreamIsDroppedSilently(t *testing.T) {
	seconds := fromEnvironment("QUIET_SECONDS", 24)
	third := time.Duration(seconds) * time.Second / 3
	w := setUp(t, options{})
	edit(t, w.d, "    open_rate: 1000\n", fmt.Sprintf("    open_rate: 1000\n    probe_every: %ds\n", max(1, seconds/6)))
	open := make(chan answer, 100)
	w.a.intercept(func(r *request, to answer) bool {
		if isFollow(r) {
			open <- to
		}
		return false
	})
	w.print(3)
	printed := time.Now()
	w.start()
	w.following(1)
	w.hasAll()
	proven := func() time.Time {
		return time.UnixMilli(int64(1000 * w.d.metric("runnerwatch_coverage_as_of_seconds")))
	}
	isCurrent := func(most time.Duration) {
		t.Helper()
		for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
			if current := w.d.metric("runnerwatch_sources_current"); current != 1 {
				t.Fatalf("%v of 1 containers are current, with nothing unread", current)
			}
		}
	}
	// By a probe, for which it has as much time as between two of them.
	if err := within(third+patience, "it is proven behind its last line", func() bool { return proven().After(printed.Add(time.Millisecond)) }); err != nil {
		t.Fatal(err)
	}
	isCurrent(third)
	if follows := w.a.follows.Load(); follows != 1 {
		t.Fatalf("a quiet stream was opened %d times", follows)
	}
	(<-open).(*h2Stream).conn.fallSilent()
	isCurrent(third)

	written := time.Now()
	w.print(1)
	for end := written.Add(third + patience); len(w.d.incidents()) < w.printed; time.Sleep(200 * time.Millisecond) {
		if until := proven(); until.After(written) { // what it claims is shown once it is committed
			if err := within(5*time.Second, "the line is known", func() bool { return len(w.d.incidents()) == w.printed }); err != nil {
				t.Fatalf("proven read up to %v, but the line of %v is not", until, written)
			}
		}
		if time.Now().After(end) {
			t.Fatal("the line is not read")
		}
	}
	t.Logf("the dropped stream was noticed %v after the line", time.Since(written).Round(time.Second))
	w.hasAll()
	w.hasNoGap()
	err := within(third+patience, "it is proven again", func() bool {
		return proven().After(time.Now().Add(-third)) && proven().After(written.Add(time.Second))
	})
	if err != nil || w.d.metric("runnerwatch_sources_current") != 1 {
		t.Fatalf("%v: proven read up to %v", err, proven())
	}
	if follows := w.a.follows.Load(); follows != 2 {
		t.Fatalf("%d streams, but one replaced the one that was dropped", follows)
	}
}
