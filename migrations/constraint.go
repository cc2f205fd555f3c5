package migrations

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// constraints are everything that a table demands of a row, as obligations: not null, keys and unique indexes, foreign
// keys, checks. What the server has not validated, and conflicts that it resolves by itself, demand nothing.
func constraints(t *schema.Table, quote func(string) string, engine string) []schema.Obligation {
	var out []schema.Obligation
	for _, c := range t.Columns {
		if !c.Nullable && !rowidAlias(t, c.Name) && resolves(c.OnConflict) == "" {
			out = append(out, schema.Obligation{Kind: schema.NotNull, Table: t.Name, Constraint: c.Name, Columns: []string{c.Name}})
		}
	}
	q := keyWriter{t, quote, engine == "sqlite"}
	if t.PrimaryKey != nil && resolves(t.PrimaryKey.OnConflict) == "" {
		out = append(out, q.key(*t.PrimaryKey, "primary key"))
	}
	for _, k := range t.Unique {
		if resolves(k.OnConflict) == "" {
			out = append(out, q.key(k, "unique"))
		}
	}
	for _, x := range t.Indexes {
		if x.Unique && !x.Invalid {
			out = append(out, q.index(x))
		}
	}
	for _, x := range t.Exclusions {
		if o, ok := uniqueExclusion(t, x); ok {
			out = append(out, o)
		}
	}
	out = append(out, references(t)...)
	for _, c := range t.Checks {
		if !c.NotValid {
			out = append(out, schema.Obligation{Kind: schema.CheckExpr, Table: t.Name, Columns: c.Columns, Expr: c.Expr,
				Constraint: schema.AutoName(c.Name, "check", nil, c.Expr)})
		}
	}
	return out
}

var exclusionParts = regexp.MustCompile(`(?i)^EXCLUDE (?:USING \w+ )?\((.+)\)$`)

// uniqueExclusion is an exclusion constraint all of whose operators are equality: it is a unique key by another name.
func uniqueExclusion(t *schema.Table, x schema.Exclusion) (schema.Obligation, bool) {
	m := exclusionParts.FindStringSubmatch(x.Definition)
	if m == nil || len(x.Columns) == 0 {
		return schema.Obligation{}, false
	}
	parts := strings.Split(m[1], ", ")
	for _, p := range parts {
		if !strings.HasSuffix(p, " WITH =") {
			return schema.Obligation{}, false
		}
	}
	return schema.Obligation{Kind: schema.UniqueKey, Table: t.Name, Constraint: x.Name, Columns: x.Columns}, len(parts) == len(x.Columns)
}

// resolves gives SQLite's conflict clause where it keeps an INSERT from failing.
func resolves(onConflict string) string {
	switch strings.ToLower(onConflict) {
	case "ignore", "replace":
		return onConflict
	}
	return ""
}

func references(t *schema.Table) []schema.Obligation {
	var out []schema.Obligation
	for _, f := range t.ForeignKeys {
		if f.NotValid {
			continue
		}
		out = append(out, schema.Obligation{Kind: schema.Reference, Table: t.Name, Columns: f.Columns, RefTable: f.RefTable, RefColumns: f.RefColumns,
			Match: f.Match, Constraint: schema.AutoName(f.Name, "foreign key", f.Columns, f.RefTable.String())})
	}
	return out
}

// rowidAlias reports whether a column is SQLite's INTEGER PRIMARY KEY: a null in it is replaced by a new number.
func rowidAlias(t *schema.Table, name string) bool {
	if t.PrimaryKey == nil || len(t.PrimaryKey.Columns) != 1 || !strings.EqualFold(t.PrimaryKey.Columns[0], name) {
		return false
	}
	if on(t.Options["without_rowid"]) {
		return false
	}
	c, ok := t.Column(name)
	return ok && strings.EqualFold(c.Type, "INTEGER")
}

func on(option string) bool {
	return option != "" && option != "false" && option != "0" && option != "off"
}

// keyWriter turns keys and indexes into obligations.
type keyWriter struct {
	t     *schema.Table
	quote func(string) string
	// binary is set where the default collation has to be named: over a query, a column of SQLite would keep the
	// collation of the table that it comes from.
	binary bool
}

func (w keyWriter) key(k schema.Key, kind string) schema.Obligation {
	o := schema.Obligation{Exprs: w.prefixes(k), Kind: schema.UniqueKey, Table: w.t.Name, Columns: k.Columns, NullsNotDistinct: k.NullsNotDistinct,
		Constraint: schema.AutoName(k.Name, kind, k.Columns, "")}
	for i, c := range k.Columns {
		collation := ""
		if i < len(k.Collations) {
			collation = k.Collations[i]
		}
		o.Collations = append(o.Collations, w.collation(c, collation))
	}
	return o
}

