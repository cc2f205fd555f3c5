package mysql

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

func TestParenthesesThatChangeNothing(t *testing.T) {
	for text, want := range map[string]string{
		"((`a` >= 18) and (`b` <> 'x'))":                       "`a` >= 18 and `b` <> 'x'",
		"((`a` = 1) or (`b` = 2)) and (`c` = 3)":               "(`a` = 1 or `b` = 2) and `c` = 3",
		"((`a` = 1) and (`b` = 2)) or (`c` = 3)":               "`a` = 1 and `b` = 2 or `c` = 3",
		"((`a` * 2) + 1)":                                      "`a` * 2 + 1",
		"((`a` + 2) * 1)":                                      "(`a` + 2) * 1",
		"(`a` - (`b` - `c`))":                                  "`a` - (`b` - `c`)",
		"((`a` - `b`) - `c`)":                                  "`a` - `b` - `c`",
		"(-(`a` + 1))":                                         "-(`a` + 1)",
		"(`a` - (-(1)))":                                       "`a` - -(1)",
		"lower((`a`))":                                         "lower(`a`)",
		"(`a` in (1,(2 + 3)))":                                 "`a` in (1,2 + 3)",
		"((`a`,`b`) in ((1,2)))":                               "(`a`,`b`) in ((1,2))",
		"(not((`a` = 1)))":                                     "not(`a` = 1)",
		"((`a` is null) or (`b` is not null))":                 "`a` is null or `b` is not null",
		"(`a` between (1 + 1) and (3 = 4))":                    "`a` between 1 + 1 and (3 = 4)",
		"((`a` between 1 and 2) and (`b` = 1))":                "`a` between 1 and 2 and `b` = 1",
		"((`a` + 1) not between (`b`) and (`c`) or (`d` = 1))": "`a` + 1 not between `b` and `c` or `d` = 1",
		"(`a` = (`b` between 1 and 2))":                        "`a` = (`b` between 1 and 2)",
		"((`a` = `b`) between 1 and 2)":                        "(`a` = `b`) between 1 and 2",
		"((`a` = `b`) like 'c')":                               "(`a` = `b`) like 'c'",
		"((`a` + 1) not in (1,2))":                             "`a` + 1 not in (1,2)",
		"select `a` from `t` where (`a` > 1) order by (`a`)":   "select `a` from `t` where `a` > 1 order by `a`",
		"select 1 from (`t` join `u` on((`t`.`a` = `u`.`a`)))": "select 1 from (`t` join `u` on(`t`.`a` = `u`.`a`))",
		"(select 1)":                                           "(select 1)",
		"((`a` || `b`) = 1)":                                   "(`a` || `b`) = 1",
		"(`a` <> (`b` + 1))":                                   "`a` <> `b` + 1",
		"(case when (`a` > 1) then 1 end)":                     "(case when `a` > 1 then 1 end)",
		"('it''s (' = (`a`))":                                  "'it''s (' = `a`",
		"now()":                                                "now()",
		"((((":                                                 "((((",
	} {
		if got := plainParentheses(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// arithmetic is a random expression in parentheses of every kind.
func arithmetic(r *rand.Rand, depth int) string {
	if depth == 0 || r.Intn(5) == 0 {
		return []string{"1", "2", "0", "null", "7", "'3'", "(4)", "-5", "(-6)"}[r.Intn(9)]
	}
	a, b := arithmetic(r, depth-1), arithmetic(r, depth-1)
	switch r.Intn(14) {
	case 0:
		return "(not(" + a + "))"
	case 1:
		return "-(" + a + ")"
	case 2:
		return "(" + a + " is not null)"
	case 3:
		return "coalesce((" + a + ")," + b + ")"
	case 4:
		return "(" + a + " in (" + b + ",2))"
	case 5:
		return "((" + a + ")" + []string{" between ", " not between "}[r.Intn(2)] + "(" + b + ") and (" + arithmetic(r, depth-1) + "))"
	case 6:
		return "((" + a + ")" + []string{" like ", " not like ", " regexp "}[r.Intn(3)] + "(" + b + "))"
	}
	operator := []string{"and", "or", "xor", "=", "<>", "<", ">=", "<=>", "|", "&", "+", "-", "*", "div", "%"}[r.Intn(15)]
	if r.Intn(2) == 0 {
		a = "(" + a + ")"
	}
	if r.Intn(2) == 0 {
		b = "(" + b + ")"
	}
	return "(" + a + " " + operator + " " + b + ")"
}

// TestParenthesesAreTakenOutWithoutAnotherResult asks the server itself.
func TestParenthesesAreTakenOutWithoutAnotherResult(t *testing.T) {
	_, base := arrange(t, "")
	db := openRead(t, base)
	r := rand.New(rand.NewSource(1))
	for range 40 {
		var parts, texts []string
		for range 25 {
			text := arithmetic(r, 4)
			texts = append(texts, text)
			parts = append(parts, fmt.Sprintf("(%s) <=> (%s)", text, plainParentheses(text)))
		}
		err := db.Query(context.Background(), "SELECT "+strings.Join(parts, ", "), func(row engine.Row) error {
			for i, c := range row {
				if string(c.Data) != "1" {
					t.Errorf("%s is not %s", texts[i], plainParentheses(texts[i]))
				}
			}
			return nil
		})
		if err != nil && !strings.Contains(err.Error(), "out of range") {
			t.Fatalf("%v\n%s", err, strings.Join(parts, "\n"))
		}
	}
}

func FuzzPlainParentheses(f *testing.F) {
	for _, seed := range []string{"((`a` = 1) and (`b`))", "((((", "))", "select (1)", "(-(-(1)))", "f((a),(b))", "('(' = ')')"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := plainParentheses(text)
		if again := plainParentheses(once); len(once) > len(text) || strings.Count(text, "(")-strings.Count(once, "(") != strings.Count(text, ")")-strings.Count(once, ")") {
			t.Errorf("%q, %q, %q", text, once, again)
		}
	})
}
