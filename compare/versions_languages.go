package compare

import (
	"regexp"
	"strconv"
	"strings"
)

// orderings are the orders of versions of programming languages' packages, each by its own system's rules. ok is false for what is no version there.
var orderings = map[string]func(a, b string) (order int, ok bool){
	"pip": orderPython, "npm": orderSemantic, "go": orderSemantic, "gem": orderRuby, "jar": orderMaven,
}

var pythonVersion = regexp.MustCompile(`^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)

// orderPython follows PEP 440: epoch, release, pre-release, post-release, development release, local version.
func orderPython(a, b string) (int, bool) {
	x := pythonVersion.FindStringSubmatch(strings.ToLower(strings.TrimSpace(a)))
	y := pythonVersion.FindStringSubmatch(strings.ToLower(strings.TrimSpace(b)))
	if x == nil || y == nil {
		return 0, false
	}
	if c := compareNumbers(or(x[1], "0"), or(y[1], "0")); c != 0 {
		return c, true
	}
	if c := compareLists(strings.Split(x[2], "."), strings.Split(y[2], "."), compareNumbers, "0"); c != 0 {
		return c, true
	}
	p, q := pythonRest(x), pythonRest(y)
	for i := range p {
		if c := compareNumbers(p[i], q[i]); c != 0 {
			return c, true
		}
	}
	return comparePythonLocal(x[10], y[10]), true
}

// pythonRest are numbers that order what stands behind the release: kind of pre-release, its number, post-release, development release. A version that is only a
// development release comes before its pre-releases; one without any comes after them.
func pythonRest(m []string) [4]string {
	kind := map[string]string{"a": "1", "alpha": "1", "b": "2", "beta": "2", "c": "3", "rc": "3", "pre": "3", "preview": "3"}[m[3]]
	post := "0"
	if m[5] != "" || m[6] != "" {
		post = increment(or(m[5], or(m[7], "0")))
	}
	dev := "99999999999999999999"
	if m[8] != "" {
		dev = or(m[9], "0")
	}
	switch {
	case kind == "" && post == "0" && m[8] != "":
		kind = "0"
	case kind == "":
		kind = "4"
	}
	return [4]string{kind, or(m[4], "0"), post, dev}
}

func increment(number string) string {
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil {
		return number
	}
	return strconv.FormatUint(n+1, 10)
}

// comparePythonLocal orders local versions: none is least, numbers come after words.
func comparePythonLocal(a, b string) int {
	if a == "" || b == "" {
		return sign(len(a) - len(b))
	}
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("-_.", r) })
	}
	return compareLists(split(a), split(b), compareWords, "")
}

// orderSemantic follows semver.org, which npm and Go share: a pre-release comes before its release, and what follows + does not count.
func orderSemantic(a, b string) (int, bool) {
	split := func(v string) (release, pre []string, ok bool) {
		v, _, _ = strings.Cut(strings.TrimPrefix(v, "v"), "+")
		core, rest, hasPre := strings.Cut(v, "-")
		release = strings.Split(core, ".")
		for _, n := range release {
			if n == "" || strings.Trim(n, "0123456789") != "" {
				return nil, nil, false
			}
		}
		if hasPre {
			pre = strings.Split(rest, ".")
		}
		return release, pre, true
	}
	x, preX, okX := split(a)
	y, preY, okY := split(b)
	if !okX || !okY {
		return 0, false
	}
	if c := compareLists(x, y, compareNumbers, "0"); c != 0 {
		return c, true
	}
	if len(preX) == 0 || len(preY) == 0 {
		return sign(len(preY) - len(preX)), true
	}
	for i := range min(len(preX), len(preY)) {
		if number(preX[i]) != number(preY[i]) {
			return boolSign(number(preY[i])), true // here numbers come before words
		}
		if c := compareWords(preX[i], preY[i]); c != 0 {
			return c, true
		}
	}
	return sign(len(preX) - len(preY)), true
}

func boolSign(yes bool) int {
	if yes {
		return 1
	}
	return -1
}

var rubySegments = regexp.MustCompile(`[0-9]+|[a-z]+`)

// orderRuby follows Gem::Version: runs of digits and of letters, where letters come before any number.
func orderRuby(a, b string) (int, bool) {
	split := func(v string) []string {
		return rubySegments.FindAllString(strings.ToLower(strings.ReplaceAll(v, "-", ".pre.")), -1)
	}
	x, y := split(a), split(b)
	if len(x) == 0 || len(y) == 0 || !number(x[0]) || !number(y[0]) {
		return 0, false
	}
	return compareLists(x, y, compareWords, "0"), true
}

// mavenQualifiers are the words that Maven knows, in their order; the release itself stands among them.
var mavenQualifiers = map[string]string{"alpha": "1", "a": "1", "beta": "2", "b": "2", "milestone": "3", "m": "3", "rc": "4", "cr": "4", "snapshot": "5", "": "6", "ga": "6", "final": "6", "release": "6", "sp": "7"}

// orderMaven follows ComparableVersion: numbers come after words, words that it knows before those that it does not.
func orderMaven(a, b string) (int, bool) {
	x, y := mavenSegments(a), mavenSegments(b)
	if x == nil || y == nil {
		return 0, false
	}
	for i := range max(len(x), len(y)) {
		p, q := "", ""
		if i < len(x) {
			p = x[i]
		}
		if i < len(y) {
			q = y[i]
		}
		if c := compareMaven(p, q); c != 0 {
			return c, true
		}
	}
	return 0, true
}

// mavenSegments are a version's numbers and words, without the zeros before a word or the end: 1.0 is 1. It is nil for what does not begin with a number.
func mavenSegments(v string) []string {
	all := rubySegments.FindAllString(strings.ToLower(v), -1)
	if len(all) == 0 || !number(all[0]) {
		return nil
	}
	kept := all[:0:0]
	for i, s := range all {
		next := i + 1
		for next < len(all) && number(all[next]) && strings.Trim(all[next], "0") == "" {
			next++
		}
		if i > 0 && number(s) && strings.Trim(s, "0") == "" && (next == len(all) || !number(all[next])) {
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

func compareMaven(a, b string) int {
	switch {
	case number(a) && number(b), number(a) && b == "", a == "" && number(b):
		return compareNumbers(or(a, "0"), or(b, "0"))
	case number(a) != number(b):
		return boolSign(number(a))
	}
	p, q := mavenQualifiers[a], mavenQualifiers[b]
	if p == "" && q == "" {
		return strings.Compare(a, b)
	}
	return strings.Compare(or(p, "8"), or(q, "8"))
}

// compareLists compares item by item; the shorter list goes on with fill.
func compareLists(a, b []string, compare func(a, b string) int, fill string) int {
	for i := range max(len(a), len(b)) {
		x, y := fill, fill
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if c := compare(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// compareWords compares numbers as numbers and words as words; a word comes before any number, and nothing before both.
func compareWords(a, b string) int {
	switch {
	case a == "" || b == "":
		return sign(len(a) - len(b))
	case number(a) && number(b):
		return compareNumbers(a, b)
	case number(a) != number(b):
		return boolSign(number(a))
	}
	return strings.Compare(a, b)
}

// compareNumbers compares numbers of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	return strings.Compare(a, b)
}

func number(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
