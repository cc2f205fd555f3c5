package enginetest

import (
	"fmt"
	"strings"
	"testing"
)

var splitCases = []struct {
	name   string
	script dialects
	want   []string // "line: text"
}{
	{"nothing", every(""), nil},
	{"white space and comments only", every(" \n-- one\n/* two;\n */ ;;\n"), nil},
	{"one statement without an end", every("SELECT 1"), []string{"1: SELECT 1"}},
	{"two statements", every("SELECT 1;\n\nSELECT 2;\n"), []string{"1: SELECT 1", "3: SELECT 2"}},
	{"two on a line", every("SELECT 1; SELECT 2"), []string{"1: SELECT 1", "1: SELECT 2"}},
	{"semicolons in strings", every("SELECT 'a;b''c;', \";\" FROM t;\nSELECT 2"), []string{"1: SELECT 'a;b''c;', \";\" FROM t", "2: SELECT 2"}},
	{"semicolons in comments", every("SELECT 1 -- one; two\n, 2; /* a;b */ SELECT 3"), []string{"1: SELECT 1 -- one; two\n, 2", "2: SELECT 3"}},
	{"a comment before a statement is not part of it", every("-- why\n/* and how */\nSELECT 1;"), []string{"3: SELECT 1"}},
	{"strings over lines count lines", every("SELECT 'a\nb';\nSELECT 2"), []string{"1: SELECT 'a\nb'", "3: SELECT 2"}},
	{"carriage returns", every("SELECT 1;\r\nSELECT 2;\r\n"), []string{"1: SELECT 1", "2: SELECT 2"}},
	{"case inside a statement", every("SELECT CASE WHEN 1 = 1 THEN 2 END; SELECT 2"), []string{"1: SELECT CASE WHEN 1 = 1 THEN 2 END", "1: SELECT 2"}},
	{"begin and commit", every("BEGIN; SELECT 1; COMMIT;"), []string{"1: BEGIN", "1: SELECT 1", "1: COMMIT"}},
	{"the body of a trigger or function", dialects{
		"sqlite":   "CREATE TRIGGER x AFTER INSERT ON t BEGIN\n UPDATE t SET n = CASE WHEN n > 1 THEN 2 ELSE 3 END; DELETE FROM u; END;\nSELECT 2",
		"postgres": "CREATE FUNCTION x() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN\n RETURN 1; END; $body$;\nSELECT 2",
		"mysql":    "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN\n SET NEW.n = CASE WHEN NEW.n > 1 THEN 2 ELSE 3 END; DELETE FROM u; END;\nSELECT 2",
	}, []string{"1: CREATE ", "3: SELECT 2"}},
}

// split cuts scripts as the engine's shell does.
func (h Harness) split(t *testing.T) {
	for _, c := range splitCases {
		t.Run(c.name, func(t *testing.T) {
			statements, err := h.Engine.Split(c.script.of(t, h))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, s := range statements {
				line := fmt.Sprintf("%d: %s", s.Line, s.Text)
				// A wanted text that ends in a space is the beginning of one that differs by dialect.
				if i < len(c.want) && strings.HasSuffix(c.want[i], " ") && strings.HasPrefix(line, c.want[i]) {
					line = c.want[i]
				}
				got = append(got, line)
			}
			sameText(t, "the statements", strings.Join(c.want, "\n"), strings.Join(got, "\n"))
		})
	}
}
