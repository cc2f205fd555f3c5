package sqlite

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

func captureScript(t *testing.T, script string) *schema.Database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.db")
	makeFile(t, path, script)
	return captureFile(t, path)
}

func captureFile(t *testing.T, path string) *schema.Database {
	t.Helper()
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	model, err := db.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// printed is the model without what belongs to one file.
func printed(t *testing.T, db *schema.Database) string {
	t.Helper()
	c := *db
	c.Tables = slices.Clone(db.Tables)
	for i := range c.Tables {
		c.Tables[i].StorageID, c.Tables[i].EstimatedRows = "", 0
	}
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// different are the lines around the first difference.
func different(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			from := max(0, i-8)
			return strings.Join(left[from:min(i+4, len(left))], "\n") + "\n--- and ---\n" + strings.Join(right[from:min(i+4, len(right))], "\n")
		}
	}
	return "one is longer"
}

// applied makes a new database from a captured schema and captures that.
func applied(t *testing.T, model *schema.Database) *schema.Database {
	t.Helper()
	before, after, err := New().DDL(model)
	if err != nil {
		t.Fatal(err)
	}
	return captureScript(t, strings.Join(append(before, after...), ";\n"))
}

// fixtures are schemas whose DDL must bring the same schema back.
var fixtures = map[string]string{
	"no types at all":         `CREATE TABLE t (a, b, c)`,
	"odd types":               `CREATE TABLE t (a UNSIGNED BIG INT, b DECIMAL(10, 5), c "quoted type", d VARCHAR ( 20 ), e DOUBLE PRECISION, f [bracketed], g ANY, h double)`,
	"strict":                  `CREATE TABLE t (id INTEGER PRIMARY KEY, n INT NOT NULL, r REAL, s TEXT, b BLOB, x ANY) STRICT`,
	"without rowid":           `CREATE TABLE t (a TEXT, b INTEGER, c, PRIMARY KEY (b DESC, a COLLATE NOCASE)) WITHOUT ROWID`,
	"both":                    `CREATE TABLE t (a TEXT PRIMARY KEY, b INT) WITHOUT ROWID, STRICT`,
	"primary keys with nulls": `CREATE TABLE t (a TEXT PRIMARY KEY); CREATE TABLE u (a INT PRIMARY KEY); CREATE TABLE v (a INTEGER, b INTEGER, PRIMARY KEY (a, b))`,
	"no alias of the rowid":   `CREATE TABLE t (id INTEGER PRIMARY KEY DESC, v); CREATE TABLE u (id INTEGER, PRIMARY KEY (id DESC))`,
	"autoincrement":           `CREATE TABLE t (id INTEGER CONSTRAINT pk PRIMARY KEY ON CONFLICT REPLACE AUTOINCREMENT, v); CREATE TABLE u (id INTEGER, PRIMARY KEY (id AUTOINCREMENT)); INSERT INTO t VALUES (5, 6)`,
	"conflict clauses": `CREATE TABLE t (a INTEGER NOT NULL ON CONFLICT REPLACE DEFAULT 1, b UNIQUE ON CONFLICT IGNORE, c CONSTRAINT cc UNIQUE ON CONFLICT FAIL, CHECK (a > 0) ON CONFLICT ROLLBACK,
		PRIMARY KEY (b, a) ON CONFLICT ABORT)`,
	"collations":            `CREATE TABLE t (a TEXT COLLATE NOCASE, b TEXT COLLATE "RTRIM" UNIQUE, c TEXT COLLATE BINARY, UNIQUE (a COLLATE BINARY, c), UNIQUE (c COLLATE NOCASE DESC)); CREATE INDEX i ON t (a, c COLLATE RTRIM DESC)`,
	"defaults":              `CREATE TABLE t (a DEFAULT 1, b DEFAULT -1.5e3, c DEFAULT 'x''y', d DEFAULT (1 + 2 * abs(-3)), e DEFAULT CURRENT_TIMESTAMP, f DEFAULT NULL, g DEFAULT word, h DEFAULT x'00ff', i DEFAULT TRUE, j DEFAULT ('(' || ')'), k DEFAULT +5, l DEFAULT "dq")`,
	"generated":             `CREATE TABLE t (a INT, b INT AS (a + 1), c TEXT GENERATED ALWAYS AS (upper("a" || ')')) STORED, d AS (b * 2) VIRTUAL NOT NULL UNIQUE)`,
	"checks":                `CREATE TABLE t (a INT CHECK (a > 0) CHECK (a < 9), b CONSTRAINT "b's" CHECK ((b IN (1, 2, 'x,y)')) ), c, CHECK (a <> b OR c IS NOT NULL), CONSTRAINT z CHECK (length(c) BETWEEN 1 AND -(-5)))`,
	"constraints, no comma": `CREATE TABLE t (a, b, CHECK (a > 0) UNIQUE (a) CONSTRAINT f FOREIGN KEY (b) REFERENCES t (a))`,
	"foreign keys": `CREATE TABLE p (id INTEGER PRIMARY KEY, a, b, UNIQUE (a, b));
		CREATE TABLE c (x INT REFERENCES p, y INT CONSTRAINT cy REFERENCES p (id) ON DELETE SET DEFAULT ON UPDATE RESTRICT NOT DEFERRABLE, z INT REFERENCES p ON DELETE NO ACTION DEFERRABLE INITIALLY IMMEDIATE,
		u, v, w REFERENCES nowhere, FOREIGN KEY (u, v) REFERENCES p (a, b) MATCH FULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED, FOREIGN KEY (u) REFERENCES nowhere (k))`,
	"indexes": `CREATE TABLE t (a, b, c); CREATE UNIQUE INDEX i1 ON t (a) WHERE b IS NOT NULL AND c = 'x;y'; CREATE INDEX i2 ON t (lower(a), b DESC, coalesce(a, b) COLLATE NOCASE DESC);
		CREATE INDEX "i 3" ON t ("a" , [b] , ` + "`c`" + `); CREATE INDEX i4 ON t ((a + b)) WHERE (a > 0)`,
	"views": `CREATE TABLE t (a, b); CREATE VIEW v (x, y) AS SELECT a, b AS "B" FROM t; CREATE TEMP VIEW gone AS SELECT 1; CREATE VIEW w AS WITH q AS (SELECT * FROM v) SELECT x, count(*) FROM q GROUP BY x -- comment
		ORDER BY 1`,
	"a broken view": `CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t; CREATE TABLE u (b); CREATE VIEW w AS SELECT b FROM u; PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE name = 'u'; PRAGMA writable_schema = RESET`,
	"triggers": `CREATE TABLE t (a, b); CREATE TABLE log (what); CREATE VIEW v AS SELECT a FROM t;
		CREATE TRIGGER IF NOT EXISTS main.t1 AFTER UPDATE OF a, b ON t FOR EACH ROW WHEN new.a > 0 BEGIN INSERT INTO log VALUES (CASE WHEN old.a = 1 THEN 'x;' ELSE 'end' END); DELETE FROM log WHERE 0; END;
		CREATE TRIGGER "t 2" INSTEAD OF INSERT ON v BEGIN SELECT RAISE(ABORT, 'no /* way */'); END`,
	"settings":         `PRAGMA encoding = 'UTF-16le'; PRAGMA auto_vacuum = 2; PRAGMA user_version = 42; PRAGMA application_id = -5; CREATE TABLE t (a)`,
	"virtual tables":   `CREATE TABLE t (a); CREATE VIRTUAL TABLE f USING fts5 (body); CREATE VIRTUAL TABLE r USING rtree (id, x1, x2)`,
	"altered":          `CREATE TABLE t (a); ALTER TABLE t ADD COLUMN b INT NOT NULL DEFAULT 0 CHECK (b >= 0) REFERENCES t; ALTER TABLE t RENAME COLUMN a TO "new name"; ALTER TABLE t ADD COLUMN gone; ALTER TABLE t DROP COLUMN gone; ALTER TABLE t RENAME TO u`,
	"create as":        `CREATE TABLE t (a INT, b TEXT); CREATE TABLE u AS SELECT a, b, a + 1 AS "c d" FROM t`,
	"comments inside":  "CREATE TABLE t ( -- first, (\n a INT /* , CHECK (0) */ DEFAULT 5, -- UNIQUE\n b TEXT, /* ) */ CHECK /*x*/ (a --y\n > 0))",
	"keyword names":    `CREATE TABLE "check" ("unique" INT, "primary" TEXT, "order" INT CHECK ("order" > 0), "as" INT, [constraint] INT, key INT, action TEXT, CONSTRAINT "foreign" UNIQUE ("unique", "primary"))`,
	"strings as names": `CREATE TABLE 'single' ('a' INT, 'b c' TEXT, PRIMARY KEY ('a'))`,
	"quotes in names":  `CREATE TABLE "a""b" ("c""d" INT CHECK ("c""d" > 0), "(" TEXT, "," TEXT, UNIQUE ("(", ",")); CREATE INDEX "i""j" ON "a""b" ("c""d")`,
}

