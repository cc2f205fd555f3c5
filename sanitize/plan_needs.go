package sanitize

import (
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// need is what the schema and the pending migrations demand of a column's mask.
type need struct {
	unique []string // by what: "unique index users_email"
	fold   []string // those that compare without case or blanks
	broken []string // uses that no mask keeps: a unique index over substr(email, 1, 5)
	max    int      // characters, from a length check; 0 is no limit
}

func (b *planner) need(p place) *need {
	n := b.needs[p]
	if n == nil {
		n = &need{}
		b.needs[p] = n
	}
	return n
}

// gatherNeeds collects what every column's mask has to keep.
func (b *planner) gatherNeeds(demands []schema.Obligation) {
	for i := range b.sch.Tables {
		t := &b.sch.Tables[i]
		if t.PrimaryKey != nil {
			b.needKey(t, *t.PrimaryKey, "the primary key of "+TableKey(t.Name))
		}
		for _, u := range t.Unique {
			b.needKey(t, u, "the unique key "+TableKey(t.Name)+"("+strings.Join(u.Columns, ", ")+")")
		}
		for _, x := range t.Indexes {
			if x.Unique {
				b.needIndex(t, x)
			}
		}
		for _, x := range t.Exclusions {
			b.needExclusion(t, x)
		}
		b.needPartitions(t, t.PartitionBy, t.Partitions)
	}
	for _, r := range b.plan.references {
		for i := range r.fromColumns {
			b.needUnique(r.from, r.fromColumns[i], r.what, false)
			b.needUnique(r.to, r.toColumns[i], r.what, false)
		}
	}
	for _, o := range demands {
		b.needDemand(o)
	}
}

func (b *planner) needKey(t *schema.Table, k schema.Key, what string) {
	for i, c := range k.Columns {
		collation := ""
		if i < len(k.Collations) {
			collation = k.Collations[i]
		}
		b.needUnique(t.Name, c, what, folds(t, c, collation))
	}
}

func (b *planner) needIndex(t *schema.Table, x schema.Index) {
	what := "the unique index " + x.Name
	for _, p := range x.Parts {
		if p.Column != "" {
			b.needUnique(t.Name, p.Column, what, folds(t, p.Column, p.Collation))
			continue
		}
		b.needExpr(t, p.Expr, what)
	}
	b.needPredicate(t, x.Where, what)
}

// needExclusion is for a constraint that rows exclude each other by comparing some columns: what differs has to go on to do so.
func (b *planner) needExclusion(t *schema.Table, x schema.Exclusion) {
	what := "the exclusion constraint " + x.Name
	_, elements, _ := strings.Cut(x.Definition, "(")
	elements, where, _ := strings.Cut(elements, " WHERE ")
	if otherFunctions(elements) != "" || strings.Contains(elements, "(") {
		b.needExpr(t, elements, what)
	} else {
		for _, c := range columnsIn(t, elements) {
			b.needUnique(t.Name, c, what, folds(t, c, ""))
		}
	}
	b.needPredicate(t, where, what)
}

// needPartitions is for keys whose rows have to find a partition again: by ranges and lists without one for all others, only values as they are do.
func (b *planner) needPartitions(t *schema.Table, by string, parts []schema.Partition) {
	by, _, _ = strings.Cut(by, " SUBPARTITION BY ")
	kind, _, _ := strings.Cut(strings.ToUpper(by), " ")
	kind, _, _ = strings.Cut(kind, "(")
	rest := slices.ContainsFunc(parts, func(p schema.Partition) bool {
		bound := strings.ToUpper(p.Bound)
		return bound == "DEFAULT" || strings.HasPrefix(bound, "VALUES LESS THAN MAXVALUE") || strings.HasPrefix(bound, "VALUES LESS THAN (MAXVALUE")
	})
	if !rest && (kind == "RANGE" || kind == "LIST") {
		for _, c := range columnsIn(t, by) {
			n := b.need(place{t.Name, c})
			n.broken = append(n.broken, TableKey(t.Name)+" is partitioned by it ("+by+") and has no partition for all other values")
		}
	}
	for _, p := range parts {
		b.needPartitions(t, p.PartitionBy, p.Partitions)
	}
}

// needExpr is for a key that is an expression: each column in it must stay different, also in lower case and trimmed;
// other functions may see what no mask keeps.
func (b *planner) needExpr(t *schema.Table, expr, what string) {
	foreign := otherFunctions(expr)
	for _, c := range columnsIn(t, expr) {
		b.needUnique(t.Name, c, what, true)
		if foreign != "" {
			n := b.need(place{t.Name, c})
			n.broken = append(n.broken, what+" is over "+foreign+"()")
		}
	}
}

// needPredicate is for a partial index: a masked column in its condition must not be compared with a value.
func (b *planner) needPredicate(t *schema.Table, where, what string) {
	for _, c := range columnsIn(t, where) {
		if compared(t, where, c) != "" {
			n := b.need(place{t.Name, c})
			n.broken = append(n.broken, what+" compares it with a value in its WHERE")
		}
	}
}

func (b *planner) needUnique(table schema.Name, column, what string, fold bool) {
	if t, ok := b.sch.Table(table); ok {
		if c, ok := t.Column(column); ok && c.Generated != "" {
			b.needExpr(t, c.Generated, what)
			return
		}
	}
	n := b.need(place{table, column})
	n.unique = append(n.unique, what)
	if fold {
		n.fold = append(n.fold, what)
	}
}

// needDemand is for what a pending migration will demand. A table that the migration makes has the rows of some table
// of today, so its demand goes to every column of that name.
func (b *planner) needDemand(o schema.Obligation) {
	if o.Kind != schema.UniqueKey && o.Kind != schema.Reference {
		return
	}
	what := "the pending constraint " + o.Constraint
	if o.Constraint == "" {
		what = "a pending " + string(o.Kind) + " constraint on " + TableKey(o.Table)
	}
	apply := func(table schema.Name, columns, exprs []string) {
		for i := range b.sch.Tables {
			t := &b.sch.Tables[i]
			if _, exists := b.sch.Table(table); exists && t.Name != table {
				continue
			}
			for _, c := range columns {
				if _, ok := t.Column(c); ok {
					b.needUnique(t.Name, c, what, folds(t, c, ""))
				}
			}
			for _, e := range exprs {
				for _, c := range columnsIn(t, e) {
					b.needUnique(t.Name, c, what, len(tokens(e)) > 1 || folds(t, c, ""))
				}
			}
		}
	}
	apply(o.Table, o.Columns, o.Exprs)
	if o.Kind == schema.Reference {
		apply(o.RefTable, o.RefColumns, nil)
	}
}

// folds reports whether a comparison of the column ignores case or trailing blanks.
func folds(t *schema.Table, column, collation string) bool {
	c, ok := t.Column(column)
	if collation == "" && ok {
		collation = c.Collation
	}
	lower := strings.ToLower(collation)
	return ok && familyOf("postgres", c.Type).fold || lower == "nocase" || lower == "rtrim" || strings.HasSuffix(lower, "_ci") || strings.Contains(lower, "_ci_")
}

// columnsIn returns the columns of t that an expression names.
func columnsIn(t *schema.Table, expr string) []string {
	var out []string
	for _, tok := range tokens(expr) {
		if tok.kind != tokenName {
			continue
		}
		for _, c := range t.Columns {
			if strings.EqualFold(c.Name, tok.text) && !slices.Contains(out, c.Name) {
				out = append(out, c.Name)
			}
		}
	}
	return out
}

// describe names a column for messages.
func describe(t schema.Name, column string) string {
	return snapshot.Ident(t.Idents(column)...)
}
