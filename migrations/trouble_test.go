package migrations

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/schema"
)

func TestStatesThatTheToolRefuses(t *testing.T) {
	files := map[string]string{"41_a.up.sql": "", "42_x.up.sql": "CREATE TABLE x (a);"}
	for _, tt := range []struct {
		name, change string
		files        map[string]string
		finding, gap string
	}{
		{"dirty", "UPDATE schema_migrations SET dirty = 1;", files, "main:migration/41_a", "main:migration/42_x: not rehearsed: the database is dirty"},
		{"two files of one version", "", map[string]string{"41_a.up.sql": "", "42_x.up.sql": "", "042_y.up.sql": ""}, "same version", "not rehearsed: two files have version 42"},
		{"another tool's table", "DROP TABLE schema_migrations; CREATE TABLE goose_db_version (id INTEGER, version_id INTEGER, is_applied INTEGER);", files, "", "kept by goose, and envdiff.yaml names golang-migrate"},
		{"a table of Rails", "DROP TABLE schema_migrations; CREATE TABLE schema_migrations (version TEXT); CREATE TABLE ar_internal_metadata (key TEXT, value TEXT);", files, "", "kept by Rails"},
		{"more than one row", "INSERT INTO schema_migrations VALUES (7, 0);", files, "more than one row", "main:migration/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := trial{production: makeDatabase(t, shop+tt.change), files: tt.files}.run(t)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(messages(out.Findings), "\n"); !strings.Contains(got, tt.finding) || (tt.finding == "") != (got == "") {
				t.Errorf("findings %q, want %q", got, tt.finding)
			}
			if got := strings.Join(gaps(out), "\n"); !strings.Contains(got, tt.gap) {
				t.Errorf("gaps %q, want %q", got, tt.gap)
			}
		})
	}
	t.Run("applied without a file: the rest is rehearsed all the same", func(t *testing.T) {
		out, err := trial{production: makeDatabase(t, shop), files: map[string]string{"40_a.up.sql": "", "42_x.up.sql": "CREATE TABLE x (a);"}}.run(t)
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Findings) != 1 || out.Findings[0].Address != "main:migration/41" || out.Database.Migrations[0].Status != statusOK {
			t.Errorf("findings %q, migrations %+v", messages(out.Findings), out.Database.Migrations)
		}
	})
	t.Run("no version table: everything is pending", func(t *testing.T) {
		out, err := trial{production: makeDatabase(t, "CREATE TABLE a (x);"), files: map[string]string{"1_a.up.sql": "CREATE TABLE b (x);", "2_b.up.sql": "CREATE TABLE c (x);"}}.run(t)
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Findings)+len(out.Gaps) > 0 || len(out.Database.Migrations) != 2 || out.Database.AppliedVersion != "" {
			t.Errorf("findings %q, gaps %q, %+v", messages(out.Findings), gaps(out), out.Database)
		}
	})
	t.Run("nothing pending", func(t *testing.T) {
		built := false
		out, err := trial{production: makeDatabase(t, shop), files: map[string]string{"41_a.up.sql": "CREATE TABLE x (a);"},
			build: func(context.Context, []schema.Obligation) (CopyResult, error) { built = true; return CopyResult{}, nil }}.run(t)
		if err != nil || built || len(out.Findings)+len(out.Gaps) > 0 || out.After == nil {
			t.Errorf("error %v, copy built %v, findings %q, gaps %q", err, built, messages(out.Findings), gaps(out))
		}
	})
}

func TestNothingScratchIsLeftWhateverHappens(t *testing.T) {
	files := map[string]string{"41_a.up.sql": "", "42_x.up.sql": "CREATE TABLE x (a);"}
	t.Run("the copy cannot be built", func(t *testing.T) {
		refused := errors.New("sanitize.yaml names no column of users")
		_, err := trial{production: makeDatabase(t, shop), files: files, build: func(context.Context, []schema.Obligation) (CopyResult, error) { return CopyResult{}, refused }}.run(t)
		if !errors.Is(err, refused) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("the copy is damaged", func(t *testing.T) {
		path := makeDatabase(t, shop)
		var at string
		_, err := trial{production: path, files: files, build: func(ctx context.Context, _ []schema.Obligation) (CopyResult, error) {
			target, err := sqlite.New().CreateScratch(ctx, engine.Target{}, t.TempDir())
			at = target.Path
			return CopyResult{Target: target}, errors.Join(err, os.WriteFile(target.Path, []byte(strings.Repeat("no database ", 999)), 0o600))
		}}.run(t)
		if err == nil {
			t.Error("no error")
		}
		if _, err := os.Stat(at); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the copy is still there: %v", err)
		}
	})
	t.Run("cancelled while the copy is built", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		e, dir := sqlite.New(), t.TempDir()
		path := makeDatabase(t, shop)
		prod, err := e.Open(ctx, engine.Target{Engine: "sqlite", DSN: path, Path: path, Display: "sqlite:prod.db"}, engine.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		defer prod.Close()
		sch, err := prod.Schema(ctx)
		if err != nil {
			t.Fatal(err)
		}
		build := faithfulCopy(prod, sch, dir, nil, nil)
		out, err := Rehearse(ctx, Input{Scope: "main", Environment: "production", Engine: e, Production: prod, Schema: sch, Spec: Spec{Dir: writeFiles(t, files)}, ScratchDir: dir, Now: time.Now,
			BuildCopy: func(ctx context.Context, o []schema.Obligation) (CopyResult, error) {
				r, err := build(ctx, o)
				cancel()
				return r, err
			}})
		if !errors.Is(err, context.Canceled) || len(out.Findings) > 0 {
			t.Errorf("error %v, findings %q", err, messages(out.Findings))
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestAMigrationThatNeverEnds(t *testing.T) {
	endless := "CREATE TABLE n (x INTEGER);\nINSERT INTO n WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c;"
	start := time.Now()
	out, err := trial{production: makeDatabase(t, shop), timeout: 1500 * time.Millisecond, files: map[string]string{"41_a.up.sql": "", "42_x.up.sql": endless}}.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if len(out.Findings) > 0 || len(out.Gaps) != 1 || out.Gaps[0].Address != "main:migration/42_x" || !strings.Contains(out.Gaps[0].Reason, "did not finish in time") {
		t.Errorf("findings %q, gaps %q", messages(out.Findings), gaps(out))
	}
	if m := out.Database.Migrations; len(m) != 1 || m[0].Status != statusNotRun {
		t.Errorf("migrations %+v", m)
	}
}

func TestAFullScratchIsNoFailureOfTheMigration(t *testing.T) {
	out, err := trial{production: makeDatabase(t, shop), files: map[string]string{"41_a.up.sql": "", "42_x.up.sql": "PRAGMA max_page_count = 12;\nCREATE TABLE big (x);\nINSERT INTO big WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 99) SELECT zeroblob(9000) FROM c, users;"}}.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Findings) > 0 || len(out.Gaps) != 1 || !strings.Contains(out.Gaps[0].Reason, "statement 3 of 3 (line 3) is not rehearsed: the scratch server has no room left") {
		t.Errorf("findings %q, gaps %q", messages(out.Findings), gaps(out))
	}
}
