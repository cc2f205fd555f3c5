package enginetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

// token stands for personal data: it is in rows, and in no error.
const token = "Tok3n-Zebra-7741"

const errorRows = `
CREATE TABLE p (id INTEGER PRIMARY KEY, name VARCHAR(50));
INSERT INTO p VALUES (1, '` + token + `');
CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(50), phone VARCHAR(50), p_id INTEGER, age INTEGER);
INSERT INTO users VALUES (1, '` + token + `', NULL, 1, 3), (2, '` + token + `', '` + token + `', 9, -3)`

// errorCase is a migration that production's rows refuse.
type errorCase struct {
	name   string
	sql    dialects // statements; the last one is refused
	code   func(Codes) string
	table  string
	column string // "" when the engine does not say
}

var errorCases = []errorCase{
	{
		name: "not null",
		sql: dialects{
			"sqlite":   `CREATE TABLE users_new (id INTEGER PRIMARY KEY, phone TEXT NOT NULL); INSERT INTO users_new SELECT id, phone FROM users`,
			"postgres": `ALTER TABLE users ALTER COLUMN phone SET NOT NULL`,
			"mysql":    `CREATE TABLE users_new (id INTEGER PRIMARY KEY, phone VARCHAR(50) NOT NULL); INSERT INTO users_new SELECT id, phone FROM users`,
		},
		code: func(c Codes) string { return c.NotNull }, table: "users", column: "phone",
	},
	{
		name: "unique index",
		sql:  every(`CREATE UNIQUE INDEX users_email ON users (email)`),
		code: func(c Codes) string { return c.Unique }, table: "users",
	},
	{
		name: "unique index over an expression",
		sql: dialects{
			"": `CREATE UNIQUE INDEX users_lower ON users (lower(email))`,
			// MariaDB indexes expressions as generated columns.
			"mysql": `ALTER TABLE users ADD COLUMN lowered VARCHAR(50) AS (lower(email)) VIRTUAL, ADD UNIQUE KEY users_lower (lowered)`,
		},
		code: func(c Codes) string { return c.Unique }, table: "users",
	},
	{
		name: "unique key of a row that is inserted",
		sql: every(`CREATE TABLE users_new (id INTEGER PRIMARY KEY, email VARCHAR(50) UNIQUE);
			INSERT INTO users_new SELECT id, email FROM users`),
		code: func(c Codes) string { return c.Unique }, table: "users_new",
	},
	{
		name: "check",
		sql: every(`CREATE TABLE users_new (id INTEGER PRIMARY KEY, email VARCHAR(50), age INTEGER, CONSTRAINT adult CHECK (age > 0));
			INSERT INTO users_new SELECT id, email, age FROM users`),
		code: func(c Codes) string { return c.Check }, table: "users_new",
	},
	{
		name: "foreign key",
		sql: dialects{
			"sqlite": `PRAGMA foreign_keys = ON; CREATE TABLE users_new (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id));
				INSERT INTO users_new SELECT id, p_id FROM users`,
			"postgres": `ALTER TABLE users ADD CONSTRAINT users_p FOREIGN KEY (p_id) REFERENCES p (id)`,
			"mysql":    `ALTER TABLE users ADD CONSTRAINT users_p FOREIGN KEY (p_id) REFERENCES p (id)`,
		},
		code: func(c Codes) string { return c.ForeignKey },
	},
	{
		name: "a missing table",
		sql:  every(`INSERT INTO nowhere SELECT * FROM users`),
		code: func(c Codes) string { return c.NoSuchTable },
	},
	{
		name: "a syntax error",
		sql: dialects{
			"":      `INSERT INTO users VALUE (1, '` + token + `')`,
			"mysql": `INSERT INTO users VALUED (1, '` + token + `')`, // VALUE is a word for VALUES here
		},
		code: func(c Codes) string { return c.Syntax },
	},
}

