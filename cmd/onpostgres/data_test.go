package onpostgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A refreshed staging differs in nothing that its masks keep, and production, which is protected, is asked for statistics alone unless envdiff.yaml says scan. A
// staging that nobody refreshes is found out.
func TestARefreshedStagingHasNoDataFindings(t *testing.T) {
	p := newFeed(t)
	p.server.Exec(t, p.production, `UPDATE people SET email = CASE WHEN id % 3 = 0 THEN 'Jürgen.' || email WHEN id % 3 = 1 THEN upper(email) || repeat('x', 80) ELSE email END;
UPDATE events SET note = NULL WHERE id % 4 = 0`)
	p.server.Exec(t, p.production, "ANALYZE") // what a session changes is counted when it ends
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	text, err := os.ReadFile(filepath.Join(p.dir, "envdiff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	yaml := string(text)
	for _, profile := range []string{"", "profile: scan, ", "profile: sample, "} {
		p.write(t, "envdiff.yaml", strings.Replace(yaml, "main: {migrations", "main: {"+profile+"migrations", 1))
		p.expect(t, 0, "no findings", "staging", "production", "--only", "main:profile/*", "--only", "main:data/*")
	}
	p.server.Exec(t, p.staging, "UPDATE people SET boss = 1; UPDATE events SET note = 'x'")
	p.write(t, "envdiff.yaml", yaml)
	p.expect(t, 0, "people.boss is distributed differently: 1 is 100 % in staging, 14 % in production (staging by a scan, production by planner statistics of 300 rows)",
		"staging", "production", "--only", "main:profile/*")
	p.write(t, "envdiff.yaml", strings.Replace(yaml, "main: {migrations", "main: {profile: scan, migrations", 1))
	p.expect(t, 0, "events.note has 50 nulls in production, none in staging", "staging", "production", "--only", "main:profile/*")

	p.write(t, "envdiff.yaml", strings.Replace(yaml, "staging: {", "staging: {max_data_age: 36h, ", 1))
	p.expect(t, 0, "no findings", "staging", "--only", "main:data/*")
	name := p.value(t, p.staging, "SELECT quote_ident(current_database())")
	mark := p.value(t, p.staging, "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()")
	p.server.Exec(t, p.staging, "COMMENT ON DATABASE "+name+" IS '"+strings.Replace(mark, `"captured_at":"20`, `"captured_at":"19`, 1)+"'")
	p.expect(t, 1, "data-stale", "staging", "--only", "main:data/*")
}
