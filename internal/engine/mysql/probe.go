package mysql

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

var _ engine.Finder = mysqlEngine{}

// Probe counts the rows that an obligation refuses and the rows it is asked of. Keys are compared under their columns' own collations, as an index would.
func (mysqlEngine) Probe(o schema.Obligation, rel schema.Relation) (string, error) {
	with, from, err := relation(rel)
	if err != nil {
		return "", err
	}
	question, err := question(o, rel, from)
	if err != nil {
		return "", err
	}
	return with + question, nil
}

// relation is the source of rows: a WITH clause for a query, and the name to select from. Derived tables here cannot name their columns, WITH can.
func relation(rel schema.Relation) (with, from string, err error) {
	query := strings.TrimRight(strings.TrimSpace(rel.Query), "; \n")
	if query == "" {
		if rel.Table.Name == "" {
			return "", "", misuse("a probe needs a table or a query")
		}
		return "", qualified(rel.Table), nil
	}
	if err := selfContained("query", query); err != nil {
		return "", "", err
	}
	with = "WITH envdiff_rows"
	if len(rel.Columns) > 0 {
		with += " (" + quoteAll(rel.Columns) + ")"
	}
	return with + " AS (\n" + query + "\n) ", "envdiff_rows", nil
}

func question(o schema.Obligation, rel schema.Relation, from string) (string, error) {
	switch o.Kind {
	case schema.NotNull:
		if len(o.Columns) == 0 {
			return "", misuse("a NOT NULL probe needs a column")
		}
		return count(anyNull(quotedList(o.Columns)), from), nil
	case schema.UniqueKey:
		return probeUnique(o, from)
	case schema.Reference:
		return probeReference(o, rel, from)
	case schema.CheckExpr:
		if o.Expr == "" {
			return "", misuse("a check probe needs an expression")
		}
		if err := selfContained("check expression", o.Expr); err != nil {
			return "", err
		}
		return count("NOT ("+o.Expr+"\n)", from), nil
	}
	return "", misuse("an obligation of kind %q cannot be probed", o.Kind)
}

// count counts the rows where a condition is true, and all.
func count(bad, from string) string {
	return "SELECT COUNT(CASE WHEN " + bad + " THEN 1 END) AS envdiff_bad, COUNT(*) FROM " + from
}

func quotedList(columns []string) []string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = quote(c)
	}
	return list
}

func anyNull(exprs []string) string { return strings.Join(exprs, " IS NULL OR ") + " IS NULL" }

// keyExpressions are what a unique key compares, with the collations that are not the columns' own.
func keyExpressions(o schema.Obligation) ([]string, error) {
	keys := append([]string(nil), o.Exprs...)
	if len(keys) == 0 {
		keys = quotedList(o.Columns)
	}
	if len(keys) == 0 {
		return nil, misuse("a unique probe needs columns or expressions")
	}
	for i, k := range keys {
		if err := selfContained("key expression", k); err != nil {
			return nil, err
		}
		if i < len(o.Collations) && o.Collations[i] != "" {
			keys[i] = k + " COLLATE " + o.Collations[i]
		}
	}
	return keys, nil
}

func condition(where string) (string, error) {
	if where == "" {
		return "", nil
	}
	if err := selfContained("predicate", where); err != nil {
		return "", err
	}
	return " WHERE (" + where + "\n)", nil
}

func probeUnique(o schema.Obligation, from string) (string, error) {
	keys, err := keyExpressions(o)
	if err != nil {
		return "", err
	}
	where, err := condition(o.Where)
	if err != nil {
		return "", err
	}
	aliases, selected := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		aliases[i] = fmt.Sprintf("k%d", i+1)
		selected[i] = "(" + k + "\n) AS " + aliases[i]
	}
	bad := "n > 1"
	if !o.NullsNotDistinct {
		bad += " AND NOT (" + anyNull(aliases) + ")"
	}
	list := strings.Join(aliases, ", ")
	return fmt.Sprintf("SELECT COALESCE(SUM(CASE WHEN %s THEN n END), 0), COALESCE(SUM(n), 0) FROM (SELECT %s, COUNT(*) AS n FROM (SELECT %s FROM %s%s) AS envdiff_keys GROUP BY %s) AS envdiff_groups",
		bad, list, strings.Join(selected, ", "), from, where, list), nil
}

// probeReference looks for rows without a counterpart; a null anywhere in the reference passes. A table that references itself in an INSERT … SELECT finds its
// counterparts among the rows that the query brings.
func probeReference(o schema.Obligation, rel schema.Relation, from string) (string, error) {
	if len(o.Columns) == 0 || len(o.Columns) != len(o.RefColumns) {
		return "", misuse("a foreign key probe needs as many referenced as referencing columns")
	}
	return count(orphan(o, rel, from, "child"), from+" AS child"), nil
}

func orphan(o schema.Obligation, rel schema.Relation, from, child string) string {
	parent := qualified(o.RefTable)
	if rel.Query != "" && o.Table == o.RefTable {
		parent = from
	}
	present, join := make([]string, len(o.Columns)), make([]string, len(o.Columns))
	for i := range o.Columns {
		present[i] = child + "." + quote(o.Columns[i]) + " IS NOT NULL"
		join[i] = "parent." + quote(o.RefColumns[i]) + " = " + child + "." + quote(o.Columns[i])
	}
	return strings.Join(present, " AND ") + " AND NOT EXISTS (SELECT 1 FROM " + parent + " AS parent WHERE " + strings.Join(join, " AND ") + ")"
}

// Find writes the question which rows break an obligation, by their key; for unique keys, all rows of a group of more than one.
func (mysqlEngine) Find(o schema.Obligation, rel schema.Relation, key []string) (string, error) {
	if len(key) == 0 {
		return "", misuse("rows without a key cannot be named")
	}
	with, from, err := relation(rel)
	if err != nil {
		return "", err
	}
	where := ""
	switch o.Kind {
	case schema.NotNull:
		if len(o.Columns) == 0 {
			return "", misuse("a NOT NULL question needs a column")
		}
		where = anyNull(quotedList(o.Columns))
	case schema.CheckExpr:
		if err := selfContained("check expression", o.Expr); err != nil {
			return "", err
		}
		where = "NOT (" + o.Expr + "\n)"
	case schema.UniqueKey:
		keys, err := keyExpressions(o)
		if err != nil {
			return "", err
		}
		partial, err := condition(o.Where)
		if err != nil {
			return "", err
		}
		list := strings.Join(keys, ", ")
		where = "(" + list + ") IN (SELECT " + list + " FROM " + from + partial + " GROUP BY " + list + " HAVING COUNT(*) > 1)"
		if partial != "" {
			where += " AND (" + o.Where + "\n)"
		}
	case schema.Reference:
		if len(o.Columns) == 0 || len(o.Columns) != len(o.RefColumns) {
			return "", misuse("a foreign key question needs as many referenced as referencing columns")
		}
		from += " AS child"
		where = orphan(o, rel, strings.TrimSuffix(from, " AS child"), "child")
	default:
		return "", misuse("no query for an obligation of kind %q", o.Kind)
	}
	return with + "SELECT " + quoteAll(key) + " FROM " + from + " WHERE " + where, nil
}
