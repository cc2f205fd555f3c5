package onpostgres

import (
	"context"
	"database/sql"
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

// watched is the engine, telling where another program's code was let in; before is run there first.
type watched struct {
	engine.Engine
	engine.Library
	before string
	into   []string
}

func (w *watched) SQL(t engine.Target) (*sql.DB, error) {
	w.into = append(w.into, t.Display)
	db, err := w.Library.SQL(t)
	if err == nil && w.before != "" {
		_, err = db.Exec(w.before)
	}
	return db, err
}

// TestGolangMigrateRunsTheSameFiles: on an empty clone of its own and never on production; what comes out otherwise there is a gap.
func TestGolangMigrateRunsTheSameFiles(t *testing.T) {
	server := testservers.Postgres(t)
	base := target(t, server.DSN("postgres"))
	for _, tt := range []struct{ name, before, gap string }{
		{"alike", "", ""},
		{"otherwise", "CREATE TABLE only_there (a int)", "main:migration/42_two: the replay differs from golang-migrate's own run in only_there"},
		{"not at all", "CREATE TABLE two (a int)", "main:migration/42_two: golang-migrate itself fails on an empty clone where the replay passes: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			own := postgres.New()
			e := &watched{Engine: own, Library: own.(engine.Library), before: tt.before}
			production, sch := production(ctx, t, e)
			dir := t.TempDir()
			for file, text := range map[string]string{"41_base.up.sql": "SELECT 1", "42_two.up.sql": "CREATE TABLE two (a int);\nCREATE INDEX two_a ON two (a);", "43_late.up.sql": "CREATE INDEX CONCURRENTLY users_plan ON users (plan);"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out, err := migrations.Rehearse(ctx, migrations.Input{Scope: "main", Environment: "production", Engine: e, Production: production, Schema: sch,
				Spec: migrations.Spec{Dir: dir}, ScratchBase: base, Now: time.Now,
				BuildCopy: func(ctx context.Context, _ []schema.Obligation) (migrations.CopyResult, error) {
					return copyFaithfully(ctx, e, production, sch, base)
				}})
			if err != nil || len(out.Findings) > 0 {
				t.Fatalf("%v, findings %+v", err, out.Findings)
			}
			if len(e.into) != 1 || !strings.Contains(e.into[0], "/envdiff_scratch_") {
				t.Errorf("golang-migrate was let into %v", e.into)
			}
			if said := gapsOf(out.Gaps); !strings.HasPrefix(said, tt.gap) || tt.gap == "" && said != "" {
				t.Errorf("gaps %q, want %q", said, tt.gap)
			}
			if at := server.Ask(t, read.dsn, "SELECT version || ' ' || dirty FROM schema_migrations"); at != "41 false" {
				t.Errorf("production stands at %s", at)
			}
		})
	}
}

func gapsOf(gaps []finding.Gap) string {
	var list []string
	for _, g := range gaps {
		list = append(list, g.Address+": "+g.Reason)
	}
	return strings.Join(list, "\n")
}
