package onmariadb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/migrations"
)

// TestDirtyStateSaysWhichStatementsTookEffect: MySQL and MariaDB leave a failed file applied in part.
func TestDirtyStateSaysWhichStatementsTookEffect(t *testing.T) {
	server, e := testservers.MariaDB(t), mysql.New()
	const file = "ALTER TABLE users ADD COLUMN country char(2);\nCREATE INDEX users_plan ON users (plan);\nALTER TABLE users ADD UNIQUE KEY users_email (email);\n"
	for name, tt := range map[string]struct{ done, want string }{
		"two of three": {"ALTER TABLE users ADD COLUMN country char(2); CREATE INDEX users_plan ON users (plan);", "of its statements the first 2 took effect, and statement 3 of 3 (line 3) did not"},
		"none":         {"", "none of its statements took effect"},
		"all":          {file, "all of its statements took effect"},
	} {
		t.Run(name, func(t *testing.T) {
			database := server.NewDatabase(t)
			server.Exec(t, database, shop+tt.done+"UPDATE schema_migrations SET version = 42, dirty = true;")
			db, err := e.Open(t.Context(), target(server, database), engine.ReadOnly)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			dir := t.TempDir()
			for f, text := range map[string]string{"41_base.up.sql": "SELECT 1", "42_x.up.sql": file, "43_y.up.sql": "SELECT 1"} {
				if err := os.WriteFile(filepath.Join(dir, f), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out, err := migrations.Rehearse(t.Context(), migrations.Input{Scope: "main", Environment: "production", Engine: e, Production: db, Spec: migrations.Spec{Dir: dir},
				ScratchBase: target(server, "mysql"), Now: time.Now,
				BuildCopy: func(context.Context, []schema.Obligation) (migrations.CopyResult, error) {
					return migrations.CopyResult{}, errors.New("a dirty database is not copied")
				}})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Findings) != 1 || !strings.Contains(out.Findings[0].Message, tt.want) {
				t.Errorf("found %+v, want %q", out.Findings, tt.want)
			}
		})
	}
}
