package onmariadb

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
)

const feed = `
CREATE TABLE people (id bigint AUTO_INCREMENT PRIMARY KEY, email varchar(120) NOT NULL UNIQUE, round int NOT NULL DEFAULT 0, boss bigint, note text, KEY (boss), CONSTRAINT people_boss FOREIGN KEY (boss) REFERENCES people (id)) ENGINE=InnoDB;
INSERT INTO people (email, note) SELECT concat('zqtoken-', seq, '@mail.example'), concat('tab\there and \\N of zqtoken', seq) FROM seq_1_to_400;
UPDATE people SET boss = 1 + id % 7;
CREATE TABLE events (id bigint PRIMARY KEY, person bigint NOT NULL, at datetime, KEY (at), CONSTRAINT events_person FOREIGN KEY (person) REFERENCES people (id)) ENGINE=InnoDB;
INSERT INTO events SELECT seq, 1 + seq % 400, '2026-01-01' + INTERVAL seq HOUR FROM seq_1_to_300;
CREATE TABLE flags (name varchar(40) PRIMARY KEY, value int NOT NULL) ENGINE=InnoDB;
INSERT INTO flags VALUES ('checkout', 1);
CREATE VIEW recent AS SELECT id, person FROM events WHERE id > 100;
CREATE FUNCTION twice(n int) RETURNS int DETERMINISTIC RETURN 2 * n;
CREATE TRIGGER people_guard BEFORE UPDATE ON people FOR EACH ROW SET NEW.round = NEW.round;
`

const feedPolicy = `
tables:
  people:
    columns:
      id: {keep: true, reason: surrogate key}
      email: {mask: email, reason: personal data}
      round: {keep: true, reason: a counter}
      boss: {keep: true, reason: surrogate key}
      note: {mask: text, reason: free text}
  events:
    columns:
      id: {keep: true, reason: surrogate key}
      person: {keep: true, reason: surrogate key}
      at: {keep: true, reason: time}
  flags: {preserve: true, reason: staging's own}
after: ["UPDATE people SET note = 'nobody' WHERE id = 1"]
`

// feeding is a project whose production feeds two other databases of one server.
type feeding struct {
	project
	server                    *testservers.MariaServer
	production, staging, twin string
}

func newFeeding(t *testing.T) feeding {
	t.Helper()
	return newFeedingOn(t, testservers.MariaDB(t))
}

