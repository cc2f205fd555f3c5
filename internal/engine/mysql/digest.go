package mysql

import (
	"context"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// digestQuery reads what the server has counted in this database. Times are in picoseconds. The row without a text
// counts what found no room.
const digestQuery = `SELECT DIGEST_TEXT, COUNT_STAR, SUM_TIMER_WAIT / 1e12, SUM_ROWS_SENT + SUM_ROWS_AFFECTED
FROM performance_schema.events_statements_summary_by_digest WHERE SCHEMA_NAME = DATABASE() OR DIGEST_TEXT IS NULL`

// Digests reads performance_schema, and the slow log where that is off, as it is on MariaDB unless told otherwise, or
// not for this user to read.
func (d *database) Digests(ctx context.Context, fn func(engine.Digest) error) (engine.DigestSource, error) {
	on, log := "", slowLog{}
	err := d.use(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT @@GLOBAL.performance_schema, @@GLOBAL.slow_query_log, @@GLOBAL.log_output", func(r engine.Row) error {
			on, log.on, log.output = string(r[0].Data), !off(string(r[1].Data)), strings.ToUpper(string(r[2].Data))
			return nil
		})
	})
	if err != nil {
		return engine.DigestSource{}, err
	}
	if off(on) {
		return d.slowDigests(ctx, log, "the server runs without performance_schema", fn)
	}
	s, err := d.countedDigests(ctx, fn)
	if s.Missing == "" || err != nil {
		return s, err
	}
	slow, err := d.slowDigests(ctx, log, s.Missing, fn)
	if slow.Missing != "" {
		slow.Privilege = s.Privilege
	}
	return slow, err
}

// countedDigests reads performance_schema. Its digests differ between servers and versions and are left out; so is
// MySQL's sample of a statement, which holds values.
func (d *database) countedDigests(ctx context.Context, fn func(engine.Digest) error) (engine.DigestSource, error) {
	s := engine.DigestSource{Name: "performance_schema"}
	var own error
	err := d.use(ctx, func(c *conn) error {
		return c.query(ctx, digestQuery, func(r engine.Row) error {
			if r[0].Type == engine.CellNull {
				s.Evicted = true
				return nil
			}
			own = fn(digestOf(r))
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

// digestOf reads a row of text, calls, seconds and rows.
func digestOf(r engine.Row) engine.Digest {
	calls, _ := strconv.ParseInt(string(r[1].Data), 10, 64)
	seconds, _ := strconv.ParseFloat(string(r[2].Data), 64)
	rows, _ := strconv.ParseInt(string(r[3].Data), 10, 64)
	return engine.Digest{Text: string(r[0].Data), Calls: calls, Seconds: seconds, Rows: rows}
}
