package onpostgres

import (
	"context"
	"fmt"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/testservers"
)

// only is a project whose one environment production is a database.
func only(t *testing.T, server *testservers.Server, dsn, more string) project {
	t.Helper()
	p := project{server: server, dir: t.TempDir(), production: dsn}
	p.write(t, "envdiff.yaml", fmt.Sprintf("environments:\n  production: {databases: {main: %q}}\n%s", dsn, more))
	return p
}

// TestDoctorPrintsTheGrants that a role lacks which may only read the catalogue; with them it has nothing to say.
func TestDoctorPrintsTheGrants(t *testing.T) {
	server := testservers.NewPostgres(t)
	server.Exec(t, server.DSN("postgres"), shop+"CREATE ROLE looker LOGIN PASSWORD 'looks'; CREATE PUBLICATION pub FOR TABLE plans; CREATE SUBSCRIPTION sub CONNECTION 'host=db.example' PUBLICATION pub WITH (connect = false)")
	standby := server.NewStandby(t)
	p := only(t, server, server.UserDSN("looker", "looks", "postgres"), "databases: {main: {exact: [plans]}}\n")
	settled(t, project{server: server, production: server.DSN("postgres")}, 1)
	for _, grant := range []string{
		`→ GRANT SELECT (subname, subconninfo) ON pg_subscription TO "looker"`, `→ GRANT pg_read_all_settings TO "looker"`, `→ GRANT pg_read_all_stats TO the role`, `GRANT SELECT ON "public"."plans"`,
	} {
		p.expect(t, 3, grant, "doctor", "production")
	}
	server.Exec(t, server.DSN("postgres"), `GRANT SELECT (subname, subconninfo) ON pg_subscription TO looker; GRANT pg_monitor TO looker; GRANT SELECT ON plans TO looker`)
	p.expect(t, 0, "opened read-only", "doctor", "production")
	standby.Kill(t)
	server.Exec(t, server.DSN("postgres"), "ALTER SUBSCRIPTION sub SET (slot_name = NONE); DROP SUBSCRIPTION sub")
}

// TestAManagedServiceWithoutSuperuser: the owner of a database who may make databases and roles, and watch, sees all of it, and copies it.
func TestAManagedServiceWithoutSuperuser(t *testing.T) {
	server := testservers.NewPostgres(t)
	server.Exec(t, server.DSN("postgres"), "CREATE ROLE master LOGIN CREATEDB CREATEROLE PASSWORD 'managed'; GRANT pg_monitor TO master; CREATE ROLE app")
	server.Exec(t, server.DSN("postgres"), "CREATE DATABASE shop OWNER master")
	dsn := server.UserDSN("master", "managed", "shop")
	server.Exec(t, dsn, shop+`CREATE EXTENSION citext; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT id FROM users; ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON users TO app USING (true); GRANT SELECT ON users TO app; CREATE PUBLICATION pub FOR TABLE plans; CREATE TYPE mood AS ENUM ('ok')`)
	only(t, server, dsn, "databases: {main: {exact: [plans]}}\n").expect(t, 0, "opened read-only", "doctor", "production")

	ctx := context.Background()
	at := engine.Target{Engine: "postgres", DSN: dsn, Display: "postgres://master@db.example/shop"}
	e := postgres.New()
	db, err := e.Open(ctx, at, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	model, err := db.Schema(ctx)
	if err != nil || len(model.Gaps) > 0 {
		t.Fatalf("%v, gaps %+v", err, model.Gaps)
	}
	before, after, err := e.DDL(model)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := e.CreateScratch(ctx, at, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.DropScratch(ctx, copied)
	scratch, err := e.Open(ctx, copied, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	session, err := scratch.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for _, sql := range append(before, after...) {
		if _, err := session.Exec(ctx, sql); err != nil {
			t.Fatalf("%s\n%v", sql, err)
		}
	}
	again, err := scratch.Schema(ctx)
	if err != nil || len(again.Tables) != len(model.Tables) || len(again.Objects) != len(model.Objects) || len(again.Routines) != 1 {
		t.Errorf("the copy has %d tables and %d objects, %v", len(again.Tables), len(again.Objects), err)
	}
}

// TestBesideAnotherEngine: a PostgreSQL and a MariaDB database are not compared, which is said instead of listing everything.
func TestBesideAnotherEngine(t *testing.T) {
	server, other := testservers.Postgres(t), testservers.MariaDB(t)
	dsn, name := server.NewDatabase(t), other.NewDatabase(t)
	server.Exec(t, dsn, "CREATE TABLE users (id bigint PRIMARY KEY); CREATE VIEW v AS SELECT id FROM users")
	other.Exec(t, name, "CREATE TABLE users (id bigint PRIMARY KEY, name varchar(9)); CREATE TABLE more (a int)")
	p := only(t, server, dsn, "")
	p.write(t, "envdiff.yaml", fmt.Sprintf("environments:\n  staging: {databases: {main: %q}}\n  production: {databases: {main: %q}}\n", fmt.Sprintf("mariadb://root@127.0.0.1:%d/%s", other.Port, name), dsn))
	p.expect(t, 0, "not compared across engines", "staging", "production")
	p.expect(t, 0, "no findings", "staging", "production")
}

// TestSessionsOfTheCopyBehaveAsProductions: what is set for production's database holds for the replay, and doctor says what cannot.
func TestSessionsOfTheCopyBehaveAsProductions(t *testing.T) {
	p := newProject(t, "{url: %q, shared: true}")
	p.expect(t, 0, "its role is a superuser", "doctor", "production")
	p.expect(t, 0, "review it", "scan", "production", "-w", "sanitize.yaml")
	p.write(t, "migrations/000042_unique_email.up.sql", "CREATE TABLE more (id int);\nSELECT pg_sleep(1);\n")
	p.expect(t, 0, "pass", "rehearse", "production")
	p.server.Exec(t, p.production, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = ''500ms''', current_database()); END $$")
	p.expect(t, 1, "migration-failed", "rehearse", "production")
	p.noScratch(t)
}
