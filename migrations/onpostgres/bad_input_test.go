package onpostgres

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/migrations"
)

// TestWhatPeoplePutIntoMigrations: each file passes, is a finding with what to do, or a gap; none does harm to the server.
func TestWhatPeoplePutIntoMigrations(t *testing.T) {
	for _, tt := range []struct {
		name, script, finding, hint, gap string
		timeout                          time.Duration
	}{
		{name: "a body in dollar quotes", script: "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $body$ BEGIN PERFORM 1; RETURN 'a;b'; END; $body$;\nSELECT f();"},
		{name: "a guard by PREPARE", script: "PREPARE s AS SELECT 1;\nEXECUTE s;\nDEALLOCATE s;"},
		{name: "a guard by DO", script: "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 'extra') THEN EXECUTE 'CREATE TABLE extra (id int)'; END IF; END $$;"},
		{name: "CONCURRENTLY in a transaction", script: "SELECT 1;\nCREATE INDEX CONCURRENTLY users_plan ON users (plan);", finding: "cannot run inside a transaction block", hint: "put it alone into a file"},
		{name: "psql's own commands", script: "\\connect shop\nSELECT 1;", finding: "a psql command", hint: "correct the file"},
		{name: "an extension that is not there", script: "CREATE EXTENSION no_such_extension;", finding: "no_such_extension", hint: "install the extension's package"},
		{name: "its own time limit", script: "SET LOCAL statement_timeout = '50ms';\nSELECT pg_sleep(5);", finding: "fails", hint: "time limit"},
		{name: "a sleep without end", script: "SELECT pg_sleep(3600);", gap: "did not finish in time: it was replaying", timeout: 30 * time.Second},
		{name: "a dropped database", script: "DROP DATABASE postgres;", gap: "whole database"},
		{name: "a role", script: "CREATE TABLE a (x int);\nCREATE ROLE envdiff_test_role;", gap: "which belong to the server"},
		{name: "a program", script: "COPY users TO PROGRAM 'cat >/dev/null';", gap: "runs a program"},
		{name: "a program inside a body", script: "DO $$ BEGIN COPY users TO PROGRAM 'cat >/dev/null'; END $$;", gap: "runs a program"},
		{name: "a role by EXECUTE", script: "DO $$ BEGIN EXECUTE 'CREATE ROLE envdiff_test_role'; END $$;", gap: "which belong to the server"},
		{name: "a guard for a role that is there", script: "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'envdiff_owner') THEN CREATE ROLE envdiff_owner; END IF; END $$;\nCREATE TABLE a (x int);"},
		{name: "a guard for a role that is not there", script: "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'envdiff_test_role') THEN CREATE ROLE envdiff_test_role; END IF; END $$;", gap: "production does not have the role envdiff_test_role, and the deploy would make it"},
		{name: "a function that runs a program", script: "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COPY users TO PROGRAM 'cat >/dev/null'; END $$;"},
		{name: "and its call", script: "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COPY users TO PROGRAM 'cat >/dev/null'; END $$;\nSELECT f();", gap: "runs a program on the server by a routine"},
		{name: "a program by a variable", script: "DO $$ DECLARE cmd text; BEGIN cmd := 'COPY users TO ' || 'PROGRAM ''cat >/dev/null'''; EXECUTE cmd; END $$;", gap: "runs a program"},
		{name: "a demand by EXECUTE", script: "DO $$ BEGIN EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET NOT NULL', 'users', 'email'); END $$;", finding: "1 row of users has NULL in email", hint: "fill the NULLs"},
		{name: "another role", script: "SET ROLE envdiff_owner;\nCREATE TABLE a (x int);\nRESET ROLE;\nSET SESSION AUTHORIZATION envdiff_owner;\nCREATE TABLE b (x int);\nRESET SESSION AUTHORIZATION;"},
		{name: "another role that stays, and may not write the version", script: "SET ROLE pg_read_all_data;\nSELECT 1;", gap: "golang-migrate itself fails on an empty clone where the replay passes: permission denied for table schema_migrations"},
		{name: "another role that may not", script: "SET ROLE pg_read_all_data;\nCREATE TABLE a (x int);\nRESET ROLE;", finding: "permission denied"},
		{name: "another user who may not", script: "SET SESSION AUTHORIZATION pg_monitor;\nALTER TABLE users ADD COLUMN c int;", finding: "must be owner of table users"},
		{name: "a role that is nowhere", script: "SET ROLE no_such_role;\nCREATE TABLE a (x int);", finding: "role \"no_such_role\" does not exist"},
		{name: "another server", script: "SELECT * FROM dblink('host=127.0.0.1', 'SELECT 1') AS t (a int);", gap: "reaches out of the database"},
		{name: "a long lock", script: "ALTER TABLE users ADD COLUMN c int;\nSELECT pg_sleep(1.2);", finding: "blocks reads and writes of users for about", hint: "online form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.timeout == 0 {
				tt.timeout = time.Minute
			}
			ctx, cancel := context.WithTimeout(context.Background(), tt.timeout)
			defer cancel()
			out := rehearseScript(ctx, t, tt.script)
			text, hint, gap := "", "", ""
			for _, f := range out.Findings {
				text, hint = f.Message, f.Hint
			}
			for _, g := range out.Gaps {
				gap = g.Reason
			}
			if len(out.Findings) > 1 || (tt.finding == "") != (text == "") || !strings.Contains(text, tt.finding) || !strings.Contains(hint, tt.hint) {
				t.Errorf("found %q with the hint %q, want %q and %q", text, hint, tt.finding, tt.hint)
			}
			if (tt.gap == "") != (gap == "") || !strings.Contains(gap, tt.gap) {
				t.Errorf("gap %q, want %q", gap, tt.gap)
			}
		})
	}
}

// rehearseScript rehearses one file on the shop.
func rehearseScript(ctx context.Context, t *testing.T, script string) migrations.Output {
	t.Helper()
	server, e := testservers.Postgres(t), postgres.New()
	base := target(t, server.DSN("postgres"))
	production, sch := production(context.Background(), t, e)
	dir := t.TempDir()
	for file, text := range map[string]string{"41_base.up.sql": "SELECT 1", "42_x.up.sql": script} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := migrations.Rehearse(ctx, migrations.Input{Scope: "main", Environment: "production", Engine: e, Production: production, Schema: sch,
		Spec: migrations.Spec{Dir: dir}, ScratchBase: base, Now: time.Now,
		BuildCopy: func(ctx context.Context, _ []schema.Obligation) (migrations.CopyResult, error) {
			return copyFaithfully(ctx, e, production, sch, base)
		}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
