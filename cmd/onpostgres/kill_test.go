package onpostgres

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
)

// state is everything that a dump would hold of newFeed's database, as digests.
const state = `SELECT concat_ws(' ',
	(SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM people p), (SELECT md5(string_agg(e::text, ',' ORDER BY id)) FROM events e),
	(SELECT string_agg(s::text, ',') FROM settings s), (SELECT string_agg(f::text, ',' ORDER BY name) FROM flags f), (SELECT string_agg(v::text, ',') FROM schema_migrations v),
	(SELECT md5(string_agg(pg_get_constraintdef(oid) || conname || convalidated, ',' ORDER BY conname)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
	(SELECT md5(string_agg(indexdef, ',' ORDER BY indexname)) FROM pg_indexes WHERE schemaname = 'public'), (SELECT string_agg(tgname, ',' ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal),
	(SELECT string_agg(schemaname || sequencename || coalesce(last_value, 0), ',' ORDER BY sequencename) FROM pg_sequences),
	(SELECT string_agg(datconnlimit || datallowconn::text, '') FROM pg_database WHERE datname = current_database()))`

// Killed at random moments, the database of the target's name is the old or the new, whole; every second run goes on with what is left, the others clear it away.
func TestRefreshIsKilled(t *testing.T) {
	p := newFeed(t)
	twin := p.server.NewDatabase(t)
	text, err := os.ReadFile(p.dir + "/envdiff.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "envdiff.yaml", string(bytes.Replace(text, []byte("  production:"), []byte(fmt.Sprintf("  other: {databases: {main: %q}}\n  production:", twin)), 1)))
	p.expect(t, 0, "no findings", "refresh", "production", "staging", "other")
	start := time.Now()
	p.killed(t, time.Minute, "other")
	whole := time.Since(start)
	old, fresh := p.settled(t, p.staging), ""
	var kept, swapped int
	made := map[int]string{} // what a whole run makes of each of production's contents, which come again: the same rows are the same copy
	for round := 1; round <= 50; round++ {
		if content := swapped % 3; fresh == "" {
			p.server.Exec(t, p.production, fmt.Sprintf("UPDATE events SET note = 'zqtoken content %d' WHERE id %% 9 = 0", content))
			if made[content] == "" {
				p.killed(t, time.Minute, "other")
				made[content] = p.settled(t, twin)
			}
			fresh = made[content]
		}
		p.killed(t, time.Duration(rand.Int64N(int64(whole*6/5))), "staging", []string{"--resume"}[:round%2]...)
		switch p.settled(t, p.staging) {
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
	p.killed(t, time.Minute, "staging")
	p.noScratch(t)
}

// killed runs a refresh as a program of its own and kills it after a while.
func (p project) killed(t *testing.T, after time.Duration, to string, options ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := &exec.Cmd{Path: self, Args: append([]string{"envdiff", "refresh", "production", to}, options...), Dir: p.dir, Stdout: &out, Stderr: &out, Env: append(os.Environ(), asProgram+"=1", "TMPDIR="+p.dir)}
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

// settled is the state once nothing of a killed run is under way on the server any more: statements that it had sent run to their end.
func (p project) settled(t *testing.T, dsn string) string {
	t.Helper()
	for range 200 {
		busy := p.value(t, p.production, `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'envdiff' AND datname IN ('postgres', 'template1') AND state <> 'idle'`)
		if busy == "0" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	db, err := postgres.New().Open(t.Context(), engine.Target{Engine: "postgres", DSN: dsn, Display: "staging"}, engine.ReadOnly)
	var refusal *engine.Error
	if errors.As(err, &refusal) {
		t.Fatalf("the database cannot be opened: %v", err)
	}
	db.Close()
	return p.value(t, dsn, state)
}