func newFeedingOn(t *testing.T, server *testservers.MariaServer) feeding {
	t.Helper()
	f := feeding{project: project{t.TempDir()}, server: server, production: server.NewDatabase(t), staging: server.NewDatabase(t), twin: server.NewDatabase(t)}
	server.Exec(t, f.production, feed)
	url := func(name string) string { return fmt.Sprintf("mariadb://root@127.0.0.1:%d/%s", server.Port, name) }
	for name, text := range map[string]string{"sanitize.yaml": feedPolicy, "envdiff.yaml": fmt.Sprintf(`
keys: {pseudonym: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}
environments:
  staging: {databases: {main: %q}}
  twin: {databases: {main: %q}}
  production: {protected: true, databases: {main: %q}}
`, url(f.staging), url(f.twin), url(f.production))} {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f feeding) expect(t *testing.T, status int, text string, args ...string) {
	t.Helper()
	got, out := f.run(t, args...)
	if got != status || !strings.Contains(out, text) || strings.Contains(out, "zqtoken") {
		t.Fatalf("envdiff %s: exit status %d, want %d with %q:\n%s", strings.Join(args, " "), got, status, text, out)
	}
}

// state is everything that a dump would hold of a database, as text.
func (f feeding) state(t *testing.T, database string) string {
	t.Helper()
	db, err := mysql.New().Open(t.Context(), engine.Target{Engine: "mysql", DSN: f.server.DSN(database), Display: "test"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sch, err := db.Schema(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	before, after, err := mysql.New().DDL(sch)
	if err != nil {
		t.Fatal(err)
	}
	lines := append(before, after...)
	for _, table := range []string{"people", "events", "flags"} {
		if _, ok := sch.Table(schema.Name{Name: table}); !ok {
			return strings.Join(lines, "\n")
		}
		err := db.Query(t.Context(), "SELECT * FROM "+table+" ORDER BY 1", func(r engine.Row) error {
			for _, c := range r {
				lines = append(lines, string(c.Data))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(lines, "\n")
}

func (f feeding) nothingLeft(t *testing.T) {
	t.Helper()
	db, err := mysql.New().Open(t.Context(), engine.Target{Engine: "mysql", DSN: f.server.DSN(f.production), Display: "test"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Query(t.Context(), `SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'envdiff\_scratch%'`, func(r engine.Row) error {
		t.Errorf("the schema %s is left", r[0].Data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRefresh(t *testing.T) {
	f := newFeeding(t)
	f.expect(t, 0, "main of staging has 700 rows in 2 tables", "refresh", "production", "staging")
	f.expect(t, 0, "no findings", "staging", "production", "--only", "main:*", "--skip", "main:profile/*")
	f.nothingLeft(t)
	f.server.Exec(t, f.staging, "INSERT INTO flags VALUES ('checkout', 0); INSERT INTO people (email) VALUES ('new@example.invalid'); CREATE TRIGGER old_one BEFORE DELETE ON people FOR EACH ROW SET @a = 1; CREATE VIEW old_view AS SELECT 1 AS one")
	f.expect(t, 0, "main of staging has 700 rows in 2 tables", "refresh", "production", "staging")
	f.expect(t, 0, "no findings", "staging", "production", "--only", "main:*", "--skip", "main:profile/*")
	state := f.state(t, f.staging)
	for _, text := range []string{"nobody", ".invalid", "checkout\n0", "people_guard", "recent", "twice"} {
		if !strings.Contains(state, text) {
			t.Errorf("staging lacks %q", text)
		}
	}
	for _, text := range []string{"zqtoken", "old_one", "old_view", "new@example"} {
		if strings.Contains(state, text) {
			t.Errorf("staging has %q", text)
		}
	}
	f.nothingLeft(t)
	f.server.Exec(t, f.twin, "CREATE TABLE by_hand (a int)")
	f.expect(t, 2, "not empty and was not made by envdiff", "refresh", "production", "twin")
}

// Killed at random moments and refreshed again, every second time with --resume, staging is the old or the new, triggers, views and routines included.
func TestRefreshIsKilled(t *testing.T) {
	f := newFeeding(t)
	f.killed(t, time.Minute, "staging")
	start := time.Now()
	f.killed(t, time.Minute, "twin")
	whole := time.Since(start)
	old, fresh := f.state(t, f.staging), ""
	var kept, swapped int
	made := map[int]string{} // what a whole run makes of each of production's contents, which come again: the same rows are the same copy
	for round := 1; round <= 50; round++ {
		if content := 1 + swapped%3; fresh == "" {
			f.server.Exec(t, f.production, fmt.Sprintf("UPDATE people SET round = %d", content))
			if made[content] == "" {
				f.killed(t, time.Minute, "twin")
				made[content] = f.state(t, f.twin)
			}
			fresh = made[content]
		}
		f.killed(t, time.Duration(rand.Int64N(int64(whole*6/5))), "staging", []string{"--resume"}[:round%2]...)
		// Triggers are made again by the next run, however early that is killed or refused.
		f.ended(t, true)
		switch f.state(t, f.staging) {
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
	f.ended(t, false)
	f.nothingLeft(t)
}

// ended lets a refresh begin and end without doing anything: it puts right what a killed one left, and leaves alone what can be gone on with, or not.
func (f feeding) ended(t *testing.T, resume bool) {
	t.Helper()
	r, err := mysql.New().(engine.Refresher).BeginRefresh(t.Context(), engine.Target{Engine: "mysql", DSN: f.server.DSN(f.staging), Display: "staging"}, resume)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// killed runs a refresh as a program of its own and kills it after a while.
func (f feeding) killed(t *testing.T, after time.Duration, to string, options ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := &exec.Cmd{Path: self, Args: append([]string{"envdiff", "refresh", "production", to}, options...), Dir: f.dir, Stdout: &out, Stderr: &out, Env: append(os.Environ(), asProgram+"=1", "TMPDIR="+f.dir)}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	err = c.Wait()
	timer.Stop()
	if err != nil && (c.ProcessState.ExitCode() != -1 || after == time.Minute) {
		t.Fatalf("refresh of %s: %v\n%s", to, err, out.String())
	}
}

// A refreshed staging differs in nothing that its masks keep; one that nobody refreshes any more is found out.
func TestARefreshedStagingHasNoDataFindings(t *testing.T) {
	f := newFeeding(t)
	f.server.Exec(t, f.production, "UPDATE people SET note = NULL WHERE id % 4 = 0")
	f.expect(t, 0, "no findings", "refresh", "production", "staging")
	path := filepath.Join(f.dir, "envdiff.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	yaml := strings.Replace(string(text), "staging: {", "staging: {max_data_age: 36h, ", 1) + "databases: {main: {profile: scan}}\n"
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	f.expect(t, 0, "no findings", "staging", "production", "--only", "main:profile/*", "--only", "main:data/*")
	f.server.Exec(t, f.staging, "UPDATE people SET note = 'x'; UPDATE envdiff_refreshed SET mark = replace(mark, '\"captured_at\":\"20', '\"captured_at\":\"19')")
	f.expect(t, 1, "data-stale", "staging", "--only", "main:data/*")
	f.expect(t, 0, "people.note has 100 nulls in production", "staging", "production", "--only", "main:profile/*")
}

// What a refresh that was killed had finished is kept where production still has the same rows in it, and copied again where not.
func TestRefreshIsResumed(t *testing.T) {
	f := newFeeding(t)
	f.expect(t, 0, "no findings", "refresh", "production", "staging")
	f.server.Exec(t, f.production, "CREATE TABLE big (id int PRIMARY KEY, filler text); INSERT INTO big SELECT seq, repeat(md5(seq), 40) FROM seq_1_to_20000; ANALYZE TABLE big, people, events")
	f.policy(t, "  big: {columns: {id: {keep: true, reason: key}, filler: {keep: true, reason: digests}}}\n")
	watch, err := mysql.New().Open(t.Context(), engine.Target{Engine: "mysql", DSN: f.server.DSN(f.production), Display: "test"}, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	finished := func() (tables string) { // the notes may be gone between two questions
		stage := "none"
		_ = watch.Query(t.Context(), "SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME = 'envdiff_refresh_notes'", func(r engine.Row) error { stage = string(r[0].Data); return nil })
		_ = watch.Query(t.Context(), "SELECT count(*) FROM "+stage+".envdiff_refresh_notes WHERE name <> ''", func(r engine.Row) error { tables = string(r[0].Data); return nil })
		return tables
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for seen := false; !seen; {
		c := &exec.Cmd{Path: self, Args: []string{"envdiff", "refresh", "production", "staging", "--resume"}, Dir: f.dir, Env: append(os.Environ(), asProgram+"=1", "TMPDIR="+f.dir)}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		for running := true; running && !seen; {
			select {
			case <-ended:
				running = false // it was faster than this
			default:
				n := finished()
				seen = n != "" && n != "0"
			}
		}
		_ = c.Process.Kill()
	}
	watch.Close()
	f.server.Exec(t, f.production, "UPDATE big SET filler = 'changed' WHERE id = 7")
	f.ended(t, true)
	f.expect(t, 0, "1 that was finished has changed since and was copied again", "refresh", "production", "staging", "--resume")
	f.expect(t, 0, "no findings", "refresh", "production", "twin")
	if f.state(t, f.staging) != f.state(t, f.twin) {
		t.Error("what was gone on with is not what a run from the start makes")
	}
	f.nothingLeft(t)
}

// policy adds entries to the policy's tables.
func (f feeding) policy(t *testing.T, entries string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, "sanitize.yaml"), []byte(strings.Replace(feedPolicy, "  flags:", entries+"  flags:", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
