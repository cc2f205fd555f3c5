package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/internal/finding"
)

// soak makes the test of it what `make soak` runs: a thousand hosts, twenty databases, twenty rounds.
var soak = flag.Bool("soak", false, "capture and compare 1,000 hosts and 20 databases twenty times while they break")

// TestSoak captures and compares an estate again and again while something of it is broken each time: the planted drift is always found, nothing is
// said but of what is broken, and neither memory nor descriptors nor goroutines grow.
func TestSoak(t *testing.T) {
	hosts, databases, rounds := 12, 6, 2*len(faults)
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

// broken is what a fault has struck, and so all that may be said beside the planted drift.
type broken struct {
	instance, scope string
	gap             bool          // it has to be a gap
	clock           time.Duration // by which this machine's clock is wrong
	mend            func()
}

var nothing = broken{mend: func() {}}

// faults are what happens to estates. Each strikes something that has no planted drift.
var faults = []struct {
	name   string
	strike func(*soaked) broken
}{
	{"nothing", func(*soaked) broken { return nothing }},
	{"a host drops out", (*soaked).dropHost},
	{"a host writes garbage", (*soaked).garbage},
	{"a host never answers", (*soaked).hang},
	{"a database is cut off", (*soaked).cutDatabase},
	{"the store's disk is full", (*soaked).fullDisk},
	{"a capture is killed", (*soaked).killed},
	{"the clock is a month behind", func(*soaked) broken { return broken{clock: -30 * 24 * time.Hour, mend: func() {}} }},
	{"the clock is a month ahead", func(*soaked) broken { return broken{clock: 30 * 24 * time.Hour, mend: func() {}} }},
}

// soaked is an estate of small hosts and databases with planted drift.
type soaked struct {
	t                *testing.T
	dir              string
	hosts, databases int // in each of the two environments
	random           *rand.Rand
	stored           int           // snapshots that have to be there
	capture          time.Duration // how long the last one took
}

func newSoaked(t *testing.T, hosts, databases int) *soaked {
	e := &soaked{t: t, dir: t.TempDir(), hosts: hosts / 2, databases: databases / 2, random: rand.New(rand.NewPCG(1, 2))}
	var config strings.Builder
	config.WriteString("keys: {redact: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}\nenvironments:\n")
	for _, env := range []string{"staging", "production"} {
		fmt.Fprintf(&config, "  %s:\n    hosts:\n      web:\n", env)
		for i := range e.hosts {
			fmt.Fprintf(&config, "        - %q\n", "root:"+e.host(env, i))
			e.buildHost(env, i)
		}
		config.WriteString("    databases:\n")
		for i := range e.databases {
			fmt.Fprintf(&config, "      db%02d: %q\n", i, "sqlite:"+e.database(env, i))
			e.buildDatabase(env, i)
		}
	}
	config.WriteString("roles:\n  web: {config: [\"/etc/app/*\"]}\n")
	e.write("envdiff.yaml", config.String())
	return e
}

func (e *soaked) host(env string, i int) string { return fmt.Sprintf("%s/%c%03d", env, env[0], i) }

func (e *soaked) database(env string, i int) string { return fmt.Sprintf("%s/db%02d.sqlite", env, i) }

func (e *soaked) write(name, text string) {
	e.t.Helper()
	path := filepath.Join(e.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// buildHost plants an older library and fewer workers in all of production, and in two of its hosts a missing library and an odd limit.
func (e *soaked) buildHost(env string, i int) {
	production := env == "production"
	workers := 8
	if production {
		workers = 4
	}
	var limits, status strings.Builder
	limits.WriteString("limits:\n")
	for n := range 20 {
		limit := 100 + n
		if production && i == 2 && n == 7 {
			limit = 9000
		}
		fmt.Fprintf(&limits, "  %q: %d\n", fmt.Sprint(n), limit)
	}
	for n := range 30 {
		version := "2.1.4-1"
		switch {
		case production && i == 3 && n == 3:
			continue
		case production && n == 5:
			version = "1.9.0-1"
		}
		fmt.Fprintf(&status, "Package: lib%02d\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n", n, version)
	}
	for name, text := range map[string]string{
		"etc/os-release": "ID=debian\nVERSION_ID=\"12\"\n", "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "var/lib/dpkg/status": status.String(),
		"etc/app/app.ini": fmt.Sprintf("[pool]\nworkers = %d\ntimeout = 30\n", workers), "etc/app/limits.yaml": limits.String(),
	} {
		e.write(filepath.Join(e.host(env, i), name), text)
	}
}

func (e *soaked) buildDatabase(env string, i int) {
	note, index := ", note TEXT", "CREATE INDEX orders_customer ON orders (customer);"
	if env == "production" && i == 1 {
		index = ""
	}
	if env == "production" && i == 2 {
		note = ""
	}
	execSQL(e.t, filepath.Join(e.dir, e.database(env, i)), `
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers`+note+`);`+index+`
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO customers SELECT i, 'c' || i || '@mail.example' FROM n;
INSERT INTO orders (id, customer) SELECT id, id FROM customers;`)
}

// run is the program in this process, so that what it leaves behind can be seen.
func (e *soaked) run(clock time.Duration, args ...string) (status int, said string) {
	var out bytes.Buffer
	now := func() time.Time { return time.Now().Add(clock) }
	status = Run(context.Background(), World{Args: args, Stdout: &out, Stderr: &out, LookupEnv: func(string) (string, bool) { return "", false }, Dir: e.dir, Now: now, Engines: engines(), Collectors: collectors()})
	return status, out.String()
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
		return b.scope != "" && scope == b.scope || b.instance != "" && slices.Contains(instances, b.instance)
	}
	found := map[string]bool{}
	for _, f := range now.Findings {
		found[f.ID] = true
		if !slices.ContainsFunc(planted.Findings, func(p finding.Finding) bool { return p.ID == f.ID }) {
			scope, _, _ := strings.Cut(f.Address, ":")
			if !slices.ContainsFunc(f.Values, func(v finding.Side) bool { return about(scope, v.Instances) }) {
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

// any is a host of production without planted drift.
func (e *soaked) any() (path, instance string) {
	path = e.host("production", 4+e.random.IntN(e.hosts-4))
	return filepath.Join(e.dir, path), filepath.Base(path)
}

// replaced puts something in a file's place until it is mended.
func (e *soaked) replaced(path string, by func(path string) error) (mend func()) {
	e.t.Helper()
	away := path + ".away"
	if err := os.Rename(path, away); err != nil {
		e.t.Fatal(err)
	}
	if err := by(path); err != nil {
		e.t.Fatal(err)
	}
	return func() {
		if err := os.RemoveAll(path); err != nil {
			e.t.Fatal(err)
		}
		if err := os.Rename(away, path); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *soaked) dropHost() broken {
	path, instance := e.any()
	return broken{instance: instance, gap: true, mend: e.replaced(path, func(string) error { return nil })}
}

func (e *soaked) garbage() broken {
	path, instance := e.any()
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(e.random.Uint32())
	}
	return broken{instance: instance, mend: e.replaced(filepath.Join(path, "etc/app/limits.yaml"), func(path string) error { return os.WriteFile(path, noise, 0o600) })}
}

// hang puts a pipe that nobody writes to where a file was.
func (e *soaked) hang() broken {
	path, instance := e.any()
	return broken{instance: instance, mend: e.replaced(filepath.Join(path, "etc/app/app.ini"), func(path string) error { return syscall.Mkfifo(path, 0o600) })}
}

// cutDatabase leaves the first half of a database's file.
func (e *soaked) cutDatabase() broken {
	const first = 0 // without planted drift
	path := filepath.Join(e.dir, e.database("production", first))
	whole, err := os.ReadFile(path)
	if err != nil {
		e.t.Fatal(err)
	}
	return broken{scope: fmt.Sprintf("db%02d", first), gap: true, mend: e.replaced(path, func(path string) error { return os.WriteFile(path, whole[:len(whole)/2], 0o600) })}
}

// child is the program as a process of its own, for what a process does not survive.
func (e *soaked) child(limit string, after time.Duration, args ...string) (status int, said string) {
	e.t.Helper()
	self, err := os.Executable()
	if err != nil {
		e.t.Fatal(err)
	}
	var out bytes.Buffer
	c := exec.Command("bash", append([]string{"-c", limit + `exec -a envdiff "$0" "$@"`, self}, args...)...)
	c.Dir, c.Stdout, c.Stderr, c.Env = e.dir, &out, &out, append(os.Environ(), "TMPDIR="+e.dir)
	if err := c.Start(); err != nil {
		e.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	defer timer.Stop()
	_ = c.Wait()
	return c.ProcessState.ExitCode(), out.String()
}

// fullDisk is a capture whose file system takes no file as large as its snapshot.
func (e *soaked) fullDisk() broken {
	if status, said := e.child("ulimit -f 1; ", time.Minute, "snapshot", "production"); status != exitTrouble {
		e.t.Errorf("a full disk: exit status %d:\n%s", status, said)
	}
	return nothing
}

// killed is a capture that ends by kill -9 at some moment, unless it was done before.
func (e *soaked) killed() broken {
	status, said := e.child("", time.Duration(e.random.Int64N(int64(e.capture*3/2))), "snapshot", "production")
	switch status {
	case exitOK:
		e.stored++
	case -1:
	default:
		e.t.Errorf("a capture that is killed: exit status %d:\n%s", status, said)
	}
	return nothing
}
