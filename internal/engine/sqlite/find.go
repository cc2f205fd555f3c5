package sqlite

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

var _ engine.Finder = sqliteEngine{}

// Find writes the question which rows break an obligation, by their key; for unique keys, all rows of a group of more than one.
func (sqliteEngine) Find(o schema.Obligation, rel schema.Relation, key []string) (string, error) {
	if len(key) == 0 {
		return "", fmt.Errorf("rows without a key cannot be named")
	}
	with, from, err := relation(rel)
	if err != nil {
		return "", err
	}
	condition := ""
	switch o.Kind {
	case schema.NotNull:
		condition = anyNull(quoted(o.Columns))
	case schema.CheckExpr:
		condition = "NOT (" + o.Expr + ")"
	case schema.UniqueKey:
		condition = inLargeGroup(o, from)
	case schema.Reference:
		if len(o.Columns) != 1 || len(o.RefColumns) != 1 || o.RefTable == o.Table {
			return "", fmt.Errorf("no query for a foreign key of several columns or to its own table")
		}
		condition = quote(o.Columns[0]) + " NOT IN (SELECT " + quote(o.RefColumns[0]) + " FROM " + quote(o.RefTable.Name) + " WHERE " + quote(o.RefColumns[0]) + " IS NOT NULL)"
	default:
		return "", fmt.Errorf("no query for obligation %q", o.Kind)
	}
	return with + "SELECT " + quoteAll(key) + " FROM " + from + " WHERE " + condition, nil
}

// inLargeGroup is true for rows that share their key with another.
func inLargeGroup(o schema.Obligation, from string) string {
	keys := append([]string(nil), o.Exprs...)
	if len(keys) == 0 {
		keys = quoted(o.Columns)
	}
	for i := range keys {
		if i < len(o.Collations) && o.Collations[i] != "" && o.Collations[i] != "BINARY" {
			keys[i] += " COLLATE " + quote(o.Collations[i])
		}
	}
	list, partial, also := strings.Join(keys, ", "), "", ""
	if o.Where != "" {
		partial, also = " WHERE "+o.Where, " AND ("+o.Where+")"
	}
	return "(" + list + ") IN (SELECT " + list + " FROM " + from + partial + " GROUP BY " + list + " HAVING count(*) > 1)" + also
}
