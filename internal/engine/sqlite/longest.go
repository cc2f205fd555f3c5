package sqlite

import (
	"context"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// Longest asks for lengths, which SQLite knows of a value without reading its overflow pages. Any column may hold a long one, but none is longer than its file.
func (db *database) Longest(ctx context.Context, r engine.Read) (longest int64, err error) {
	sizes := make([]string, len(r.Columns))
	for i, name := range r.Columns {
		sizes[i] = "coalesce(octet_length(" + quote(name) + "), 0)"
	}
	sql := "SELECT coalesce(max(" + strings.Join(sizes, " + ") + "), 0) FROM " + quote(r.Table.Name)
	if r.Where != "" {
		sql += " WHERE (" + r.Where + "\n)"
	}
	err = db.read(ctx, func() error {
		small := false
		err := db.c.query(ctx, "SELECT page_count * page_size < "+strconv.Itoa(1<<20)+" FROM pragma_page_count, pragma_page_size", func(v engine.Row) error {
			small = string(v[0].Data) == "1"
			return nil
		})
		if err != nil || small {
			return err
		}
		return db.c.query(ctx, sql, func(v engine.Row) (err error) {
			longest, err = strconv.ParseInt(string(v[0].Data), 10, 64)
			return err
		})
	})
	return longest, err
}

var _ engine.Measurer = (*database)(nil)
