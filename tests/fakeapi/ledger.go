package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A line with a number of its own becomes an incident of its own: what was lost has none, what was
// read twice counts two. Where lines are many, each of twenty is a piece of evidence of its
// block's incident, which keeps as many.
const ledgerRule = `id: ledger
title: a numbered line
impact: Nobody is concerned.
severity: error
response: page
detect:
  - message: 'LEDGER (?P<entry>\S+)'
identity: [entry]
silence: never
samples:
  detect:
    - {format: runner, text: "ERROR: LEDGER a-1"}
  ignore:
    - {format: runner, text: "ERROR: ledger a-1"}
`

const linesPerBlock = 20

// ledgerRules writes the rule into dir and gives the line of the configuration that names it.
func ledgerRules(dir string) string {
	folder := filepath.Join(dir, "rules")
	os.MkdirAll(folder, 0o700)
	os.WriteFile(filepath.Join(folder, "ledger.yaml"), []byte(ledgerRule), 0o600)
	return fmt.Sprintf("rules: [%q]\n", folder)
}

func ledgerLine(writer string, n int) string { return fmt.Sprintf("ERROR: LEDGER %s-%d", writer, n) }

// blockLine is a line of a writer that writes many.
func blockLine(writer string, n int) string {
	return fmt.Sprintf("ERROR: LEDGER %s/%d n=%d", writer, n/linesPerBlock, n)
}

// written is a numbered line as it stands in a log.
type written struct {
	n  int
	at time.Time
}

// run is what one container instance wrote.
type run struct {
	pod, instance string // as coverage names them: the pod's uid, and all of it
	writer        string
	lines         []written
}

// gap is a gap record of the daemon.
type gap struct {
	Kind, Certainty string
	From, To        *time.Time
	Lines           *int
}

// holds says whether a line of that time may be missing: it lies between two that were read.
func (g gap) holds(at time.Time) bool {
	return (g.From == nil || at.After(*g.From)) && (g.To == nil || at.Before(*g.To))
}

type covered struct {
	Instance, State string
	Lines           int
	Gaps            []gap
}

// books is what a daemon's database says.
type books struct {
	Summary       string
	Living, Count int
	Sources       []covered
	counts        map[string]map[int]int // writer -> number -> how often it was counted
}

var ledgerText = regexp.MustCompile(`LEDGER (\S+)/\d+ n=(\d+)`)

// readBooks reads a database by the program itself.
func readBooks(program, database string) (*books, error) {
	command := exec.Command(program, "coverage", "--database", database, "--output", "json")
	text, err := command.Output()
	if len(text) == 0 {
		return nil, fmt.Errorf("runnerwatch coverage: %w", err)
	}
	b := &books{counts: map[string]map[int]int{}}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, err
	}
	text, err = exec.Command(program, "db", "dump", "--database", database).Output()
	if err != nil {
		return nil, fmt.Errorf("runnerwatch db dump: %w", err)
	}
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var incident struct {
			Count    int
			Evidence []struct{ Text string }
		}
		if err := json.Unmarshal(line, &incident); err != nil {
			return nil, err
		}
		for _, one := range incident.Evidence {
			if found := ledgerText.FindStringSubmatch(one.Text); found != nil {
				if b.counts[found[1]] == nil {
					b.counts[found[1]] = map[int]int{}
				}
				n, _ := strconv.Atoi(found[2])
				b.counts[found[1]][n]++
			}
		}
		// Beyond twenty the evidence is not all there is, and one of the block was counted twice.
		if incident.Count != len(incident.Evidence) && len(incident.Evidence) > 0 {
			if found := ledgerText.FindStringSubmatch(incident.Evidence[0].Text); found != nil {
				b.counts[found[1]][-1] += incident.Count - len(incident.Evidence)
			}
		}
	}
	return b, nil
}

// balance is the account of all numbers.
type balance struct {
	written, counted          int
	lost, doubled             int // outside of gaps: what must not be
	lostInGaps, doubledInGaps int
	insideGaps                int // numbers within the span of a gap, counted or not
	gaps                      map[string]int
	lostByKind                map[string]int
	examples                  []string
}