func TestDDLIsProvedByRecapture(t *testing.T) {
	for name, script := range fixtures {
		t.Run(name, func(t *testing.T) {
			model := captureScript(t, script)
			again := applied(t, model)
			want := *model
			// Virtual tables are named as not modelled; the copy does not have them.
			want.Unmodelled = nil
			if got, want := printed(t, again), printed(t, &want); got != want {
				t.Errorf("captured and rebuilt:\n%s", different(want, got))
			}
		})
	}
}

func column(t *testing.T, db *schema.Database, table, name string) schema.Column {
	t.Helper()
	tab, ok := db.Table(schema.Name{Name: table})
	if !ok {
		t.Fatalf("no table %s", table)
	}
	c, ok := tab.Column(name)
	if !ok {
		t.Fatalf("no column %s.%s", table, name)
	}
	return *c
}

func TestNullabilityOfPrimaryKeys(t *testing.T) {
	db := captureScript(t, `CREATE TABLE alias (id INTEGER PRIMARY KEY); CREATE TABLE text_key (id TEXT PRIMARY KEY); CREATE TABLE int_key (id INT PRIMARY KEY);
		CREATE TABLE descending (id INTEGER PRIMARY KEY DESC); CREATE TABLE strict_key (id TEXT PRIMARY KEY) STRICT; CREATE TABLE clustered (id TEXT PRIMARY KEY) WITHOUT ROWID;
		CREATE TABLE two (id INTEGER, b INTEGER, PRIMARY KEY (id, b)); CREATE TABLE said (id TEXT NOT NULL PRIMARY KEY)`)
	for table, nullable := range map[string]bool{
		"alias": false, "text_key": true, "int_key": true, "descending": true, "strict_key": false, "clustered": false, "two": true, "said": false,
	} {
		if c := column(t, db, table, "id"); c.Nullable != nullable {
			t.Errorf("%s.id: nullable %v, want %v", table, c.Nullable, nullable)
		}
	}
}

