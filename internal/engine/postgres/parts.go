package postgres

import (
	"context"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// partsQuery tells how many pages a table has: a plain one that keeps its rows in pages, of a server that reads a range of them without the rest (14 and later).
const partsQuery = `SELECT pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::bigint, current_setting('block_size')::bigint
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE c.relkind = 'r' AND m.amname = 'heap' AND current_setting('server_version_num')::int >= 140000 AND n.nspname = `

// Parts cuts a table by its pages. Those that it gets later belong to the last part; no snapshot that was taken before sees their rows.
func (d *database) Parts(ctx context.Context, table schema.Name, bytes int64) ([]engine.Part, error) {
	var pages, size int64
	err := d.use(ctx, func(pg *pgconn.PgConn) error {
		return query(ctx, pg, partsQuery+literal(schemaOf(table))+" AND c.relname = "+literal(table.Name), func(values [][]byte) error {
			r := &record{values: values}
			pages, size = r.number(), r.number()
			return r.err
		})
	})
	if err != nil || size == 0 {
		return nil, err
	}
	return engine.Cut("ctid", 0, pages, int(pages*size/bytes)), nil
}

// pagesOf is the condition of a part.
func pagesOf(p *engine.Part) string {
	at := func(page *int64) string { return "'(" + strconv.FormatInt(*page, 10) + ",0)'::pg_catalog.tid" }
	switch {
	case p.From == nil && p.To == nil:
		return "true"
	case p.From == nil:
		return "ctid < " + at(p.To)
	case p.To == nil:
		return "ctid >= " + at(p.From)
	}
	return "ctid >= " + at(p.From) + " AND ctid < " + at(p.To)
}
