package migrations

import "github.com/envdiff/envdiff/internal/schema"

// matched is how the tables and columns of two schemas, one statement apart, belong together.
type matched struct {
	renamed          map[schema.Name]schema.Name       // before → after, where they differ
	columns          map[schema.Name]map[string]string // table as named before: column before → after, where they differ
	created, dropped []schema.Name
}

func (m matched) renames() bool { return len(m.renamed) > 0 || len(m.columns) > 0 }

// match pairs tables by name, then by storage: one statement renames a table, or creates and drops, never both. (By
// name first: SQLite moves root pages about when it vacuums.)
func match(before, after *schema.Database) matched {
	m := matched{renamed: map[schema.Name]schema.Name{}, columns: map[schema.Name]map[string]string{}}
	gone := map[string]schema.Name{}
	for i := range before.Tables {
		b := &before.Tables[i]
		a, ok := after.Table(b.Name)
		if ok {
			if c := renamedColumns(b, a); c != nil {
				m.columns[b.Name] = c
			}
			continue
		}
		m.dropped = append(m.dropped, b.Name)
		if hasStorage(b.StorageID) {
			gone[b.StorageID] = b.Name
		}
	}
	for i := range after.Tables {
		a := &after.Tables[i]
		if _, ok := before.Table(a.Name); ok {
			continue
		}
		if old, ok := gone[a.StorageID]; ok {
			m.renamed[old] = a.Name
			continue
		}
		m.created = append(m.created, a.Name)
	}
	return m
}

// hasStorage is false for tables without rows of their own (SQLite's virtual tables have root page 0).
func hasStorage(id string) bool { return id != "" && id != "0" }

// renamedColumns pairs columns by position when a statement neither added nor dropped one.
func renamedColumns(before, after *schema.Table) map[string]string {
	if len(before.Columns) != len(after.Columns) {
		return nil
	}
	var out map[string]string
	for i, b := range before.Columns {
		a := after.Columns[i]
		if a.Name == b.Name {
			continue
		}
		if _, still := after.Column(b.Name); still {
			return nil // another order, not another name
		}
		if out == nil {
			out = map[string]string{}
		}
		out[b.Name] = a.Name
	}
	return out
}
