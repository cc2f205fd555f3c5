package sqlite

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// probe writes the question how many rows break an obligation, in one scan of the relation.
func probe(o schema.Obligation, rel schema.Relation) (string, error) {
	with, from, err := relation(rel)
	if err != nil {
		return "", err
	}
	question, err := question(o, from)
	if err != nil {
		return "", err
	}
	return with + question, nil
}

// relation is the source of rows: a WITH clause for a query, and the name to select from.
func relation(rel schema.Relation) (with, from string, err error) {
	if rel.Query == "" {
		if rel.Table.Name == "" {
			return "", "", fmt.Errorf("a probe needs a table or a query")
		}
		return "", quote(rel.Table.Name), nil
	}
	from = "envdiff_rows"
	with = "WITH " + from
	if len(rel.Columns) > 0 {
		with += " (" + quoteAll(rel.Columns) + ")"
	}
	// The query may end in a comment.
	return with + " AS (" + rel.Query + "\n) ", from, nil
}

func question(o schema.Obligation, from string) (string, error) {
	switch o.Kind {
	case schema.NotNull:
		if len(o.Columns) == 0 {
			return "", fmt.Errorf("a probe for nulls needs a column")
		}
		return count(anyNull(quoted(o.Columns)), from), nil
	case schema.UniqueKey:
		return duplicates(o, from)
	case schema.Reference:
		return orphans(o, from)
	case schema.CheckExpr:
		if strings.TrimSpace(o.Expr) == "" {
			return "", fmt.Errorf("a probe for a check needs its expression")
		}
		return count("NOT ("+o.Expr+"\n)", from), nil
	case schema.Convertible:
		return notConvertible(o, from)
	}
	return "", fmt.Errorf("no probe for obligation %q", o.Kind)
}

// count counts the rows where a condition is true, and all.
func count(bad, from string) string {
	return "SELECT count(*) FILTER (WHERE " + bad + "), count(*) FROM " + from
}

func quoted(columns []string) []string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = quote(c)
	}
	return list
}

func anyNull(exprs []string) string { return strings.Join(exprs, " IS NULL OR ") + " IS NULL" }

// duplicates counts the rows in groups of more than one. Rows outside a partial index are not checked.
func duplicates(o schema.Obligation, from string) (string, error) {
	keys := o.Exprs
	if len(keys) == 0 {
		keys = quoted(o.Columns)
	}
	if len(keys) == 0 {
		return "", fmt.Errorf("a probe for duplicates needs key columns")
	}
	aliases, selected := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		aliases[i] = fmt.Sprintf("k%d", i+1)
		if i < len(o.Collations) && o.Collations[i] != "" {
			k += " COLLATE " + quote(o.Collations[i])
		}
		selected[i] = k + " AS " + aliases[i]
	}
	where := ""
	if o.Where != "" {
		where = " WHERE " + o.Where + "\n"
	}
	bad := "n > 1"
	if !o.NullsNotDistinct {
		bad += " AND NOT (" + anyNull(aliases) + ")"
	}
	return "SELECT coalesce(sum(n) FILTER (WHERE " + bad + "), 0), coalesce(sum(n), 0) FROM (SELECT " + strings.Join(aliases, ", ") + ", count(*) AS n FROM (SELECT " +
		strings.Join(selected, ", ") + " FROM " + from + where + ") GROUP BY " + strings.Join(aliases, ", ") + ")", nil
}

// orphans counts the rows whose reference finds no parent; a null anywhere in it passes, whatever MATCH says. A table
// that references itself is asked about the relation: in a rebuild the parents are the rows that are being brought.
func orphans(o schema.Obligation, from string) (string, error) {
	if len(o.Columns) == 0 || len(o.Columns) != len(o.RefColumns) {
		return "", fmt.Errorf("a probe for orphans of %s needs as many referenced columns as columns", o.RefTable)
	}
	return count(orphan(o, from), from+" AS child"), nil
}

// orphan is true for rows of child, which is from, whose reference finds no parent.
func orphan(o schema.Obligation, from string) string {
	parent := quote(o.RefTable.Name)
	if o.RefTable == o.Table {
		parent = from
	}
	conditions := make([]string, len(o.Columns))
	present := make([]string, len(o.Columns))
	for i := range o.Columns {
		// The parent's column on the left lends its collation to the comparison, as in a foreign key.
		conditions[i] = "parent." + quote(o.RefColumns[i]) + " = child." + quote(o.Columns[i])
		present[i] = "child." + quote(o.Columns[i]) + " IS NOT NULL"
	}
	return strings.Join(present, " AND ") + " AND NOT EXISTS (SELECT 1 FROM " + parent + " AS parent WHERE " + strings.Join(conditions, " AND ") + ")"
}

// notConvertible counts the rows whose values a STRICT table refuses.
func notConvertible(o schema.Obligation, from string) (string, error) {
	bad, err := refusedByType(o)
	if err != nil {
		return "", err
	}
	return count(bad, from), nil
}

// refusedByType is true for values that a STRICT column refuses after its affinity has done what it can without loss
// (https://sqlite.org/stricttables.html). A column of another table takes every value.
func refusedByType(o schema.Obligation) (string, error) {
	if len(o.Columns) == 0 {
		return "", fmt.Errorf("a probe for types needs a column")
	}
	var bad []string
	for _, column := range o.Columns {
		c := quote(column)
		// Compared with a number, a text becomes one if it is one as a whole.
		numeric := "(typeof(" + c + ") IN ('integer', 'real') OR typeof(" + c + ") = 'text' AND " + c + " = CAST(" + c + " AS NUMERIC))"
		switch kind := strings.ToUpper(o.Type); {
		case !o.Strict || kind == "ANY":
			bad = append(bad, "0")
		case kind == "INT" || kind == "INTEGER":
			whole := "typeof(CAST(" + c + " AS NUMERIC)) = 'integer' OR typeof(" + c + ") = 'real' AND " + c + " = CAST(" + c + " AS INTEGER)"
			bad = append(bad, c+" IS NOT NULL AND NOT ("+numeric+" AND ("+whole+"))")
		case kind == "REAL":
			bad = append(bad, c+" IS NOT NULL AND NOT "+numeric)
		case kind == "TEXT":
			bad = append(bad, "typeof("+c+") = 'blob'")
		case kind == "BLOB":
			bad = append(bad, "typeof("+c+") NOT IN ('blob', 'null')")
		default:
			return "", fmt.Errorf("a STRICT table has no type %q", o.Type)
		}
	}
	return "(" + strings.Join(bad, ") OR (") + ")", nil
}
