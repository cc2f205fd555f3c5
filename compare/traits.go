package compare

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// trait is something that the last environment's data has and no other's has: what
// staging never saw breaks in production first.
type trait struct {
	attribute string
	// kept is the property of the values that the trait is of: what neither policy nor mask leaves of a column is not compared.
	kept   string
	has    func(last, others float64) (limit float64, ok bool)
	beyond string // the attribute that counts the values beyond a limit, as LIMIT=COUNT; "" where the attribute itself counts them
	text   string // what the values are
	breaks string // the migrations that would pass elsewhere and fail here
}

// traits are what a profile is searched for, as data.
var traits = []trait{
	{"nulls", "null", onlyLast, "", "nulls", "NOT NULL"},
	{"blanks", "null", onlyLast, "", "blank values", "a CHECK on emptiness, or a cast to a number or date"},
	{"duplicates", "equality", onlyLast, "", "or more rows that repeat a value", "UNIQUE, or a primary key"},
	{"fold_duplicates", "fold", onlyLast, "", "or more values that equal another but for case or outer blanks", "UNIQUE over lower() or trim(), or under a collation without case"},
	{"orphans", "equality", onlyLast, "", "rows that refer to none", "a foreign key, or an inner join in its place"},
	{"outer_blanks", "class", onlyLast, "", "values with outer blanks", "a UNIQUE or lookup over trimmed values, or CHAR"},
	{"control", "class", onlyLast, "", "values with control characters", "a change to XML or JSON, or an export"},
	{"non_ascii", "class", onlyLast, "", "values beyond ASCII", "a change of character set, or a limit in bytes"},
	{"four_byte", "class", onlyLast, "", "values with characters beyond U+FFFF", "a change to utf8mb3 or UCS-2"},
	{"not_utf8", "class", onlyLast, "", "values that are not UTF-8", "a change of character set"},
	{"mojibake", "value", onlyLast, "", "values that look encoded twice", "a conversion of the character set"},
	{"not_number", "class", onlyLast, "", "texts that are no number", "a cast to a number"},
	{"not_date", "value", onlyLast, "", "texts that are no date", "a cast to a date"},
	{"negatives", "sign", onlyLast, "", "negative numbers", "a CHECK (>= 0), or an unsigned type"},
	{"zeros", "sign", onlyLast, "", "zeros", "a CHECK (> 0), or a division"},
	{"at_bounds", "value", onlyLast, "", "values at the limit of their type", "a smaller type, and arithmetic"},
	{"zero_dates", "value", onlyLast, "", "zero dates", "strict SQL mode, NOT NULL without a zero default, or a move to another engine"},
	{"impossible_dates", "value", onlyLast, "", "impossible dates", "a change of the date's type, or a move to another engine"},
	{"endless_dates", "value", onlyLast, "", "endless dates (infinity, year 1 or 9999)", "arithmetic of dates, or a driver's type of dates"},
	{"max_length", "length", muchLonger, "longer", "values of up to %s characters", "a shorter VARCHAR, or an index with a length limit"},
	{"max_digits", "sign", moreDigits, "larger", "numbers of up to %s digits", "a smaller integer or NUMERIC type"},
}

func onlyLast(last, others float64) (float64, bool) { return 0, last > 0 && others == 0 }

// limits are the lengths beyond which a profile counts (attribute longer).
// indexes (2,704 bytes) and MySQL's TEXT. Between them nobody draws a line: a longer comment is no risk.
var limits = []float64{50, 64, 100, 128, 191, 255, 2704, 65535}

// muchLonger wants half as much again, and a usual limit between the two: lengths always differ a little.
func muchLonger(last, others float64) (float64, bool) {
	if last < 1.5*others {
		return 0, false
	}
	return between(limits, last, others)
}

// moreDigits wants a usual integer size between the two: 9 and 18 digits fit into 4 and 8
// bytes. Below that, more rows have larger ids.
func moreDigits(last, others float64) (float64, bool) { return between([]float64{9, 18}, last, others) }

// between is the smallest limit that only the last value is beyond.
func between(limits []float64, last, others float64) (float64, bool) {
	for _, l := range limits {
		if others <= l && last > l {
			return l, true
		}
	}
	return 0, false
}

// amount is how many there are: of all rows a count, else a share.
func (t *trait) amount(value float64, on tableOn) string {
	switch {
	case t.beyond != "" || on.grade != planner && on.grade != sample:
		return snapshot.Float(value).Display()
	case on.grade == planner && t.attribute != "nulls":
		return "at least " + percent(value/on.rows)
	}
	return "about " + percent(value/on.rows)
}

// said is what the trait says of the last side.
func (t *trait) said(amount string, others float64, last, rest string) string {
	if strings.Contains(t.text, "%s") {
		return fmt.Sprintf("has "+t.text+" in %s, %s in %s: would break %s", amount, last, snapshot.Float(others).Display(), rest, t.breaks)
	}
	return fmt.Sprintf("has %s %s in %s, none in %s: would break %s", amount, t.text, last, rest, t.breaks)
}

// countOf is the count of NAME=COUNT items under a name; 0 where there is none.
func countOf(items []string, name string) float64 {
	for _, item := range items {
		if rest, ok := strings.CutPrefix(item, name+"="); ok {
			n, err := strconv.ParseFloat(rest, 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}
