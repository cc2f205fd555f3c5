package sqlite

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

var _ engine.Finder = sqliteEngine{}

// Find writes the question which rows break an obligation, by their key; for unique
// keys, all rows of a group of more than one.
func (sqliteEngine) Find(o schema.Obligation, rel schema.Relation, key []string) (string, error) {
	if len(key) == 0 {
		return "", fmt.Errorf("rows without a key cannot be named")
	}
	with, from, err := relation(rel)
	if err != nil {
		return "", err
	}
	if _, err := question(o, from); err != nil {
		return "", err
	}
	condition, alias := "", ""
	switch o.Kind {
	case schema.NotNull:
		condition = anyNull(quoted(o.Columns))
	case schema.CheckExpr:
		condition = "NOT (" + o.Expr + "\n)"
	case schema.UniqueKey:
		condition = inLargeGroup(o, from)
	case schema.Reference:
		condition, alias = orphan(o, from), " AS child"
	case schema.Convertible:
		if condition, err = refusedByType(o); err != nil {
			return "", err
		}
	default:
		return "", fmt.Errorf("no query for obligation %q", o.Kind)
	}
	return with + "SELECT " + quoteAll(key) + " FROM " + from + alias + " WHERE " + condition, nil
}

// inLargeGroup is true for rows that share their key with another.
func inLargeGroup(o schema.Obligation, from string) string {
	keys := append([]string(nil), o.Exprs...)
	if len(keys) == 0 {
		keys = quoted(o.Columns)
	}
	for i := range keys {
		if i < len(o.Collations) && o.Collations[i] != "" && !(o.Collations[i] == "BINARY" && isCall(keys[i])) {
			keys[i] += " COLLATE " + quoteIfNeeded(o.Collations[i])
		}
	}
	list, partial, also := strings.Join(keys, ", "), "", ""
	if o.Where != "" {
		partial, also = " WHERE ("+o.Where+"\n)", " AND ("+o.Where+"\n)"
	}
	return "(" + list + ") IN (SELECT " + list + " FROM " + from + partial + " GROUP BY " + list + " HAVING count(*) > 1)" + also
}

// isCall reports whether an expression is one call of a function and names no collation: its value is
// compared byte by byte (https://sqlite.org/datatype3.html#collating_sequences), while a column brings
// the collation that it was declared with.
func isCall(expr string) bool {
	list := meaningful(expr)
	if len(list) < 3 || list[0].kind != tokenWord || list[0].is("CAST") || !list[1].punct("(") {
		return false
	}
	depth := 0
	for i, t := range list[1:] {
		switch {
		case t.punct("("):
			depth++
		case t.punct(")"):
			depth--
		case t.is("COLLATE"):
			return false
		}
		if depth == 0 {
			return i == len(list)-2
		}
	}
	return false
}

// quoteIfNeeded leaves the names of SQLite's own collations as everybody writes them.
func quoteIfNeeded(collation string) string {
	switch strings.ToUpper(collation) {
	case "BINARY", "NOCASE", "RTRIM":
		return collation
	}
	return quote(collation)
}
