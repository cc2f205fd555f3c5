package mysql

import (
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// insertSelect takes apart INSERT [INTO] name [PARTITION (…)] [(columns)] query. One that skips what conflicts demands nothing of the rows, and is none here.
func (w *statementText) insertSelect(start int, k *knownTables, table schema.Name) *engine.InsertSelect {
	i := start + 1
	for w.is(i, "low_priority", "delayed", "high_priority") {
		i++
	}
	if w.is(i, "ignore") {
		return nil
	}
	if w.is(i, "into") {
		i++
	}
	_, i = nameParts(w.sql, w.all, i)
	if w.is(i, "partition") {
		i = closing(w.sql, w.all, i+1) + 1
	}
	columns, i := w.columnList(i)
	if i >= len(w.all) || !w.is(i, "select", "with", "(", "table") {
		return nil
	}
	end := len(w.all)
	for j, depth := i, 0; j < len(w.all); j++ {
		switch {
		case w.is(j, "("):
			depth++
		case w.is(j, ")"):
			depth--
		case depth == 0 && w.is(j, "returning"):
			end = j
		}
		if end == j {
			break
		}
	}
	if columns == nil {
		t, ok := k.model.Table(k.behind(table)[0])
		if !ok {
			return nil
		}
		for _, c := range t.Columns {
			if !c.Hidden {
				columns = append(columns, c.Name)
			}
		}
	}
	return &engine.InsertSelect{Table: k.behind(table)[0], Columns: columns, Query: strings.TrimSpace(w.sql[w.all[i].start:w.all[end-1].end])}
}

// columnList reads a list of plain names. A parenthesis that opens a query is none.
func (w *statementText) columnList(i int) ([]string, int) {
	if !w.is(i, "(") || w.is(i+1, "select", "with", "values", "table", "(") {
		return nil, i
	}
	end := closing(w.sql, w.all, i)
	if end < 0 {
		return nil, i
	}
	columns := []string{}
	for j := i + 1; j < end; j++ {
		if w.is(j, ",") {
			continue
		}
		parts, next := nameParts(w.sql, w.all, j)
		if len(parts) == 0 {
			return nil, end + 1
		}
		columns = append(columns, parts[len(parts)-1])
		j = next - 1
	}
	return columns, end + 1
}
