package postgres

import (
	"context"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

// shortTOAST is how much a table keeps out of line that cannot be long values: pglz and lz4 press repetitions to a two hundredth at best.
const shortTOAST = 128 << 10

// Longest asks for lengths, which PostgreSQL knows of values out of line without fetching them, and for none where next to nothing is out of line. A byte of a bytea
// is two digits; of types that have to be written out to be measured, what is stored counts.
func (d *database) Longest(ctx context.Context, r engine.Read) (bytes int64, err error) {
	err = d.use(ctx, func(pg *pgconn.PgConn) error {
		long := false
		err := query(ctx, pg, `SELECT coalesce(sum(pg_catalog.pg_relation_size(p.reltoastrelid)), 0) > `+strconv.Itoa(shortTOAST)+` FROM pg_catalog.pg_class p
WHERE p.reltoastrelid <> 0 AND p.oid IN (SELECT `+literal(qualified(r.Table))+`::regclass UNION ALL SELECT relid FROM pg_catalog.pg_partition_tree(`+literal(qualified(r.Table))+`::regclass))`,
			func(v [][]byte) error { long = string(v[0]) == "t"; return nil })
		if err != nil || !long {
			return err
		}
		shape, err := describe(ctx, pg, r.Table)
		if err != nil {
			return err
		}
		var sizes []string
		for _, name := range r.Columns {
			switch shape.columns[name].sqlType {
			case "bytea":
				sizes = append(sizes, "2 * coalesce(octet_length("+quote(name)+"), 0)::bigint")
			case "text", "character varying", "character":
				sizes = append(sizes, "coalesce(octet_length("+quote(name)+"), 0)::bigint")
			default:
				sizes = append(sizes, "coalesce(pg_catalog.pg_column_size("+quote(name)+"), 0)::bigint")
			}
		}
		from := "ONLY " + qualified(r.Table)
		if shape.partitioned {
			from = qualified(r.Table)
		}
		sql := "SELECT coalesce(max(" + strings.Join(sizes, " + ") + "), 0) AS " + engine.OwnPrefix + "longest FROM " + from
		if r.Where != "" {
			if err := selfContained("condition on "+r.Table.String(), r.Where); err != nil {
				return &engine.Error{Code: "42601", Table: r.Table.String(), Message: err.Error()}
			}
			sql += " WHERE (\n" + r.Where + "\n)"
		}
		return query(ctx, pg, sql, func(v [][]byte) error { bytes = number(v[0]); return nil })
	})
	return bytes, err
}

var _ engine.Measurer = (*database)(nil)
