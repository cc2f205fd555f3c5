package onpostgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/testservers"
)

const feed = `
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE, mood mood, boss bigint REFERENCES people, lower_email text GENERATED ALWAYS AS (lower(email)) STORED);
INSERT INTO people (email, mood, boss) SELECT 'zqtoken-' || n || '@mail.example', 'good', NULL FROM generate_series(1, 300) n;
UPDATE people SET boss = 1 + id % 7;
CREATE TABLE events (id serial, day date NOT NULL, person bigint REFERENCES people, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-06-01');
CREATE TABLE events_2 PARTITION OF events DEFAULT;
INSERT INTO events (day, person, note) SELECT date '2026-01-01' + n, 1 + n % 300, CASE WHEN n % 5 = 0 THEN '\N' ELSE E'tab\tand \\ of zqtoken' || n END FROM generate_series(1, 200) n;
CREATE TABLE flags (name text PRIMARY KEY, on_ boolean NOT NULL);
INSERT INTO flags VALUES ('checkout', true);
CREATE TABLE settings (name text PRIMARY KEY, value text);
INSERT INTO settings VALUES ('smtp_host', 'zqtoken-mail.example');
CREATE VIEW happy AS SELECT id FROM people WHERE mood = 'good';
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER t BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION f();
CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (41, false);
`

const feedPolicy = `
tables:
  people:
    columns:
      id: {keep: true, reason: surrogate key}
      email: {mask: email, domain: email, reason: personal data}
      mood: {keep: true, reason: two values}
      boss: {keep: true, reason: surrogate key}
  events:
    columns:
      id: {keep: true, reason: surrogate key}
      day: {keep: true, reason: time}
      person: {keep: true, reason: surrogate key}
      note: {mask: text, reason: free text}
  flags: {preserve: true, reason: staging's own}
  settings:
    columns:
      name: {keep: true, reason: names}
      value: {mask: text, reason: hosts}
after: ["UPDATE settings SET value = 'localhost' WHERE name = 'smtp_host'"]
`

func newFeed(t *testing.T) project {
	t.Helper()
	return newFeedOn(t, testservers.Postgres(t))
}

func newFeedOn(t *testing.T, server *testservers.Server) project {
	t.Helper()
	p := project{server: server, dir: t.TempDir(), staging: server.NewDatabase(t), production: server.NewDatabase(t)}
	server.Exec(t, p.production, feed)
	p.write(t, "envdiff.yaml", fmt.Sprintf(`
keys: {redact: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, pseudonym: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}
environments:
  staging: {databases: {main: %q}}
  twin: {databases: {main: %q}}
  production: {protected: true, databases: {main: %q}}
databases:
  main: {migrations: "file://migrations"}
`, p.staging, strings.Replace(p.production, "127.0.0.1", "localhost", 1), p.production))
	p.write(t, "sanitize.yaml", feedPolicy)
	p.write(t, "migrations/000041_schema.up.sql", "SELECT 1;\n")
	p.write(t, "migrations/000042_flag.up.sql", "ALTER TABLE flags ADD COLUMN since date; INSERT INTO flags VALUES ('seed', true, NULL);\n")
	return p
}

