package onmariadb

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/migrations"
)

func TestMain(m *testing.M) { testservers.Main(m) }

const shop = `CREATE TABLE users (id bigint PRIMARY KEY, email varchar(200), plan varchar(20)); CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (41, false);`

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

// emptyCopy is a copy of the shop, which has no rows.
func emptyCopy(ctx context.Context, e engine.Engine, sch *schema.Database, base engine.Target) (migrations.CopyResult, error) {
	return filledCopy(ctx, e, sch, base)
}

// filledCopy is a database with a schema, after some statements.
func filledCopy(ctx context.Context, e engine.Engine, sch *schema.Database, base engine.Target, fill ...string) (migrations.CopyResult, error) {
	to, err := e.CreateScratch(ctx, base, "")
	if err != nil {
		return migrations.CopyResult{}, err
	}
	result := migrations.CopyResult{Target: to, Copy: finding.Copy{Mode: "full"}}
	before, after, err := e.DDL(sch)
	if err != nil {
		return result, err
	}
	db, err := e.Open(ctx, to, engine.Scratch)
	if err != nil {
		return result, err
	}
	defer db.Close()
	s, err := db.Session(ctx)
	if err != nil {
		return result, err
	}
	defer s.Close()
	for _, statement := range append(append(before, after...), fill...) {
		if _, err := s.Exec(ctx, statement); err != nil {
			return result, err
		}
	}
	return result, nil
}

// TestGolangMigrateRunsTheSameFiles: on an empty clone of its own and never on production; what comes out otherwise there is a gap.
func TestGolangMigrateRunsTheSameFiles(t *testing.T) {
	server := testservers.MariaDB(t)
	for _, tt := range []struct{ name, before, gap string }{
		{"alike", "", ""},
		{"otherwise", "CREATE TABLE only_there (a int)", "main:migration/42_two: the replay differs from golang-migrate's own run in only_there"},
		{"not at all", "CREATE TABLE two (a int)", "main:migration/42_two: golang-migrate itself fails on an empty clone where the replay passes: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := server.NewDatabase(t)
			server.Exec(t, name, shop)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			at := engine.Target{Engine: "mysql", DSN: server.DSN(name), Display: "mysql://root@127.0.0.1/" + name}
			own := mysql.New()
			e := &watched{Engine: own, Library: own.(engine.Library), before: tt.before}
			production, err := e.Open(ctx, at, engine.ReadOnly)
			if err != nil {
				t.Fatal(err)
			}
			defer production.Close()
			sch, err := production.Schema(ctx)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for file, text := range map[string]string{"41_base.up.sql": "SELECT 1", "42_two.up.sql": "CREATE TABLE two (a int, `odd;name` int);\n-- a comment; with a semicolon\nCREATE INDEX two_a ON two (a);\nCREATE TRIGGER two_t BEFORE INSERT ON two FOR EACH ROW BEGIN SET NEW.a = 1; END;"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out, err := migrations.Rehearse(ctx, migrations.Input{Scope: "main", Environment: "production", Engine: e, Production: production, Schema: sch,
				Spec: migrations.Spec{Dir: dir}, ScratchBase: at, Now: time.Now,
				BuildCopy: func(ctx context.Context, _ []schema.Obligation) (migrations.CopyResult, error) {
					return emptyCopy(ctx, e, sch, at)
				}})
			if err != nil || len(out.Findings) > 0 {
				t.Fatalf("%v, findings %+v", err, out.Findings)
			}
			if len(e.into) != 1 || !strings.Contains(e.into[0], "/envdiff_scratch_") {
				t.Errorf("golang-migrate was let into %v", e.into)
			}
			said := ""
			for _, g := range out.Gaps {
				said += g.Address + ": " + g.Reason + "\n"
			}
			if !strings.HasPrefix(said, tt.gap) || tt.gap == "" && said != "" {
				t.Errorf("gaps %q, want %q", said, tt.gap)
			}
			if at := server.Ask(t, name, "SELECT concat(version, ' ', dirty) FROM schema_migrations"); at != "41 0" {
				t.Errorf("production stands at %s", at)
			}
		})
	}
}
