package sanitize

import (
	"slices"

	"github.com/envdiff/envdiff/internal/schema"
)

// Stored is the policy for rows that were sanitised when they were stored: they are copied as they are. What the target keeps, what stays empty and what is
// run afterwards is still p's. columns are those that were stored of each table; versions are the migration tools' tables.
func (p *Policy) Stored(sch *schema.Database, columns map[schema.Name][]string, versions ...schema.Name) *Policy {
	out := &Policy{File: p.File, After: p.After, Schema: p.Schema}
	for i := range sch.Tables {
		t := &sch.Tables[i]
		if isVersionTable(t, versions) {
			continue
		}
		entry := TablePolicy{Table: TableKey(t.Name), Reason: "stored sanitised"}
		have, stored := columns[t.Name]
		now, named := p.Table(entry.Table)
		switch {
		case named && now.Preserve:
			entry.Preserve = true
		case named && now.Exclude || !stored:
			entry.Exclude = true
		}
		for _, c := range t.Columns {
			if c.Generated != "" || entry.Exclude || entry.Preserve {
				continue
			}
			column := ColumnPolicy{Column: c.Name, Action: Keep}
			if !slices.Contains(have, c.Name) {
				column.Action = Drop
			}
			entry.Columns = append(entry.Columns, column)
		}
		out.Tables = append(out.Tables, entry)
	}
	return out
}
