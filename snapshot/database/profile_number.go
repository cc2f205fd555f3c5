package database

import (
	"math"
	"strconv"
	"strings"
)

// usualDigits fit into 4 and 8 bytes.
var usualDigits = [...]int{9, 18}

// numberTraits counts the traits of a column's numbers.
type numberTraits struct {
	count                      int64
	negatives, zeros, positive int64
	maxDigits                  int
	larger                     [len(usualDigits)]int64
	atBounds                   int64   // at a limit of the declared type
	low, high                  float64 // its limits; both 0 where it has none
	min, max                   float64
	kept                       quantileSketch
}

// integerBits are the sizes of declared types. Only engines whose cells are all text declare what they hold: SQLite's INTEGER has 64 bits.
var integerBits = []struct {
	name string
	bits int
}{{"tinyint", 8}, {"smallint", 16}, {"mediumint", 24}, {"integer", 32}, {"int", 32}, {"bigint", 64}}

func newNumbers(t string) (n numberTraits) {
	t = strings.ToLower(t)
	for _, i := range integerBits {
		if rest, ok := strings.CutPrefix(t, i.name); ok && (rest == "" || rest[0] == '(' || rest[0] == ' ') {
			n.low, n.high = -math.Ldexp(1, i.bits-1), math.Ldexp(1, i.bits-1)-1
			if strings.Contains(rest, "unsigned") {
				n.low, n.high = 0, math.Ldexp(1, i.bits)-1
			}
			break
		}
	}
	return n
}

// add counts n rows of a number; kept ones are remembered.
func (c *numberTraits) add(text []byte, kept bool, n int64) {
	f, ok := parseNumber(text)
	if !ok {
		return
	}
	switch {
	case f < 0:
		c.negatives += n
	case f > 0:
		c.positive += n
	default:
		c.zeros += n
	}
	if c.high > 0 && (f >= c.high || f <= c.low && f < 0) {
		c.atBounds += n
	}
	if c.count == 0 || f < c.min {
		c.min = f
	}
	if c.count == 0 || f > c.max {
		c.max = f
	}
	c.count += n
	if math.IsInf(f, 0) {
		return
	}
	if kept {
		c.kept.add(f)
	}
	digits := wholeDigits(math.Abs(f))
	c.maxDigits = max(c.maxDigits, digits)
	for i := 0; i < len(usualDigits) && digits > usualDigits[i]; i++ {
		c.larger[i] += n
	}
}

// parseNumber is strconv's, but for whole numbers of up to 15 digits, which most are.
func parseNumber(text []byte) (float64, bool) {
	digits := text
	if len(text) > 0 && text[0] == '-' {
		digits = text[1:]
	}
	if n := len(digits); n > 0 && n <= 15 {
		if whole, ok := decimal(digits); ok {
			if n < len(text) {
				whole = -whole
			}
			return float64(whole), true
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil && !math.IsNaN(f)
}

// wholeDigits is the number of digits before the decimal point.
func wholeDigits(f float64) int {
	if f < 1e15 {
		n := 1
		for i := uint64(f); i >= 10; i /= 10 {
			n++
		}
		return n
	}
	return len(strconv.FormatFloat(math.Trunc(f), 'f', 0, 64))
}
