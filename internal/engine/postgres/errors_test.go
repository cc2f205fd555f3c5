package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

const value = "Tok3n-Zebra-7741"

// TestRefusalsNeverRepeatAValue provokes what production's rows and a migration's literals provoke.
func TestRefusalsNeverRepeatAValue(t *testing.T) {
	_, base := arrange(t, `CREATE TABLE t (id int PRIMARY KEY, s text, n numeric(3), note text CONSTRAINT short CHECK (length(note) < 100));
INSERT INTO t VALUES (1, '`+value+`');
CREATE TABLE parent (s text PRIMARY KEY); CREATE TABLE child (s text CONSTRAINT child_parent REFERENCES parent);
CREATE TYPE mood AS ENUM ('fine'); CREATE DOMAIN tidy AS text CONSTRAINT no_dash CHECK (VALUE !~ '-');
CREATE TABLE parts (s text) PARTITION BY LIST (s);
CREATE TABLE spans (r int4range, EXCLUDE USING gist (r WITH &&)); INSERT INTO spans VALUES ('[1,5)')`)
	s := newSession(t, base)
	for sql, want := range map[string]engine.Error{
		"ALTER TABLE t ALTER COLUMN s TYPE int USING s::int":                                     {Code: "22P02", Message: "a value is not valid for type integer"},
		"ALTER TABLE t ALTER COLUMN s TYPE date USING s::date":                                   {Code: "22007", Message: "a value is not valid for type date"},
		"ALTER TABLE t ALTER COLUMN s TYPE varchar(5)":                                           {Code: "22001", Message: "a value is too long for type character varying(5)"},
		"ALTER TABLE t ALTER COLUMN s TYPE mood USING s::mood":                                   {Code: "22P02"},
		"ALTER TABLE t ALTER COLUMN s TYPE json USING s::json":                                   {Code: "22P02", Message: "a value is not valid for type json"},
		"ALTER TABLE t ALTER COLUMN s TYPE uuid USING s::uuid":                                   {Code: "22P02", Message: "a value is not valid for type uuid"},
		"ALTER TABLE t ALTER COLUMN s TYPE xml USING ('<' || s)::xml":                            {Code: "2200N"},
		"UPDATE t SET n = 99999":                                                                 {Code: "22003", Message: "a number is out of range"},
		"SELECT '99999999999'::int":                                                              {Code: "22003", Message: "a number is out of range for type integer"},
		"SELECT 1 / 0":                                                                           {Code: "22012", Message: "division by zero"},
		"INSERT INTO t VALUES (1, '" + value + "')":                                              {Code: "23505", Constraint: "t_pkey", Table: "t", Message: "duplicate values under unique key t_pkey of table t"},
		"INSERT INTO t (id, note) VALUES (2, repeat('" + value + "', 10))":                       {Code: "23514", Constraint: "short", Table: "t", Message: "check constraint short of table t is violated"},
		"INSERT INTO t VALUES (NULL, '" + value + "')":                                           {Code: "23502", Table: "t", Column: "id", Message: "null values in column id of table t"},
		"INSERT INTO child VALUES ('" + value + "')":                                             {Code: "23503", Constraint: "child_parent", Table: "child", Message: "foreign key child_parent on table child is violated"},
		"INSERT INTO parts VALUES ('" + value + "')":                                             {Code: "23514", Table: "parts", Message: "a row of table parts fits no partition"},
		"SELECT '" + value + "'::tidy":                                                           {Code: "23514", Constraint: "no_dash"},
		"INSERT INTO spans VALUES ('[2,3)')":                                                     {Code: "23P01", Table: "spans"},
		"ALTER TABLE t ALTER COLUMN s SET NOT NULL, ADD COLUMN x int NOT NULL":                   {Code: "23502", Table: "t", Column: "x", Message: "null values in column x of table t"},
		"DO $$ BEGIN RAISE EXCEPTION 'bad %', (SELECT s FROM t); END $$":                         {Code: "P0001"},
		"DO $$ BEGIN RAISE EXCEPTION 'bad %', (SELECT s FROM t) USING ERRCODE = '22003'; END $$": {Code: "22003", Message: "a number is out of range"},
		"DO $$ BEGIN RAISE EXCEPTION '%', (SELECT s FROM t) USING ERRCODE = '42601'; END $$":     {Code: "42601"},
		"DO $$ BEGIN RAISE EXCEPTION '%', (SELECT s FROM t) USING ERRCODE = 'XX001'; END $$":     {Code: "XX001"},
		"SELECT FROM t WHERE s = '" + value + "' '" + value + "'":                                {Code: "42601"},
		"SET work_mem = '" + value + "'":                                                         {Code: "22023"},
		"SELECT * FROM nowhere":                                                                  {Code: "42P01", Message: `relation "nowhere" does not exist`},
		"ALTER TABLE t ADD COLUMN s int":                                                         {Code: "42701", Message: `column "s" of relation "t" already exists`},
		"SELECT nothing('" + value + "')":                                                        {Code: "42883"},
	} {
		_, err := s.Exec(context.Background(), sql)
		var got *engine.Error
		if !errors.As(err, &got) {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if got.Code != want.Code || got.Constraint != want.Constraint && want.Constraint != "" || got.Table != want.Table && want.Table != "" || got.Column != want.Column && want.Column != "" {
			t.Errorf("%s: got %s, constraint %q, table %q, column %q", sql, got.Code, got.Constraint, got.Table, got.Column)
		}
		if want.Message != "" && got.Message != want.Message {
			t.Errorf("%s: says %q, want %q", sql, got.Message, want.Message)
		}
		if got.Message == "" || strings.Contains(err.Error(), value) {
			t.Errorf("%s: nothing is said, or the value", sql)
		}
	}
}

// FuzzMessage plants a value where servers print values and wants it gone.
func FuzzMessage(f *testing.F) {
	f.Add("22P02", "x")
	f.Add("22003", `a" for type b: "`)
	f.Add("22007", "for type date: ")
	f.Add("42601", "'lit'")
	f.Fuzz(func(t *testing.T, code, v string) {
		const secret = "zQ9-secret"
		for _, text := range []string{
			`invalid input syntax for type integer: "` + v + secret + `"`,
			`value "` + secret + v + `" is out of range for type integer`,
			`invalid value "` + secret + `"` + v,
		} {
			if class(code) != "22" && class(code) != "23" && class(code) != "P0" && class(code) != "XX" {
				code = "22P02"
			}
			if got := message(&pgconn.PgError{Code: code, Message: text}, "t"); strings.Contains(got, secret) || got == "" {
				t.Fatalf("%s %q: %q", code, text, got)
			}
		}
	})
}

func TestLiteralsOfAStatementAreTakenOut(t *testing.T) {
	for text, want := range map[string]string{
		`relation "users" does not exist`:                     `relation "users" does not exist`,
		`invalid thing '` + value + `' in "x"`:                `invalid thing ‹literal› in "x"`,
		`near "'` + value + `'"`:                              `near "‹literal›"`,
		`at "12345678"`:                                       `at "‹literal›"`,
		"two\nlines\tand " + strings.Repeat("long ", 200):     "",
		`function f(unknown, character varying) is ambiguous`: `function f(unknown, character varying) is ambiguous`,
	} {
		got := withoutLiterals(text)
		if want != "" && got != want || strings.Contains(got, value) || len(got) > maxMessage+len("…") || strings.Contains(got, "\n") {
			t.Errorf("%q: %q", text, got)
		}
	}
}
