package mysql

import (
	"context"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Parts cuts a table by a primary key of whole numbers into ranges of equal width: where keys were given out in turn, about as many rows are in each.
func (d *database) Parts(ctx context.Context, table schema.Name, bytes int64) (parts []engine.Part, err error) {
	err = d.use(ctx, func(c *conn) error {
		shape, err := describe(ctx, c, d.name, table)
		if err != nil {
			return err
		}
		within := table.Schema
		if within == "" {
			within = d.name
		}
		at := " WHERE TABLE_SCHEMA = " + literal(within) + " AND TABLE_NAME = " + literal(table.Name)
		var size int64
		var key []string
		err = c.query(ctx, "SELECT DATA_LENGTH FROM information_schema.TABLES"+at, func(r engine.Row) error {
			size = int64(float(r[0]))
			return nil
		})
		if err == nil {
			err = c.query(ctx, "SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE"+at+" AND CONSTRAINT_NAME = 'PRIMARY'", func(r engine.Row) error {
				key = append(key, string(r[0].Data))
				return nil
			})
		}
		if err != nil || len(key) != 1 || !shape.column(key[0]).integer() || size < 2*bytes {
			return err
		}
		return c.query(ctx, "SELECT MIN("+quote(key[0])+"), MAX("+quote(key[0])+") FROM "+qualified(table), func(r engine.Row) error {
			low, errLow := strconv.ParseInt(string(r[0].Data), 10, 64)
			high, errHigh := strconv.ParseInt(string(r[1].Data), 10, 64)
			if errLow == nil && errHigh == nil {
				parts = engine.Cut(key[0], low, high, int(size/bytes))
			}
			return nil
		})
	})
	return parts, err
}

// keysIn is the condition of a part.
func keysIn(p *engine.Part) string {
	var conditions []string
	if p.From != nil {
		conditions = append(conditions, quote(p.Column)+" >= "+strconv.FormatInt(*p.From, 10))
	}
	if p.To != nil {
		conditions = append(conditions, quote(p.Column)+" < "+strconv.FormatInt(*p.To, 10))
	}
	if conditions == nil {
		return "TRUE"
	}
	return strings.Join(conditions, " AND ")
}
