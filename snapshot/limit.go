package snapshot

import (
	"fmt"
	"strconv"
	"strings"
)

// Limit is what a metric must keep: "<= 0", "< 5", ">= 1", "> 0", "== 3" or "!= 0".
type Limit struct {
	op    string
	bound float64
}

// limitOps in an order in which no operator begins a later one.
var limitOps = []string{"<=", ">=", "==", "!=", "<", ">"}

// ParseLimit reads a Limit.
func ParseLimit(text string) (Limit, error) {
	t := strings.TrimSpace(text)
	for _, op := range limitOps {
		if rest, ok := strings.CutPrefix(t, op); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil || n != n {
				break
			}
			return Limit{op, n}, nil
		}
	}
	return Limit{}, fmt.Errorf("%q is no limit: write <= 0, < 5, >= 1, > 0, == 3 or != 0", text)
}

// Keeps reports whether a number is within the limit.
func (l Limit) Keeps(n float64) bool {
	switch l.op {
	case "<=":
		return n <= l.bound
	case ">=":
		return n >= l.bound
	case "==":
		return n == l.bound
	case "!=":
		return n != l.bound
	case "<":
		return n < l.bound
	}
	return n > l.bound
}

// String is the limit in its one notation.
func (l Limit) String() string { return l.op + " " + strconv.FormatFloat(l.bound, 'g', -1, 64) }
