package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// daemon is a runnerwatch that watches a fake cluster.
type daemon struct {
	dir, program string
	api, probe   string // addresses
	command      *exec.Cmd
	log          *os.File
}

// freePort gives a port that nobody listened on a moment ago.
func freePort() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// newDaemon writes a configuration into dir; `cluster` and `more` are further lines of it.
func newDaemon(program, dir string, s *server, cluster, more string) (*daemon, error) {
	d := &daemon{dir: dir, program: program, api: freePort(), probe: freePort()}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if _, err := os.Stat(kubeconfig); err != nil {
		if err := os.WriteFile(kubeconfig, []byte(s.kubeconfig()), 0o600); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf("clusters:\n  - name: fake\n    kubeconfig: %q\n%sstorage: {database: %q}\nhttp: {listen: %q}\nprobe_listen: %q\n%s",
		kubeconfig, cluster, filepath.Join(dir, "runnerwatch.db"), d.api, d.probe, more)
	return d, os.WriteFile(filepath.Join(dir, "runnerwatch.yaml"), []byte(text), 0o600)
}

func (d *daemon) start() error {
	log, err := os.OpenFile(filepath.Join(d.dir, "runnerwatch.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	d.log = log
	d.command = exec.Command(d.program, "run", "--config", filepath.Join(d.dir, "runnerwatch.yaml"))
	d.command.Stdout, d.command.Stderr = log, log
	d.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return d.command.Start()
}

func (d *daemon) stop(signal os.Signal) {
	if d.command == nil || d.command.Process == nil {
		return
	}
	d.command.Process.Signal(signal)
	d.command.Wait()
	d.command = nil
	d.log.Close()
}

func (d *daemon) said() string {
	text, _ := os.ReadFile(filepath.Join(d.dir, "runnerwatch.log"))
	return string(text)
}

func get(address, path string) ([]byte, error) {
	client := http.Client{Timeout: 5 * time.Second}
	reply, err := client.Get("http://" + address + path)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	if reply.StatusCode != 200 {
		return nil, fmt.Errorf("%s: %s", path, reply.Status)
	}
	return io.ReadAll(reply.Body)
}

func (d *daemon) ready() bool {
	_, err := get(d.probe, "/readyz")
	return err == nil
}

type incident struct {
	Key, Rule, State string
	Count            int
}

func (d *daemon) incidents() []incident {
	text, err := get(d.api, "/api/v1/incidents?limit=1000")
	var all struct{ Incidents []incident }
	if err != nil || json.Unmarshal(text, &all) != nil {
		return nil
	}
	return all.Incidents
}

// metric sums the values of a metric whose line holds all of `labels`.
func (d *daemon) metric(name string, labels ...string) float64 {
	text, err := get(d.probe, "/metrics")
	if err != nil {
		return -1
	}
	sum := 0.0
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, name+"{") && !strings.HasPrefix(line, name+" ") {
			continue
		}
		all := true
		for _, label := range labels {
			all = all && strings.Contains(line, label)
		}
		if all {
			value, _ := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:], 64)
			sum += value
		}
	}
	return sum
}

// rss is the resident memory in bytes.
func (d *daemon) rss() int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", d.command.Process.Pid))
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// cpu is the time it has computed so far.
func (d *daemon) cpu() time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.command.Process.Pid))
	fields := strings.Fields(string(text)[strings.LastIndex(string(text), ")")+2:])
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 everywhere
}
