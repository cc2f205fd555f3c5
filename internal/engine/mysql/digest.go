package mysql

import (
	"context"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
)

// digestQuery reads what the server has counted in this database. Times are in picoseconds. The row without a text
// counts what found no room.
const digestQuery = `SELECT DIGEST_TEXT, COUNT_STAR, SUM_TIMER_WAIT / 1e12, SUM_ROWS_SENT + SUM_ROWS_AFFECTED
FROM performance_schema.events_statements_summary_by_digest WHERE SCHEMA_NAME = DATABASE() OR DIGEST_TEXT IS NULL`

// Digests reads performance_schema. Its digests differ between servers and versions and are left out; so is MySQL's
// sample of a statement, which holds values.
func (d *database) Digests(ctx context.Context, fn func(engine.Digest) error) (engine.DigestSource, error) {
	var s engine.DigestSource
	on := ""
	err := d.use(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT @@GLOBAL.performance_schema", func(r engine.Row) error {
			on = string(r[0].Data)
			return nil
		})
	})
	if err != nil {
		return s, err
	}
	if off(on) {
		s.Missing = "the server runs without performance_schema"
		return s, nil
	}
	var own error
	err = d.use(ctx, func(c *conn) error {
		return c.query(ctx, digestQuery, func(r engine.Row) error {
			if r[0].Type == engine.CellNull {
				s.Evicted = true
				return nil
			}
			calls, _ := strconv.ParseInt(string(r[1].Data), 10, 64)
			seconds, _ := strconv.ParseFloat(string(r[2].Data), 64)
			rows, _ := strconv.ParseInt(string(r[3].Data), 10, 64)
			own = fn(engine.Digest{Text: string(r[0].Data), Calls: calls, Seconds: seconds, Rows: rows})
			return own
		})
	})
	switch {
	case own != nil:
		return s, own
	case denied(err):
		return engine.DigestSource{Missing: "the user may not read performance_schema", Privilege: "GRANT SELECT ON performance_schema.* TO the user"}, nil
	}
	return s, err
}