// account goes through all lines. `where`, if any, says of a line that is lost where it stood.
func (b *books) account(runs []*run, where func(writer string, n int) string) balance {
	sum := balance{gaps: map[string]int{}, lostByKind: map[string]int{}}
	bySource, unseen, state := map[string][]gap{}, map[string][]gap{}, map[string]string{}
	for _, source := range b.Sources {
		bySource[source.Instance] = source.Gaps
		state[source.Instance] = source.State
		for _, one := range source.Gaps {
			sum.gaps[one.Kind]++
			if one.Kind == "restarted_unseen" {
				unseen[containerOf(source.Instance)] = append(unseen[containerOf(source.Instance)], one)
			}
		}
	}
	for _, r := range runs {
		gaps, known := bySource[r.instance]
		if !known {
			gaps = unseen[containerOf(r.instance)]
		}
		if extra := b.counts[r.writer][-1]; extra > 0 {
			sum.example("%s: %d counted beyond its evidence", r.writer, extra)
			sum.doubled += extra
		}
		var wrong span // lines that follow each other and fail alike
		for _, line := range r.lines {
			sum.written++
			in, certainty := "", ""
			for _, one := range gaps {
				if one.holds(line.at) {
					in, certainty = one.Kind, one.Certainty
				}
			}
			count := b.counts[r.writer][line.n]
			if in != "" {
				sum.insideGaps++
			}
			switch {
			case count == 1:
				sum.counted++
			case count == 0 && in != "":
				sum.lostInGaps++
				sum.lostByKind[in]++
			case count == 0:
				sum.lost++
				wrong.add(&sum, r, state[r.instance], line, "lost", gaps)
				if where != nil {
					sum.example("%s n=%d: %s", r.writer, line.n, where(r.writer, line.n))
				}
			case certainty == "possibly_duplicated":
				sum.doubledInGaps++
			default:
				sum.doubled++
				wrong.add(&sum, r, state[r.instance], line, "doubled", gaps)
			}
		}
		wrong.tell(&sum)
	}
	return sum
}

// span is a row of lines that are lost, or counted twice.
type span struct {
	r           *run
	state, how  string
	first, last written
	gaps        []gap
}

func (w *span) add(sum *balance, r *run, state string, line written, how string, gaps []gap) {
	if w.r != nil && w.how == how && w.last.n+1 == line.n {
		w.last = line
		return
	}
	w.tell(sum)
	*w = span{r, state, how, line, line, gaps}
}

func (w *span) tell(sum *balance) {
	if w.r == nil {
		return
	}
	sum.example("%s (%s, %s): %d to %d of %d (%s to %s) %s; it began at %s; its gaps: %v", w.r.writer, w.r.instance, w.state, w.first.n,
		w.last.n, len(w.r.lines), clock(w.first.at), clock(w.last.at), w.how, clock(w.r.lines[0].at), said(w.gaps))
}

func clock(at time.Time) string { return at.UTC().Format("15:04:05.000") }

// containerOf is an instance without the run's id.
func containerOf(instance string) string {
	return instance[:strings.LastIndex(instance[:strings.Index(instance, "://")], "/")+1]
}

func said(gaps []gap) string {
	text := ""
	for _, one := range gaps {
		end := func(at *time.Time) string {
			if at == nil {
				return "?"
			}
			return clock(*at)
		}
		text += fmt.Sprintf("\n    %s %s to %s", one.Kind, end(one.From), end(one.To))
	}
	return text
}

func (s *balance) example(format string, values ...any) {
	if len(s.examples) < 20 {
		s.examples = append(s.examples, fmt.Sprintf(format, values...))
	}
}

func (s balance) String() string {
	share := func(n int) string { return fmt.Sprintf("%d (%.2f %%)", n, 100*float64(n)/float64(max(1, s.written))) }
	return fmt.Sprintf("%d lines, %d counted once; outside gap records: %d lost, %d doubled; in gap records: %s lost %v, %d doubled; "+
		"%s within their spans; gap records: %v", s.written, s.counted, s.lost, s.doubled, share(s.lostInGaps), s.lostByKind,
		s.doubledInGaps, share(s.insideGaps), s.gaps)
}
