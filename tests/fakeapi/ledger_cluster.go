package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The ledger on the real control plane of tests/cluster: numbered lines into the containers of its
// Deployment, whose logs the real kubelet rotates and serves.
type clusterLedger struct {
	dir    string // of the cluster
	random *rand.Rand
	node   *http.Client

	mutex   sync.Mutex
	runs    map[string]*run // by container id
	all     []*run
	padding string
	count   map[string]int
	rotated rotatedFiles
}

type clusterContainer struct{ Namespace, Pod, Container, ID, State, Log string }

func (l *clusterLedger) call(path string, query url.Values, body io.Reader) (string, error) {
	reply, err := l.node.Post("http://node"+path+"?"+query.Encode(), "text/plain", body)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if reply.StatusCode != 200 {
		return "", fmt.Errorf("%s: %s", path, text)
	}
	return string(text), err
}

// running lists the containers that a line can be written into.
func (l *clusterLedger) running() (all []clusterContainer) {
	text, _ := l.call("/list", nil, nil)
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		var one clusterContainer
		if json.Unmarshal(lines.Bytes(), &one) == nil && one.Namespace == "gitlab-runner" && one.State == "CONTAINER_RUNNING" {
			all = append(all, one)
		}
	}
	return all
}

func (one clusterContainer) query() url.Values {
	return url.Values{"namespace": {one.Namespace}, "pod": {one.Pod}, "container": {one.Container}}
}

// write prints so many lines into a container.
func (l *clusterLedger) write(one clusterContainer, lines int) {
	r := l.runs[one.ID]
	if r == nil {
		// …/NAMESPACE_POD_UID/CONTAINER/RUN.log
		folder := filepath.Base(filepath.Dir(filepath.Dir(one.Log)))
		uid := folder[strings.LastIndex(folder, "_")+1:]
		r = &run{pod: uid, instance: uid + "/" + one.Container + "/" + one.ID, writer: fmt.Sprintf("c%d", len(l.runs))}
		l.runs[one.ID] = r
		l.all = append(l.all, r)
	}
	for range lines {
		line := written{len(r.lines), time.Now().UTC()}
		query := one.query()
		query.Set("at", line.at.Format(time.RFC3339Nano))
		if _, err := l.call("/append", query, strings.NewReader(blockLine(r.writer, line.n)+l.padding+"\n")); err != nil {
			fmt.Fprintln(os.Stderr, "a line could not be written:", err)
			return
		}
		r.lines = append(r.lines, line)
	}
}

func (l *clusterLedger) mishap() string {
	running := l.running()
	if len(running) == 0 {
		return "nothing"
	}
	one := running[l.random.Intn(len(running))]
	// By itself a kubelet rotates no file that is a few seconds old.
	if r := l.runs[one.ID]; r == nil || len(r.lines) == 0 || time.Since(r.lines[0].at) < 5*time.Second {
		l.write(one, 1)
		return "nothing"
	}
	switch l.random.Intn(4) {
	case 0:
		l.write(one, 3)
		l.call("/rotate", one.query(), nil)
		return "rotation"
	case 1:
		l.call("/rotate", one.query(), nil)
		l.write(one, 2)
		return "rotation"
	case 2:
		if l.random.Intn(4) > 0 { // restarts are put off longer and longer
			return "nothing"
		}
		l.write(one, 3)
		query := one.query()
		query.Set("code", "1")
		l.call("/exit", query, nil)
		return "restart"
	default:
		l.write(one, 100)
		return "burst"
	}
}

func (l *clusterLedger) control(words ...string) {
	command := exec.Command(filepath.Join(l.dir, "ctl"), words...)
	if text, err := command.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "ctl %v: %v: %s\n", words, err, text)
	}
}

// fullNames gives the runs the names by which the daemon knows them, which hold its cluster's.
func (l *clusterLedger) fullNames(b *books) {
	for _, r := range l.all {
		uid, id := r.pod, r.instance[strings.LastIndex(r.instance, "/")+1:]
		container := strings.Split(r.instance, "/")[1]
		r.instance = "fake/gitlab-runner/" + uid + "/" + container + "/runtime://" + id
		for _, source := range b.Sources {
			if strings.HasSuffix(source.Instance, "://"+id) {
				r.instance = source.Instance
			}
		}
	}
}

