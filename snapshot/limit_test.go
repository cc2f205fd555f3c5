package snapshot_test

import (
	"testing"

	"github.com/envdiff/envdiff/snapshot"
)

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		text      string
		keeps     float64
		keepsNot  float64
		canonical string
	}{
		{"<= 0", 0, 1, "<= 0"}, {"<5", 4.9, 5, "< 5"}, {" >= 1.5 ", 1.5, 1.4, ">= 1.5"}, {"> -1", 0, -1, "> -1"}, {"== 3", 3, 4, "== 3"}, {"!= 0", 1, 0, "!= 0"},
	} {
		l, err := snapshot.ParseLimit(c.text)
		if err != nil || !l.Keeps(c.keeps) || l.Keeps(c.keepsNot) || l.String() != c.canonical {
			t.Errorf("%q: %v %s", c.text, err, l)
		}
	}
	for _, bad := range []string{"", "0", "<=", "<= x", "=> 1", "<= NaN", "between 1 and 2"} {
		if l, err := snapshot.ParseLimit(bad); err == nil {
			t.Errorf("%q was read as %s", bad, l)
		}
	}
}
