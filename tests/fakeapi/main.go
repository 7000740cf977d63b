// Command fakeapi measures runnerwatch against a fake Kubernetes API server (TLS, HTTP/2). The same
// server, with its faults, is what the tests of this folder drive the daemon with.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	program = flag.String("program", "../../build/release/runnerwatch", "the daemon to measure")
	streams = flag.Int("streams", 10000, "log streams of the idle measurement")
	rate    = flag.Int("rate", 500, "streams opened per second, as configured")
	idle    = flag.Duration("idle", 30*time.Second, "how long CPU time is measured")
	volume  = flag.Int64("megabytes", 1000, "log text for the throughput measurement")
	only    = flag.String("only", "", "streams, throughput or latency")
	ledger  = flag.String("ledger", "", "the directory of a cluster of tests/cluster: the ledger on it, and nothing else")
	kills   = flag.Int("kills", 30, "of the daemon, in the ledger")
	beside  = flag.String("beside", "", "stern, to read the same logs in the ledger: a program")
)

func main() {
	flag.Parse()
	if *ledger != "" {
		right, err := runClusterLedger(*ledger, *program, *kills, *beside)
		if err != nil {
			fmt.Fprintln(os.Stderr, "ledger:", err)
		}
		if err != nil || !right {
			os.Exit(1)
		}
		return
	}
	failed := false
	for _, one := range []struct {
		name string
		run  func(string) ([]figure, error)
	}{{"streams", measureStreams}, {"throughput", measureThroughput}, {"latency", measureLatency}} {
		if *only != "" && *only != one.name {
			continue
		}
		dir, err := os.MkdirTemp("", "fakeapi")
		if err == nil {
			var figures []figure
			figures, err = one.run(dir)
			for _, f := range figures {
				failed = failed || f.value > f.most
				fmt.Println(f)
			}
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v; what the daemon said is in %s\n", one.name, err, dir)
			os.Exit(1)
		}
		os.RemoveAll(dir)
	}
	if failed {
		os.Exit(1)
	}
}

type figure struct {
	what        string
	value, most float64
	unit        string
}

func (f figure) String() string {
	verdict := "ok"
	if f.value > f.most {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%-58s %9.2f %-8s must be <= %-7g %s", f.what, f.value, f.unit, f.most, verdict)
}

// within waits until it holds.
func within(most time.Duration, what string, holds func() bool) error {
	for end := time.Now().Add(most); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("not within %v: %s", most, what)
		}
	}
	return nil
}

// begin starts a daemon that watches an API.
func begin(dir string, a *api, cluster, more string) (*daemon, *server, error) {
	s, err := newServer(options{}, a.handle)
	if err != nil {
		return nil, nil, err
	}
	d, err := newDaemon(*program, dir, s, cluster, more)
	if err == nil {
		err = d.start()
	}
	if err == nil {
		err = within(60*time.Second, "the daemon is ready", d.ready)
	}
	return d, s, err
}

// settled gives the memory once it no longer grows.
func settled(d *daemon) int64 {
	last := d.rss()
	for {
		time.Sleep(3 * time.Second)
		now := d.rss()
		if now <= last+64*1024 {
			return now
		}
		last = now
	}
}

func measureStreams(dir string) ([]figure, error) {
	a := &api{cluster: newCluster()}
	d, s, err := begin(dir, a, fmt.Sprintf("    open_rate: %d\n", *rate), "history: 0s\n")
	if err != nil {
		return nil, err
	}
	defer s.close()
	defer d.stop(os.Interrupt)
	empty := settled(d)

	a.cluster.do(func() {
		for n := range *streams {
			p := a.cluster.addPod(fmt.Sprintf("runner-%05d", n))
			p.node = fmt.Sprintf("node-%d", n%200)
		}
	})
	all := func() bool { return a.following.Load() >= int64(*streams) }
	ideal := float64(*streams) / float64(*rate)
	most := time.Duration(ideal*5)*time.Second + 60*time.Second
	began := time.Now()
	if err := within(most, fmt.Sprintf("all streams are open (%d are)", a.following.Load()), all); err != nil {
		return nil, fmt.Errorf("%w; %d are", err, a.following.Load())
	}
	cold := time.Since(began).Seconds()
	full := settled(d)
	connections := s.opened.Load()

	time.Sleep(10 * time.Second) // the last places in the logs are being made sure of
	before := d.cpu()
	time.Sleep(*idle)
	busy := (d.cpu() - before).Seconds() / idle.Seconds()

	s.cutAll()
	began = time.Now()
	if err := within(10*time.Second, "the streams end", func() bool { return !all() }); err != nil {
		return nil, err
	}
	if err := within(most, "all streams are open again", all); err != nil {
		return nil, fmt.Errorf("%w; %d are", err, a.following.Load())
	}
	again := time.Since(began).Seconds()
	fmt.Printf("%d streams over %d connections, empty %.1f MiB, full %.1f MiB\n", *streams, connections,
		float64(empty)/(1<<20), float64(full)/(1<<20))
	return []figure{
		{"memory per idle stream", float64(full-empty) / 1024 / float64(*streams), 20, "KiB"},
		{"CPU of idle streams", busy * 100, 5, "% core"},
		{"opened from cold: time over streams / rate", cold / ideal, 1.2, ""},
		{"after a cut of all connections: time over streams / rate", again / ideal, 1.2, ""},
	}, nil
}