func TestTableDetails(t *testing.T) {
	db := captureScript(t, `CREATE TABLE p (k TEXT PRIMARY KEY COLLATE NOCASE);
		CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT COLLATE NOCASE UNIQUE, v INT AS (id + 1), s INT AS (id * 2) STORED, p TEXT REFERENCES P, CHECK (length(Name) > 0 AND "ID" > 0)) STRICT;
		CREATE TABLE w (a INT PRIMARY KEY) WITHOUT ROWID; INSERT INTO w VALUES (1), (2), (3); ANALYZE`)
	tab, _ := db.Table(schema.Name{Name: "t"})
	if tab.Options["strict"] != "true" || tab.Options["without_rowid"] != "" {
		t.Errorf("options %v", tab.Options)
	}
	if c := column(t, db, "t", "id"); c.Identity != "autoincrement" {
		t.Errorf("identity %q", c.Identity)
	}
	if c := column(t, db, "t", "name"); c.Collation != "NOCASE" {
		t.Errorf("collation %q", c.Collation)
	}
	if v, s := column(t, db, "t", "v"), column(t, db, "t", "s"); v.Generated != "id + 1" || v.Stored || s.Generated != "id * 2" || !s.Stored {
		t.Errorf("generated %+v %+v", v, s)
	}
	if len(tab.Unique) != 1 || tab.Unique[0].Collations != nil {
		t.Errorf("a key with its column's own collation: %+v", tab.Unique)
	}
	if len(tab.Checks) != 1 || tab.Checks[0].Expr != "length(name) > 0 AND id > 0" || !slices.Equal(tab.Checks[0].Columns, []string{"name", "id"}) {
		t.Errorf("checks %+v", tab.Checks)
	}
	if fk := tab.ForeignKeys; len(fk) != 1 || fk[0].RefTable.Name != "p" || !slices.Equal(fk[0].RefColumns, []string{"k"}) {
		t.Errorf("foreign keys %+v: want p(k), as declared", fk)
	}
	if w, _ := db.Table(schema.Name{Name: "w"}); w.Options["without_rowid"] != "true" || w.EstimatedRows != 3 || w.PrimaryKey == nil {
		t.Errorf("table w %+v", w)
	}
	if tab.EstimatedRows != -1 {
		t.Errorf("estimated rows of a table without statistics: %d", tab.EstimatedRows)
	}
}

