package database_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

var update = flag.Bool("update", false, "rewrite golden files")

// testKey is the redact key of all tests: digests in golden files depend on it.
var testKey, _ = keys.Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")

// build makes a SQLite database from statements.
func build(t *testing.T, script ...string) engine.Target {
	t.Helper()
	ctx := context.Background()
	e := sqlite.New()
	target, err := e.CreateScratch(ctx, engine.Target{Engine: "sqlite"}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db, err := e.Open(ctx, target, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := db.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, sql := range script {
		if _, err := s.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return target
}

// capture observes a database as envdiff does.
func capture(t *testing.T, target engine.Target, spec snapshot.DatabaseSpec) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Capture(context.Background(), snapshot.Plan{
		Environment: "production", Redact: snapshot.NewRedactor(testKey, nil), Now: func() time.Time { return time.Unix(0, 0) },
		Timeout: time.Minute, TempDir: t.TempDir(),
		Databases: []snapshot.DatabaseTarget{{Scope: "main", Instance: "primary", Spec: spec, Open: func(ctx context.Context) (engine.DB, error) {
			return sqlite.New().Open(ctx, target, engine.ReadOnly)
		}}},
	}, snapshot.Registry{Databases: database.New()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// facts are the lines as "kind/name#attribute = value", of the kinds asked for.
func facts(s *snapshot.Snapshot, kinds ...string) string {
	var b strings.Builder
	for _, l := range s.Lines {
		for _, k := range kinds {
			if l.Address.Kind == k {
				fmt.Fprintf(&b, "%s = %s\n", strings.TrimPrefix(l.Address.String(), "main:"), l.Values[0].Value.JSON())
			}
		}
	}
	return b.String()
}

// value is the value at an address, "" where nothing is.
func value(s *snapshot.Snapshot, address string) string {
	for _, l := range s.Lines {
		if l.Address.String() == address {
			return l.Values[0].Value.JSON()
		}
	}
	return ""
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s (-update rewrites it):\n%s", path, d)
	}
}

var shop = []string{
	`CREATE TABLE plans (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT`,
	`CREATE TABLE users (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		plan_id INTEGER NOT NULL DEFAULT 1 REFERENCES plans(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
		email TEXT NOT NULL COLLATE NOCASE,
		"odd.name" TEXT DEFAULT 'x',
		shout TEXT GENERATED ALWAYS AS (upper(email)) STORED,
		CONSTRAINT email_has_at CHECK (email LIKE '%@%'),
		CHECK (length(email) < 255))`,
	`CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE plan_id > 0`,
	`CREATE INDEX users_plan ON users (plan_id DESC, email)`,
	`CREATE TABLE audit_2026 (id INTEGER PRIMARY KEY, note TEXT)`,
	`CREATE VIEW paying AS SELECT id, email FROM users WHERE plan_id > 1`,
	`CREATE TRIGGER users_touch AFTER UPDATE ON users BEGIN DELETE FROM audit_2026; END`,
	`CREATE TRIGGER audit_touch AFTER UPDATE ON audit_2026 BEGIN DELETE FROM audit_2026; END`,
}

func TestTheSchemaBecomesFacts(t *testing.T) {
	s := capture(t, build(t, shop...), snapshot.DatabaseSpec{Ignore: []string{"audit_*"}})
	golden(t, "schema.txt", facts(s, "table", "column", "constraint", "index", "view", "trigger"))
	if strings.Contains(facts(s, "table", "column", "constraint", "trigger"), "audit_2026/") || value(s, "main:table/audit_2026") != "" {
		t.Error("an ignored table is there")
	}
	var notes []string
	for _, n := range s.Notes {
		notes = append(notes, n.Kind)
	}
	if !strings.Contains(strings.Join(notes, ";"), "under ignore") {
		t.Errorf("what is ignored is not noted: %v", notes)
	}
	if len(s.Gaps) > 0 {
		t.Errorf("%+v", s.Gaps)
	}
}

func TestCredentialsInTheSchemaAreRedacted(t *testing.T) {
	const url = "https://bot:correct-horse-9@partner.example/x"
	s := capture(t, build(t,
		`CREATE TABLE hooks (url TEXT DEFAULT '`+url+`' CHECK (url <> '`+url+`'), password TEXT DEFAULT 'correct-horse-9')`,
		`CREATE INDEX hooks_url ON hooks (url) WHERE url <> '`+url+`'`,
		`CREATE VIEW v AS SELECT '`+url+`' AS u`,
		`CREATE TRIGGER tr AFTER INSERT ON hooks BEGIN UPDATE hooks SET url = '`+url+`'; END`), snapshot.DatabaseSpec{})
	text := facts(s, "table", "column", "constraint", "index", "view", "trigger")
	if strings.Contains(text, "correct-horse-9") {
		t.Error(text)
	}
	if !strings.Contains(text, "partner.example") {
		t.Errorf("more is gone than the secret:\n%s", text)
	}
}

func TestKindsCoverEveryFact(t *testing.T) {
	s := capture(t, build(t, shop...), snapshot.DatabaseSpec{Profile: snapshot.GradeScan, Exact: []string{"plans"}})
	var kinds []snapshot.Kind
	for _, c := range database.New() {
		kinds = append(kinds, c.Kinds()...)
	}
	for _, l := range s.Lines {
		text := strings.TrimPrefix(l.Address.String(), "main:")
		if !matches(kinds, text) {
			t.Errorf("no kind for %s", text)
		}
	}
}

func matches(kinds []snapshot.Kind, text string) bool {
	for _, k := range kinds {
		if snapshot.MatchGlob(k.Pattern, text) {
			return true
		}
	}
	return false
}

func TestUnnamedConstraintsPairByTheirStructure(t *testing.T) {
	a := capture(t, build(t, `CREATE TABLE t (a INTEGER CHECK (a > 0), b TEXT, UNIQUE (a, b), UNIQUE (b))`), snapshot.DatabaseSpec{})
	b := capture(t, build(t, `CREATE TABLE t (a INTEGER, b TEXT UNIQUE, UNIQUE (a, b), CHECK (a > 0))`), snapshot.DatabaseSpec{})
	if d := cmp.Diff(facts(a, "constraint"), facts(b, "constraint")); d != "" {
		t.Error(d)
	}
	if facts(a, "constraint") == "" {
		t.Error("there are no constraints")
	}
}

func TestTheProfileCountsTraitsAndKeepsNoValue(t *testing.T) {
	target := build(t,
		`CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, age INTEGER, score REAL, mixed, photo BLOB, empty TEXT)`,
		`INSERT INTO users VALUES (1, 'secret-one@shop.example', 30, 1.5, 'text', x'00ff', NULL), (2, '', -7, -1234.5, 5, x'', NULL),
			(3, '  ', 0, 0.0, 5.5, NULL, NULL), (4, NULL, NULL, NULL, NULL, NULL, NULL), (5, 'müller@shop.example', 98765, 2, x'01', NULL, NULL)`,
		`CREATE TABLE empty (id INTEGER PRIMARY KEY, name TEXT)`,
		`CREATE TABLE schema_migrations (version INTEGER, dirty INTEGER)`)
	s := capture(t, target, snapshot.DatabaseSpec{Profile: snapshot.GradeScan, Keep: func(table, column string) bool { return table == "users" && column == "score" }})
	golden(t, "profile.txt", facts(s, "profile"))
	for _, l := range s.Lines {
		for _, h := range l.Values {
			for _, secret := range []string{"secret-one", "ller@", "98765"} {
				if strings.Contains(h.Value.JSON(), secret) {
					t.Errorf("%s holds a value", l.Address)
				}
			}
		}
	}
	if s := capture(t, target, snapshot.DatabaseSpec{}); facts(s, "profile") != "" || s.Manifest.Scopes["main"].Looked["profile/*"] != nil {
		t.Error("a profile that nobody asked for")
	}
}

func TestDistinctValuesAreEstimated(t *testing.T) {
	target := build(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, few TEXT)`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO t SELECT i, 'v' || (i % 10) FROM n`)
	s := capture(t, target, snapshot.DatabaseSpec{Profile: snapshot.GradeScan})
	var ids, few int
	fmt.Sscan(value(s, "main:profile/t.id#distinct"), &ids)
	fmt.Sscan(value(s, "main:profile/t.few#distinct"), &few)
	if ids < 9600 || ids > 10000 || few != 10 {
		t.Errorf("%d and %d", ids, few)
	}
}

// rowsText is the decompressed attachment.
func rowsText(t *testing.T, s *snapshot.Snapshot, table string) []string {
	t.Helper()
	r, err := s.Attachments[snapshot.RowsAttachment("main", "primary", table)].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	z, err := zstd.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var lines []string
	for sc := bufio.NewScanner(z); sc.Scan(); {
		lines = append(lines, sc.Text())
	}
	return lines
}

func diff(t *testing.T, a, b *snapshot.Snapshot, table string) snapshot.RowDiff {
	t.Helper()
	name := snapshot.RowsAttachment("main", "primary", table)
	d, err := snapshot.CompareRows(a.Attachments[name], b.Attachments[name])
	if err != nil {
		t.Fatal(err)
	}
	d.Differing, d.Buckets = nil, nil
	return d
}

func TestExactRowsAreComparedByDigest(t *testing.T) {
	const table = `CREATE TABLE countries (code TEXT PRIMARY KEY NOT NULL, name TEXT, n)`
	spec := snapshot.DatabaseSpec{Exact: []string{"countries"}, Keep: func(_, column string) bool { return column == "code" }}
	base := capture(t, build(t, table, `INSERT INTO countries VALUES ('DE', 'Germany', 1), ('FR', 'France', 2), ('IT', 'Italy', NULL)`), spec)
	for _, c := range []struct {
		name, rows string
		want       snapshot.RowDiff
	}{
		{"another order", `('IT', 'Italy', NULL), ('FR', 'France', 2), ('DE', 'Germany', 1)`, snapshot.RowDiff{}},
		{"added, removed, changed", `('DE', 'Deutschland', 1), ('IT', 'Italy', NULL), ('ES', 'Spain', 3)`,
			snapshot.RowDiff{Added: 1, Removed: 1, Changed: 1}},
		{"1 as a real", `('DE', 'Germany', 1.0), ('FR', 'France', 2), ('IT', 'Italy', NULL)`, snapshot.RowDiff{Changed: 1}},
		{"1 as a text", `('DE', 'Germany', '1'), ('FR', 'France', 2), ('IT', 'Italy', NULL)`, snapshot.RowDiff{Changed: 1}},
		{"empty in place of null", `('DE', 'Germany', 1), ('FR', 'France', 2), ('IT', 'Italy', '')`, snapshot.RowDiff{Changed: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := capture(t, build(t, table, `INSERT INTO countries VALUES `+c.rows), spec)
			got := diff(t, base, other, "countries")
			got.Examples, got.Columns = nil, nil
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			same := value(base, "main:rows/countries#digest") == value(other, "main:rows/countries#digest")
			if same != (c.want.Added+c.want.Removed+c.want.Changed == 0) {
				t.Errorf("equal digests: %v", same)
			}
		})
	}
	if got := value(base, "main:rows/countries#count"); got != "3" {
		t.Errorf("count %s", got)
	}
	if text := strings.Join(rowsText(t, base, "countries"), "\n"); !strings.Contains(text, `["DE"]`) || strings.Contains(text, "Germany") {
		t.Errorf("kept keys stand there, other values do not:\n%s", text)
	}
	hidden := capture(t, build(t, table, `INSERT INTO countries VALUES ('DE', 'Germany', 1)`), snapshot.DatabaseSpec{Exact: []string{"countries"}})
	if text := strings.Join(rowsText(t, hidden, "countries")[1:], "\n"); strings.Contains(text, "DE") && strings.Contains(text, "[") {
		t.Errorf("a key that nobody keeps: %s", text)
	}
}

func TestColumnOrderAndGeneratedColumnsAreNoDifferenceOfRows(t *testing.T) {
	spec := snapshot.DatabaseSpec{Exact: []string{"t"}}
	a := capture(t, build(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)`, `INSERT INTO t VALUES (1, 'x', 'y')`), spec)
	b := capture(t, build(t, `CREATE TABLE t (b TEXT, a TEXT, id INTEGER PRIMARY KEY, g TEXT AS (a || b))`, `INSERT INTO t (id, a, b) VALUES (1, 'x', 'y')`), spec)
	if d := cmp.Diff(snapshot.RowDiff{}, diff(t, a, b, "t")); d != "" {
		t.Error(d)
	}
}

func TestATableWithoutAKeyIsABag(t *testing.T) {
	spec := snapshot.DatabaseSpec{Exact: []string{"t"}}
	a := capture(t, build(t, `CREATE TABLE t (a TEXT)`, `INSERT INTO t VALUES ('x'), ('x'), ('y')`), spec)
	b := capture(t, build(t, `CREATE TABLE t (a TEXT)`, `INSERT INTO t VALUES ('x'), ('z'), ('z')`), spec)
	if d := cmp.Diff(snapshot.RowDiff{Added: 2, Removed: 2}, diff(t, a, b, "t")); d != "" {
		t.Error(d)
	}
	if got := value(a, "main:rows/t#count"); got != "3" {
		t.Errorf("count %s", got)
	}
}

func TestAnExactTableThatIsMissingIsAGap(t *testing.T) {
	s := capture(t, build(t, `CREATE TABLE plans (id INTEGER PRIMARY KEY)`), snapshot.DatabaseSpec{Exact: []string{"plan", "plans"}})
	if len(s.Gaps) != 1 || s.Gaps[0].Address.String() != "main:rows/plan" {
		t.Errorf("%+v", s.Gaps)
	}
	if _, ok := s.Manifest.Scopes["main"].Looked["rows/plans#*"]; !ok {
		t.Errorf("%v", s.Manifest.Scopes["main"].Looked)
	}
}

func TestASnapshotWithRowsIsStoredAndReadBack(t *testing.T) {
	s := capture(t, build(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)`, `INSERT INTO t VALUES (1, 'x')`), snapshot.DatabaseSpec{Exact: []string{"t"}})
	for _, name := range []string{"s", "s.zip"} {
		path := filepath.Join(t.TempDir(), name)
		if err := snapshot.Write(path, s); err != nil {
			t.Fatal(err)
		}
		back, err := snapshot.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(snapshot.RowDiff{}, diff(t, s, back, "t")); d != "" {
			t.Error(d)
		}
	}
}

// watched is a database that tells when it is closed.
type watched struct {
	engine.DB
	closed chan struct{}
}

func (w watched) Close() error {
	defer close(w.closed)
	return w.DB.Close()
}

// stuck stores an attachment, and does not come back before it is released.
type stuck struct{ release chan struct{} }

func (stuck) Name() string           { return "stuck" }
func (stuck) Doc() snapshot.Doc      { return snapshot.Doc{} }
func (stuck) Kinds() []snapshot.Kind { return []snapshot.Kind{{Pattern: "stuck/*"}} }
func (s stuck) Collect(_ context.Context, in snapshot.DatabaseInput) snapshot.Result {
	w, err := in.Attach("rows/stuck.tsv.zst")
	if err != nil {
		panic(err)
	}
	w.Commit()
	<-s.release
	return snapshot.Result{}
}

func TestADatabaseCollectorThatHangsIsAGapAndTheDatabaseIsClosedBehindIt(t *testing.T) {
	target := build(t, `CREATE TABLE t (id INTEGER PRIMARY KEY)`)
	release, closed := make(chan struct{}), make(chan struct{})
	s, err := snapshot.Capture(context.Background(), snapshot.Plan{
		Environment: "production", Redact: snapshot.NewRedactor(testKey, nil), Now: func() time.Time { return time.Unix(0, 0) },
		Timeout: 500 * time.Millisecond, TempDir: t.TempDir(),
		Databases: []snapshot.DatabaseTarget{{Scope: "main", Instance: "primary", Open: func(ctx context.Context) (engine.DB, error) {
			db, err := sqlite.New().Open(ctx, target, engine.ReadOnly)
			return watched{db, closed}, err
		}}},
	}, snapshot.Registry{Databases: []snapshot.DatabaseCollector{database.Schema{}, stuck{release}, database.Profile{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if value(s, "main:table/t") != "true" {
		t.Error("what ran before it is lost")
	}
	var got []string
	for _, g := range s.Gaps {
		got = append(got, g.Address.String())
	}
	if d := cmp.Diff([]string{"main:profile", "main:stuck"}, got); d != "" {
		t.Error(d)
	}
	if len(s.Attachments) > 0 {
		t.Error("it left an attachment without facts")
	}
	select {
	case <-closed:
		t.Error("the database was closed under it")
	default:
	}
	close(release)
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the database stayed open")
	}
}
