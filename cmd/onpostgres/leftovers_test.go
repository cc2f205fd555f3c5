package onpostgres

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// killedWhen runs the program apart and waits until a condition holds; then the program is killed.
func (p project) killedWhen(t *testing.T, temp string, holds func() bool, args ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := &exec.Cmd{Path: self, Args: append([]string{"envdiff"}, args...), Dir: p.dir, Stdout: &out, Stderr: &out, Env: append(os.Environ(), asProgram+"=1", "TMPDIR="+temp)}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for !holds() {
		select {
		case err := <-ended:
			t.Fatalf("it ended by itself: %v\n%s", err, out.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
}

const sleeps = "ALTER TABLE users ADD COLUMN note text;\nSELECT pg_sleep(3600);\n"

// TestLeftoversOnTheScratchServerAreRemoved: a rehearsal that is killed leaves databases, which say whose they are; another run that is under way does not lose its own.
func TestLeftoversOnTheScratchServerAreRemoved(t *testing.T) {
	p := newProject(t, "{url: %q, shared: true}")
	p.expect(t, 0, "review it", "scan", "production", "-w", "sanitize.yaml")
	p.write(t, "migrations/000042_unique_email.up.sql", sleeps)
	scratch := func() string {
		return p.value(t, p.staging, `SELECT count(*) FROM pg_database WHERE datname LIKE 'envdiff\_scratch\_r%'`)
	}
	busy := func() bool {
		return p.value(t, p.staging, `SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'envdiff\_scratch\_r%' AND query LIKE '%pg_sleep(3600)%' AND state = 'active'`) != "0"
	}
	p.killedWhen(t, p.dir, busy, "rehearse", "production")
	if scratch() == "0" {
		t.Fatal("the killed run left nothing: the test shows nothing")
	}
	if mark := p.value(t, p.staging, `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname LIKE 'envdiff\_scratch\_r%' LIMIT 1`); !strings.Contains(mark, "by process ") || !strings.Contains(mark, "since 20") {
		t.Errorf("the mark is %q", mark)
	}
	p.expect(t, 0, "removed what killed runs had left on the scratch server: envdiff_scratch_r", "doctor", "production")
	p.noScratch(t)
}

// TestLeftoversOfAThrowAwayServerAreRemoved: the next run or doctor removes its directory, and no server runs in it.
func TestLeftoversOfAThrowAwayServerAreRemoved(t *testing.T) {
	p := newProject(t, "{url: %q, shared: true}")
	p.expect(t, 0, "review it", "scan", "production", "-w", "sanitize.yaml")
	text, err := os.ReadFile(filepath.Join(p.dir, "envdiff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text), ", scratch: ")
	p.write(t, "envdiff.yaml", before+"}\n")
	p.write(t, "migrations/000042_unique_email.up.sql", sleeps)
	temp, err := os.MkdirTemp("/tmp", "envdiff-test-") // t.TempDir is another account's closed door
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	if err := os.Chmod(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temp)
	p.killedWhen(t, temp, func() bool {
		pids, _ := filepath.Glob(filepath.Join(temp, "envdiff-run-*", "srv*", "data", "base", "*", "PG_VERSION"))
		return len(pids) > 3 // its three own databases, and one of ours
	}, "rehearse", "production")
	if left, err := os.ReadDir(temp); err != nil || len(left) == 0 {
		t.Fatalf("the killed run left nothing: the test shows nothing: %v", err)
	}
	p.expect(t, 0, "removed what killed runs had left: "+temp, "doctor", "production")
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestAKeptCopyIsClonedAndDropped: copy.max_age on a server; the rehearsal changes a clone, a changed policy is another copy, and nothing but what is kept stays.
func TestAKeptCopyIsClonedAndDropped(t *testing.T) {
	p := newProject(t, "{url: %q, shared: true}, copy: {of: all, max_age: 1h}")
	p.expect(t, 0, "review it", "scan", "production", "-w", "sanitize.yaml")
	kept := func() string {
		return p.value(t, p.staging, `SELECT count(*) FROM pg_database d WHERE datname LIKE 'envdiff\_scratch\_r%' AND shobj_description(oid, 'pg_database') LIKE '%kept: %'`)
	}
	before := kept()
	p.expect(t, 0, "replayed on a full copy of 403 rows", "rehearse", "production")
	p.expect(t, 0, "replayed on a clone of the copy of 403 rows", "rehearse", "production")
	p.expect(t, 0, "replayed on a clone of the copy of 403 rows", "rehearse", "production")
	if after := kept(); before != "0" || after != "1" {
		t.Errorf("%s copies are kept, and %s were before", after, before)
	}
	p.write(t, "migrations/000040_before.up.sql", "SELECT 1;\n")
	p.server.Exec(t, p.production, "UPDATE schema_migrations SET version = 40")
	p.expect(t, 0, "replayed on a full copy", "rehearse", "production")
	text, err := os.ReadFile(filepath.Join(p.dir, "envdiff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.server.Exec(t, p.staging, `DO $$ DECLARE d record; BEGIN FOR d IN SELECT oid, datname, shobj_description(oid, 'pg_database') AS mark FROM pg_database WHERE datname LIKE 'envdiff\_scratch\_r%' LOOP
		EXECUTE format('COMMENT ON DATABASE %I IS %L', d.datname, regexp_replace(d.mark, '"until":"20..', '"until":"2001')); END LOOP; END $$`)
	p.write(t, "envdiff.yaml", strings.Replace(string(text), ", copy: {of: all, max_age: 1h}", "", 1))
	p.expect(t, 0, "ok", "doctor", "production")
	p.noScratch(t)
}
