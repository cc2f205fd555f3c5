package onpostgres

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/migrations"
)

func TestMain(m *testing.M) { testservers.Main(m) }

// planted is part of every text value of the rows: no output may hold it.
const planted = "zqtoken"

const shop = `
CREATE TABLE users (id bigint PRIMARY KEY, email text, plan text, age integer);
INSERT INTO users VALUES (1, 'zqtoken-a@x.example', 'pro', 30), (2, 'ZQTOKEN-A@x.example', 'free', -4), (3, 'zqtoken-b@x.example', 'zqtoken', 41), (4, NULL, NULL, 7);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, code text NOT NULL);
INSERT INTO orders VALUES (1, 1, 'zqtoken-1'), (2, 99, 'zqtoken-2');
CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (41, false);
`

func target(t *testing.T, dsn string) engine.Target {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("the server's URL does not parse")
	}
	return engine.Target{Engine: "postgres", DSN: dsn, Display: "postgres://" + u.Host + u.Path}
}

// copyFaithfully is a copy without masks.
func copyFaithfully(ctx context.Context, e engine.Engine, db engine.DB, sch *schema.Database, base engine.Target) (migrations.CopyResult, error) {
	to, err := e.CreateScratch(ctx, base, "")
	if err != nil {
		return migrations.CopyResult{}, err
	}
	result := migrations.CopyResult{Target: to, Copy: finding.Copy{Mode: "full"}}
	out, err := e.Open(ctx, to, engine.Scratch)
	if err != nil {
		return result, err
	}
	defer out.Close()
	before, after, err := e.DDL(sch)
	if err != nil {
		return result, err
	}
	if err := execAll(ctx, out, before); err != nil {
		return result, err
	}
	for _, t := range sch.Tables {
		var columns []string
		for _, c := range t.Columns {
			columns = append(columns, c.Name)
		}
		var rows []engine.Row
		err := db.CopyOut(ctx, engine.Read{Table: t.Name, Columns: columns}, func(r engine.Row) error {
			row := make(engine.Row, len(r))
			for i, c := range r {
				row[i] = engine.Cell{Type: c.Type, Data: append([]byte(nil), c.Data...)}
			}
			rows = append(rows, row)
			return nil
		})
		if err != nil {
			return result, err
		}
		if _, err := out.CopyIn(ctx, t.Name, columns, func() (engine.Row, error) {
			if len(rows) == 0 {
				return nil, io.EOF
			}
			row := rows[0]
			rows = rows[1:]
			return row, nil
		}); err != nil {
			return result, err
		}
	}
	return result, execAll(ctx, out, after)
}

func execAll(ctx context.Context, db engine.DB, statements []string) error {
	s, err := db.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, sql := range statements {
		if _, err := s.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

func TestRehearsalOnPostgres(t *testing.T) {
	tests := []struct {
		name, script, rule, message string
	}{
		{"a nullable column", "ALTER TABLE users ADD COLUMN country text;", "", ""},
		{"a column with a default", "ALTER TABLE users ADD COLUMN country text NOT NULL DEFAULT 'de';", "", ""},
		{"an index built concurrently, alone in its file", "CREATE INDEX CONCURRENTLY users_plan ON users (plan);", "", ""},
		{"a backfill before not null", "UPDATE users SET email = 'zqtoken-none' WHERE email IS NULL;\nALTER TABLE users ALTER COLUMN email SET NOT NULL;", "", ""},
		{"a type by an expression of its own", "ALTER TABLE users ALTER COLUMN plan TYPE integer USING length(plan);", "", ""},
		{"a check that is not validated", "ALTER TABLE users ADD CONSTRAINT grown CHECK (age >= 0) NOT VALID;", "", ""},
		{"a looked-up row that an empty clone lacks", "CREATE TABLE admins (user_id bigint NOT NULL);\nINSERT INTO admins VALUES ((SELECT min(id) FROM users));", "", ""},
		{"its own transaction", "BEGIN;\nCREATE TABLE a (x int);\nCOMMIT;", "", ""},
		{"not null", "CREATE TABLE a (x int);\nALTER TABLE users ALTER COLUMN email SET NOT NULL;", "migration-failed", "1 row of users has NULL in email; statement 2 of 2 (line 2)"},
		{"unique over an expression", "CREATE UNIQUE INDEX users_email ON users (lower(email));", "migration-failed", "2 rows of users share lower(email) with another; statement 1 of 1 (line 1)"},
		{"a unique constraint that counts on nothing but a prior migration", "ALTER TABLE users ADD COLUMN mail text;\nUPDATE users SET mail = lower(email);\nALTER TABLE users ADD UNIQUE (mail);", "migration-failed", "2 rows of users share mail with another; statement 3 of 3 (line 3), counted on the copy"},
		{"a foreign key", "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id);", "migration-failed", "1 row of orders refers by user_id to no row of users"},
		{"a check, validated later", "ALTER TABLE users ADD CONSTRAINT grown CHECK (age >= 0) NOT VALID;\nALTER TABLE users VALIDATE CONSTRAINT grown;", "migration-failed", "1 row of users breaks the check"},
		{"a type", "ALTER TABLE users ALTER COLUMN plan TYPE integer USING plan::integer;", "migration-failed", "statement 1 of 1 (line 1)"},
		{"a rebuild", "CREATE TABLE users_new (id bigint PRIMARY KEY, email text NOT NULL);\nINSERT INTO users_new SELECT id, email FROM users;\nDROP TABLE users;\nALTER TABLE users_new RENAME TO users;", "migration-failed", "1 row of users has NULL in email; statement 2 of 4 (line 2)"},
		{"SQL that does not parse", "CREAT TABLE x (a int);", "migration-failed", "syntax error"},
	}
	server := testservers.Postgres(t)
	e := postgres.New()
	base := target(t, server.DSN("postgres"))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			production, sch := production(ctx, t, e)
			dir := t.TempDir()
			for file, text := range map[string]string{"41_base.up.sql": "SELECT 1", "42_x.up.sql": tt.script} {
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
			printed, _ := json.Marshal(out)
			if strings.Contains(strings.ToLower(string(printed)), planted) {
				t.Errorf("a value is in the output: %s", printed)
			}
			for _, g := range out.Gaps {
				t.Errorf("gap %s: %s", g.Address, g.Reason)
			}
			switch {
			case tt.rule == "" && len(out.Findings) == 0:
			case tt.rule == "" || len(out.Findings) != 1 || out.Findings[0].Rule != tt.rule || !strings.Contains(out.Findings[0].Message, tt.message):
				for _, f := range out.Findings {
					t.Errorf("got %s %s", f.Rule, f.Message)
				}
				t.Errorf("want %s %s", tt.rule, tt.message)
			}
		})
	}
}
