package sanitize

import (
	"fmt"
	"slices"

	"github.com/envdiff/envdiff/internal/engine"
)

// strata keep so many rows of every combination of some columns' values: those with the lowest hashes.
type strata struct {
	rowsOfEach int
	at         []int // the columns in a row
	groups     map[uint64]*lowest
	values     engine.Row
}

// maxStrata bounds the groups: columns with more combinations make no strata.
const maxStrata = 50_000

// newStrata is nil where the policy wants none. columns are those of the rows that are added.
func newStrata(s Strata, columns []string) *strata {
	if len(s.By) == 0 {
		return nil
	}
	out := &strata{rowsOfEach: s.Rows, groups: map[uint64]*lowest{}}
	for _, name := range s.By {
		if i := slices.Index(columns, name); i >= 0 {
			out.at = append(out.at, i)
		}
	}
	return out
}

func (s *strata) add(hash *rowHash, h uint64, row engine.Row) error {
	if s == nil {
		return nil
	}
	s.values = s.values[:0]
	for _, i := range s.at {
		s.values = append(s.values, row[i])
	}
	key := hash.of(s.values)
	g := s.groups[key]
	if g == nil {
		if len(s.groups) == maxStrata {
			return fmt.Errorf("its strata are more than %d: choose columns with fewer values", maxStrata)
		}
		g = &lowest{k: s.rowsOfEach}
		s.groups[key] = g
	}
	g.add(h)
	return nil
}

func (s *strata) rows() (out []uint64) {
	if s == nil {
		return nil
	}
	for _, g := range s.groups {
		out = append(out, g.hashes...)
	}
	return out
}
