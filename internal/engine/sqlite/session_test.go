package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

func sessionOn(t *testing.T, script string) engine.Session {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.db")
	makeFile(t, path, script)
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := db.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

const secret = "Tok3n-Zebra-7741"

func TestErrorsSayWhereAndNotWhat(t *testing.T) {
	s := sessionOn(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, UNIQUE (a, b)); CREATE TABLE "we.ird, t" ("c.d" TEXT NOT NULL, "e, f" TEXT UNIQUE); CREATE UNIQUE INDEX t_lower ON t (lower(a)) WHERE b = 'lower';
		CREATE TABLE st (n INTEGER, r REAL, b BLOB) STRICT; CREATE TABLE k (a TEXT PRIMARY KEY, n INT CHECK (n > 0)) WITHOUT ROWID; CREATE TABLE p (id INTEGER PRIMARY KEY, up INT REFERENCES p DEFERRABLE INITIALLY DEFERRED);
		CREATE TABLE g (a TEXT); CREATE TRIGGER g_no BEFORE INSERT ON g BEGIN SELECT RAISE(ABORT, 'not ' || new.a); END;
		INSERT INTO t VALUES (1, '`+secret+`', 'x'); INSERT INTO k VALUES ('`+secret+`', 1); INSERT INTO "we.ird, t" VALUES ('x', '`+secret+`')`)
	for _, c := range []struct {
		sql, code, table, column, constraint, message string
	}{
		{sql: `INSERT INTO t (a, b) VALUES ('` + secret + `', 'x')`, code: "SQLITE_CONSTRAINT_UNIQUE", table: "t", column: "a, b", message: "UNIQUE constraint failed: t.a, t.b"},
		{sql: `INSERT INTO t (a, b) VALUES (upper('` + secret + `'), 'lower'), (lower('` + secret + `'), 'lower')`, code: "SQLITE_CONSTRAINT_UNIQUE", constraint: "t_lower", message: "UNIQUE constraint failed: index 't_lower'"},
		{sql: `INSERT INTO t (id, a) VALUES (1, '` + secret + `')`, code: "SQLITE_CONSTRAINT_PRIMARYKEY", table: "t", column: "id"},
		{sql: `INSERT INTO k VALUES ('` + secret + `', 2)`, code: "SQLITE_CONSTRAINT_PRIMARYKEY", table: "k", column: "a"},
		{sql: `INSERT INTO k VALUES ('` + secret + `!', -2)`, code: "SQLITE_CONSTRAINT_CHECK", constraint: "n > 0"},
		{sql: `INSERT INTO "we.ird, t" VALUES (NULL, 1)`, code: "SQLITE_CONSTRAINT_NOTNULL", table: "we.ird, t", column: "c.d"},
		{sql: `INSERT INTO "we.ird, t" VALUES ('x', '` + secret + `')`, code: "SQLITE_CONSTRAINT_UNIQUE", table: "we.ird, t", column: "e, f"},
		{sql: `INSERT INTO st (n) VALUES ('` + secret + `')`, code: "SQLITE_CONSTRAINT_DATATYPE", table: "st", column: "n", message: "cannot store TEXT value in INTEGER column st.n"},
		{sql: `INSERT INTO t (id) VALUES ('` + secret + `')`, code: "SQLITE_MISMATCH", message: "datatype mismatch"},
		{sql: `INSERT INTO g VALUES ('` + secret + `')`, code: "SQLITE_CONSTRAINT_TRIGGER", message: "a trigger refused the change"},
		{sql: `SELECT json_extract('{"a":1}', '` + secret + `')`, code: "SQLITE_ERROR"},
		{sql: `SELECT json('` + secret + `')`, code: "SQLITE_ERROR"},
		{sql: `SELECT abs(-9223372036854775808)`, code: "SQLITE_ERROR", message: "integer overflow"},
		{sql: `SELECT nowhere FROM t`, code: "SQLITE_ERROR", message: "no such column: nowhere"},
		{sql: `SELECT '` + secret, code: "SQLITE_ERROR", message: "unrecognized token"},
		{sql: `SELECT 1 '` + secret + `' 'x'`, code: "SQLITE_ERROR"},
		{sql: `ALTER TABLE t ADD COLUMN x TEXT NOT NULL`, code: "SQLITE_ERROR", message: "Cannot add a NOT NULL column with default value NULL"},
		{sql: `ALTER TABLE t ADD COLUMN x TEXT DEFAULT '` + secret + `' CHECK (x <> '` + secret + `')`, code: "SQLITE_CONSTRAINT_CHECK"},
		{sql: `ALTER TABLE t ADD CHECK (a <> '` + secret + `')`, code: "SQLITE_CONSTRAINT", message: "constraint failed"},
		{sql: `UPDATE t SET b = NULL; ALTER TABLE t ALTER b SET NOT NULL`, code: "SQLITE_CONSTRAINT"},
		{sql: `ALTER TABLE t DROP CONSTRAINT nowhere`, code: "SQLITE_ERROR", message: "no such constraint: nowhere"},
		{sql: `PRAGMA foreign_keys = ON; BEGIN; INSERT INTO p VALUES (1, 7); COMMIT`, code: "SQLITE_CONSTRAINT_FOREIGNKEY", message: "FOREIGN KEY constraint failed"},
		{sql: "SELECT 1;\x00SELECT 2", code: "SQLITE_ERROR"},
	} {
		_, err := s.Exec(t.Context(), c.sql)
		var refusal *engine.Error
		if !errors.As(err, &refusal) {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		got := fmt.Sprintf("%s|%s|%s|%s", refusal.Code, refusal.Table, refusal.Column, refusal.Constraint)
		if want := fmt.Sprintf("%s|%s|%s|%s", c.code, c.table, c.column, c.constraint); got != want {
			t.Errorf("%s:\n%s, want %s (%s)", c.sql, got, want, refusal.Message)
		}
		if refusal.Message == "" || c.message != "" && refusal.Message != c.message {
			t.Errorf("%s: message %q, want %q", c.sql, refusal.Message, c.message)
		}
		if strings.Contains(fmt.Sprintf("%+v %v %v", *refusal, refusal, refusal.Err), secret) && c.code != "SQLITE_CONSTRAINT_CHECK" {
			t.Errorf("%s: the error holds a value", c.sql)
		}
	}
}

// rebuild is how SQLite tables are changed (https://sqlite.org/lang_altertable.html#otheralter).
const rebuild = `BEGIN;
CREATE TABLE users_new (id INTEGER PRIMARY KEY, email TEXT NOT NULL, age INTEGER CHECK (age >= 0), plan_id INTEGER REFERENCES plans (id));
INSERT INTO users_new (id, email, age, plan_id) SELECT id, email, age, plan_id FROM users;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;
CREATE UNIQUE INDEX users_email ON users (lower(email));
COMMIT;`

const beforeRebuild = `CREATE TABLE plans (id INTEGER PRIMARY KEY); INSERT INTO plans VALUES (1);
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, age INTEGER, plan_id INTEGER);`

func TestRebuildIsFollowedStatementByStatement(t *testing.T) {
	s := sessionOn(t, beforeRebuild+`INSERT INTO users VALUES (1, 'a@x.example', 3, 1), (2, 'b@x.example', NULL, NULL)`)
	statements, err := New().Split(rebuild)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, statement := range statements {
		effects, err := s.Effects(t.Context(), statement.Text)
		if err != nil {
			t.Fatalf("%s: %v", statement.Text, err)
		}
		if strings.HasPrefix(statement.Text, "INSERT") {
			in := effects.InsertSelect
			if in == nil || in.Table.Name != "users_new" || in.Query != "SELECT id, email, age, plan_id FROM users" || !slices.Equal(in.Columns, []string{"id", "email", "age", "plan_id"}) {
				t.Errorf("insert %+v", in)
			}
			if !slices.Equal(effects.Reads, []schema.Name{{Name: "users"}}) || !slices.Equal(effects.Writes, []schema.Name{{Name: "users_new"}}) {
				t.Errorf("reads %v, writes %v", effects.Reads, effects.Writes)
			}
		} else if len(effects.Writes) > 0 {
			t.Errorf("%s writes %v", statement.Text, effects.Writes)
		}
		if _, err := s.Exec(t.Context(), statement.Text); err != nil {
			t.Fatalf("%s: %v", statement.Text, err)
		}
		model, err := s.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range model.Tables {
			ids[table.Name.Name+" "+strings.Fields(statement.Text)[0]] = table.StorageID
		}
	}
	if ids["users_new CREATE"] != ids["users ALTER"] || ids["users BEGIN"] == ids["users ALTER"] {
		t.Errorf("the rename is not seen in the storage ids: %v", ids)
	}
	if rows, err := s.Exec(t.Context(), "DELETE FROM users"); err != nil || rows != 2 {
		t.Errorf("%d users, %v", rows, err)
	}
}

func TestRebuildFailsOnProductionsRows(t *testing.T) {
	for _, c := range []struct{ row, code, table, column, constraint string }{
		{`(1, NULL, 1, 1)`, "SQLITE_CONSTRAINT_NOTNULL", "users_new", "email", ""},
		{`(1, 'a', -1, 1)`, "SQLITE_CONSTRAINT_CHECK", "", "", "age >= 0"},
		{`(1, 'a', 1, 1), (2, 'A', 1, 1)`, "SQLITE_CONSTRAINT_UNIQUE", "", "", "users_email"},
		{`(1, 'a', 1, 9)`, "SQLITE_CONSTRAINT_FOREIGNKEY", "", "", ""},
	} {
		s := sessionOn(t, beforeRebuild+"INSERT INTO users VALUES "+c.row)
		_, err := s.Exec(t.Context(), "PRAGMA foreign_keys = ON; "+rebuild)
		var refusal *engine.Error
		if !errors.As(err, &refusal) || refusal.Code != c.code || refusal.Table != c.table || refusal.Column != c.column || refusal.Constraint != c.constraint {
			t.Errorf("%s: %+v", c.row, refusal)
		}
	}
}

func TestEffectsOfTriggersAndActions(t *testing.T) {
	s := sessionOn(t, `PRAGMA foreign_keys = ON; CREATE TABLE t (id INTEGER PRIMARY KEY, n INT); CREATE TABLE log (what TEXT); CREATE TABLE source (n INT); CREATE INDEX t_n ON t (n);
		CREATE TRIGGER t_log AFTER INSERT ON t BEGIN INSERT INTO log SELECT n FROM source; END; CREATE TABLE w (a TEXT PRIMARY KEY, n INT) WITHOUT ROWID; CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, n)`)
	if _, err := s.Exec(t.Context(), "CREATE TEMP TABLE temporary (n INT)"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sql, reads, writes string
		insert             bool
	}{
		{"INSERT INTO t (n) VALUES (1)", "source", "log t", false},
		{"INSERT INTO t (n) SELECT n FROM w", "source w", "log t", true},
		{"REPLACE INTO t SELECT * FROM t WHERE n > 3", "source t", "log t", false},
		{"INSERT OR IGNORE INTO w SELECT n, n FROM t", "t", "w", false},
		{"INSERT OR ABORT INTO w SELECT n, n FROM t", "t", "w", true},
		{"INSERT INTO main.w AS x SELECT n, n FROM t WHERE true ON CONFLICT (a) DO UPDATE SET n = 1", "t", "w", false},
		{"INSERT INTO w SELECT n, n FROM t RETURNING a", "t", "w", false},
		{"INSERT INTO auto (n) SELECT n FROM t", "t", "auto", true},
		{"INSERT INTO w DEFAULT VALUES", "", "w", false},
		{"WITH q AS (SELECT n FROM t) INSERT INTO w SELECT n, n FROM q", "t", "w", true},
		{"WITH q AS (SELECT n FROM t) UPDATE w SET n = (SELECT max(n) FROM q)", "t", "w", false},
		{"UPDATE t SET n = n + 1 WHERE id IN (SELECT n FROM source)", "source t", "t", false},
		{"DELETE FROM w", "", "w", false},
		{"CREATE TABLE x AS SELECT n FROM t", "t", "", false},
		{"CREATE UNIQUE INDEX x ON t (n)", "t", "", false},
		{"PRAGMA user_version = 99", "", "", false},
		{"INSERT INTO temporary SELECT n FROM t", "t", "", true},
		{"DELETE FROM temporary", "", "", false},
		{"-- nothing", "", "", false},
		{"EXPLAIN DELETE FROM t", "", "", false},
	} {
		got, err := s.Effects(t.Context(), c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if reads, writes := list(got.Reads), list(got.Writes); reads != c.reads || writes != c.writes || (got.InsertSelect != nil) != c.insert {
			t.Errorf("%s: reads %q, writes %q, insert %v; want %q, %q, %v", c.sql, reads, writes, got.InsertSelect != nil, c.reads, c.writes, c.insert)
		}
	}
	model, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range model.Settings {
		if setting.Name == "user_version" && setting.Value != "0" {
			t.Error("asking for its effects ran a PRAGMA")
		}
	}
}

func list(names []schema.Name) string {
	var all []string
	for _, n := range names {
		all = append(all, n.Name)
	}
	return strings.Join(all, " ")
}

func TestQueriesOfInsertsKeepTheirMeaning(t *testing.T) {
	s := sessionOn(t, `CREATE TABLE t (a INT, b INT AS (a), c INT); INSERT INTO t (a, c) VALUES (1, 2); CREATE TABLE u (x INT, y INT)`)
	for sql, want := range map[string]string{
		"INSERT INTO u SELECT a, c FROM t -- end;":                                                             "SELECT a, c FROM t",
		"INSERT INTO u SELECT a, c FROM t;":                                                                    "SELECT a, c FROM t",
		"WITH q AS (SELECT a, c FROM t) INSERT INTO u SELECT * FROM q":                                         "WITH q AS (SELECT a, c FROM t) SELECT * FROM q",
		"WITH q AS (SELECT a, c FROM t) INSERT INTO u WITH r AS (SELECT * FROM q) SELECT * FROM r":             "WITH q AS (SELECT a, c FROM t) SELECT * FROM (WITH r AS (SELECT * FROM q) SELECT * FROM r\n)",
		"INSERT INTO U (Y, \"x\") SELECT /* ( */ a, 'ON CONFLICT' FROM t WHERE c IN (SELECT c FROM t LIMIT 1)": "SELECT /* ( */ a, 'ON CONFLICT' FROM t WHERE c IN (SELECT c FROM t LIMIT 1)",
	} {
		effects, err := s.Effects(t.Context(), sql)
		if err != nil || effects.InsertSelect == nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if effects.InsertSelect.Query != want || effects.InsertSelect.Table.Name != "u" {
			t.Errorf("%s: %q into %s", sql, effects.InsertSelect.Query, effects.InsertSelect.Table)
		}
		if err := s.Query(t.Context(), effects.InsertSelect.Query, func(engine.Row) error { return nil }); err != nil {
			t.Errorf("%s: %v", effects.InsertSelect.Query, err)
		}
	}
}

// A column of a STRICT table takes a value or refuses it: the probe must say the same of every value.
func TestConvertibleAgreesWithStrictTables(t *testing.T) {
	values := []string{"NULL", "1", "-9223372036854775808", "9223372036854775807", "1.0", "1.5", "-0.0", "1e3", "1e300", "9223372036854775808.0", "9e999", "'1'", "'1.0'", "' 1 '", "'1e3'", "'1.5'", "'x'", "''", "'1x'", "'0x10'",
		"'+1'", "'.5'", "'5.'", "'1e'", "'9223372036854775808'", "'Inf'", "'nan'", "x'31'", "x''", "x'00ff'", "'é'", "TRUE"}
	for _, kind := range []string{"INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"} {
		for _, declared := range []string{"", "TEXT", "NUMERIC", "BLOB"} {
			s := sessionOn(t, "CREATE TABLE s (v "+declared+"); CREATE TABLE d (v "+kind+") STRICT")
			sql, err := New().Probe(schema.Obligation{Kind: schema.Convertible, Columns: []string{"v"}, Type: kind, Strict: true}, schema.Relation{Table: schema.Name{Name: "s"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range values {
				if _, err := s.Exec(t.Context(), "DELETE FROM s; INSERT INTO s VALUES ("+value+")"); err != nil {
					t.Fatal(err)
				}
				_, refused := s.Exec(t.Context(), "INSERT INTO d SELECT v FROM s")
				bad := ""
				if err := s.Query(t.Context(), sql, func(r engine.Row) error { bad = string(r[0].Data); return nil }); err != nil {
					t.Fatal(err)
				}
				if (bad == "1") != (refused != nil) {
					t.Errorf("%s of a column of type %q as %s: the probe counts %s, the table says %v", value, declared, kind, bad, refused)
				}
			}
		}
	}
}

func TestProbesHonourCollations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.db")
	makeFile(t, path, `CREATE TABLE t (a TEXT COLLATE NOCASE, b TEXT); INSERT INTO t VALUES ('x', 'x'), ('X', 'X'), ('y', 'y'); CREATE TABLE p (k TEXT COLLATE NOCASE PRIMARY KEY); INSERT INTO p VALUES ('X')`)
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	table := schema.Relation{Table: schema.Name{Name: "t"}}
	query := schema.Relation{Query: "SELECT a, b FROM t", Columns: []string{"a", "b"}}
	for _, c := range []struct {
		o    schema.Obligation
		rel  schema.Relation
		want string
	}{
		{schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"a"}}, table, "2"},
		{schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"b"}}, table, "0"},
		{schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"b"}, Collations: []string{"NOCASE"}}, table, "2"},
		{schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"b"}, Exprs: []string{`"b" COLLATE NOCASE`}}, query, "2"},
		{schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"a"}, Collations: []string{"BINARY"}}, query, "0"},
		{schema.Obligation{Kind: schema.Reference, Columns: []string{"b"}, RefTable: schema.Name{Name: "p"}, RefColumns: []string{"k"}}, query, "1"},
	} {
		sql, err := New().Probe(c.o, c.rel)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := db.Query(t.Context(), sql, func(r engine.Row) error { got = string(r[0].Data); return nil }); err != nil || got != c.want {
			t.Errorf("%+v: %s violations, want %s (%v)", c.o, got, c.want, err)
		}
	}
}
