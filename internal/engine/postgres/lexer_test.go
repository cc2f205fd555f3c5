package postgres

import (
	"strings"
	"testing"
)

func TestSplitFollowsThePostgresScanner(t *testing.T) {
	cases := []struct {
		name, script string
		want         []string
	}{
		{"nested comments", "SELECT 1 /* a /* b; */ c; */ + 1; SELECT 2", []string{"SELECT 1 /* a /* b; */ c; */ + 1", "SELECT 2"}},
		{"escapes in E strings only", `SELECT E'a\';b', 'c\'; SELECT 2`, []string{`SELECT E'a\';b', 'c\'`, "SELECT 2"}},
		{"a continued string keeps its escapes", "SELECT E'a'\n  'b\\';c'; SELECT 2", []string{"SELECT E'a'\n  'b\\';c'", "SELECT 2"}},
		{"dollar quotes with tags", "SELECT $a$ ; $$ $b$ ; $a$; SELECT $$;$$", []string{"SELECT $a$ ; $$ $b$ ; $a$", "SELECT $$;$$"}},
		{"a dollar inside an identifier opens nothing", "SELECT a$b$ FROM t; SELECT c$b$", []string{"SELECT a$b$ FROM t", "SELECT c$b$"}},
		{"parameters are no dollar quotes", "SELECT $1, $2; SELECT 3", []string{"SELECT $1, $2", "SELECT 3"}},
		{"unicode escapes", `SELECT U&'\0041;', U&"x;""y"; SELECT 2`, []string{`SELECT U&'\0041;', U&"x;""y"`, "SELECT 2"}},
		{"a rule's actions in parentheses", "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b); SELECT 2", []string{"CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b)", "SELECT 2"}},
		{"a routine body in BEGIN ATOMIC", "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3",
			[]string{"CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END", "SELECT 3"}},
		{"a transaction is not a body", "BEGIN; CREATE TABLE function (a int); END;", []string{"BEGIN", "CREATE TABLE function (a int)", "END"}},
		{"an operator against a comment", "SELECT 1 <--2;\n 3; SELECT 4", []string{"SELECT 1 <--2;\n 3", "SELECT 4"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			statements, err := New().Split(c.script)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range statements {
				got = append(got, s.Text)
			}
			if strings.Join(got, "\n---\n") != strings.Join(c.want, "\n---\n") {
				t.Fatalf("got %q", got)
			}
		})
	}
}

func TestSplitNamesTheLineOfWhatNoServerTakes(t *testing.T) {
	for script, want := range map[string]string{
		"SELECT 1;\n\\connect other":                  "line 2: a psql command",
		"SELECT 1;\nSELECT 'open":                     "line 2: a string",
		"\n\nSELECT $x$ open $y$":                     "line 3: a dollar-quoted string",
		"/* a /* b */":                                "line 1: a comment",
		"SELECT \"open":                               "line 1: a quoted identifier",
		"SELECT 1;\nCOPY t (a) FROM stdin;\n1\n\\.\n": "line 2: COPY",
	} {
		if _, err := New().Split(script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", script, err, want)
		}
	}
}

func TestLayoutIsNoDifference(t *testing.T) {
	if got := normalise(" SELECT  a,\n    'two  blanks' AS \"b  c\"\n   FROM t;"); got != `SELECT a, 'two  blanks' AS "b  c" FROM t` {
		t.Fatalf("got %q", got)
	}
}

func TestConditionsCannotLeaveTheirParentheses(t *testing.T) {
	for _, bad := range []string{"1=1) TO STDOUT; DROP TABLE t; --", "a = 'open", "f(a", "a); --", "true; COMMIT"} {
		if selfContained("where", bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, good := range []string{"a = ';)' AND (b OR c)", "a -- ; ) comment", "a = $$;)$$"} {
		if err := selfContained("where", good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"SELECT 1; SELECT 2", "E'\\'' $a$ ; $a$ /* /* */ */ -- x\n;", "CREATE FUNCTION f() BEGIN ATOMIC CASE END; END;", "U&\"a\" $1 (;)", "'a'\n'b';"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, script string) {
		covered := 0
		for l := (&lexer{text: script}); ; {
			tok, more, err := l.next()
			if !more || err != nil {
				break
			}
			if tok.start != covered || tok.end <= tok.start {
				t.Fatalf("token %+v after %d", tok, covered)
			}
			covered = tok.end
		}
		statements, err := New().Split(script)
		if err != nil {
			return
		}
		for _, s := range statements {
			if s.Text == "" || s.Line < 1 || !strings.Contains(script, s.Text) {
				t.Fatalf("statement %+v", s)
			}
		}
		normalise(script)
	})
}
