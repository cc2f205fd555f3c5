package migrations

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
)

// planted is part of every text value that the tests plant: no output may hold it.
const planted = "zqtoken"

// shop is production before any story: 6 users of whom two share an e-mail but for its case and one has none,
// 4 orders of whom one belongs to nobody.
const shop = `
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, plan TEXT DEFAULT 'free', age INTEGER);
INSERT INTO users VALUES (1, 'zqtoken-a@x.example', 'pro', 30), (2, 'ZQTOKEN-A@x.example', 'free', -4), (3, 'zqtoken-b@x.example', 'zqtoken-plan', 41),
  (4, NULL, NULL, 7), (5, 'zqtoken-c@x.example', 'pro', 88), (6, 'zqtoken-d@x.example', 'free', -1);
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, code TEXT NOT NULL, note TEXT);
INSERT INTO orders VALUES (1, 1, 'zqtoken-1', NULL), (2, 1, 'zqtoken-2', 'zqtoken'), (3, 99, 'zqtoken-3', NULL), (4, NULL, 'zqtoken-4', NULL);
CREATE INDEX orders_user ON orders (user_id);
CREATE VIEW paying AS SELECT id FROM users WHERE plan = 'pro';
CREATE TABLE schema_migrations (version uint64, dirty bool);
CREATE UNIQUE INDEX version_unique ON schema_migrations (version);
INSERT INTO schema_migrations VALUES (41, 0);
`

// makeDatabase writes a SQLite file with these statements.
func makeDatabase(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "prod.db")
	conn, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Exec("PRAGMA synchronous=off;" + script); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeFiles writes migration files.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// rows are a table's cells as CopyOut gave them.
type tableRows struct {
	columns []string
	rows    []engine.Row
}