func TestVirtualTablesAreNamedAndTheirShadowsFolded(t *testing.T) {
	db := captureScript(t, fixtures["virtual tables"])
	if want := []schema.Unmodelled{{Kind: "virtual table", Names: []string{"f", "r"}}}; !reflect.DeepEqual(db.Unmodelled, want) {
		t.Errorf("not modelled: %+v, want %+v", db.Unmodelled, want)
	}
	if len(db.Tables) != 1 || db.Tables[0].Name.Name != "t" {
		t.Errorf("tables %+v, want t alone", db.Tables)
	}
}

// The same meaning in another layout is the same model: layout, comments, quotes, case of identifiers and of keywords.
func TestLayoutIsNoDifference(t *testing.T) {
	for _, c := range []struct{ name, a, b string }{
		{"check", `CREATE TABLE t (age INT, CHECK (age>0 AND age<200))`, "CREATE TABLE t (age INT, CHECK ((  \"age\" > 0 -- positive\n and [AGE] < 200 )))"},
		{"where a check stands", `CREATE TABLE t (a INT CONSTRAINT c CHECK (a IN (1,2)), b INT)`, `CREATE TABLE t (a INT, b INT, CONSTRAINT c CHECK (a in ( 1 , 2 )))`},
		{"signs", `CREATE TABLE t (a INT CHECK (a>-1 AND a - 1 < 5 AND (a)-1 < 6))`, `CREATE TABLE t (a INT CHECK (a > - 1 AND a-1<5 AND (a) - 1<6))`},
		{"keys", `CREATE TABLE t (a INT UNIQUE, b INT PRIMARY KEY)`, `CREATE TABLE t (a INT, b INT, PRIMARY KEY(b), UNIQUE(a))`},
		{"foreign key", `CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a INT REFERENCES p)`, `CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES P (ID) ON DELETE NO ACTION)`},
		{"index", `CREATE TABLE t (e TEXT); CREATE INDEX i ON t(lower(e))WHERE e IS NOT NULL`, "CREATE TABLE t (e TEXT); create index i on t (lower( \"e\" ) ASC) where (e is not null)"},
		{"generated", `CREATE TABLE t (a INT, b INT AS (a*2))`, `CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS ( (a * 2) ) VIRTUAL)`},
		{"default", `CREATE TABLE t (a INT DEFAULT (1+2))`, `CREATE TABLE t (a INT DEFAULT ( 1 + 2 ))`},
		{"type", `CREATE TABLE t (a VARCHAR(20), b DECIMAL(10,5), c UNSIGNED BIG INT)`, "CREATE TABLE t (a VARCHAR ( 20 ), b DECIMAL (10, 5), c UNSIGNED  BIG\nINT)"},
		{"view", `CREATE TABLE t (a INT); CREATE VIEW v AS SELECT a FROM t WHERE a>0`, "CREATE TABLE t (a INT); create view v as\n select \"a\"\n from \"t\" /* all */ where a > 0"},
		{"trigger", `CREATE TABLE t (a INT); CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t WHERE a=1; END`, "CREATE TABLE t (a INT); CREATE TRIGGER IF NOT EXISTS \"x\" AFTER INSERT ON t BEGIN\n DELETE FROM \"t\" WHERE a = 1 ;\nEND"},
		{"renamed back", `CREATE TABLE t (a INT CHECK (a > 0)); CREATE INDEX i ON t (abs(a))`, `CREATE TABLE u (b INT CHECK (b > 0)); CREATE INDEX i ON u (abs(b)); ALTER TABLE u RENAME TO t; ALTER TABLE t RENAME COLUMN b TO a`},
	} {
		if a, b := printed(t, captureScript(t, c.a)), printed(t, captureScript(t, c.b)); a != b {
			t.Errorf("%s:\n%s", c.name, different(a, b))
		}
	}
}

