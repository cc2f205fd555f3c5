package migrations

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/schema"
)

// desk is a production whose names and literals are unkind to whoever copies a query from a terminal.
const desk = `
CREATE TABLE "order lines" ("line  no" INTEGER PRIMARY KEY, "the status" TEXT, [paid at] TEXT, parent INTEGER, customer INTEGER);
CREATE TABLE customers (id INTEGER PRIMARY KEY);
INSERT INTO customers VALUES (1);
INSERT INTO "order lines" VALUES (1, 'a  b', 'x', NULL, 1), (2, 'a b', 'x', 1, 1), (3, 'on hold for review', NULL, 77, 9), (4, 'a  b', 'zqtoken', 4, NULL);
CREATE TABLE shelf (a TEXT, b TEXT, n INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
INSERT INTO shelf VALUES ('1', '1', 5), ('1', '2', 5), ('2', '1', 6);
CREATE TABLE tills (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, note TEXT);
INSERT INTO tills VALUES (1, 'till', 'x'), (2, 'TILL', 'X'), (3, '7', NULL);
CREATE TABLE schema_migrations (version uint64, dirty bool);
INSERT INTO schema_migrations VALUES (41, 0);
`

func TestQueriesOfBrokenDemands(t *testing.T) {
	lines := func(create, selected string) string {
		return "CREATE TABLE l (\"line  no\" INTEGER PRIMARY KEY, \"the status\" TEXT, [paid at] TEXT, parent INTEGER, customer INTEGER" + create + ");\nINSERT INTO l " + selected + ";"
	}
	const all = `SELECT "line  no", "the status",
  [paid at], -- when
  parent, customer FROM "order lines"`
	for _, tt := range []struct {
		name, script string
		want         []string // query, then the keys that it finds
	}{
		{"a literal with two blanks, in a copy of the table", lines(", CHECK (\"the status\" <> 'a  b')", all),
			[]string{`SELECT "line  no" FROM "order lines" WHERE NOT ("the status" <> 'a  b') → 1 4`}},
		{"all columns by a star", lines(", CHECK (\"the status\" IN ('a b',\n -- both\n 'a  b'))", "SELECT * FROM [order lines]"),
			[]string{`SELECT "line  no" FROM "order lines" WHERE NOT ("the status" IN ('a b', 'a  b')) → 3`}},
		{"a copy with columns exchanged is asked as it is", lines(", CHECK (customer < 50)", `SELECT "line  no", "the status", [paid at], customer, parent FROM "order lines"`),
			[]string{`WITH envdiff_rows ("line  no", "the status", "paid at", "parent", "customer") AS (SELECT "line  no", "the status", [paid at], customer, parent FROM "order lines") SELECT "line  no" FROM envdiff_rows WHERE NOT (customer < 50) → 3`}},
		{"a copy of some rows", lines(", CHECK (parent < 50)", `SELECT * FROM "order lines" WHERE customer IS NOT NULL`),
			[]string{`WITH envdiff_rows ("line  no", "the status", "paid at", "parent", "customer") AS (SELECT * FROM "order lines" WHERE customer IS NOT NULL) SELECT "line  no" FROM envdiff_rows WHERE NOT (parent < 50) → 3`}},
		{"literals of the query stay in the file", lines(", CHECK (parent < 50)", `SELECT * FROM "order lines" WHERE customer <> 4`), nil},
		{"a column that takes its default", "CREATE TABLE l (\"line  no\" INTEGER PRIMARY KEY, kind TEXT DEFAULT 'new', customer INTEGER NOT NULL);\nINSERT INTO l (\"line  no\", customer) SELECT \"line  no\", customer FROM \"order lines\";",
			[]string{`SELECT "line  no" FROM "order lines" WHERE "customer" IS NULL → 4`}},
		{"a check that reads such a column", "CREATE TABLE l (\"line  no\" INTEGER PRIMARY KEY, least INTEGER DEFAULT 5, customer INTEGER CHECK (customer < least));\nINSERT INTO l (\"line  no\", customer) SELECT \"line  no\", customer FROM \"order lines\";", nil},
		{"several demands at once", lines(`, CHECK ("the status" <> 'a b'), FOREIGN KEY (customer) REFERENCES customers (id), UNIQUE ([paid at])`, all),
			[]string{
				`SELECT "line  no" FROM "order lines" WHERE NOT ("the status" <> 'a b') → 2`,
				`SELECT "line  no" FROM "order lines" WHERE ("paid at") IN (SELECT "paid at" FROM "order lines" GROUP BY "paid at" HAVING count(*) > 1) → 1 2`,
				`SELECT "line  no" FROM "order lines" AS child WHERE child."customer" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "customers" AS parent WHERE parent."id" = child."customer") → 3`}},
		{"a reference to the table itself", lines(`, FOREIGN KEY (parent) REFERENCES l ("line  no")`, all),
			[]string{`SELECT "line  no" FROM "order lines" AS child WHERE child."parent" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "order lines" AS parent WHERE parent."line  no" = child."parent") → 3`}},
		{"a key of two columns", "CREATE UNIQUE INDEX n ON shelf (n) WHERE n > 0;",
			[]string{`SELECT "a", "b" FROM "shelf" WHERE ("n") IN (SELECT "n" FROM "shelf" WHERE (n > 0) GROUP BY "n" HAVING count(*) > 1) AND (n > 0) → 1/1 1/2`}},
		{"a type that values do not have", "CREATE TABLE s (id INTEGER PRIMARY KEY, name INTEGER, note TEXT) STRICT;\nINSERT INTO s SELECT id, name, note FROM tills;",
			[]string{`SELECT "id" FROM "tills" WHERE ("name" IS NOT NULL AND NOT ((typeof("name") IN ('integer', 'real') OR typeof("name") = 'text' AND "name" = CAST("name" AS NUMERIC)) AND (typeof(CAST("name" AS NUMERIC)) = 'integer' OR typeof("name") = 'real' AND "name" = CAST("name" AS INTEGER)))) → 1 2`}},
		{"a collation that the new key does not have", "CREATE TABLE s (id INTEGER PRIMARY KEY, name TEXT UNIQUE);\nINSERT INTO s SELECT id, name FROM tills;", nil},
		{"a collation that only the new key has", "CREATE UNIQUE INDEX u ON tills (note COLLATE NOCASE);",
			[]string{`SELECT "id" FROM "tills" WHERE ("note" COLLATE NOCASE) IN (SELECT "note" COLLATE NOCASE FROM "tills" GROUP BY "note" COLLATE NOCASE HAVING count(*) > 1) → 1 2`}},
		{"a renamed column", `ALTER TABLE "order lines" RENAME COLUMN customer TO buyer; CREATE UNIQUE INDEX b ON "order lines" (buyer);`,
			[]string{`WITH envdiff_rows ("line  no", "the status", "paid at", "parent", "buyer") AS (SELECT "line  no", "the status", "paid at", "parent", "customer" FROM "order lines") SELECT "line  no" FROM envdiff_rows WHERE ("buyer" COLLATE BINARY) IN (SELECT "buyer" COLLATE BINARY FROM envdiff_rows GROUP BY "buyer" COLLATE BINARY HAVING count(*) > 1) → 1 2`}},
		{"an added column beside", "ALTER TABLE shelf ADD COLUMN more TEXT; CREATE UNIQUE INDEX f ON shelf (abs(n));",
			[]string{`SELECT "a", "b" FROM "shelf" WHERE (abs(n)) IN (SELECT abs(n) FROM "shelf" GROUP BY abs(n) HAVING count(*) > 1) → 1/1 1/2`}},
		{"rows that the migration itself makes", "UPDATE shelf SET n = 6; CREATE UNIQUE INDEX f ON shelf (n);", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr := trial{production: makeDatabase(t, desk), files: map[string]string{"41_a.up.sql": "", "42_x.up.sql": tt.script}}
			out, err := tr.run(t)
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Findings) > 1 || len(out.Gaps) > 0 || len(out.Findings) == 0 && tt.want != nil {
				t.Fatalf("findings %q, gaps %q", messages(out.Findings), gaps(out))
			}
			var got []string
			for _, f := range out.Findings {
				for _, q := range f.Queries {
					got = append(got, q.SQL+" → "+strings.Join(askFile(t, tr.production, q.SQL), " "))
				}
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("%s\ngot\n%s\nwant\n%s", messages(out.Findings), strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestAForeignKeyThatSQLiteLetsPassExplainsItself(t *testing.T) {
	const because = "SQLite enforces foreign keys only on connections that ask for it"
	orders := "CREATE TABLE o (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), code TEXT%s);\nINSERT INTO o SELECT id, user_id, code FROM orders;"
	one(t, trial{}, fmt.Sprintf(orders, ""), "migration-predicted", "; the replay passes, for "+because)
	for _, tr := range []trial{{}, {excluded: []string{"orders"}}} {
		rule := "migration-failed"
		if tr.excluded != nil {
			rule = "migration-predicted"
		}
		out := one(t, tr, fmt.Sprintf(orders, " CHECK (length(code) > 9)"), rule, "; the foreign key alone would not stop it, for "+because)
		if f := out.Findings[0]; len(f.Queries) != 2 || f.Hint != "correct the rows that break the check before, or loosen it; delete the rows that refer to nothing before, or add what they refer to" {
			t.Errorf("%s: hint %q, queries %v", f.Message, f.Hint, f.Queries)
		}
	}
	if f := one(t, trial{}, "CREATE UNIQUE INDEX u ON users (lower(email));", "migration-failed").Findings[0]; strings.Contains(f.Message, "foreign key") {
		t.Errorf("no foreign key is broken: %q", f.Message)
	}
}

func TestOneLineLeavesQuotedTextAlone(t *testing.T) {
	for _, tt := range []struct{ engine, sql, want string }{
		{"sqlite", "SELECT  'a  b',\n\t\"c  d\" -- it's\n, [e  f] /* \" */ FROM t\n", "SELECT 'a  b', \"c  d\" , [e  f] FROM t"},
		{"sqlite", "NOT ( a = 'it''s  --'\n)", "NOT (a = 'it''s  --')"},
		{"sqlite", "SELECT 'a\nb'", "SELECT 'a\nb'"},
		{"mysql", "SELECT `a  b`, 'it\\'s  it' # it's\n, \"x  y\", 5--3", "SELECT `a  b`, 'it\\'s  it' , \"x  y\", 5--3"},
		{"postgres", "SELECT a[ 1 ],  E'it\\'s  it'", "SELECT a[ 1 ], E'it\\'s  it'"},
	} {
		if got := oneLine(tt.sql, tt.engine); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.engine, got, tt.want)
		}
	}
}

func TestPlainSelects(t *testing.T) {
	table := &schema.Table{Name: schema.Name{Name: "t"}, Columns: []schema.Column{{Name: "id"}, {Name: "Name"}, {Name: "current_date"}}}
	for _, tt := range []struct{ engine, query, want string }{
		{"sqlite", "select ID, \"name\" from T;", "id Name"},
		{"sqlite", "SELECT * FROM `t`", "id Name current_date"},
		{"mysql", "SELECT `id` FROM t", "id"},
		{"mysql", "SELECT \"id\" FROM t", ""},
		{"sqlite", "SELECT DISTINCT id FROM t", ""},
		{"sqlite", "SELECT 'id' FROM t", ""},
		{"sqlite", "SELECT id name FROM t", ""},
		{"sqlite", "SELECT id, FROM t", ""},
		{"sqlite", "SELECT id FROM other", ""},
		{"sqlite", "SELECT id FROM t LIMIT 1", ""},
		{"sqlite", "SELECT id FROM t, t", ""},
		{"sqlite", "SELECT current_date FROM t", ""},
		{"sqlite", "SELECT rowid FROM t", ""},
		{"sqlite", "", ""},
	} {
		items, ok := plainSelect(tt.query, table, tt.engine)
		if got := strings.Join(items, " "); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%s: %s gives %q, want %q", tt.engine, tt.query, got, tt.want)
		}
	}
}

// askFile is ask on a file.
func askFile(t *testing.T, path, query string) []string {
	t.Helper()
	db, err := sqlite.New().Open(context.Background(), engine.Target{Engine: "sqlite", DSN: path, Path: path, Display: "sqlite:prod.db"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return ask(t, db, query)
}

// FuzzOneLine wants every text to be cut to its end, and one that is on one line to stay as it is.
func FuzzOneLine(f *testing.F) {
	for _, s := range []string{"SELECT 'a  b'", "[", "`", "--", "#", "\"", "x'", "$a$", "a  -- b\nc", "( x )"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range []string{"sqlite", "mysql", "postgres"} {
			quoted := "SELECT '" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, "/"), "'", "''") + "' FROM t"
			if got := oneLine(quoted, name); got != quoted {
				t.Errorf("%s: %q became %q", name, quoted, got)
			}
			oneLine(s, name)
			plainSelect(s, &schema.Table{}, name)
		}
	})
}
