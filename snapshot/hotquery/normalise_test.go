package hotquery

import (
	"strings"
	"testing"
)

func TestNormalForm(t *testing.T) {
	for _, c := range []struct {
		name  string
		quote byte
		text  string
		want  string
	}{
		{"pg_stat_statements and performance_schema agree", '"', `SELECT * FROM orders WHERE id = $1 AND state = $2`, "select * from orders where id = ? and state = ?"},
		{"performance_schema", '`', "SELECT * FROM `orders` WHERE `id` = ? AND `state` = ? ", "select * from orders where id = ? and state = ?"},
		{"lists of any length", '"', "SELECT a FROM t WHERE b IN ($1, $2,$3) AND c IN ($4)", "select a from t where b in (?+) and c in (?+)"},
		{"performance_schema's lists", '`', "SELECT `a` FROM `t` WHERE `b` IN (...) AND `c` IN (?)", "select a from t where b in (?+) and c in (?+)"},
		{"rows of any number", '"', "INSERT INTO t (a, b) VALUES ($1, $2), ($3, DEFAULT)", "insert into t (a, b) values (?+)"},
		{"performance_schema's rows", '`', "INSERT INTO `t` ( `a` , `b` ) VALUES (...) /* , ... */ ", "insert into t (a, b) values (?+)"},
		{"arguments stay", '"', "SELECT coalesce($1, $2), lower(name)", "select coalesce (?, ?), lower (name)"},
		{"strings and numbers", '"', `SELECT 'it''s', E'a\'b', 1.5e-3, .5, 0x1F, U&'d', N'x' FROM t`, "select ?, ?, ?, ?, ?, ?, ? from t"},
		{"double quotes are names on PostgreSQL", '"', `SELECT "Name", "plain" FROM "a b"`, `select "Name", plain from "a b"`},
		{"and literals on MySQL", '`', "SELECT \"secret \\\" still\" FROM `A`", "select ? from a"},
		{"backslashes on MySQL", '`', `SELECT 'a\'b' FROM t`, "select ? from t"},
		{"dollar quotes", '"', "SELECT $$it's$$, $x$ $$ $x$, $1 FROM t", "select ?, ?, ? from t"},
		{"comments", '"', "SELECT /* a /* nested */ b */ 1 -- rest\nFROM t;", "select ? from t"},
		{"MySQL's comments", '`', "SELECT 1 # rest\nFROM t", "select ? from t"},
		{"two dashes without a space are no comment on MySQL", '`', "SELECT 5--'a\nzqtoken' FROM t -- rest", "select ? -- ? from t"},
		{"dollars quote nothing on MySQL", '`', "SELECT $a$, 'x $a$ zqtoken' FROM t", "select $a$, ? from t"},
		{"casts and operators", '"', "SELECT a::text, b->>'c', count(*) FROM t WHERE x<>2", "select a::text, b ->> ?, count (*) from t where x <> ?"},
		{"a literal that does not end takes the rest", '"', "SELECT 'abc FROM t WHERE secret", "select ?"},
		{"nothing", '"', "", ""},
	} {
		if got := normalise(c.text, c.quote).text; got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestCatalogueIsToldFromTables(t *testing.T) {
	for text, want := range map[string]bool{
		"SELECT relname FROM pg_class":                               true,
		"SELECT * FROM pg_catalog.pg_stat_activity":                  true,
		"SELECT * FROM information_schema.columns":                   true,
		"SELECT * FROM users WHERE name = 'pg_class' -- pg_class":    false,
		"SELECT * FROM my_pg_table JOIN \"Information_Schema\" ON 1": false,
	} {
		if got := normalise(text, '"').catalogue; got != want {
			t.Errorf("%s: catalogue %t", text, got)
		}
	}
}

func TestEnvdiffsOwnStatementsAreTold(t *testing.T) {
	for text, want := range map[string]bool{
		`SELECT count(*) FILTER (WHERE "a" IS NULL) AS envdiff_bad, count(*) FROM "t"`: true,
		"SELECT n FROM (SELECT a AS n FROM t) AS \"envdiff_groups\"":                   true,
		"SELECT a FROM t WHERE b = 'envdiff_bad' /* envdiff_bad */":                    false,
		"SELECT my_envdiff_a FROM t":                                                   false,
	} {
		if got := normalise(text, '"').own; got != want {
			t.Errorf("%s: own %t", text, got)
		}
	}
}

// No literal is in a normal form, and it is the same kind of statement.
func FuzzNormalise(f *testing.F) {
	f.Add("SELECT 'zqtoken' FROM t WHERE a IN (1, 2)", true)
	f.Add("SELECT $a$zqtoken$a$, E'\\'zqtoken', \"zq\" FROM `t`", false)
	f.Add("INSERT INTO t VALUES (1, 'a'), (2, NULL) ON CONFLICT DO NOTHING", true)
	f.Fuzz(func(t *testing.T, text string, postgres bool) {
		quote := byte('`')
		if postgres {
			quote = '"'
		}
		s := normalise(text, quote)
		if strings.Contains(s.text, "'") && !strings.ContainsRune(s.text, rune(quote)) { // a quoted name may hold anything
			t.Errorf("a quote is left in %q", s.text)
		}
		if again := normalise(s.text, quote); countedVerb(s.first) != countedVerb(again.first) {
			t.Errorf("%q starts with %q, its normal form with %q", text, s.first, again.first)
		}
	})
}
