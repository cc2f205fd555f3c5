package compare

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/spelling"
	"github.com/envdiff/envdiff/snapshot"
)

// A near miss is a name or value that somebody meant to type as another one. What counts as near depends on
// what it is: names of keys (nearName), values (nearValue) and host names (nearHost) each have their own
// notion, all of them over spelling.Distance.

// nearName is the distance of two names of at least five characters that are a near miss of each other, else 0: one
// edit below eight characters, two from there on, and the same for the words that they are made of: read_timeout and
// send_timeout are two things. Names that differ in their numbers only are names of different things, too.
func nearName(a, b string) int {
	if a == b || digitsDiffer(a, b) || min(utf8.RuneCountInString(a), utf8.RuneCountInString(b)) < 5 {
		return 0
	}
	limit := nameLimit(a, b)
	d := spelling.Distance(a, b, limit)
	if d > limit {
		return 0
	}
	x, y := nameWords(a), nameWords(b)
	if len(x) != len(y) {
		return d // a separator is the edit
	}
	for i := range x {
		if x[i] == y[i] {
			continue
		}
		if limit := nameLimit(x[i], y[i]); min(utf8.RuneCountInString(x[i]), utf8.RuneCountInString(y[i])) < 4 || spelling.Distance(x[i], y[i], limit) > limit {
			return 0
		}
	}
	return d
}

func nameLimit(a, b string) int {
	if min(utf8.RuneCountInString(a), utf8.RuneCountInString(b)) >= 8 {
		return 2
	}
	return 1
}

func nameWords(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// digitsDiffer reports that two names differ in runs of digits only.
func digitsDiffer(a, b string) bool { return a != b && withoutDigits(a) == withoutDigits(b) }

func withoutDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, s)
}

// nearHost reports that a host name is another one misspelt: a dot too many or too few, or one label that is a
// near miss. Short labels are names in their own right (app and api, mail and main): with up to five letters only
// a swap or a letter more or less is a slip.
func nearHost(a, b string) bool {
	if digitsDiffer(a, b) || spelling.Distance(a, b, 2) > 2 {
		return false
	}
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	if len(x) != len(y) {
		return spelling.Distance(a, b, 1) == 1
	}
	differing := 0
	for i := range x {
		if x[i] == y[i] {
			continue
		}
		shorter := min(len(x[i]), len(y[i]))
		d := spelling.Distance(x[i], y[i], nameLimit(x[i], y[i]))
		differing++
		if differing > 1 || shorter < 4 || d > nameLimit(x[i], y[i]) || shorter < 6 && len(x[i]) == len(y[i]) && !swapped(x[i], y[i]) {
			return false
		}
	}
	return true
}

// nearValue reports that one value is a near miss of another: two neighbouring characters swapped, or one letter more,
// less or other. Another digit makes another number; only swapped digits are a slip.
func nearValue(a, b snapshot.Value) bool {
	if a.IsSecret() || b.IsSecret() || a.IsList() != b.IsList() {
		return false
	}
	xs, ys := a.Items(), b.Items()
	if len(xs) != len(ys) {
		return false
	}
	differing := 0
	for i := range xs {
		if xs[i] == ys[i] {
			continue
		}
		if differing++; differing > 1 || !nearText(xs[i].Display(), ys[i].Display()) {
			return false
		}
	}
	return differing == 1
}

func nearText(x, y string) bool {
	n := min(len([]rune(x)), len([]rune(y)))
	if n < 3 || len(x) > 300 || spelling.Distance(x, y, 1) != 1 {
		return false
	}
	if swapped(x, y) {
		return x[:1] != "-" || y[:1] == "-"
	}
	return n >= 5 && !digitsDiffer(x, y) && nearWords(x, y)
}

// swapped reports that x is y with its letters in another order.
func swapped(x, y string) bool {
	a, b := []rune(x), []rune(y)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// nearWords reports that the edit is in a word of at least four letters, or in what stands between
// words: /srv/a and /srv/b are two places.
func nearWords(x, y string) bool {
	notLetter := func(r rune) bool { return !unicode.IsLetter(r) }
	a, b := strings.FieldsFunc(x, notLetter), strings.FieldsFunc(y, notLetter)
	if len(a) != len(b) {
		return true
	}
	for i := range a {
		if a[i] != b[i] {
			return min(utf8.RuneCountInString(a[i]), utf8.RuneCountInString(b[i])) >= 4
		}
	}
	return true
}
