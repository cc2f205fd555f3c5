package migrations

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/schema"
)

func TestStatementsKeepTheirShapeAndLoseTheirLiterals(t *testing.T) {
	r := newRedactor(&schema.Database{Tables: []schema.Table{{Name: schema.Name{Name: "users"}, Columns: []schema.Column{{Name: "e-mail"}}}}})
	for _, tt := range []struct{ name, sql, want string }{
		{"values", `INSERT INTO users VALUES (1, 'ann@x.example', x'00ff', -2.5e+3, NULL)`, `INSERT INTO users VALUES (?, ?, ?, -?, NULL)`},
		{"a quoted quote", `UPDATE users SET name = 'O''Neill' WHERE id = 7`, `UPDATE users SET name = ? WHERE id = ?`},
		{"digits in names stay", `SELECT t1.c2 FROM t1`, `SELECT t1.c2 FROM t1`},
		{"known names in double quotes stay", `DELETE FROM "users" WHERE "e-mail" = "ann@x.example"`, `DELETE FROM "users" WHERE "e-mail" = ?`},
		{"comments go", "-- ann@x.example\nDELETE FROM users /* 'bob' */ WHERE id=1", `DELETE FROM users   WHERE id=?`},
		{"dollar quotes", `SELECT $body$ann$body$, $1`, `SELECT ?, $?`},
		{"escapes", `SELECT E'it\'s', 'b'`, `SELECT ?, ?`},
		{"unfinished", `INSERT INTO users VALUES ('ann`, `INSERT INTO users VALUES (?`},
		{"a schema's own literals stay", `CREATE TABLE x (s TEXT DEFAULT 'new' CHECK (s IN ('new', 'paid')))`, `CREATE TABLE x (s TEXT DEFAULT 'new' CHECK (s IN ('new', 'paid')))`},
		{"rows behind a comment", "/* CREATE */ INSERT INTO users VALUES ('ann')", `INSERT INTO users VALUES (?)`},
		{"with", `WITH x AS (SELECT 'ann') INSERT INTO users SELECT * FROM x`, `WITH x AS (SELECT ?) INSERT INTO users SELECT * FROM x`},
	} {
		if got := r.statement(tt.sql); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// FuzzRedact hides any text in a literal and wants it gone, and any statement to be scanned to its end.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"INSERT INTO t VALUES ('a', 1, \"b\", $x$c$x$) -- d", "x'", "$", "e'\\", "1e", "/*", "é'ü'", "CREATE TABLE t (a)", "0123456789"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := newRedactor()
		r.statement(s)
		if got := r.literals("INSERT INTO t VALUES ('" + strings.ReplaceAll(s, "'", "''") + "')"); got != "INSERT INTO t VALUES (?)" {
			t.Errorf("%q leaves %q", s, got)
		}
	})
}
