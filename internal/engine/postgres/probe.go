package postgres

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// Probe counts the rows that an obligation refuses and the rows it is asked of. Unqualified names in expressions and queries mean what the
// session's search_path says, as in the migration they come from.
func (postgres) Probe(o schema.Obligation, rel schema.Relation) (string, error) {
	from, err := relation(rel)
	if err != nil {
		return "", err
	}
	switch o.Kind {
	case schema.NotNull:
		return probeNotNull(o, from)
	case schema.UniqueKey:
		return probeUnique(o, from)
	case schema.Reference:
		return probeReference(o, rel, from)
	case schema.CheckExpr:
		return probeCheck(o, from)
	case schema.Convertible:
		return probeConvertible(o, from)
	}
	return "", misuse("an obligation of kind %q cannot be probed", o.Kind)
}

// relation is a FROM item without an alias of its own for tables, so that expressions that name the table keep their meaning.
func relation(rel schema.Relation) (string, error) {
	if rel.Query == "" {
		if rel.Table.Name == "" {
			return "", misuse("a probe needs a table or a query")
		}
		return qualified(rel.Table), nil
	}
	if err := selfContained("query", strings.TrimRight(strings.TrimSpace(rel.Query), ";")); err != nil {
		return "", misuse("%s", err)
	}
	alias := "envdiff_rows"
	if len(rel.Columns) > 0 {
		alias += " (" + quoteAll(rel.Columns) + ")"
	}
	return "(\n" + strings.TrimRight(strings.TrimSpace(rel.Query), ";") + "\n) AS " + alias, nil
}

func probeNotNull(o schema.Obligation, from string) (string, error) {
	if len(o.Columns) == 0 {
		return "", misuse("a NOT NULL probe needs a column")
	}
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE %s) AS envdiff_bad, count(*) FROM %s", nulls(o.Columns, " OR ", "IS NULL"), from), nil
}

func nulls(columns []string, glue, test string) string {
	tests := make([]string, len(columns))
	for i, c := range columns {
		tests[i] = quote(c) + " " + test
	}
	return strings.Join(tests, glue)
}

// probeUnique groups under the columns' own collations, as the index would.
func probeUnique(o schema.Obligation, from string) (string, error) {
	exprs := o.Exprs
	if len(exprs) == 0 {
		for _, c := range o.Columns {
			exprs = append(exprs, quote(c))
		}
	}
	if len(exprs) == 0 {
		return "", misuse("a unique probe needs columns or expressions")
	}
	keys, groups, anyNull := make([]string, len(exprs)), make([]string, len(exprs)), make([]string, len(exprs))
	for i, expr := range exprs {
		if err := selfContained("key expression", expr); err != nil {
			return "", misuse("%s", err)
		}
		keys[i] = fmt.Sprintf("(%s\n) AS k%d", expr, i)
		groups[i] = fmt.Sprintf("k%d", i)
		anyNull[i] = fmt.Sprintf("k%d IS NULL", i)
	}
	where, err := condition(o.Where)
	if err != nil {
		return "", err
	}
	repeated := "n > 1"
	if !o.NullsNotDistinct {
		repeated += " AND NOT (" + strings.Join(anyNull, " OR ") + ")"
	}
	return fmt.Sprintf("SELECT coalesce(sum(n) FILTER (WHERE %s), 0)::bigint, coalesce(sum(n), 0)::bigint FROM (SELECT %s, count(*) AS n FROM (SELECT %s FROM %s%s) AS envdiff_keys GROUP BY %s) AS envdiff_groups",
		repeated, strings.Join(groups, ", "), strings.Join(keys, ", "), from, where, strings.Join(groups, ", ")), nil
}

func condition(where string) (string, error) {
	if where == "" {
		return "", nil
	}
	if err := selfContained("predicate", where); err != nil {
		return "", misuse("%s", err)
	}
	return " WHERE (" + where + "\n)", nil
}

// probeReference looks for rows without a counterpart. A table that references itself in an INSERT … SELECT finds its counterparts among the
// rows that the query brings.
func probeReference(o schema.Obligation, rel schema.Relation, from string) (string, error) {
	if len(o.Columns) == 0 || len(o.Columns) != len(o.RefColumns) {
		return "", misuse("a foreign key probe needs as many referenced as referencing columns")
	}
	referenced := qualified(o.RefTable)
	if rel.Query != "" && o.Table == o.RefTable {
		referenced = from
	}
	join := make([]string, len(o.Columns))
	child, parent := make([]string, len(o.Columns)), make([]string, len(o.Columns))
	for i := range o.Columns {
		child[i] = fmt.Sprintf("%s AS c%d", quote(o.Columns[i]), i)
		parent[i] = fmt.Sprintf("%s AS p%d", quote(o.RefColumns[i]), i)
		join[i] = fmt.Sprintf("p%d = c%d", i, i)
	}
	complete, partial := make([]string, len(o.Columns)), make([]string, len(o.Columns))
	for i := range o.Columns {
		complete[i] = fmt.Sprintf("c%d IS NOT NULL", i)
		partial[i] = fmt.Sprintf("c%d IS NULL", i)
	}
	bad := fmt.Sprintf("%s AND NOT EXISTS (SELECT FROM (SELECT %s FROM %s) AS envdiff_parents WHERE %s)",
		strings.Join(complete, " AND "), strings.Join(parent, ", "), referenced, strings.Join(join, " AND "))
	if o.Match == "full" && len(o.Columns) > 1 {
		bad = fmt.Sprintf("%s OR (%s) AND (%s)", bad, strings.Join(complete, " OR "), strings.Join(partial, " OR "))
	}
	return fmt.Sprintf("SELECT (SELECT count(*) FROM (SELECT %s FROM %s) AS envdiff_children WHERE %s), (SELECT count(*) FROM %s)",
		strings.Join(child, ", "), from, bad, from), nil
}

func probeCheck(o schema.Obligation, from string) (string, error) {
	if o.Expr == "" {
		return "", misuse("a check probe needs an expression")
	}
	if err := selfContained("check expression", o.Expr); err != nil {
		return "", misuse("%s", err)
	}
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE NOT (%s\n)) AS envdiff_bad, count(*) FROM %s", o.Expr, from), nil
}

// lengthType are the types whose values only have to be short enough: an assignment cuts blanks beyond the length and refuses the rest.
var lengthType = regexp.MustCompile(`^(?:character varying|varchar|character|char)\s*\(\s*(\d+)\s*\)$`)

// probeConvertible asks the server's own input function, which does not raise since 16 (pg_input_is_valid). On older servers that function is
// missing and the query fails with 42883, which is to be read as "not proved". Lengths are counted on every version.
func probeConvertible(o schema.Obligation, from string) (string, error) {
	if len(o.Columns) != 1 || o.Type == "" {
		return "", misuse("a type probe needs one column and a type")
	}
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE %s) AS envdiff_bad, count(*) FROM %s", inconvertible(o), from), nil
}

// inconvertible is true for values that the type refuses.
func inconvertible(o schema.Obligation) string {
	column := quote(o.Columns[0])
	if m := lengthType.FindStringSubmatch(strings.ToLower(o.Type)); m != nil {
		return fmt.Sprintf("char_length(rtrim(%s::text, ' ')) > %s", column, m[1])
	}
	return fmt.Sprintf("%s IS NOT NULL AND NOT pg_catalog.pg_input_is_valid(%s::text, %s)", column, column, literal(o.Type))
}
