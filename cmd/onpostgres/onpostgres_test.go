package onpostgres

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/cmd"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot/all"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(cmd.Main())
	}
	testservers.Main(m)
}

// asProgram makes the test binary the program itself, to be killed.
const asProgram = "ENVDIFF_TEST_AS_PROGRAM"

// planted is part of every personal value: no output may hold it.
const planted = "zqtoken"

const shop = `
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, plan text NOT NULL);
INSERT INTO users SELECT n, 'zqtoken-' || n || '@mail.example', CASE WHEN n % 3 = 0 THEN 'pro' ELSE 'free' END FROM generate_series(1, 400) n;
CREATE TABLE plans (name text PRIMARY KEY, price integer NOT NULL);
INSERT INTO plans VALUES ('free', 0), ('pro', 20);
CREATE INDEX users_plan ON users (plan);
CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (41, false);
`

// project is a directory with an envdiff.yaml for two databases of one server; production is the protected one.
type project struct {
	server              *testservers.Server
	dir                 string
	staging, production string
}

// newProject makes one whose copies stand beside staging's database; scratch is that setting, with %q for the URL.
func newProject(t *testing.T, scratch string) project {
	t.Helper()
	server := testservers.Postgres(t)
	p := project{server: server, dir: t.TempDir(), staging: server.NewDatabase(t), production: server.NewDatabase(t)}
	server.Exec(t, p.staging, shop)
	server.Exec(t, p.production, shop)
	p.write(t, "envdiff.yaml", fmt.Sprintf(`
keys: {redact: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, pseudonym: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}
environments:
  staging: {databases: {main: %q}}
  production: {protected: true, databases: {main: %q}}
databases:
  main: {exact: [plans], migrations: "file://migrations", scratch: `+scratch+`}
`, p.staging, p.production, p.staging))
	p.write(t, "migrations/000041_schema.up.sql", "SELECT 1;\n")
	p.write(t, "migrations/000042_unique_email.up.sql", "CREATE UNIQUE INDEX users_email ON users (lower(email));\n")
	return p
}

func (p project) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// expect plays one command line: its exit status, a part of what it prints, and that it prints no value.
func (p project) expect(t *testing.T, status int, text string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	got := cmd.Run(ctx, cmd.World{Args: args, Stdout: &out, Stderr: &out, Dir: p.dir, Now: time.Now, LookupEnv: func(string) (string, bool) { return "", false },
		Engines: map[string]engine.Engine{"postgres": postgres.New(), "mysql": mysql.New()}, Collectors: all.Collectors()})
	line := "envdiff " + strings.Join(args, " ")
	if strings.Contains(out.String(), planted) {
		t.Errorf("%s prints a value:\n%s", line, out.String())
	}
	if got != status || !strings.Contains(strings.Join(strings.Fields(out.String()), " "), text) {
		t.Fatalf("%s: exit status %d, want %d with %q:\n%s", line, got, status, text, out.String())
	}
}

// noScratch fails the test where a database that envdiff made stands on the server.
func (p project) noScratch(t *testing.T) {
	t.Helper()
	db, err := postgres.New().Open(t.Context(), engine.Target{Engine: "postgres", DSN: p.staging, Display: "staging"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Query(t.Context(), `SELECT datname FROM pg_database WHERE datname LIKE 'envdiff\_scratch\_%'`, func(r engine.Row) error {
		t.Errorf("the database %s is left", r[0].Data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCompareAndRehearse(t *testing.T) {
	p := newProject(t, "{url: %q, shared: true}")
	p.expect(t, 0, "no findings", "staging", "production")
	p.expect(t, 0, "review it", "scan", "production", "-w", "sanitize.yaml")
	p.expect(t, 0, "pass", "rehearse", "production")

	p.server.Exec(t, p.production, `INSERT INTO users VALUES (1001, 'ZQTOKEN-7@mail.example', 'free'); DROP INDEX users_plan; UPDATE plans SET price = 30 WHERE name = 'pro'`)
	p.expect(t, 1, "index-missing main:index/users.users_plan", "staging", "production")
	p.expect(t, 1, "rows of plans: 1 changed", "staging", "production")
	p.expect(t, 1, "migration-failed main:migration/42_unique_email", "rehearse", "production")
	p.expect(t, 0, "pass", "rehearse", "staging")
	p.noScratch(t)
}

func TestScratchOnAProtectedServerIsRefused(t *testing.T) {
	p := newProject(t, "%q")
	p.expect(t, 0, "review it", "scan", "production", "-w", "sanitize.yaml")
	p.expect(t, 2, "is on the server of the database main of production, which is protected", "rehearse", "production")
	// The copy of an environment that is not protected would stand on the same server.
	p.expect(t, 2, "shared: true", "rehearse", "staging")
	p.noScratch(t)
}
