package mysql

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
)

const (
	// wholeBytes is the size up to which a table is read as a whole for a sample.
	wholeBytes = 80 << 20
	// probesPerRow is how many numbers are tried at most for each row of a sample: keys may have gaps.
	probesPerRow = 20
	// probesAtOnce is how many of them one query asks for.
	probesAtOnce = 1000
)

// Sample asks for rows by random values of the primary key, always the same ones for the same range of keys: each row that is there is hit as likely
// as any other, and the server looks each up. It takes a primary key of one column of whole numbers, without too many gaps: there is no
// TABLESAMPLE, and ORDER BY RAND() or a condition on a hash reads all of the table.
func (d *database) Sample(ctx context.Context, r engine.Read, fn func(engine.Row) error) (whole bool, err error) {
	err = passing(fn, func(fn func(engine.Row) error) error {
		return d.use(ctx, func(c *conn) error {
			shape, err := describe(ctx, c, d.name, r.Table)
			if err != nil {
				return err
			}
			keys, err := d.keysOf(ctx, c, shape, r)
			if err != nil {
				return d.withAdvice(err, r.Table)
			}
			if whole = keys.small; whole {
				sql, err := shape.selection(engine.Read{Table: r.Table, Columns: r.Columns})
				if err != nil {
					return err
				}
				return d.withAdvice(c.stream(ctx, sql, fn), r.Table)
			}
			for probes := range slices.Chunk(keys.draw(r.Limit), probesAtOnce) {
				match := &engine.Match{Columns: []string{keys.column}}
				for _, n := range probes {
					match.Tuples = append(match.Tuples, engine.Row{{Type: engine.CellInteger, Data: strconv.AppendInt(nil, n, 10)}})
				}
				sql, err := shape.selection(engine.Read{Table: r.Table, Columns: r.Columns, Match: match})
				if err != nil {
					return err
				}
				if err := c.stream(ctx, sql, fn); err != nil {
					return d.withAdvice(err, r.Table)
				}
			}
			return nil
		})
	})
	return whole, err
}

// keyRange is what a sample needs to know of a table.
type keyRange struct {
	small    bool
	column   string
	min, max int64
	rows     int64 // an estimate
}

// keysOf finds the range of a primary key; ErrNoSample where there is none that can be drawn from.
func (d *database) keysOf(ctx context.Context, c *conn, s *shape, r engine.Read) (k keyRange, err error) {
	within := r.Table.Schema
	if within == "" {
		within = d.name
	}
	at := " WHERE TABLE_SCHEMA = " + literal(within) + " AND TABLE_NAME = " + literal(r.Table.Name)
	number := func(cell engine.Cell) int64 {
		n, _ := strconv.ParseInt(string(cell.Data), 10, 64)
		return n
	}
	known := false
	err = c.query(ctx, "SELECT TABLE_ROWS, DATA_LENGTH FROM information_schema.TABLES"+at, func(row engine.Row) error {
		known = row[0].Type != engine.CellNull && row[1].Type != engine.CellNull
		k.rows, k.small = number(row[0]), number(row[1]) <= wholeBytes
		return nil
	})
	if err != nil || known && k.small {
		return k, err
	}
	var columns []string
	err = c.query(ctx, "SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE"+at+" AND CONSTRAINT_NAME = 'PRIMARY'", func(row engine.Row) error {
		columns = append(columns, string(row[0].Data))
		return nil
	})
	if err != nil {
		return k, err
	}
	if !known || len(columns) != 1 || !s.column(columns[0]).integer() {
		return k, engine.ErrNoSample
	}
	k.column = columns[0]
	var bad error
	err = c.query(ctx, "SELECT MIN("+quote(k.column)+"), MAX("+quote(k.column)+") FROM "+qualified(r.Table), func(row engine.Row) error {
		if k.min, bad = strconv.ParseInt(string(row[0].Data), 10, 64); bad == nil {
			k.max, bad = strconv.ParseInt(string(row[1].Data), 10, 64)
		}
		return nil
	})
	if err == nil && (bad != nil || k.rows == 0 || k.share() < 1./probesPerRow) {
		err = engine.ErrNoSample
	}
	return k, err
}

// share is how many of the numbers of the range are keys, about.
func (k keyRange) share() float64 {
	return min(1, float64(k.rows)/(float64(k.max)-float64(k.min)+1))
}

// draw are different numbers of the range, of which about n are keys, in order.
func (k keyRange) draw(n int64) []int64 {
	random := rand.New(rand.NewPCG(1, 1))
	out := make([]int64, int64(float64(n)/k.share()))
	for i := range out {
		out[i] = k.min + int64(random.Uint64N(uint64(k.max-k.min)+1))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
