package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// other is another reader of the same logs, stern (v1.33), to compare with: what it prints is
// counted. It keeps no place in a log; after a restart it is asked for what is best for it: the
// seconds it was away, rounded up.
type other struct {
	program, kubeconfig string
	command             *exec.Cmd
	out                 *io.PipeWriter
	read                sync.WaitGroup
	counts              map[string]map[int]int // writer -> number -> how often it was printed
	restarts, ended     int                    // asked for, and by itself
	stopped             time.Time
	gone                chan struct{} // closed at the end of the process
}

func (o *other) start() error {
	since := "48h"
	if !o.stopped.IsZero() {
		since = strconv.Itoa(int(time.Since(o.stopped).Seconds())+1) + "s"
	}
	if o.counts == nil {
		o.counts = map[string]map[int]int{}
	}
	o.command = exec.Command(o.program, ".", "--kubeconfig", o.kubeconfig, "--namespace", "gitlab-runner", "--since", since,
		"--output", "raw", "--color", "never", "--max-log-requests", "200")
	in, out := io.Pipe()
	o.command.Stdout, o.out = out, out
	o.read.Go(func() { o.count(in) })
	if err := o.command.Start(); err != nil {
		return err
	}
	o.gone = make(chan struct{})
	go func(gone chan struct{}) {
		o.command.Wait()
		o.stopped = time.Now()
		close(gone)
	}(o.gone)
	return nil
}

// hasEnded says whether it ended by itself, as it does when its watch is refused.
func (o *other) hasEnded() bool {
	select {
	case <-o.gone:
		return true
	default:
		return false
	}
}

func (o *other) count(in io.Reader) {
	lines := bufio.NewReader(in)
	for {
		text, err := lines.ReadString('\n')
		if found := ledgerText.FindStringSubmatch(text); found != nil {
			if o.counts[found[1]] == nil {
				o.counts[found[1]] = map[int]int{}
			}
			n, _ := strconv.Atoi(found[2])
			o.counts[found[1]][n]++
		}
		if err != nil {
			return
		}
	}
}

func (o *other) stop() {
	o.command.Process.Signal(os.Interrupt)
	<-o.gone
	o.out.Close()
	o.read.Wait()
}

// isToBegin says whether it is to be started again: where that is asked for, it is stopped, and one
// who supervises it does so where it has ended.
func (o *other) isToBegin(asked bool) bool {
	switch {
	case o.hasEnded():
		o.ended++
	case asked:
		o.restarts++
	default:
		return false
	}
	o.stop()
	return true
}

func (o *other) account(runs []*run) string {
	written, lost, doubled := 0, 0, 0
	for _, r := range runs {
		for _, line := range r.lines {
			written++
			switch count := o.counts[r.writer][line.n]; {
			case count == 0:
				lost++
			case count > 1:
				doubled++
			}
		}
	}
	return fmt.Sprintf("%s, restarted %d times and %d more when it had ended: %d lines, %d lost, %d printed more than once",
		filepath.Base(o.program), o.restarts, o.ended, written, lost, doubled)
}
