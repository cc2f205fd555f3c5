package engine

import (
	"math"
	"slices"
	"testing"
)

func TestNumbersWithARemainderAreListedWhereTheyAreFew(t *testing.T) {
	for _, c := range []struct {
		name           string
		m              Modulo
		low, high      int64
		want           []int64
		tooManyToCount bool
	}{
		{"in order", Modulo{Of: 10, In: []int64{7, 2}, Indexed: 1000}, 1, 25, []int64{2, 7, 12, 17, 22}, false},
		{"below zero", Modulo{Of: 10, In: []int64{7, 2}, Indexed: 1000}, -14, 3, []int64{-13, -8, -3, 2}, false},
		{"the ends count", Modulo{Of: 10, In: []int64{0}, Indexed: 1000}, 10, 20, []int64{10, 20}, false},
		{"no rows", Modulo{Of: 10, In: []int64{0}, Indexed: 1000}, 1, 0, nil, false},
		{"no index", Modulo{Of: 10, In: []int64{0}}, 1, 2, nil, true},
		{"as many as rows", Modulo{Of: 10, In: []int64{0}, Indexed: 1000}, 1, 10_000, nil, true},
		{"far apart", Modulo{Of: 10, In: []int64{0}, Indexed: math.MaxInt64}, math.MinInt64 + 10, math.MaxInt64 - 10, nil, true},
		{"at the ends of what there is", Modulo{Of: 10, In: []int64{0, 8}, Indexed: math.MaxInt64}, math.MaxInt64 - 3, math.MaxInt64, nil, true},
	} {
		got, few := c.m.Values(c.low, c.high)
		if few == c.tooManyToCount || !slices.Equal(got, c.want) {
			t.Errorf("%s: %d, %v", c.name, got, few)
		}
	}
}
