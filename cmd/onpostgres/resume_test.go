package onpostgres

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
)

// halting makes the loading of the table people stop in the copy while a role of that name exists.
const halting = `
CREATE FUNCTION halts(n bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
	IF n = 150 AND current_database() LIKE 'envdiff\_scratch\_next\_%' AND EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '$ROLE') THEN PERFORM pg_sleep(600); END IF;
	RETURN true;
END$$;
CREATE DOMAIN slow AS bigint CHECK (halts(VALUE));
ALTER TABLE people ADD COLUMN points slow;
UPDATE people SET points = id`

// haltedFeed is a project whose refresh is killed when all tables but people are finished.
func haltedFeed(t *testing.T, from string) (p project, release func()) {
	t.Helper()
	p = newFeed(t)
	role := "halt_" + p.value(t, p.production, "SELECT current_database()")
	p.server.Exec(t, p.production, strings.ReplaceAll(halting, "$ROLE", role))
	p.write(t, "sanitize.yaml", strings.Replace(feedPolicy, "      mood:", "      points: {keep: true, reason: a number}\n      mood:", 1))
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	tables := 3
	if from != "production" { // one table after the other, the larger one first
		tables = 1
		p.server.Exec(t, p.production, "INSERT INTO events (day, person, note) SELECT '2026-02-03', 1 + n % 300, 'one of many' FROM generate_series(1, 2000) n; ANALYZE")
		p.expect(t, 0, "", "snapshot", "production", "--rows", "-f", "stored.zip")
	}
	release = func() { p.server.Exec(t, p.production, "DROP ROLE IF EXISTS "+role) }
	t.Cleanup(release)
	p.server.Exec(t, p.production, "CREATE ROLE "+role)
	p.halted(t, from, tables, "")
	return p, release
}

// note is what the stage says of a table, and how many tables it says something of.
func (p project) note(t *testing.T, table string) (text string, tables int) {
	t.Helper()
	stage := p.value(t, p.production, "SELECT coalesce(max(datname), '') FROM pg_database WHERE datname LIKE 'envdiff\\_scratch\\_next\\_%'")
	if stage == "" {
		return "", 0
	}
	db, err := postgres.New().Open(t.Context(), engine.Target{Engine: "postgres", DSN: p.server.DSN(stage), Display: "test"}, engine.ReadOnly)
	if err != nil {
		return "", 0
	}
	defer db.Close()
	// A run that goes on ends sessions in the stage, this one, too, and before the first note there is no table.
	err = db.Query(t.Context(), "SELECT coalesce(max(note) FILTER (WHERE name = '"+table+"'), ''), count(*) FROM envdiff_scratch_notes.notes WHERE name <> ''", func(r engine.Row) error {
		text = string(r[0].Data)
		tables, _ = strconv.Atoi(string(r[1].Data))
		return nil
	})
	if err != nil {
		return "", 0
	}
	return text, tables
}

// halted runs a refresh as a program of its own and kills it when so many tables are finished and people is being loaded, and the note of events is another than before.
func (p project) halted(t *testing.T, from string, finished int, before string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := &exec.Cmd{Path: self, Args: []string{"envdiff", "refresh", from, "staging", "--resume"}, Dir: p.dir, Stdout: &out, Stderr: &out, Env: append(os.Environ(), asProgram+"=1", "TMPDIR="+p.dir)}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("the refresh ended: %v\n%s", err, out.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the refresh does not come to a halt:\n%s", out.String())
		}
		if text, tables := p.note(t, "events"); tables == finished && text != before && !strings.Contains(text, `"Rows":-1`) &&
			p.value(t, p.production, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1" {
			break
		}
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
}

// likeTwin compares staging with what a refresh from the start makes of another database.
func (p project) likeTwin(t *testing.T) {
	t.Helper()
	twin := p.server.NewDatabase(t)
	text, err := os.ReadFile(p.dir + "/envdiff.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "envdiff.yaml", strings.Replace(string(text), "  production:", "  other: {databases: {main: \""+twin+"\"}}\n  production:", 1))
	p.expect(t, 0, "no findings", "refresh", "production", "other")
	if p.value(t, p.staging, state) != p.value(t, twin, state) {
		t.Error("what was gone on with is not what a run from the start makes")
	}
	if got := p.value(t, p.staging, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'envdiff%'"); got != "0" {
		t.Error("the notes are still there")
	}
}

// A killed refresh is gone on with: finished tables of which the source has the same rows are kept, one that has changed is copied again.
func TestRefreshIsResumed(t *testing.T) {
	p, release := haltedFeed(t, "production")
	p.server.Exec(t, p.production, "UPDATE events SET note = 'zqtoken later' WHERE id = 7; INSERT INTO events (day, person, note) VALUES ('2026-03-04', 5, 'one more')")
	release()
	p.expect(t, 0, "2 tables were taken over from the run that was interrupted; 1 that was finished has changed since and was copied again", "refresh", "production", "staging", "--resume")
	p.likeTwin(t)
	p.noScratch(t)
	p.expect(t, 0, "there was nothing to go on with", "refresh", "production", "staging", "--resume")
}

// One that is killed again goes on with what both have finished.
func TestRefreshIsResumedTwice(t *testing.T) {
	p, release := haltedFeed(t, "production")
	p.server.Exec(t, p.production, "UPDATE events SET note = 'zqtoken later' WHERE id = 7")
	before, _ := p.note(t, "events")
	p.halted(t, "production", 3, before)
	release()
	p.expect(t, 0, "3 tables were taken over from the run that was interrupted", "refresh", "production", "staging", "--resume")
	p.likeTwin(t)
}

func TestRefreshIsNotResumedAfterAChange(t *testing.T) {
	p, release := haltedFeed(t, "production")
	release()
	text, err := os.ReadFile(p.dir + "/sanitize.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "sanitize.yaml", strings.Replace(string(text), "value: {mask: text", "value: {mask: token", 1))
	p.expect(t, 0, "the schema, the policy, the key or envdiff itself is not what it was", "refresh", "production", "staging", "--resume")
	p.likeTwin(t)
	p.noScratch(t)
}

// A stored snapshot has not changed, so nothing of it is read again.
func TestRefreshFromTheStoreIsResumed(t *testing.T) {
	p, release := haltedFeed(t, "./stored.zip")
	p.server.Exec(t, p.production, "UPDATE events SET note = 'zqtoken later' WHERE id = 7")
	release()
	p.expect(t, 0, "1 table was taken over from the run that was interrupted", "refresh", "./stored.zip", "staging", "--resume")
	resumed := p.value(t, p.staging, state)
	p.expect(t, 0, "no findings", "refresh", "./stored.zip", "staging")
	if p.value(t, p.staging, state) != resumed {
		t.Error("the same snapshot gives other rows")
	}
	p.noScratch(t)
}