// errors wants each refusal with its code and place, and never a value of a row.
func (h Harness) errors(t *testing.T) {
	target := h.with(t, errorRows)
	for _, c := range errorCases {
		t.Run(c.name, func(t *testing.T) {
			session := h.session(t, h.open(t, target, engine.Scratch))
			h.exec(t, session, "DROP TABLE IF EXISTS users_new") // of the case before: what is refused changes nothing else
			statements, err := h.Engine.Split(c.sql.of(t, h))
			if err != nil || len(statements) == 0 {
				t.Fatalf("split: %v", err)
			}
			last := len(statements) - 1
			for _, s := range statements[:last] {
				if _, err := session.Exec(h.context(t), s.Text); err != nil {
					t.Fatalf("%s: %v", s.Text, err)
				}
			}
			_, err = session.Exec(h.context(t), statements[last].Text)
			refusal := refused(t, statements[last].Text, err)
			if want := c.code(h.Codes); refusal.Code != want {
				t.Errorf("code %q, want %q", refusal.Code, want)
			}
			// What the engine does not tell may be empty; what it tells must be right.
			if refusal.Table != "" && c.table != "" && !strings.HasPrefix(refusal.Table, c.table) {
				t.Errorf("table %q, want %q", refusal.Table, c.table)
			}
			if c.column != "" && refusal.Column != c.column {
				t.Errorf("column %q, want %q", refusal.Column, c.column)
			}
			h.noValue(t, refusal)
		})
	}
	t.Run("a check names its constraint", h.checkNamesConstraint)
	t.Run("rows that are refused while they are loaded", h.refusedLoad)
	t.Run("a value that cannot be converted", h.notConvertible)
}

func (h Harness) noValue(t *testing.T, refusal *engine.Error) {
	t.Helper()
	said := fmt.Sprintf("%s %s %q %q %q %q", refusal.Error(), refusal.Message, refusal.Code, refusal.Constraint, refusal.Table, refusal.Column)
	if strings.Contains(said, token) || refusal.Message == "" {
		t.Errorf("the error holds a row's value, or nothing: %s", strings.ReplaceAll(said, token, "‹the value›"))
	}
}

func (h Harness) checkNamesConstraint(t *testing.T) {
	session := h.session(t, h.open(t, h.with(t, `CREATE TABLE t (n INTEGER, CONSTRAINT positive CHECK (n > 0))`), engine.Scratch))
	_, err := session.Exec(h.context(t), `INSERT INTO t VALUES (-1)`)
	if refusal := refused(t, "a row against the check", err); refusal.Constraint != "positive" {
		t.Errorf("constraint %q, want positive", refusal.Constraint)
	}
}

func (h Harness) refusedLoad(t *testing.T) {
	target := h.with(t, `CREATE TABLE t (s VARCHAR(50) UNIQUE)`)
	db := h.open(t, target, engine.Scratch)
	_, err := db.CopyIn(h.context(t), tableName("t"), []string{"s"}, feed([]engine.Row{{text(token)}, {text(token)}}))
	refusal := refused(t, "the same key twice", err)
	if refusal.Code != h.Codes.Unique {
		t.Errorf("code %q, want %q", refusal.Code, h.Codes.Unique)
	}
	h.noValue(t, refusal)
}

func (h Harness) notConvertible(t *testing.T) {
	session := h.session(t, h.open(t, h.with(t, errorRows), engine.Scratch))
	for _, sql := range []string{
		dialects{"sqlite": `CREATE TABLE typed (n INTEGER) STRICT`, "": `CREATE TABLE typed (n integer)`}.of(t, h),
		dialects{"sqlite": `INSERT INTO typed SELECT email FROM users`, "postgres": `INSERT INTO typed SELECT CAST(email AS integer) FROM users`,
			"mysql": `INSERT INTO typed SELECT email FROM users`}.of(t, h),
	} {
		if _, err := session.Exec(h.context(t), sql); err != nil {
			h.noValue(t, refused(t, sql, err))
			return
		}
	}
	t.Error("a text was taken as a number")
}