// runClusterLedger kills the daemon so often, and a server now and then. It prints the account and
// says whether it is right. Another reader, if one is given, is restarted at every third kill, and
// its account is printed, too.
func runClusterLedger(dir, program string, kills int, beside string) (bool, error) {
	home, err := os.MkdirTemp("", "rw")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(home)
	kubeconfig, err := os.ReadFile(filepath.Join(dir, "kubeconfig-token"))
	if err != nil {
		return false, err
	}
	os.WriteFile(filepath.Join(home, "kubeconfig"), kubeconfig, 0o600)
	d, err := newDaemon(program, home, nil, "    namespaces: [gitlab-runner]\n    probe_every: 5s\n", ledgerRules(home))
	if err != nil {
		return false, err
	}
	defer d.stop(os.Kill)
	l := &clusterLedger{dir: dir, random: rand.New(rand.NewSource(1)), runs: map[string]*run{}, count: map[string]int{},
		padding: " " + strings.Repeat("x", 250), rotated: rotatedFiles{filepath.Join(dir, "rotated")}}
	os.Mkdir(l.rotated.dir, 0o700)
	socket := filepath.Join(dir, "nodes", "1", "control.sock")
	if found, _ := filepath.Glob(filepath.Join(dir, "nodes", "*", "control.sock")); len(found) == 1 {
		socket = found[0]
	}
	l.node = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	if err := d.start(); err != nil {
		return false, err
	}
	current := func() bool {
		text, _ := get(d.probe, "/readyz")
		return strings.Contains(string(text), `"catching_up":false`)
	}
	if err := within(2*time.Minute, "the daemon has caught up", current); err != nil {
		return false, fmt.Errorf("%w\n%s", err, d.said())
	}
	var next *other
	if beside != "" {
		next = &other{program: beside, kubeconfig: filepath.Join(home, "kubeconfig")}
		if err := next.start(); err != nil {
			return false, err
		}
		defer func() { next.command.Process.Kill() }()
	}
	stop := make(chan struct{})
	var quiet sync.WaitGroup
	every := func(pause time.Duration, what func()) {
		quiet.Add(1)
		go func() {
			defer quiet.Done()
			for {
				select {
				case <-stop:
					return
				case <-time.After(pause):
					what()
				}
			}
		}()
	}
	locked := func(what func()) func() {
		return func() { l.mutex.Lock(); defer l.mutex.Unlock(); what() }
	}
	every(50*time.Millisecond, locked(func() {
		for _, one := range l.running() {
			l.write(one, 1)
			l.rotated.keep(one.Log)
		}
	}))
	every(700*time.Millisecond, locked(func() { l.count[l.mishap()]++ }))
	for kill := range kills {
		time.Sleep(time.Duration(l.random.Intn(5000)) * time.Millisecond)
		switch {
		case kill%6 == 0: // in order
			l.control("apiserver", "restart")
			l.count["API server restarted"]++
		case kill%6 == 2:
			l.control("kill", "apiserver")
			l.control("start", "apiserver")
			l.count["API server killed"]++
		case kill%6 == 5:
			l.control("kubelet-1", "restart")
			l.count["kubelet restarted"]++
		}
		d.stop(os.Kill)
		begin := next != nil && next.isToBegin(kill%3 == 1)
		time.Sleep(time.Duration(l.random.Intn(2000)) * time.Millisecond)
		if begin {
			if err := next.start(); err != nil {
				return false, err
			}
		}
		if err := d.start(); err != nil {
			return false, err
		}
	}
	close(stop)
	quiet.Wait()
	// A log that was rotated at the very end would be empty: it has no line to prove itself by.
	for _, one := range l.running() {
		l.write(one, 1)
	}
	last, since, end := "", time.Now(), float64(time.Now().UnixNano())/1e9
	err = within(10*time.Minute, "all that lives is proven read, and nothing more is read", func() bool {
		time.Sleep(time.Second)
		now := fmt.Sprint(d.metric("runnerwatch_lines_read_total"), d.metric("runnerwatch_gaps_total"))
		if now != last {
			last, since = now, time.Now()
		}
		proven := d.metric("runnerwatch_sources_current") == d.metric("runnerwatch_sources_living") &&
			d.metric("runnerwatch_coverage_as_of_seconds") >= end
		return proven && time.Since(since) > 90*time.Second // the log of a container that ended is tried for as long
	})
	if err != nil {
		return false, err
	}
	d.stop(os.Interrupt)
	b, err := readBooks(program, filepath.Join(home, "runnerwatch.db"))
	if err != nil {
		return false, err
	}
	l.fullNames(b)
	sum := b.account(l.all, l.rotated.where)
	for _, one := range sum.examples {
		fmt.Println("FAILED ", one)
	}
	fmt.Printf("%d kills, %v\n%v\n", kills, l.count, sum)
	if next != nil {
		next.stop()
		fmt.Println(next.account(l.all))
	}
	return sum.lost == 0 && sum.doubled == 0 && sum.lostInGaps*5 < sum.written, nil
}