// What means something else must not compare equal.
func TestMeaningIsADifference(t *testing.T) {
	for _, c := range []struct{ name, a, b string }{
		{"a string is no name", `CREATE TABLE t (a INT CHECK (a <> 'b'), b INT)`, `CREATE TABLE t (a INT CHECK (a <> b), b INT)`},
		{"space in a string", `CREATE TABLE t (a DEFAULT 'x y')`, `CREATE TABLE t (a DEFAULT 'x  y')`},
		{"strict", `CREATE TABLE t (a INT) STRICT`, `CREATE TABLE t (a INT)`},
		{"collation", `CREATE TABLE t (a TEXT COLLATE NOCASE)`, `CREATE TABLE t (a TEXT)`},
		{"deferred", `CREATE TABLE t (a INT UNIQUE REFERENCES t (a) DEFERRABLE INITIALLY DEFERRED)`, `CREATE TABLE t (a INT UNIQUE REFERENCES t (a))`},
		{"conflict", `CREATE TABLE t (a INT UNIQUE ON CONFLICT REPLACE)`, `CREATE TABLE t (a INT UNIQUE)`},
		{"grouping", `CREATE TABLE t (a INT CHECK ((a OR 1) AND a))`, `CREATE TABLE t (a INT CHECK (a OR (1 AND a)))`},
		{"double minus", `CREATE TABLE t (a INT CHECK (a - -1))`, `CREATE TABLE t (a INT CHECK (a - 1))`},
		{"name as default", `CREATE TABLE t (a DEFAULT abc)`, `CREATE TABLE t (a DEFAULT ABC)`},
		{"alias of a view", `CREATE TABLE t (a INT); CREATE VIEW v AS SELECT a AS "A" FROM t`, `CREATE TABLE t (a INT); CREATE VIEW v AS SELECT a AS "a" FROM t`},
	} {
		if printed(t, captureScript(t, c.a)) == printed(t, captureScript(t, c.b)) {
			t.Errorf("%s: the two are captured as the same", c.name)
		}
	}
}

func TestSettings(t *testing.T) {
	db := captureScript(t, "PRAGMA journal_mode = WAL; PRAGMA user_version = 9; CREATE TABLE t (a)")
	got := map[string]string{}
	for _, s := range db.Settings {
		got[s.Name] = s.Value
		if s.Behaviour != (s.Name == "encoding") {
			t.Errorf("%s: behaviour %v", s.Name, s.Behaviour)
		}
	}
	want := map[string]string{"application_id": "0", "auto_vacuum": "none", "encoding": "UTF-8", "journal_mode": "wal", "page_size": "4096", "user_version": "9"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("settings %v, want %v", got, want)
	}
}

// Every kind of object is read with one query, so hundreds of tables are no more work than their rows in the catalogue.
func TestManyTables(t *testing.T) {
	var script strings.Builder
	script.WriteString("BEGIN;")
	for i := range 300 {
		fmt.Fprintf(&script, "CREATE TABLE t%d (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT REFERENCES t%d, CHECK (b > %d)); CREATE INDEX i%d ON t%d (b);", i, (i+1)%300, i, i, i)
	}
	script.WriteString("COMMIT")
	db := captureScript(t, script.String())
	for i := range 300 {
		tab, ok := db.Table(schema.Name{Name: fmt.Sprintf("t%d", i)})
		if !ok || len(tab.Columns) != 3 || len(tab.Unique) != 1 || len(tab.Indexes) != 1 || len(tab.ForeignKeys) != 1 ||
			tab.ForeignKeys[0].RefTable.Name != fmt.Sprintf("t%d", (i+1)%300) || tab.Checks[0].Expr != fmt.Sprintf("b > %d", i) {
			t.Fatalf("table t%d: %+v", i, tab)
		}
	}
}
