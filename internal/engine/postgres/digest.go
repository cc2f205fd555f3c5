package postgres

import (
	"context"
	"errors"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

// hiddenText is what pg_stat_statements shows of other roles' statements to a role without pg_read_all_stats.
const hiddenText = "<insufficient privilege>"

// extensionQuery finds the extension, its schema, and which of its columns and views this version has: total_time was
// split in 1.8, the counter of forgotten statements came with 1.9.
const extensionQuery = `
SELECT quote_ident(n.nspname),
	EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = n.oid AND c.relname = 'pg_stat_statements' AND a.attname = 'total_exec_time'),
	EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'pg_stat_statements_info')
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'`

// Digests reads pg_stat_statements. Its query ids are of one server alone and are left out.
func (d *database) Digests(ctx context.Context, fn func(engine.Digest) error) (engine.DigestSource, error) {
	s := engine.DigestSource{Name: "pg_stat_statements"}
	schema, times, info := "", "total_time", false
	err := d.use(ctx, func(pg *pgconn.PgConn) error {
		return query(ctx, pg, extensionQuery, func(v [][]byte) error {
			schema, info = string(v[0]), string(v[2]) == "t"
			if string(v[1]) == "t" {
				times = "total_exec_time"
			}
			return nil
		})
	})
	if err != nil {
		return s, err
	}
	if schema == "" {
		s.Missing = "the extension pg_stat_statements is not installed in this database"
		return s, nil
	}
	var own error
	err = d.use(ctx, func(pg *pgconn.PgConn) error {
		sql := `SELECT left(query, 4096), calls, ` + times + ` / 1000, rows FROM ` + schema + `.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`
		err := query(ctx, pg, sql, func(v [][]byte) error {
			if string(v[0]) == hiddenText {
				s.Hidden++
				s.Privilege = "GRANT pg_read_all_stats TO the role"
				return nil
			}
			seconds, _ := strconv.ParseFloat(string(v[2]), 64)
			own = fn(engine.Digest{Text: string(v[0]), Calls: number(v[1]), Seconds: seconds, Rows: number(v[3])})
			return own
		})
		if err != nil || !info {
			return err
		}
		return query(ctx, pg, "SELECT dealloc FROM "+schema+".pg_stat_statements_info", func(v [][]byte) error {
			s.Evicted = number(v[0]) > 0
			return nil
		})
	})
	if own != nil {
		return s, own
	}
	var refusal *engine.Error
	if errors.As(err, &refusal) {
		switch refusal.Code {
		case "55000":
			return engine.DigestSource{Missing: "pg_stat_statements is not among the server's shared_preload_libraries"}, nil
		case "42501":
			return engine.DigestSource{Missing: "the role may not read pg_stat_statements", Privilege: "GRANT SELECT ON " + schema + ".pg_stat_statements TO the role"}, nil
		}
	}
	return s, err
}
