package mysql

import (
	"context"
	"slices"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
)

// lookupsAtOnce is how many values one query asks for: MariaDB makes a table of its own of longer lists (in_predicate_conversion_threshold).
const lookupsAtOnce = 900

// lookups are the values of a remainder's column that an index finds sooner than all rows are read.
func lookups(ctx context.Context, c *conn, r engine.Read) (values []int64, few bool, err error) {
	if r.Modulo == nil || r.Modulo.Indexed == 0 || r.Limit > 0 || len(r.OrderBy) > 0 || r.Match != nil {
		return nil, false, nil
	}
	column, known := quote(r.Modulo.Column), false
	var low, high int64
	err = c.query(ctx, "SELECT MIN("+column+"), MAX("+column+") FROM "+qualified(r.Table), func(v engine.Row) error {
		least, errLow := strconv.ParseInt(string(v[0].Data), 10, 64)
		most, errHigh := strconv.ParseInt(string(v[1].Data), 10, 64)
		low, high, known = least, most, errLow == nil && errHigh == nil
		return nil
	})
	if err != nil || !known {
		return nil, false, err
	}
	values, few = r.Modulo.Values(low, high)
	return values, few, nil
}

// lookUp streams the rows with such values.
func (s *shape) lookUp(ctx context.Context, c *conn, r engine.Read, values []int64, fn func(engine.Row) error) error {
	column := r.Modulo.Column
	r.Modulo = nil
	for some := range slices.Chunk(values, lookupsAtOnce) {
		r.Match = &engine.Match{Columns: []string{column}}
		for _, n := range some {
			r.Match.Tuples = append(r.Match.Tuples, engine.Row{{Type: engine.CellInteger, Data: strconv.AppendInt(nil, n, 10)}})
		}
		sql, err := s.selection(r)
		if err != nil {
			return err
		}
		if err := c.stream(ctx, sql, fn); err != nil {
			return err
		}
	}
	return nil
}