// prefixes are the expressions of a key that looks at the beginnings of values only; nil for whole values. A prefix of
// bytes is cut like one of characters: MySQL counts as the column's type does.
func (w keyWriter) prefixes(k schema.Key) []string {
	if k.Prefixes == nil {
		return nil
	}
	exprs := make([]string, len(k.Columns))
	for i, c := range k.Columns {
		exprs[i] = w.quote(c)
		if n := k.Prefixes[i]; n > 0 {
			exprs[i] = fmt.Sprintf("left(%s, %d)", exprs[i], n)
		}
	}
	return exprs
}

func (w keyWriter) index(x schema.Index) schema.Obligation {
	o := schema.Obligation{Kind: schema.UniqueKey, Table: w.t.Name, Where: x.Where, NullsNotDistinct: x.NullsNotDistinct, Constraint: x.Name}
	expressions := false
	for _, p := range x.Parts {
		expressions = expressions || p.Expr != ""
	}
	for _, p := range x.Parts {
		o.Collations = append(o.Collations, w.collation(p.Column, p.Collation))
		switch {
		case !expressions:
			o.Columns = append(o.Columns, p.Column)
		case p.Expr != "":
			o.Exprs = append(o.Exprs, p.Expr)
		default:
			o.Exprs = append(o.Exprs, w.quote(p.Column))
		}
	}
	if expressions {
		o.Columns = x.Columns
	}
	return o
}

// collation is under what values are equal: the key's, else its column's.
func (w keyWriter) collation(column, own string) string {
	if own != "" {
		return own
	}
	if c, ok := w.t.Column(column); ok && c.Collation != "" {
		return c.Collation
	}
	if w.binary {
		return "BINARY"
	}
	return ""
}

// conversions are the types that a statement changed in place, and a table that became strict.
func conversions(before, after *schema.Table) []schema.Obligation {
	var out []schema.Obligation
	strict := on(after.Options["strict"])
	for _, a := range after.Columns {
		b, ok := before.Column(a.Name)
		if ok && a.Generated == "" && (b.Type != a.Type || strict && !on(before.Options["strict"])) {
			out = append(out, conversion(after, a, strict))
		}
	}
	return out
}

// strictTypes are the types that a SQLite STRICT table demands of the columns that an INSERT fills.
func strictTypes(t *schema.Table, filled []string) []schema.Obligation {
	if !on(t.Options["strict"]) {
		return nil
	}
	var out []schema.Obligation
	for _, c := range t.Columns {
		if contains(filled, c.Name) && !strings.EqualFold(c.Type, "ANY") {
			out = append(out, conversion(t, c, true))
		}
	}
	return out
}

func conversion(t *schema.Table, c schema.Column, strict bool) schema.Obligation {
	return schema.Obligation{Kind: schema.Convertible, Table: t.Name, Constraint: c.Name, Columns: []string{c.Name}, Type: c.Type, Strict: strict}
}

// signature is an obligation without its constraint's name: two that are equal demand the same.
func signature(o schema.Obligation) string {
	parts := []string{string(o.Kind), strings.Join(o.Exprs, "\x00"), strings.Join(o.Collations, "\x00"), o.Where, o.Expr, o.Type, o.RefTable.String(), strings.Join(o.RefColumns, "\x00")}
	if o.Kind != schema.CheckExpr && len(o.Exprs) == 0 {
		parts = append(parts, strings.Join(o.Columns, "\x00"))
	}
	if o.NullsNotDistinct {
		parts = append(parts, "nulls not distinct")
	}
	return strings.ToLower(strings.Join(parts, "\x01"))
}

// label is what is demanded, in words of the schema.
func label(o schema.Obligation) string {
	switch o.Kind {
	case schema.UniqueKey:
		return keyLabel(o)
	case schema.CheckExpr:
		return o.Expr
	}
	return strings.Join(o.Columns, ", ")
}

func keyLabel(o schema.Obligation) string {
	keys := o.Exprs
	if len(keys) == 0 {
		keys = o.Columns
	}
	out := make([]string, len(keys))
	for i, k := range keys {
		if len(k) > 2 && k[0] == '"' && strings.IndexByte(k[1:], '"') == len(k)-2 {
			k = k[1 : len(k)-1]
		}
		if i < len(o.Collations) && o.Collations[i] != "" && o.Collations[i] != "BINARY" {
			k += " COLLATE " + o.Collations[i]
		}
		out[i] = k
	}
	return strings.Join(out, ", ")
}
