package sqlite

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

var scripts = []string{
	"", ";", "SELECT 1", "SELECT 1;SELECT 2;", "-- c\nSELECT 'a;''b' -- d\n;/* e; */ SELECT \"x;\"", "SELECT [a;b], `c;d`;", "SELECT x'00', 1.5e-3, 0x1F, .5, ?1, :a, @b, $c;",
	"CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 3; END; SELECT 4", "CREATE TEMP TRIGGER t BEGIN SELECT 1;", "EXPLAIN CREATE TRIGGER t BEGIN END;", "SELECT 'open",
	"SELECT \"open", "SELECT [open", "/* open", "SELECT 1 /*", "\ufeffSELECT 1;", "SELECT 1\x00;", "é😀;", "a->>b||c<>d!=e==f<<g>>h<=i>=j->k", "1_000 0x_1 1e 1e+ 1.", "CREATE TABLE t(a,b);INSERT INTO t SELECT 1,2;",
	"WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a RETURNING *", "CREATE TRIGGER t BEGIN SELECT 1;END", "BEGIN;END;", "; ; END ;",
}

func TestTokensAreTheWholeText(t *testing.T) {
	for _, script := range scripts {
		checkTokens(t, script)
	}
}

func checkTokens(t *testing.T, script string) {
	t.Helper()
	var b strings.Builder
	for _, tok := range tokens(script) {
		if tok.text == "" {
			t.Fatal("an empty token")
		}
		if tok.at != b.Len() {
			t.Fatalf("token %q at %d, want %d", tok.text, tok.at, b.Len())
		}
		b.WriteString(tok.text)
	}
	if b.String() != script {
		t.Fatalf("tokens join to %q, want %q", b.String(), script)
	}
}

// squeezed is a script without what Split leaves out.
func squeezed(script string) string {
	var b strings.Builder
	for _, tok := range tokens(script) {
		if tok.kind != tokenSpace && tok.kind != tokenComment && tok.kind != tokenSemi {
			b.WriteString(tok.text + " ")
		}
	}
	return b.String()
}

func checkSplit(t *testing.T, script string) {
	t.Helper()
	var texts []string
	line := 0
	for _, s := range split(script) {
		if blank(s.Text) || s.Line < max(1, line) || s.Line > strings.Count(script, "\n")+1 {
			t.Fatalf("statement %q at line %d behind line %d", s.Text, s.Line, line)
		}
		if !strings.Contains(strings.Join(strings.Split(script, "\n")[s.Line-1:], "\n"), s.Text) {
			t.Fatalf("statement %q does not begin at line %d", s.Text, s.Line)
		}
		line = s.Line
		texts = append(texts, s.Text)
	}
	if got, want := squeezed(strings.Join(texts, "\n;\n")), squeezed(script); got != want {
		t.Fatalf("the statements of %q hold %q, want %q", script, got, want)
	}
}

func FuzzSplit(f *testing.F) {
	for _, script := range scripts {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		checkTokens(t, script)
		checkSplit(t, script)
	})
}

// FuzzCatalogueText feeds the readers of the catalogue's texts, which hostile files choose.
func FuzzCatalogueText(f *testing.F) {
	for _, script := range fixtures {
		for _, s := range split(script) {
			f.Add(s.Text)
		}
	}
	f.Fuzz(func(t *testing.T, sql string) {
		n := names{declared: map[string]string{"a": "a", "b": "B", "select": "select"}, recase: true}
		if text, err := parseTable(sql); err == nil {
			for _, c := range text.checks {
				stable(t, c.expr, n)
			}
			for _, c := range text.columns {
				stable(t, c.generated, n)
			}
		}
		if text, ok := parseIndex(sql); ok {
			for _, part := range text.parts {
				stable(t, keyExpression(part), n)
			}
			stable(t, text.where, n)
		}
		triggerBody(sql, n)
		stable(t, viewSelect(sql), names{})
	})
}

// FuzzInsertSelect feeds the reader of migrations' statements.
func FuzzInsertSelect(f *testing.F) {
	for _, script := range append(scripts, "INSERT INTO t SELECT 1", "INSERT OR FAIL INTO main.t AS x (a, b) WITH q AS (SELECT 1) SELECT * FROM q ON CONFLICT DO NOTHING", "WITH a(b) AS MATERIALIZED (SELECT 1) INSERT INTO t WITH c AS (SELECT 2) SELECT 3") {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if in := insertSelect(sql); in != nil && blank(in.Query) {
			t.Fatalf("%q inserts the rows of no query", sql)
		}
		changesRows(sql)
	})
}

// stable wants the canonical text to be canonical, with the same tokens but for spelling.
func stable(t *testing.T, list []token, n names) {
	t.Helper()
	for _, tok := range list {
		if tok.kind == tokenIllegal || tok.kind == tokenQuoted && (len(tok.text) < 2 || tok.name() == "") || strings.HasSuffix(tok.text, "\\") {
			return // SQLite takes no such text
		}
	}
	once := canonical(list, n)
	again := meaningful(once)
	if twice := canonical(again, n); twice != once {
		t.Fatalf("%q becomes %q, and then %q", texts(list), once, twice)
	}
	if got, want := len(again), len(withoutOuterParentheses(list)); got != want {
		t.Fatalf("%q has %d tokens, %q has %d", texts(list), want, once, got)
	}
}

func texts(list []token) []string {
	var all []string
	for _, tok := range list {
		all = append(all, tok.text)
	}
	return all
}

// SQLite itself says where a statement ends: what it prepares must be what Split cuts.
func TestSplitAgreesWithSQLite(t *testing.T) {
	c, err := connect(":memory:", 6) // SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	ctx := context.Background()
	script := `CREATE TABLE t (a, "b;c" DEFAULT ';'); -- first; comment
		CREATE TRIGGER x AFTER INSERT ON t WHEN CASE new.a WHEN 1 THEN 1 ELSE 0 END BEGIN
			UPDATE t SET a = CASE WHEN a > 1 THEN 2 ELSE 3 END WHERE [b;c] <> 'END;'; /* END; */
			SELECT 1;
		END; INSERT INTO t (a) VALUES (';'), ('x;''');
		SELECT [a], "b;c", ` + "`a`" + ` FROM t;;;SELECT 2`
	var ours, theirs []string
	for _, s := range split(script) {
		ours = append(ours, squeezed(s.Text))
	}
	for rest := script; !blank(rest); {
		s, after, err := c.prepare(rest)
		if err != nil {
			t.Fatal(err)
		}
		if s != nil {
			if err := s.each(ctx, func(engine.Row) error { return nil }); err != nil {
				t.Fatal(err)
			}
			s.finalize()
			theirs = append(theirs, squeezed(rest[:len(rest)-len(after)]))
		}
		rest = after
	}
	if !slices.Equal(ours, theirs) {
		t.Errorf("split into\n%s\nSQLite ends them as\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}