func (p project) value(t *testing.T, dsn, sql string) (text string) {
	t.Helper()
	db, err := postgres.New().Open(t.Context(), engine.Target{Engine: "postgres", DSN: dsn, Display: "test"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Query(t.Context(), sql, func(r engine.Row) error { text = string(r[0].Data); return nil }); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRefresh(t *testing.T) {
	p := newFeed(t)
	p.expect(t, 0, "main of staging has 502 rows in 4 tables", "refresh", "production", "staging")
	for sql, want := range map[string]string{
		"SELECT count(*) FROM people WHERE email LIKE '%.invalid' AND lower_email = lower(email)": "300",
		"SELECT count(*) FROM events_2":                                               p.value(t, p.production, "SELECT count(*) FROM events_2"),
		`SELECT count(*) FROM events WHERE note = '\N'`:                               "0",
		"SELECT value FROM settings":                                                  "localhost",
		"SELECT count(*) FROM flags":                                                  "0",
		"SELECT nextval(pg_get_serial_sequence('people', 'id'))":                      "301",
		"SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated": "0",
	} {
		if strings.Contains(sql, "nextval") {
			continue // read-only sessions take no numbers
		}
		if got := p.value(t, p.staging, sql); got != want {
			t.Errorf("%s is %s, want %s", sql, got, want)
		}
	}
	p.server.Exec(t, p.staging, "INSERT INTO people (email) VALUES ('new@example.invalid'); INSERT INTO flags VALUES ('checkout', false)")
	p.noScratch(t)
	p.expect(t, 0, "no findings", "production", "staging", "--skip", "main:profile/*", "--skip", "main:setting/*")

	// Staging stands at 42, which added a column and a row to a table that it keeps.
	p.server.Exec(t, p.staging, "ALTER TABLE flags ADD COLUMN since date; UPDATE flags SET since = '2026-01-01'; UPDATE schema_migrations SET version = 42; GRANT SELECT ON people TO PUBLIC")
	p.expect(t, 0, "by 42, in", "refresh", "production", "staging")
	for sql, want := range map[string]string{
		"SELECT string_agg(name || on_ || since, ',') FROM flags":                  "checkoutfalse2026-01-01",
		"SELECT version || ' ' || dirty FROM schema_migrations":                    "42 false",
		"SELECT has_table_privilege('pg_read_all_settings', 'people', 'SELECT')":   "t",
		"SELECT count(*) FROM people":                                              "300",
		"SELECT count(*) FROM pg_database WHERE datname LIKE 'envdiff\\_scratch%'": "0",
	} {
		if got := p.value(t, p.staging, sql); got != want {
			t.Errorf("%s is %s, want %s", sql, got, want)
		}
	}
	p.noScratch(t)
}

func TestRefreshIsRefused(t *testing.T) {
	p := newFeed(t)
	p.expect(t, 2, "it is the database that the rows come from", "refresh", "production", "twin")
	p.server.Exec(t, p.staging, "CREATE TABLE by_hand (a integer)")
	p.expect(t, 2, "not empty and was not made by envdiff", "refresh", "production", "staging")
	p.server.Exec(t, p.staging, "DROP TABLE by_hand")
	p.expect(t, 2, "it is the database main of production, which is protected", "refresh", "staging", "twin")
	p.server.Exec(t, p.production, "ALTER TABLE people ADD COLUMN phone text")
	p.expect(t, 2, "people.phone", "refresh", "production", "staging")
	p.noScratch(t)
}

// What would only fail when the foreign keys are made fails before anything is.
func TestRefreshWithoutTheRowsOfAForeignKey(t *testing.T) {
	p := newFeed(t)
	_, rest, _ := strings.Cut(feedPolicy, "  events:")
	p.write(t, "sanitize.yaml", "tables:\n  people: {exclude: true, reason: personal data}\n  events:"+rest)
	p.expect(t, 2, "the foreign key events.person would not hold in the copy: it refers to people, which has no rows there", "refresh", "production", "staging")
	p.noScratch(t)
}

// The connection to the new database is lost while rows come in: staging keeps what it has, the error says what happened, and the next run is whole.
func TestRefreshLosesItsConnection(t *testing.T) {
	p := newFeed(t)
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	p.server.Exec(t, p.production, `
CREATE FUNCTION ends(n bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
	IF n = 150 AND current_database() LIKE 'envdiff\_scratch\_%' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
	RETURN true;
END$$;
CREATE DOMAIN fragile AS bigint CHECK (ends(VALUE));
ALTER TABLE people ADD COLUMN points fragile;
UPDATE people SET points = id`)
	p.write(t, "sanitize.yaml", strings.Replace(feedPolicy, "      mood:", "      points: {keep: true, reason: a number}\n      mood:", 1))
	p.expect(t, 2, "main of staging: copying people: the server ended the connection (SQLSTATE 57P01)", "refresh", "production", "staging")
	p.noScratch(t)
	if got := p.value(t, p.staging, "SELECT count(*) || ' ' || max(id) FROM people"); got != "300 300" {
		t.Errorf("staging has %s", got)
	}
	p.server.Exec(t, p.production, "CREATE OR REPLACE FUNCTION ends(n bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	if got := p.value(t, p.staging, "SELECT count(points) FROM people"); got != "300" {
		t.Errorf("staging has %s rows with points", got)
	}
}

func TestRefreshWithoutAKey(t *testing.T) {
	p := newFeed(t)
	text, err := os.ReadFile(filepath.Join(p.dir, "envdiff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "envdiff.yaml", strings.Replace(string(text), ", pseudonym: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=", "", 1))
	p.expect(t, 2, "pseudonym", "refresh", "production", "staging")
	p.noScratch(t)
}

// Whoever is connected to the target is named; a refresh that runs already is waited for and then refused.
func TestRefreshMeetsOthers(t *testing.T) {
	p := newFeed(t)
	busy, err := postgres.New().Open(t.Context(), engine.Target{Engine: "postgres", DSN: p.staging, Display: "staging"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	p.expect(t, 0, "1 session was disconnected: envdiff_owner, envdiff, 127.0.0.1", "refresh", "production", "staging")

	other, err := postgres.New().(engine.Refresher).BeginRefresh(t.Context(), engine.Target{Engine: "postgres", DSN: p.staging, Display: "staging"}, false)
	if err != nil {
		t.Fatal(err)
	}
	p.expect(t, 2, "another refresh of this database is running", "refresh", "production", "staging")
	if err := other.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	p.noScratch(t)
}

// What a sample found in tables that nobody writes to is stored for the next one, as digests and keys that the copy shows anyway.
func TestRefreshOfASampleStoresItsScan(t *testing.T) {
	p := newFeed(t)
	text, err := os.ReadFile(filepath.Join(p.dir, "envdiff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "envdiff.yaml", strings.Replace(string(text), "main: {migrations", "main: {copy: 5%, migrations", 1))
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	first := p.value(t, p.staging, state)
	path := filepath.Join(p.dir, ".envdiff", "scans", "production-main.json")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	stored, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(stored), "zqtoken") || strings.Contains(string(stored), "@mail") {
		t.Errorf("a value is stored: %s", stored)
	}
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	if p.value(t, p.staging, state) != first {
		t.Error("the second sample is another one")
	}
}
