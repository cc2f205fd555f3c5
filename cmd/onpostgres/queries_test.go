package onpostgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
)

// TestHotQueriesMeetTheNewSchema: one reads a column that the migration renames, one loses its index, and one stays as it is.
func TestHotQueriesMeetTheNewSchema(t *testing.T) {
	server := testservers.NewPostgres(t, "shared_preload_libraries = 'pg_stat_statements'")
	p := project{server: server, dir: t.TempDir(), production: server.NewDatabase(t)}
	server.Exec(t, p.production, shop+`CREATE EXTENSION pg_stat_statements; CREATE TABLE events (id bigint PRIMARY KEY, person bigint NOT NULL, kind text);
INSERT INTO events SELECT n, n / 5, 'k' FROM generate_series(1, 100000) n; CREATE INDEX events_person ON events (person)`)
	p.write(t, "envdiff.yaml", `keys: {redact: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, pseudonym: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}
environments: {production: {databases: {main: "`+p.production+`"}}}
databases: {main: {migrations: "file://migrations", scratch: {url: "`+p.production+`"}, rehearsal: {queries: 20}}}
`)
	p.write(t, "migrations/000041_schema.up.sql", "SELECT 1;\n")
	p.write(t, "migrations/000042_tiers.up.sql", "ALTER TABLE users RENAME COLUMN plan TO tier;\nDROP INDEX events_person;\n")
	p.expect(t, 0, "review it", "scan", "production", "-w", "sanitize.yaml")
	server.Exec(t, p.production, "SELECT pg_stat_statements_reset()")
	for _, sql := range []string{"SELECT id FROM users WHERE plan = 'zqtoken'", "SELECT count(*) FROM events WHERE person = 7", "SELECT price FROM plans WHERE name = 'free'", "UPDATE events SET kind = 'z' WHERE id = 3"} {
		server.Exec(t, p.production, sql)
	}
	p.expect(t, 1, `query-broken main:query/`, "rehearse", "production", "-o", "table", "-o", "json=r.json")
	text, err := os.ReadFile(filepath.Join(p.dir, "r.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"plan-regression"`, `column \"plan\" does not exist`, `"verdict": "worse"`, `"verdict": "broken"`, `"verdict": "alike"`, "Index Scan by events_pkey of events"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report does not say %s:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), planted) {
		t.Error("the report holds a value")
	}
	p.staging = p.production
	p.noScratch(t)
}
