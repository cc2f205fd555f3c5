package postgres

import (
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

func (w *ddl) keys(t *schema.Table) {
	if t.PrimaryKey != nil {
		w.key(t, *t.PrimaryKey, "PRIMARY KEY")
	}
	for _, k := range t.Unique {
		kind := "UNIQUE"
		if k.NullsNotDistinct {
			kind = "UNIQUE NULLS NOT DISTINCT"
		}
		w.key(t, k, kind)
	}
	for _, x := range t.Exclusions {
		w.then("ALTER TABLE %s ADD %s%s", qualified(t.Name), named(x.Name), x.Definition)
	}
}

func (w *ddl) key(t *schema.Table, k schema.Key, kind string) {
	include := ""
	if len(k.Include) > 0 {
		include = " INCLUDE (" + quoteAll(k.Include) + ")"
	}
	overlaps := ""
	if k.Properties[period] != "" {
		overlaps = " WITHOUT OVERLAPS"
	}
	w.then("ALTER TABLE %s ADD %s%s (%s%s)%s%s%s", qualified(t.Name), named(k.Name), kind, quoteAll(k.Columns), overlaps, include, with(k.Properties["with"]),
		deferral(k.Deferrable, k.InitiallyDeferred))
	if space := k.Properties["tablespace"]; space != "" && k.Name != "" {
		w.perhaps("ALTER INDEX " + qualified(schema.Name{Schema: t.Name.Schema, Name: k.Name}) + " SET TABLESPACE " + quote(space))
	}
	if k.Properties["clustered"] != "" {
		w.then("ALTER TABLE %s CLUSTER ON %s", qualified(t.Name), quote(k.Name))
	}
}

func named(constraint string) string {
	if constraint == "" {
		return ""
	}
	return "CONSTRAINT " + quote(constraint) + " "
}

func deferral(deferrable, deferred bool) string {
	switch {
	case deferred:
		return " DEFERRABLE INITIALLY DEFERRED"
	case deferrable:
		return " DEFERRABLE"
	}
	return ""
}

// indexes leaves invalid ones out: no statement makes one, and the original does not enforce or use it either.
func (w *ddl) indexes(of schema.Name, kind string, list []schema.Index) {
	for _, ix := range list {
		if ix.Invalid {
			continue
		}
		w.after = append(w.after, indexSQL(of, ix))
		name := qualified(schema.Name{Schema: of.Schema, Name: ix.Name})
		if space := ix.Properties["tablespace"]; space != "" {
			w.perhaps("ALTER INDEX " + name + " SET TABLESPACE " + quote(space))
		}
		if ix.Properties["clustered"] != "" {
			w.then("ALTER %s %s CLUSTER ON %s", kind, qualified(of), quote(ix.Name))
		}
		for _, target := range splitList(ix.Properties["statistics"]) {
			number, value, _ := strings.Cut(target, " ")
			w.then("ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s", name, number, value)
		}
	}
}

// splitList reads what was joined with ", "; "" is nothing.
func splitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ", ")
}

func indexSQL(table schema.Name, ix schema.Index) string {
	parts := make([]string, len(ix.Parts))
	for i, p := range ix.Parts {
		parts[i] = partSQL(p)
	}
	sql := "CREATE INDEX "
	if ix.Unique {
		sql = "CREATE UNIQUE INDEX "
	}
	sql += quote(ix.Name) + " ON " + qualified(table)
	if ix.Method != "" {
		sql += " USING " + quote(ix.Method)
	}
	sql += " (" + strings.Join(parts, ", ") + ")"
	if len(ix.Include) > 0 {
		sql += " INCLUDE (" + quoteAll(ix.Include) + ")"
	}
	if ix.NullsNotDistinct {
		sql += " NULLS NOT DISTINCT"
	}
	sql += with(ix.Properties["with"])
	if ix.Where != "" {
		sql += " WHERE " + ix.Where
	}
	return sql
}

func partSQL(p schema.IndexPart) string {
	sql := quote(p.Column)
	if p.Column == "" {
		sql = "(" + p.Expr + ")"
	}
	if p.Collation != "" {
		sql += " COLLATE " + p.Collation
	}
	if p.OpClass != "" {
		sql += " " + p.OpClass
	}
	if p.Desc {
		sql += " DESC"
	}
	switch {
	case p.NullsFirst && !p.Desc:
		sql += " NULLS FIRST"
	case !p.NullsFirst && p.Desc:
		sql += " NULLS LAST"
	}
	return sql
}

func (w *ddl) checks(t *schema.Table) {
	for _, c := range t.Checks {
		inherit := ""
		if c.NoInherit {
			inherit = " NO INHERIT"
		}
		w.then("ALTER TABLE %s ADD %sCHECK (%s)%s%s%s", qualified(t.Name), named(c.Name), c.Expr, inherit, notEnforced(c.NotEnforced), notValid(c.NotValid))
	}
}

func notEnforced(is bool) string {
	if is {
		return " NOT ENFORCED"
	}
	return ""
}

func notValid(is bool) string {
	if is {
		return " NOT VALID"
	}
	return ""
}

// period is the property of a key whose last column is a range that must not overlap, and of a foreign key to one (18).
const period = "period"

// foreignColumns are the columns of a foreign key, here or there.
func foreignColumns(k schema.ForeignKey, columns []string) string {
	last := len(columns) - 1
	if k.Properties[period] == "" || last < 1 {
		return quoteAll(columns)
	}
	return quoteAll(columns[:last]) + ", PERIOD " + quote(columns[last])
}

func (w *ddl) foreignKeys(t *schema.Table) {
	for _, k := range t.ForeignKeys {
		match := ""
		if k.Match == "full" {
			match = " MATCH FULL"
		}
		w.then("ALTER TABLE %s ADD %sFOREIGN KEY (%s) REFERENCES %s (%s)%s%s%s%s%s%s", qualified(t.Name), named(k.Name), foreignColumns(k, k.Columns),
			qualified(k.RefTable), foreignColumns(k, k.RefColumns), match, action(" ON UPDATE ", k.OnUpdate), action(" ON DELETE ", k.OnDelete),
			deferral(k.Deferrable, k.InitiallyDeferred), notEnforced(k.NotEnforced), notValid(k.NotValid))
	}
}

func action(when, what string) string {
	if what == "" || what == "no action" {
		return ""
	}
	return when + what
}
