package postgres

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

var _ engine.Finder = postgres{}

// Find writes the question which rows break an obligation, by their key; for unique keys, all rows of a group of more than one.
func (postgres) Find(o schema.Obligation, rel schema.Relation, key []string) (string, error) {
	if len(key) == 0 {
		return "", misuse("rows without a key cannot be named")
	}
	from, err := relation(rel)
	if err != nil {
		return "", err
	}
	condition := ""
	switch o.Kind {
	case schema.NotNull:
		if len(o.Columns) == 0 {
			return "", misuse("a NOT NULL query needs a column")
		}
		condition = nulls(o.Columns, " OR ", "IS NULL")
	case schema.CheckExpr:
		if err := selfContained("check expression", o.Expr); err != nil {
			return "", misuse("%s", err)
		}
		condition = "NOT (" + o.Expr + ")"
	case schema.UniqueKey:
		if condition, err = inLargeGroup(o, from); err != nil {
			return "", err
		}
	case schema.Reference:
		if len(o.Columns) != 1 || len(o.RefColumns) != 1 || o.RefTable == o.Table {
			return "", misuse("no query for a foreign key of several columns or to its own table")
		}
		// NOT IN is true only where no row of the other table matches: a null there would make it unknown.
		condition = fmt.Sprintf("%s NOT IN (SELECT %s FROM %s WHERE %s IS NOT NULL)", quote(o.Columns[0]), quote(o.RefColumns[0]), qualified(o.RefTable), quote(o.RefColumns[0]))
	case schema.Convertible:
		if len(o.Columns) != 1 || o.Type == "" {
			return "", misuse("a type query needs one column and a type")
		}
		condition = inconvertible(o)
	default:
		return "", misuse("no query for an obligation of kind %q", o.Kind)
	}
	return "SELECT " + quoteAll(key) + " FROM " + from + " WHERE " + condition, nil
}

// inLargeGroup is true for rows that share their key with another. Rows with a null in it only do where nulls are not distinct.
func inLargeGroup(o schema.Obligation, from string) (string, error) {
	keys := append([]string(nil), o.Exprs...)
	if len(keys) == 0 {
		for _, c := range o.Columns {
			keys = append(keys, quote(c))
		}
	}
	if len(keys) == 0 {
		return "", misuse("a query about a unique key needs columns or expressions")
	}
	for i := range keys {
		if err := selfContained("key expression", keys[i]); err != nil {
			return "", misuse("%s", err)
		}
		keys[i] = "(" + keys[i] + ")"
		if i < len(o.Collations) && o.Collations[i] != "" {
			keys[i] = "(" + keys[i] + " COLLATE " + o.Collations[i] + ")"
		}
	}
	list, partial, also := strings.Join(keys, ", "), "", ""
	if o.Where != "" {
		if err := selfContained("predicate", o.Where); err != nil {
			return "", misuse("%s", err)
		}
		partial, also = " WHERE ("+o.Where+")", " AND ("+o.Where+")"
	}
	groups := "SELECT " + list + " FROM " + from + partial + " GROUP BY " + list + " HAVING count(*) > 1"
	if !o.NullsNotDistinct {
		return "(" + list + ") IN (" + groups + ")" + also, nil
	}
	// IN is unknown for nulls; EXCEPT and INTERSECT take them for equal.
	return "EXISTS (SELECT " + list + " INTERSECT (" + groups + "))" + also, nil
}
