package onpostgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// deployed is what the pending migrations of newGate do.
const deployed = `
ALTER TABLE users ADD COLUMN country text NOT NULL DEFAULT 'de';
CREATE TABLE sessions (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint NOT NULL REFERENCES users (id));
INSERT INTO plans VALUES ('team', 90);
`

// newGate is a project in which staging has the pending migrations and production has not.
func newGate(t *testing.T) project {
	t.Helper()
	p := newProject(t, "{url: %q, shared: true}")
	p.write(t, "migrations/000042_unique_email.up.sql", "ALTER TABLE users ADD COLUMN country text NOT NULL DEFAULT 'de';\n")
	p.write(t, "migrations/000043_sessions.up.sql", "CREATE TABLE sessions (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint NOT NULL REFERENCES users (id));\nINSERT INTO plans VALUES ('team', 90);\n")
	p.server.Exec(t, p.staging, deployed+"UPDATE schema_migrations SET version = 43")
	p.write(t, "sanitize.yaml", `tables:
  users:
    columns:
      id: {keep: true, reason: surrogate key}
      email: {mask: email, domain: email, reason: personal data}
      plan: {keep: true, reason: few values}
  plans:
    columns:
      name: {keep: true, reason: reference}
      price: {keep: true, reason: reference}
`)
	return p
}

func TestGatePassesOnAnOrdinaryDeploy(t *testing.T) {
	p := newGate(t)
	p.expect(t, 0, "pass — 3 info", "gate", "staging", "production")
	p.noScratch(t)
}

// TestGateOnAThrowAwayServer: without a scratch in envdiff.yaml the copy stands on a server of this run's own, of which nothing is left.
func TestGateOnAThrowAwayServer(t *testing.T) {
	p := newGate(t)
	text, err := os.ReadFile(filepath.Join(p.dir, "envdiff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(text), ", scratch: ")
	if !ok {
		t.Fatal("the project names no scratch")
	}
	p.write(t, "envdiff.yaml", before+"}\n")
	temp, err := os.MkdirTemp("/tmp", "envdiff-test-") // t.TempDir is another account's closed door
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	if err := os.Chmod(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temp)
	p.expect(t, 0, "pass — 3 info", "gate", "staging", "production")
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	p.noScratch(t)
}

func TestGateFailsOnWhatTheDeployLeaves(t *testing.T) {
	p := newGate(t)
	p.server.Exec(t, p.production, "DROP INDEX users_plan; ALTER TABLE users ALTER COLUMN plan DROP NOT NULL")
	p.expect(t, 1, "index-missing main:index/users.users_plan", "gate", "staging", "production")
	p.expect(t, 1, "once the pending migrations are applied: the migrations stand at 43", "gate", "staging", "production")
	p.noScratch(t)
}

// TestGateFromStoredSnapshots: a CI job has no credentials of production. The profile proves a not null and
// predicts another; uniqueness over many rows is beyond it. The planner's statistics alone, a protected database's default, would prove nothing.
func TestGateFromStoredSnapshots(t *testing.T) {
	p := newGate(t)
	text, err := os.ReadFile(filepath.Join(p.dir, "envdiff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "envdiff.yaml", strings.Replace(string(text), ", scratch: ", ", profile: scan, scratch: ", 1))
	p.write(t, "migrations/000044_plan.up.sql", "ALTER TABLE users ALTER COLUMN plan DROP NOT NULL;\nALTER TABLE plans ADD CONSTRAINT fair CHECK (price >= 0);\n")
	p.server.Exec(t, p.staging, "ALTER TABLE users ALTER COLUMN plan DROP NOT NULL; ALTER TABLE plans ADD CONSTRAINT fair CHECK (price >= 0); UPDATE schema_migrations SET version = 44; DELETE FROM plans WHERE name = 'team'")
	p.write(t, "migrations/000043_sessions.up.sql", "CREATE TABLE sessions (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint NOT NULL REFERENCES users (id));\n")
	p.expect(t, 0, "", "snapshot", "staging", "-f", "staging.zip")
	p.expect(t, 0, "", "snapshot", "production", "-f", "production.zip")
	p.expect(t, 0, "stored", "gate", "./staging.zip", "./production.zip", "-v")

	p.server.Exec(t, p.production, "UPDATE plans SET price = -1 WHERE name = 'pro'")
	p.expect(t, 0, "", "snapshot", "production", "-f", "broken.zip")
	p.expect(t, 1, "1 row of plans breaks the check", "gate", "./staging.zip", "./broken.zip")

	p.write(t, "migrations/000045_email.up.sql", "CREATE UNIQUE INDEX users_email ON users (email);\n")
	p.expect(t, 3, "not proved by the stored snapshot: 1 demand on production's rows", "rehearse", "./production.zip")
	p.noScratch(t)
}
