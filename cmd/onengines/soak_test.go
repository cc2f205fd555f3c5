package onengines

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot/all"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(cmd.Main())
	}
	testservers.Main(m)
}

// asProgram makes the test binary the program itself, to be killed.
const asProgram = "ENVDIFF_TEST_AS_PROGRAM"

// What the program exits with, as the contract has it.
const (
	exitOK         = 0
	exitFinding    = 1
	exitTrouble    = 2
	exitIncomplete = 3
)

// soak makes the test of it what `make soak` runs: a thousand hosts, twenty databases, twenty rounds.
var soak = flag.Bool("soak", false, "capture and compare 1,000 hosts and 20 databases twenty times while they break")

// TestSoak captures and compares an estate again and again while something of it is broken each time: the planted drift is always found, nothing is
// said but of what is broken, and neither memory nor descriptors nor goroutines grow.
func TestSoak(t *testing.T) {
	hosts, databases, rounds := 12, 10, 2*len(faults)
	if *soak {
		hosts, databases, rounds = 1000, 20, 20
	}
	e := newSoaked(t, hosts, databases)
	planted := e.compare(nothing)
	var told []string
	for _, f := range planted.Findings {
		told = append(told, f.Rule+" "+f.Address)
	}
	if !slices.Equal(told, plantedDrift) {
		t.Fatalf("undisturbed, the drift is\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(plantedDrift, "\n"))
	}
	var before footprint
	for round := range rounds {
		f := faults[round%len(faults)]
		start := time.Now()
		broken := f.strike(e)
		now := e.compare(broken)
		e.judge(f.name, planted, now, broken)
		broken.mend()
		t.Logf("round %d, %s: %d findings, %d gaps, %.1f s", round+1, f.name, len(now.Findings), len(now.Gaps), time.Since(start).Seconds())
		if round == min(len(faults), rounds/2)-1 {
			before = measure(t)
		}
	}
	e.judge("at the end", planted, e.compare(nothing), nothing)
	after := measure(t)
	if after.goroutines > before.goroutines+5 || after.descriptors > before.descriptors+5 || after.heap > before.heap+before.heap/2+16<<20 {
		t.Errorf("it grows: %+v after the first rounds, %+v after the last", before, after)
	}
	t.Logf("%+v, then %+v", before, after)
}

// plantedDrift is what differs in a soaked estate, as told.
var plantedDrift = []string{
	"index-missing db01:index/orders.orders_customer",
	"column-missing db02:column/orders.note",
	"config-value web:config/etc/app/app.ini#pool.workers",
	"config-value web:config/etc/app/limits.yaml#limits.7",
	"package-missing web:package/deb/lib03",
	"package-older web:package/deb/lib05#version",
}

// footprint is what a process has of what leaks.
type footprint struct {
	goroutines, descriptors int
	heap                    uint64 // bytes
}

func measure(t *testing.T) footprint {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return footprint{runtime.NumGoroutine(), len(open), m.HeapAlloc}
}

// run is the program in this process, so that what it leaves behind can be seen.
func (e *soaked) run(clock time.Duration, args ...string) (status int, said string) {
	var out bytes.Buffer
	now := func() time.Time { return time.Now().Add(clock) }
	status = cmd.Run(context.Background(), cmd.World{Args: args, Stdout: &out, Stderr: &out, LookupEnv: func(string) (string, bool) { return "", false }, Dir: e.dir, Now: now, Engines: engines(), Collectors: all.Collectors()})
	return status, out.String()
}

func engines() map[string]engine.Engine {
	return map[string]engine.Engine{"sqlite": sqlite.New(), "postgres": postgres.New(), "mysql": mysql.New()}
}

// compare captures both environments into the store, and compares them live.
func (e *soaked) compare(b broken) *ci.Report {
	e.t.Helper()
	start := time.Now()
	if status, said := e.run(b.clock, "snapshot", "production", "--timeout", "1m"); status != exitOK && status != exitIncomplete {
		e.t.Fatalf("snapshot: exit status %d:\n%s", status, said)
	}
	e.stored, e.capture = e.stored+1, time.Since(start)
	status, said := e.run(b.clock, "staging", "production", "-o", "json=report.json", "--timeout", "1m")
	if status != exitFinding {
		e.t.Fatalf("exit status %d:\n%s", status, said)
	}
	text, err := os.ReadFile(filepath.Join(e.dir, "report.json"))
	if err != nil {
		e.t.Fatal(err)
	}
	r := new(ci.Report)
	if err := json.Unmarshal(text, r); err != nil {
		e.t.Fatal(err)
	}
	return r
}

// judge holds a report against the planted drift and what is broken.
func (e *soaked) judge(fault string, planted, now *ci.Report, b broken) {
	e.t.Helper()
	about := func(scope string, instances []string) bool {
		return slices.Contains(b.scopes, scope) || b.instance != "" && slices.Contains(instances, b.instance)
	}
	found := map[string]bool{}
	for _, f := range now.Findings {
		found[f.ID] = true
		if !slices.ContainsFunc(planted.Findings, func(p finding.Finding) bool { return p.ID == f.ID }) {
			scope, _, _ := strings.Cut(f.Address, ":")
			if b.quiet || !slices.ContainsFunc(f.Values, func(v finding.Side) bool { return about(scope, v.Instances) }) {
				e.t.Errorf("%s: a false alarm: %s", fault, f.Message)
			}
		}
	}
	for _, f := range planted.Findings {
		if !found[f.ID] {
			e.t.Errorf("%s: not told: %s", fault, f.Message)
		}
	}
	for _, g := range now.Gaps {
		if scope, _, _ := strings.Cut(g.Address, ":"); !about(scope, []string{g.Instance}) {
			e.t.Errorf("%s: a gap of what is whole: %s on %q: %s", fault, g.Address, g.Instance, g.Reason)
		}
	}
	if b.gap && len(now.Gaps) == 0 {
		e.t.Errorf("%s: no gap", fault)
	}
	names, err := filepath.Glob(filepath.Join(e.dir, ".envdiff", "production", "*"))
	if err != nil || len(names) != e.stored {
		e.t.Errorf("%s: the store has %d snapshots of production, %d were made; %v", fault, len(names), e.stored, err)
	}
}
