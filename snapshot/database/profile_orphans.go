package database

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// orphans counts the rows that refer to none: by foreign keys that may have some, and by the references that the policy declares. A valid foreign key
// of PostgreSQL has none, and nothing is asked; MySQL's may have been filled with its checks off, and SQLite's are only enforced on
// request.
func orphans(ctx context.Context, in snapshot.DatabaseInput, t *schema.Table, all map[string]*schema.Table, r *snapshot.Result) {
	counts := map[string]int64{}
	count := func(column string, o schema.Obligation, rel schema.Relation) {
		a := snapshot.Object(in.Scope, "profile", t.Name.Idents(column)...).Attr("orphans")
		n, err := violations(ctx, in.DB, o, rel)
		if err != nil {
			r.Missing(a, "the rows that refer to none cannot be counted: "+refusal(err), engine.Advice(err), a.String())
			return
		}
		counts[column] += n
	}
	proven := in.DB.Engine().Name() == "postgres"
	for _, k := range t.ForeignKeys {
		if proven && !k.NotValid && !k.NotEnforced {
			counts[k.Columns[0]] += 0
			continue
		}
		o := schema.Obligation{Kind: schema.Reference, Table: t.Name, Constraint: k.Name, Columns: k.Columns, RefTable: k.RefTable, RefColumns: k.RefColumns, Match: k.Match}
		if parent := all[tableName(k.RefTable)]; len(o.RefColumns) == 0 && parent != nil && parent.PrimaryKey != nil {
			o.RefColumns = parent.PrimaryKey.Columns
		}
		count(k.Columns[0], o, schema.Relation{Table: t.Name})
	}
	for _, ref := range in.Spec.References {
		parent := all[ref.RefTable]
		if ref.Table != tableName(t.Name) || parent == nil {
			continue
		}
		rel := schema.Relation{Table: t.Name}
		if ref.When != "" {
			rel = schema.Relation{Query: referring(in.DB.Engine(), t.Name, ref), Columns: []string{ref.Column}}
		}
		count(ref.Column, schema.Obligation{Kind: schema.Reference, Table: t.Name, Columns: []string{ref.Column}, RefTable: parent.Name, RefColumns: []string{ref.RefColumn}}, rel)
	}
	for column, n := range counts {
		r.Add(snapshot.Object(in.Scope, "profile", t.Name.Idents(column)...).Attr("orphans"), snapshot.Int(n), "")
	}
}

// referring are the rows that a reference with a condition is of.
func referring(e engine.Engine, t schema.Name, ref snapshot.Reference) string {
	from := e.Quote(t.Name)
	if t.Schema != "" {
		from = e.Quote(t.Schema) + "." + from
	}
	return "SELECT " + e.Quote(ref.Column) + " FROM " + from + " WHERE (\n" + ref.When + "\n)"
}

// violations asks how many rows break an obligation.
func violations(ctx context.Context, db engine.DB, o schema.Obligation, rel schema.Relation) (n int64, err error) {
	sql, err := db.Engine().Probe(o, rel)
	if err != nil {
		return 0, err
	}
	err = db.Query(ctx, sql, func(row engine.Row) error {
		n, err = strconv.ParseInt(string(row[0].Data), 10, 64)
		if err != nil {
			return fmt.Errorf("the count of orphans: %w", err)
		}
		return nil
	})
	return n, err
}

// byName indexes tables by their names in addresses.
func byName(tables []schema.Table) map[string]*schema.Table {
	out := map[string]*schema.Table{}
	for i := range tables {
		out[tableName(tables[i].Name)] = &tables[i]
	}
	return out
}

// keyed reports whether a column's values are names of rows: of a key or reference, or by what it is called. Their distribution is that of the
// numbers that were given out.
func keyed(in snapshot.DatabaseInput, t *schema.Table, column string) bool {
	if soundsLikeKey(column) {
		return true
	}
	var keys [][]string
	if t.PrimaryKey != nil {
		keys = append(keys, t.PrimaryKey.Columns)
	}
	for _, k := range t.Unique {
		keys = append(keys, k.Columns)
	}
	for _, k := range t.ForeignKeys {
		keys = append(keys, k.Columns)
	}
	for _, ref := range in.Spec.References {
		if ref.Table == tableName(t.Name) {
			keys = append(keys, []string{ref.Column})
		}
	}
	return slices.ContainsFunc(keys, func(k []string) bool { return slices.Contains(k, column) })
}