// faithfulCopy is BuildCopy without masks: the rows as they are, except those of
// excluded tables. change, if any, plays a mask.
func faithfulCopy(db engine.DB, sch *schema.Database, dir string, excluded []string, change func(table string, row engine.Row)) func(context.Context, []schema.Obligation) (CopyResult, error) {
	return func(ctx context.Context, _ []schema.Obligation) (CopyResult, error) {
		e := db.Engine()
		target, err := e.CreateScratch(ctx, engine.Target{}, dir)
		if err != nil {
			return CopyResult{}, err
		}
		result := CopyResult{Target: target, Copy: finding.Copy{Mode: "full"}, Sanitization: &finding.Sanitization{Tables: []finding.SanitizedTable{}, Features: []finding.Feature{}}}
		before, after, err := e.DDL(sch)
		if err != nil {
			return result, err
		}
		out, err := e.Open(ctx, target, engine.Scratch)
		if err != nil {
			return result, err
		}
		defer out.Close()
		if err := execAll(ctx, out, before); err != nil {
			return result, err
		}
		for i := range sch.Tables {
			t := &sch.Tables[i]
			if contains(excluded, t.Name.Name) {
				result.Excluded = append(result.Excluded, t.Name)
				continue
			}
			data := tableRows{}
			for _, c := range t.Columns {
				if c.Generated == "" {
					data.columns = append(data.columns, c.Name)
				}
			}
			err := db.CopyOut(ctx, engine.Read{Table: t.Name, Columns: data.columns}, func(r engine.Row) error {
				row := make(engine.Row, len(r))
				for j, c := range r {
					row[j] = engine.Cell{Type: c.Type, Data: append([]byte(nil), c.Data...)}
				}
				if change != nil {
					change(t.Name.Name, row)
				}
				data.rows = append(data.rows, row)
				return nil
			})
			if err != nil {
				return result, err
			}
			next := func() (engine.Row, error) {
				if len(data.rows) == 0 {
					return nil, io.EOF
				}
				row := data.rows[0]
				data.rows = data.rows[1:]
				return row, nil
			}
			n, err := out.CopyIn(ctx, t.Name, data.columns, next)
			if err != nil {
				return result, err
			}
			result.Copy.Rows += n
		}
		return result, execAll(ctx, out, after)
	}
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

// trial is one rehearsal in a test.
type trial struct {
	production  string // path of the file
	files       map[string]string
	excluded    []string
	change      func(table string, row engine.Row)
	timeout     time.Duration
	noTxWrap    bool
	spec        Spec // of another tool
	down, twice bool
	build       func(context.Context, []schema.Obligation) (CopyResult, error)
}

// run rehearses, and checks what holds for every rehearsal: the directory of production is untouched, nothing scratch
// is left, and no value of a row is in the output.
func (tr trial) run(t *testing.T) (Output, error) {
	t.Helper()
	ctx := context.Background()
	if tr.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, tr.timeout)
		defer cancel()
	}
	before := digests(t, filepath.Dir(tr.production))
	e := sqlite.New()
	prod, err := e.Open(context.Background(), engine.Target{Engine: "sqlite", DSN: tr.production, Path: tr.production, Display: "sqlite:prod.db"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer prod.Close()
	sch, err := prod.Schema(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	build := tr.build
	if build == nil {
		build = faithfulCopy(prod, sch, dir, tr.excluded, tr.change)
	}
	spec := tr.spec
	spec.Dir, spec.NoTxWrap = writeFiles(t, tr.files), tr.noTxWrap
	out, err := Rehearse(ctx, Input{Scope: "main", Environment: "production", Engine: e, Production: prod, Schema: sch,
		Spec: spec, ScratchDir: dir, BuildCopy: build, Now: time.Now, Down: tr.down, Twice: tr.twice})
	for _, f := range out.Findings {
		for _, q := range f.Queries {
			if keys := ask(t, prod, q.SQL); !strings.HasPrefix(q.Finds, plural(int64(len(keys)), "row")+" of ") || !strings.Contains(f.Message, q.Finds) {
				t.Errorf("%q is to find %s and finds %v: %s", f.Message, q.Finds, keys, q.SQL)
			}
		}
	}
	if closeErr := prod.Close(); closeErr != nil {
		t.Error(closeErr)
	}
	if after := digests(t, filepath.Dir(tr.production)); after != before {
		t.Errorf("production's directory was\n%s\nand is\n%s", before, after)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left in the scratch directory: %v", left)
	}
	printed, _ := json.Marshal(out)
	if at := strings.Index(strings.ToLower(string(printed)+fmt.Sprint(err)), planted); at >= 0 {
		t.Errorf("a value is in the output: …%s", printed[max(0, at-200):min(len(printed), at+50)])
	}
	for _, list := range []string{"findings", "gaps", "pending", "migrations", "probes", "plans", "passes", "statements", "locks", "rewrites", "scans", "production_seconds"} {
		if strings.Contains(strings.ToLower(string(printed)), `"`+list+`":null`) {
			t.Errorf("%s is null in the output", list)
		}
	}
	return out, err
}

// ask gives the keys that a query finds in production, in order.
func ask(t *testing.T, db engine.DB, query string) []string {
	t.Helper()
	var keys []string
	err := db.Query(context.Background(), query, func(r engine.Row) error {
		var key []string
		for _, c := range r {
			key = append(key, string(c.Data))
		}
		keys = append(keys, strings.Join(key, "/"))
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", query, err)
	}
	sort.Strings(keys)
	return keys
}

// digests are the names and contents of a directory; a -shm file is its readers' scratch pad.
func digests(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-shm") {
			lines = append(lines, e.Name())
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %d %x", e.Name(), len(b), fnv(b)))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func fnv(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

func gaps(out Output) []string {
	var g []string
	for _, x := range out.Gaps {
		g = append(g, x.Address+": "+x.Reason)
	}
	return g
}

// one rehearses a single migration, 42_x, on the shop and wants exactly one finding of a rule,
// with these words; no rule wants silence.
func one(t *testing.T, tr trial, script, rule string, words ...string) Output {
	t.Helper()
	if tr.production == "" {
		tr.production = makeDatabase(t, shop)
	}
	if tr.files == nil {
		tr.files = map[string]string{"000041_base.up.sql": "SELECT 1", "000042_x.up.sql": script}
	}
	out, err := tr.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Gaps) > 0 {
		t.Errorf("gaps %q", gaps(out))
	}
	if rule == "" {
		if len(out.Findings) > 0 {
			t.Errorf("findings %q", messages(out.Findings))
		}
		for _, m := range out.Database.Migrations {
			if m.Status != statusOK {
				t.Errorf("%s is %s: %+v", m.Version, m.Status, m.Statements)
			}
		}
		if out.After == nil {
			t.Error("the schema after the migrations is missing")
		}
		return out
	}
	if len(out.Findings) != 1 || out.Findings[0].Rule != rule {
		t.Fatalf("findings %q, want one of %s", messages(out.Findings), rule)
	}
	f := out.Findings[0]
	if f.Address != "main:migration/42_x" {
		t.Errorf("address %s", f.Address)
	}
	for _, w := range words {
		if !strings.Contains(f.Message, w) {
			t.Errorf("message %q lacks %q", f.Message, w)
		}
	}
	return out
}