// line is one of a busy manager, with the colour codes that a runner always writes; of a thousand
// one is a failure.
func line(n int) string {
	switch {
	case n%1000 == 999:
		return runnerRecord("\x1b[0;33m", "WARNING: Checking for jobs... failed", "runner", fmt.Sprintf("abcdefgh%d", n%7),
			"status", "POST https://gitlab.example.com/api/v4/jobs/request: 500 Internal Server Error")
	case n%2 == 0:
		return runnerRecord("", "Updating job...", "bytesize", strconv.Itoa(1000+n%5000), "checksum",
			fmt.Sprintf("crc32:%08x", n), "job", strconv.Itoa(1000000+n), "runner", "abcdefgh")
	}
	return runnerRecord("", "Removed job from processing list", "builds", strconv.Itoa(n%40), "job", strconv.Itoa(1000000+n),
		"max_builds", "40", "project", strconv.Itoa(n%50), "repo_url", "https://gitlab.example.com/tools/frontend.git")
}

// runnerRecord writes a record as the runner's own formatter does (runner v19.4 log/runner_formatter.go).
func runnerRecord(colour, message string, fields ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%-50s\x1b[0;m ", colour, message)
	for i := 0; i < len(fields); i += 2 {
		fmt.Fprintf(&b, " %s%s\x1b[0;m=%s", colour, fields[i], fields[i+1])
	}
	return b.String()
}

// measureThroughput has the text ready before it is asked for, so that what is measured is a stream
// at full pace: behind a server that makes its lines meanwhile, on the same processors, a daemon
// spends its time on waking up and on commits.
func measureThroughput(dir string) ([]figure, error) {
	a := &api{cluster: newCluster()}
	d, s, err := begin(dir, a, "", "")
	if err != nil {
		return nil, err
	}
	defer s.close()
	defer d.stop(os.Interrupt)
	const pods, blockLines = 4, 5_000
	var watched []*pod
	a.cluster.do(func() {
		for n := range pods {
			watched = append(watched, a.cluster.addPod(fmt.Sprintf("runner-%d", n)))
		}
	})
	if err := within(60*time.Second, "streams are open", func() bool { return a.following.Load() == pods }); err != nil {
		return nil, err
	}
	at, bytes, lines := time.Now(), int64(0), 0
	var blocks []record
	for bytes < *volume*1_000_000 {
		b := block(at, lines, blockLines)
		bytes += int64(len(b.stamp()) + len(b.text) + 2)
		blocks = append(blocks, b)
		at = at.Add(blockLines * time.Microsecond)
		lines += blockLines
	}
	before, linesBefore := d.cpu(), d.metric("runnerwatch_lines_read_total")
	linesRead := func() int { return int(d.metric("runnerwatch_lines_read_total") - linesBefore) }
	for n := range blocks {
		i := watched[n%pods].containers[0].last()
		a.cluster.do(func() { i.print(blocks[n]) })
		blocks[n].text = ""
	}
	allRead := func() bool {
		time.Sleep(time.Second / 4) // asking costs the daemon, too
		return linesRead() >= lines
	}
	if err := within(60*time.Second, "all lines are read", allRead); err != nil {
		return nil, fmt.Errorf("%w: %d of %d are", err, linesRead(), lines)
	}
	spent := (d.cpu() - before).Seconds()
	return []figure{{"TLS stream to match, CPU per GB", spent / (float64(bytes) / 1e9), 1.2, "s/GB"}}, nil
}

// block is many lines with their times as one record.
func block(at time.Time, first, count int) record {
	var text strings.Builder
	text.WriteString(line(first))
	for n := 1; n < count; n++ {
		text.WriteString("\n" + record{at: at.Add(time.Duration(n) * time.Microsecond)}.stamp() + " " + line(first+n))
	}
	return record{at: at, text: text.String()}
}

func measureLatency(dir string) ([]figure, error) {
	rules := ledgerRules(dir)
	a := &api{cluster: newCluster()}
	d, s, err := begin(dir, a, "", rules)
	if err != nil {
		return nil, err
	}
	defer s.close()
	defer d.stop(os.Interrupt)
	var i *instance
	a.cluster.do(func() { i = a.cluster.addPod("runner").containers[0].last() })
	if err := within(60*time.Second, "the stream is open", func() bool { return a.following.Load() == 1 }); err != nil {
		return nil, err
	}
	var taken []float64
	for n := range 200 {
		began := time.Now()
		a.cluster.do(func() { i.print(record{text: ledgerLine("runner", n)}) })
		for len(d.incidents()) <= n {
			if time.Since(began) > 10*time.Second {
				return nil, fmt.Errorf("line %d led to no incident", n)
			}
			time.Sleep(2 * time.Millisecond)
		}
		taken = append(taken, float64(time.Since(began).Microseconds())/1000)
		time.Sleep(time.Duration(50+n%7*37) * time.Millisecond)
	}
	slices.Sort(taken)
	return []figure{
		{"line written to incident committed, p50", taken[len(taken)/2], 300, "ms"},
		{"line written to incident committed, p99", taken[len(taken)*99/100], 1000, "ms"},
	}, nil
}
