package migrations

import (
	"context"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// readAppliedRows reads the version table of a tool that keeps a row per migration.
func readAppliedRows(ctx context.Context, db rowReader, sch *schema.Database, spec Spec, t *tool) (Applied, error) {
	a := Applied{Table: spec.table(), number: -1, rows: map[string]appliedRow{}, dbms: dbmsOf(sch)}
	def := versionTableOf(sch, spec, t)
	if def == nil {
		if _, golang := sch.Table(schema.Name{Name: defaultTable}); golang || t.table != defaultTable {
			a.Other = recognise(sch, nil, t.title)
		}
		return a, nil
	}
	a.Found, a.Table = true, def.Name
	read := engine.Read{Table: def.Name}
	at := make([]int, len(t.columns))
	for i, c := range t.columns {
		at[i] = -1
		if own := spelledColumn(def, c); own != "" {
			at[i] = len(read.Columns)
			read.Columns = append(read.Columns, own)
			if c == "id" && t.latest {
				read.OrderBy = []string{own}
			}
		}
	}
	err := db.CopyOut(ctx, read, func(r engine.Row) error {
		a.Rows++
		values := make([]string, len(at))
		for i, j := range at {
			if j >= 0 && r[j].Type != engine.CellNull {
				values[i] = strings.TrimSpace(string(r[j].Data))
			}
		}
		row := t.row(values)
		if have, ok := a.rows[row.key]; ok && t.latest && !row.undone && have.undone && len(read.OrderBy) == 0 {
			row.undone = false // Prisma and Flyway keep the attempts: one that stayed counts
		} else if ok && len(read.OrderBy) == 0 && row.undone && !have.undone {
			return nil
		}
		a.rows[row.key] = row
		return nil
	})
	if err != nil {
		return a, fmt.Errorf("read the applied migrations from %s: %w", def.Name, err)
	}
	return a, nil
}

// versionTableOf finds the table that the tool keeps, whatever schema it is in, by its name and the column that names a migration.
func versionTableOf(sch *schema.Database, spec Spec, t *tool) *schema.Table {
	want := spec.table()
	for i := range sch.Tables {
		def := &sch.Tables[i]
		if !strings.EqualFold(def.Name.Name, want.Name) || spec.Table != "" && def.Name.Schema != want.Schema {
			continue
		}
		if spelledColumn(def, t.columns[0]) != "" && spelledColumn(def, "dirty") == "" {
			return def
		}
	}
	return nil
}

func spelledColumn(t *schema.Table, name string) string {
	for _, c := range t.Columns {
		if strings.EqualFold(c.Name, name) {
			return c.Name
		}
	}
	return ""
}

// holds reports whether a migration counts as applied.
func (a Applied) holds(m Migration) bool {
	if a.rows == nil {
		return a.number >= 0 && m.number <= uint64(a.number)
	}
	row, ok := a.rows[m.key]
	return ok && !row.undone
}
