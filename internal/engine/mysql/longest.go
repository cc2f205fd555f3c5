package mysql

import (
	"context"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// longTypes hold megabytes in a value; all columns of the others together come to less (65,535 bytes in a row, and as many in each text or blob).
var longTypes = map[string]bool{"mediumtext": true, "mediumblob": true, "longtext": true, "longblob": true, "json": true}

// Longest asks for lengths where a type allows long values; tables without one are not read. A byte of a blob is two digits: so it is loaded.
func (d *database) Longest(ctx context.Context, r engine.Read) (longest int64, err error) {
	err = d.use(ctx, func(c *conn) error {
		shape, err := describe(ctx, c, d.name, r.Table)
		if err != nil {
			return err
		}
		var sizes []string
		for _, name := range r.Columns {
			typ := shape.columns[strings.ToLower(name)].typ
			if !longTypes[typ] {
				continue
			}
			size := "COALESCE(OCTET_LENGTH(" + quote(name) + "), 0)"
			if strings.HasSuffix(typ, "blob") {
				size = "2 * " + size
			}
			sizes = append(sizes, size)
		}
		if len(sizes) == 0 {
			return nil
		}
		sql := "SELECT COALESCE(MAX(" + strings.Join(sizes, " + ") + "), 0) AS " + engine.OwnPrefix + "longest FROM " + qualified(r.Table)
		if r.Where != "" {
			if err := selfContained("condition on "+r.Table.String(), r.Where); err != nil {
				return err
			}
			sql += " WHERE (\n" + r.Where + "\n)"
		}
		return d.withAdvice(c.query(ctx, sql, func(v engine.Row) (err error) {
			longest, err = strconv.ParseInt(string(v[0].Data), 10, 64)
			return err
		}), r.Table)
	})
	return longest, err
}

var _ engine.Measurer = (*database)(nil)
