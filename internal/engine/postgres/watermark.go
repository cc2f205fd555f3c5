package postgres

import (
	"context"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// watermarkQuery counts what was written to each table and its partitions, with what tells one count from another: files that TRUNCATE and rewrites replace, and the
// start and reset of the counting. A standby counts nothing, so nothing can be told there.
const watermarkQuery = `
SELECT n.nspname, c.relname, concat_ws(' ', pg_postmaster_start_time(), (SELECT stats_reset FROM pg_catalog.pg_stat_database WHERE datname = current_database()),
	(SELECT string_agg(concat_ws('/', p.oid, p.relfilenode, pg_catalog.pg_stat_get_tuples_inserted(p.oid), pg_catalog.pg_stat_get_tuples_updated(p.oid), pg_catalog.pg_stat_get_tuples_deleted(p.oid)), ' ' ORDER BY p.oid)
		FROM pg_catalog.pg_class p WHERE p.oid = c.oid OR c.relkind = 'p' AND p.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid))))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND NOT pg_is_in_recovery() AND current_setting('track_counts') = 'on'`

// Watermarks are counters of the server.
func (d *database) Watermarks(ctx context.Context) (map[schema.Name]string, error) {
	marks := map[schema.Name]string{}
	err := d.use(ctx, func(pg *pgconn.PgConn) error {
		return query(ctx, pg, watermarkQuery, func(v [][]byte) error {
			marks[nameOf(string(v[0]), string(v[1]))] = string(v[2])
			return nil
		})
	})
	return marks, err
}

var _ engine.Watermarker = (*database)(nil)
