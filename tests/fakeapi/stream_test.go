package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// Each breaks the stream in its way while lines come; all of them are read once, without a gap.
func TestABrokenStreamIsOpenedAgainWhereItEnded(t *testing.T) {
	for name, row := range map[string]struct {
		options options
		breaks  func(w *world, open answer)
	}{
		"clean end":      {options{}, func(w *world, open answer) { open.End() }},
		"RST_STREAM":     {options{}, func(w *world, open answer) { open.Reset() }},
		"connection cut": {options{}, func(w *world, open answer) { open.Cut() }},
		"server killed":  {options{}, func(w *world, open answer) { w.s.cutAll() }},
		"GOAWAY in order": {options{}, func(w *world, open answer) {
			w.s.each(func(c *h2Conn) { c.goAway(http2.ErrCodeNo, c.lastID) })
			open.End()
		}},
		"GOAWAY at once": {options{}, func(w *world, open answer) {
			w.s.each(func(c *h2Conn) { c.goAway(http2.ErrCodeNo, 0); c.close() })
		}},
		"HTTP/1.1 clean end":      {options{h1: true}, func(w *world, open answer) { open.End() }},
		"HTTP/1.1 no last chunk":  {options{h1: true}, func(w *world, open answer) { open.Reset() }},
		"plain, as kubectl proxy": {options{plain: true}, func(w *world, open answer) { open.Reset() }},
	} {
		t.Run(name, func(t *testing.T) {
			w := setUp(t, row.options)
			open := make(chan answer, 100)
			w.a.intercept(func(r *request, to answer) bool {
				if isFollow(r) {
					open <- to
				}
				return false
			})
			w.print(2)
			w.start()
			for round := int64(1); round <= 3; round++ {
				w.following(round)
				w.print(3)
				w.hasAll()
				row.breaks(w, <-open)
				w.print(2) // while nobody reads
			}
			w.hasAll()
			w.hasNoGap()
		})
	}
}

// The bytes come one by one, so that times and characters are torn.
func TestLinesAreReadWhateverTheirPieces(t *testing.T) {
	w := setUp(t, options{})
	w.a.times(1, isFollow, func(to answer) {
		to.Begin(200, nil)
		stamp := time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
		for n := range 3 {
			w.printed++
			for _, b := range []byte(stamp + " ERROR: LEDGER zähler-" + fmt.Sprint(n) + "\n") {
				to.Write([]byte{b})
			}
		}
		<-to.Gone()
	})
	w.start()
	w.until("three lines were sent", func() bool { return w.printed == 3 })
	w.hasAll()
}

// A quiet container has headers and no byte: it is known to be read.
func TestAQuietLogIsKnownToBeRead(t *testing.T) {
	w := setUp(t, options{}).start()
	w.following(1)
	w.until("it is caught up", func() bool {
		text, _ := get(w.d.probe, "/readyz")
		return strings.Contains(string(text), `"caught_up":1`)
	})
}

// A quiet stream is no reason to open it again: its requests are in the audit log of the cluster.
func TestAQuietStreamIsLeftOpen(t *testing.T) {
	w := setUp(t, options{}).start()
	w.following(1)
	time.Sleep(35 * time.Second)
	if follows, watches := w.a.follows.Load(), w.a.asked("watch=1"); follows != 1 || watches != 1 {
		t.Fatalf("%d log streams and %d watches in 35 seconds", follows, watches)
	}
	w.print(3)
	w.hasAll()
}

// More than libcurl's buffers hold, in one piece, and then nothing: all of it is read at once.
func TestABurstIsReadAtOnce(t *testing.T) {
	w := setUp(t, options{}).start()
	w.following(1)
	began := time.Now()
	w.print(900)
	w.hasAll()
	if taken := time.Since(began); taken > 20*time.Second {
		t.Fatalf("it took %v", taken)
	}
}

// More streams than a connection takes: more connections are made, and none waits.
func TestStreamsBeyondTheLimitOfAConnectionGetAnother(t *testing.T) {
	w := setUp(t, options{maxStreams: 10})
	w.a.cluster.do(func() {
		for n := range 59 {
			w.a.cluster.addPod(fmt.Sprintf("more-%02d", n))
		}
	})
	w.start()
	w.until("all are followed", func() bool { return w.a.following.Load() == 60 })
	if opened := w.s.opened.Load(); opened > 30 {
		t.Fatalf("%d connections for 60 streams", opened)
	}
}

// A server that was killed is not run over when it is back: streams are opened at the rate.
func TestAStormOfReconnectionsIsPaced(t *testing.T) {
	w := setUp(t, options{})
	w.a.cluster.do(func() {
		for n := range 299 {
			p := w.a.cluster.addPod(fmt.Sprintf("more-%03d", n))
			p.node = fmt.Sprintf("node-%d", n%50)
		}
	})
	edit(t, w.d, "open_rate: 1000", "open_rate: 50")
	w.start()
	all := func() bool { return w.a.following.Load() == 300 }
	w.until("all are followed", all)
	before := w.a.follows.Load()
	began := time.Now()
	w.s.cutAll()
	w.until("all have ended", func() bool { return w.a.following.Load() < 100 })
	w.until("all are followed again", all)
	taken := time.Since(began).Seconds()
	if rate := float64(w.a.follows.Load()-before) / taken; rate > 55 {
		t.Fatalf("%.0f streams a second, but at most 50 are configured", rate)
	}
}
