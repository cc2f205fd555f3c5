package cmd

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"
)

const killedPolicy = `
tables:
  people:
    columns:
      id: {keep: true, reason: surrogate key}
      email: {mask: email, reason: personal data}
      round: {keep: true, reason: a counter}
  notes:
    columns:
      id: {keep: true, reason: surrogate key}
      person: {keep: true, reason: surrogate key}
      text: {mask: text, reason: free text}
`

const killedRows = `
CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, round INTEGER NOT NULL);
CREATE TABLE notes (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people, text TEXT);
CREATE INDEX notes_person ON notes (person);
CREATE VIEW recent AS SELECT * FROM notes WHERE id > 100;
CREATE TRIGGER guard BEFORE DELETE ON people BEGIN SELECT RAISE(ABORT, 'no'); END;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO people SELECT i, 'someone-' || i || '@mail.example', 0 FROM n;
INSERT INTO notes SELECT id, 1 + id * 7 % 4000, 'a note of somebody called ' || id FROM people;
`

// Killed at 50 random moments, staging is what it was or what production is, whole, whatever the killed run left beside it.
func TestRefreshIsKilled(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"sanitize.yaml": killedPolicy, "envdiff.yaml": `
keys: {pseudonym: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}
environments:
  production: {protected: true, databases: {main: "sqlite:production.db"}}
  staging: {databases: {main: "sqlite:staging/shop.db"}}
  twin: {databases: {main: "sqlite:twin.db"}}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "staging"), 0o700); err != nil {
		t.Fatal(err)
	}
	production, staging, twin := filepath.Join(dir, "production.db"), filepath.Join(dir, "staging", "shop.db"), filepath.Join(dir, "twin.db")
	execSQL(t, production, killedRows)
	refreshUntil(t, dir, time.Minute, "production", "staging")
	start := time.Now()
	refreshUntil(t, dir, time.Minute, "production", "twin")
	whole := time.Since(start)
	old := dump(t, staging)
	var kept, swapped int
	fresh := ""
	for round := 1; round <= 50; round++ {
		if fresh == "" {
			execSQL(t, production, fmt.Sprintf("UPDATE people SET round = %d; UPDATE notes SET text = text || ' again' WHERE id %% 50 = 0", round))
			refreshUntil(t, dir, time.Minute, "production", "twin")
			fresh = dump(t, twin)
		}
		refreshUntil(t, dir, time.Duration(rand.Int64N(int64(whole*6/5))), "production", "staging")
		switch now := dump(t, staging); now {
		case old:
			kept++
		case fresh:
			swapped++
			old, fresh = fresh, ""
		default:
			t.Fatalf("round %d: staging is neither what it was nor what it should become", round)
		}
	}
	if kept == 0 || swapped == 0 {
		t.Errorf("%d runs were killed before the swap and %d came through: the moments do not spread", kept, swapped)
	}
	refreshUntil(t, dir, time.Minute, "production", "staging")
	left, err := os.ReadDir(filepath.Join(dir, "staging"))
	if err != nil || len(left) != 1 {
		t.Errorf("beside staging's database is still something: %v %v", left, err)
	}
}

// A file system that takes no more, as a limit on the size of files shows it, leaves the old data, nothing beside it, and an error that says where it was.
func TestRefreshOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"sanitize.yaml": killedPolicy, "envdiff.yaml": `
keys: {pseudonym: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}
environments:
  production: {protected: true, databases: {main: "sqlite:production.db"}}
  staging: {databases: {main: "sqlite:staging/shop.db"}}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "staging"), 0o700); err != nil {
		t.Fatal(err)
	}
	staging := filepath.Join(dir, "staging", "shop.db")
	execSQL(t, filepath.Join(dir, "production.db"), killedRows)
	refreshUntil(t, dir, time.Minute, "production", "staging")
	old := dump(t, staging)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("bash", "-c", `ulimit -f 200; exec -a envdiff "$0" refresh production staging`, self)
	c.Dir, c.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	out, _ := c.CombinedOutput()
	if said := string(out); c.ProcessState.ExitCode() != 2 || !strings.Contains(said, "main of staging: copying people: ") {
		t.Errorf("exit status %d:\n%s", c.ProcessState.ExitCode(), said)
	}
	if dump(t, staging) != old {
		t.Error("staging is not what it was")
	}
	if left, err := os.ReadDir(filepath.Dir(staging)); err != nil || len(left) != 1 {
		t.Errorf("beside staging's database is still something: %v %v", left, err)
	}
}

// refreshUntil runs the program and kills it after a while; a run that ends by itself must have succeeded.
func refreshUntil(t *testing.T, dir string, after time.Duration, args ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := &exec.Cmd{Path: self, Args: append([]string{"envdiff", "refresh"}, args...), Dir: dir, Stdout: &out, Stderr: &out, Env: append(os.Environ(), "TMPDIR="+dir)}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	err = c.Wait()
	timer.Stop()
	if err != nil && c.ProcessState.ExitCode() != -1 {
		t.Fatalf("%v: %v\n%s", args, err, out.String())
	}
	if err != nil && after == time.Minute {
		t.Fatalf("%v took more than a minute", args)
	}
}

func execSQL(t *testing.T, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
}

// dump is everything in a file but the mark.
func dump(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var lines []string
	for _, query := range []string{"PRAGMA integrity_check", "SELECT sql FROM sqlite_schema WHERE name <> 'envdiff_refreshed' AND sql IS NOT NULL",
		"SELECT id || ' ' || email || ' ' || round FROM people", "SELECT id || ' ' || person || ' ' || text FROM notes"} {
		rows, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	if lines[0] != "ok" || len(lines) < 8000 {
		t.Fatalf("%s is damaged: %.200s", path, lines)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
