package postgres

import (
	"context"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

// sampledTablesQuery tells how fresh statistics are. ANALYZE takes 300 rows for each step of the statistics target, of the column that has the
// largest (analyze.c). Counters of changes are a server's own: a standby has none, so there what autovacuum lets pass is assumed, unless the
// table has grown or shrunk by more. After a crash or a reset they are gone, too. A partitioned table has none at all, and is
// analysed by hand alone.
const sampledTablesQuery = `
SELECT n.nspname, c.relname, CASE WHEN c.reltuples < 0 OR c.relpages = 0 THEN -1 ELSE c.reltuples::bigint END,
	300 * greatest(current_setting('default_statistics_target')::bigint,
		(SELECT max(a.attstattarget) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)),
	CASE WHEN c.relkind = 'p' THEN -1
		WHEN pg_is_in_recovery() THEN CASE WHEN abs(pg_relation_size(c.oid) / current_setting('block_size')::bigint - c.relpages) <= c.relpages / 10
			THEN (c.reltuples / 10)::bigint + 50 ELSE -1 END
		WHEN s.last_analyze IS NULL AND s.last_autoanalyze IS NULL THEN -1
		ELSE s.n_mod_since_analyze END
FROM ` + userTables + ` LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
ORDER BY 1, 2`

// columnStatisticsQuery leaves out the values of array columns: an array of arrays does not tell where one of them ends.
const columnStatisticsQuery = `
SELECT s.schemaname, s.tablename, s.attname, s.null_frac, CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * greatest(c.reltuples, 0) ELSE s.n_distinct END,
	CASE WHEN t.typcategory <> 'A' THEN array_to_json(s.most_common_vals::text::text[]) END, array_to_json(s.most_common_freqs),
	CASE WHEN t.typcategory <> 'A' THEN array_to_json(s.histogram_bounds::text::text[]) END
FROM ` + userTables + ` JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND NOT s.inherited
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname JOIN pg_type t ON t.oid = a.atttypid
ORDER BY 1, 2, a.attnum`

// Statistics reads pg_stats, which shows a role the columns that it may read.
func (d *database) Statistics(ctx context.Context, fn func(engine.TableStatistics) error) error {
	return d.use(ctx, func(pg *pgconn.PgConn) error {
		var tables []engine.TableStatistics
		err := query(ctx, pg, sampledTablesQuery, func(values [][]byte) error {
			r := &record{values: values}
			t := engine.TableStatistics{Table: r.name(), Rows: r.number(), Examined: r.number(), Changed: r.number()}
			if t.Rows >= 0 {
				t.Examined = min(t.Examined, t.Rows)
			} else {
				t.Examined, t.Changed = 0, -1
			}
			tables = append(tables, t)
			return r.err
		})
		if err != nil {
			return err
		}
		at := 0
		err = query(ctx, pg, columnStatisticsQuery, func(values [][]byte) error {
			r := &record{values: values}
			name := r.name()
			column, err := r.columnStatistics()
			if err != nil {
				return err
			}
			for ; at < len(tables) && tables[at].Table != name; at++ {
				if err := tell(&tables[at], fn); err != nil {
					return err
				}
			}
			if at < len(tables) {
				tables[at].Columns = append(tables[at].Columns, column)
			}
			return nil
		})
		for ; err == nil && at < len(tables); at++ {
			err = tell(&tables[at], fn)
		}
		return err
	})
}

// tell hands a table's statistics out and forgets them.
func tell(t *engine.TableStatistics, fn func(engine.TableStatistics) error) error {
	err := fn(*t)
	t.Columns = nil
	return err
}

func (r *record) columnStatistics() (engine.ColumnStatistics, error) {
	c := engine.ColumnStatistics{Column: r.text(), NullShare: r.real(), Distinct: r.real()}
	var values []string
	var shares []float64
	r.json(&values)
	r.json(&shares)
	r.json(&c.Bounds)
	for i := range min(len(values), len(shares)) {
		c.Common = append(c.Common, engine.CommonValue{Value: values[i], Share: shares[i]})
	}
	return c, r.err
}

func (r *record) real() float64 {
	f, err := strconv.ParseFloat(string(r.bytes()), 64)
	if err != nil && r.err == nil {
		r.err = err
	}
	return f
}

// samplePages is how many pages a sample reads at most, a third of what ANALYZE does: rows of one page were often written together, so a sample
// takes a few of each.
const samplePages = 10_000

// Sample reads pages that TABLESAMPLE SYSTEM chooses, always the same ones of an unchanged table, and of their rows those that a hash of their
// place chooses.
func (d *database) Sample(ctx context.Context, r engine.Read, fn func(engine.Row) error) (whole bool, err error) {
	err = passing(fn, func(fn func(engine.Row) error) error {
		return d.use(ctx, func(pg *pgconn.PgConn) error {
			shape, err := describe(ctx, pg, r.Table)
			if err != nil {
				return err
			}
			clause, err := sampling(ctx, pg, r)
			if err != nil {
				return d.withGrant(err, r.Table)
			}
			read := engine.Read{Table: r.Table, Columns: r.Columns}
			whole = clause == ""
			source, err := shape.source(read)
			if err == nil && !whole {
				from := "ONLY " + qualified(r.Table)
				if shape.partitioned {
					from = qualified(r.Table)
				}
				source = "(SELECT " + quoteAll(r.Columns) + " FROM " + from + clause + ")"
			}
			if err == nil {
				err = shape.copyRows(ctx, pg, source, r.Columns, fn)
			}
			return d.withGrant(err, r.Table)
		})
	})
	return whole, err
}

// sampling is what follows a table's name; "" where the table is small enough to be read as a whole.
func sampling(ctx context.Context, pg *pgconn.PgConn, r engine.Read) (clause string, err error) {
	var pages, rows int64
	err = query(ctx, pg, `
SELECT (coalesce(sum(pg_relation_size(t.relid)), 0) / current_setting('block_size')::bigint)::bigint, coalesce(sum(greatest(k.reltuples, 0)), 0)::bigint
FROM (SELECT relid FROM pg_partition_tree(`+literal(qualified(r.Table))+`::regclass) UNION SELECT `+literal(qualified(r.Table))+`::regclass) t JOIN pg_class k ON k.oid = t.relid AND k.relkind <> 'p'`,
		func(values [][]byte) error {
			c := &record{values: values}
			pages, rows = c.number(), c.number()
			return c.err
		})
	if err != nil || pages <= samplePages {
		return "", err
	}
	clause = " TABLESAMPLE SYSTEM (" + strconv.FormatFloat(100*samplePages/float64(pages), 'g', 6, 64) + ") REPEATABLE (1)"
	if read := rows * samplePages / pages; read > r.Limit { // as far as the catalogue knows
		clause += " WHERE hashtextextended(ctid::text, 1) & 65535 < " + strconv.FormatInt(max(1, r.Limit*65536/read), 10)
	}
	return clause, nil
}
