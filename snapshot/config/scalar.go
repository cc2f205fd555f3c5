package config

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// coreScalar resolves a plain scalar by the YAML 1.2 core schema (YAML 1.2.2, section 10.3). What YAML 1.1 readers take
// otherwise (yes, on, 0123, 12:30) stays text as written, so that a change from one notation to the other is seen.
func coreScalar(s string) snapshot.Value {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return snapshot.Null()
	case "true", "True", "TRUE":
		return snapshot.Bool(true)
	case "false", "False", "FALSE":
		return snapshot.Bool(false)
	}
	switch {
	case decimalInt.MatchString(s):
		return number(strings.TrimPrefix(s, "+"))
	case octalInt.MatchString(s):
		return radix(s, s[2:], 8)
	case hexInt.MatchString(s):
		return radix(s, s[2:], 16)
	case coreFloat.MatchString(s):
		return number(strings.TrimPrefix(s, "+"))
	}
	switch strings.TrimLeft(s, "+-") {
	case ".inf", ".Inf", ".INF":
		if s[0] == '-' {
			return snapshot.String("-.inf")
		}
		return snapshot.String(".inf")
	case ".nan", ".NaN", ".NAN":
		return snapshot.String(".nan")
	}
	return snapshot.String(s)
}

var (
	decimalInt = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	octalInt   = regexp.MustCompile(`^0o[0-7]+$`)
	hexInt     = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	coreFloat  = regexp.MustCompile(`^[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

// number is a decimal number by value: 1.0 and 1 are one number, and so are 1e3 and 1000.
// What no number holds exactly stays text.
func number(s string) snapshot.Value {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return snapshot.Int(n)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || decimalInt.MatchString(s) {
		return snapshot.String(s)
	}
	return snapshot.Float(f)
}

func radix(s, digits string, base int) snapshot.Value {
	n, err := strconv.ParseInt(digits, base, 64)
	if err != nil {
		return snapshot.String(s)
	}
	return snapshot.Int(n)
}

// byteSize gives a number of bytes written with a suffix K, M, G or T, or as a plain number of whole mebibytes, one
// notation: 134217728, 131072K and 128M are 128M. Other text stays.
func byteSize(s string) string {
	m := sizePattern.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	shift := map[string]uint{"": 0, "k": 10, "m": 20, "g": 30, "t": 40}[strings.ToLower(m[2])]
	if err != nil || n == 0 || n > math.MaxInt64>>shift {
		return s
	}
	n <<= shift
	switch {
	case n%(1<<30) == 0:
		return strconv.FormatInt(n>>30, 10) + "G"
	case n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + "M"
	}
	return strconv.FormatInt(n, 10)
}

var sizePattern = regexp.MustCompile(`^([0-9]{1,18})([kKmMgGtT]?)$`)

// fold keeps the spelling of a word that a table knows in any case.
func fold(table map[string]string, word string) string {
	if w, ok := table[strings.ToLower(word)]; ok {
		return w
	}
	return word
}

// folding makes the table of fold from the spellings.
func folding(words string) map[string]string {
	t := map[string]string{}
	for _, w := range strings.Fields(words) {
		t[strings.ToLower(w)] = w
	}
	return t
}

// values makes a value of what a repeated key said: one is a scalar, several are a list.
func values(vs []snapshot.Value) snapshot.Value {
	if len(vs) == 1 {
		return vs[0]
	}
	return snapshot.List(vs...)
}

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}
