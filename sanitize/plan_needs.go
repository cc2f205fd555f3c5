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

// reference is a foreign key, declared, in the policy or pending.
type reference struct {
	from, to               schema.Name
	fromColumns, toColumns []string
	when                   string
	what                   string // for messages
	declared               bool
	full                   bool // MATCH FULL
	checked                bool // it has to hold in the copy
	entry                  Reference
}

// holds reports a foreign key that has to hold in the copy: PostgreSQL looks at every row when it makes one, and in a copy that stays, rows that refer to
// nothing would break whatever relies on the key. Elsewhere a rehearsal's rows may be orphans, and what that decides is a probe's.
func (b *planner) holds(fk schema.ForeignKey) bool {
	return !fk.NotValid && !fk.NotEnforced && (b.sch.Engine == "postgres" || b.plan.Use == Keepable)
}

// resolveReferences gathers the declared foreign keys and the policy's.
func (b *planner) resolveReferences() {
	for i := range b.sch.Tables {
		t := &b.sch.Tables[i]
		for _, fk := range t.ForeignKeys {
			to := fk.RefColumns
			if parent, ok := b.sch.Table(fk.RefTable); ok && len(to) == 0 && parent.PrimaryKey != nil {
				to = parent.PrimaryKey.Columns
			}
			if len(to) != len(fk.Columns) {
				continue // the parent is gone; the rows are orphans and stay so
			}
			b.plan.references = append(b.plan.references, reference{from: t.Name, to: fk.RefTable, fromColumns: fk.Columns, toColumns: to, declared: true, full: strings.EqualFold(fk.Match, "full"), checked: b.holds(fk),
				what: "the foreign key " + place{t.Name, strings.Join(fk.Columns, ",")}.String()})
		}
	}
	for _, r := range b.policy.References {
		from, okFrom := b.resolve(r, r.From)
		to, okTo := b.resolve(r, r.To)
		if okFrom && okTo {
			b.plan.references = append(b.plan.references, reference{from: from.table, to: to.table, fromColumns: []string{from.column}, toColumns: []string{to.column},
				when: r.When, what: "the reference " + r.From.String(), entry: r})
		}
	}
}

func (b *planner) resolve(r Reference, c ColumnRef) (place, bool) {
	var keys []string
	for i := range b.sch.Tables {
		t := &b.sch.Tables[i]
		if key := TableKey(t.Name); key != c.Table {
			keys = append(keys, key)
			continue
		}
		if _, ok := t.Column(c.Column); ok {
			return place{t.Name, c.Column}, true
		}
		var names []string
		for _, col := range t.Columns {
			names = append(names, col.Name)
		}
		b.fail(r.Line, r.Col, "references: %s has no column %s%s", c.Table, c.Column, didYouMean(c.Column, names))
		return place{}, false
	}
	b.fail(r.Line, r.Col, "references: there is no table %s%s", c.Table, didYouMean(c.Table, keys))
	return place{}, false
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

// checkReferences demands one mask and one domain at both ends of every foreign key, and the rows that it refers to where the engine looks for them.
func (b *planner) checkReferences() {
	for _, r := range b.plan.references {
		if t, ok := b.plan.Table(r.to); ok && t.Exclude && r.checked && !b.unnamed(r.to) {
			b.checkExcluded(r)
			continue
		}
		for i := range r.fromColumns {
			from, to := place{r.from, r.fromColumns[i]}, place{r.to, r.toColumns[i]}
			child, childEntry := b.column(from)
			parent, _ := b.column(to)
			if child == nil {
				continue
			}
			if parent == nil {
				if t, ok := b.plan.Table(r.to); ok && t.Exclude && !b.unnamed(r.to) {
					b.warn("%s references %s, which is excluded: its rows will be orphans in the copy", from, TableKey(r.to))
				}
				continue
			}
			sameMask := child.Action == Mask && parent.Action == Mask && child.Mask == parent.Mask && child.Domain == parent.Domain
			nulled := child.Action == Set && child.Value == nil || child.Action == Drop
			if !(child.Action == Keep && parent.Action == Keep || sameMask || nulled) {
				b.fail(childEntry.Line, childEntry.Col, "%s: %s refers to %s, so both need the same mask and domain, or both keep", from, r.what, to)
			}
		}
	}
}

// checkExcluded refuses a foreign key that would not hold in the copy: its rows refer to a table that stays empty there. One null column is enough
// for a row to refer to nothing, unless the key is MATCH FULL.
func (b *planner) checkExcluded(r reference) {
	child, ok := b.plan.Table(r.from)
	if !ok || len(child.Columns) == 0 {
		return // it stays empty, too
	}
	nulls := 0
	var at *ColumnPolicy
	for _, name := range r.fromColumns {
		column, entry := b.column(place{r.from, name})
		if column == nil {
			return // a generated column: only the rows know
		}
		if at == nil {
			at = entry
		}
		if column.Action == Set && column.Value == nil || column.Action == Drop {
			nulls++
		}
	}
	if nulls == len(r.fromColumns) || nulls > 0 && !r.full {
		return
	}
	b.fail(at.Line, at.Col, "%s would not hold in the copy: it refers to %s, which has no rows there; copy that table (columns that nobody may see can be set), set %s to null, or exclude %s, too",
		r.what, TableKey(r.to), strings.Join(r.fromColumns, ", "), TableKey(r.from))
}

// unnamed reports a table that the policy does not speak of, which is an error of its own.
func (b *planner) unnamed(table schema.Name) bool {
	_, named := b.policy.Table(TableKey(table))
	return !named
}

// settleDomains gives all columns of a domain the same variant of the mask: what one of them needs, all get, or equal
// values would have different pseudonyms.
func (b *planner) settleDomains() {
	type family struct {
		opts  maskOptions
		mask  string
		first place
	}
	domains := map[string]*family{}
	b.eachMasked(func(p place, c *ColumnPlan, entry *ColumnPolicy) {
		d := domains[c.Domain]
		if d == nil {
			d = &family{opts: maskOptions{faithful: b.plan.Use == Rehearsal}, mask: c.Mask, first: p}
			domains[c.Domain] = d
		}
		if d.mask != c.Mask {
			b.fail(entry.Line, entry.Col, "%s: the domain %s is masked as %s here and as %s in %s; a domain has one mask", p, c.Domain, c.Mask, d.mask, d.first)
			return
		}
		n := b.need(p)
		if t, ok := b.sch.Table(p.table); ok {
			for _, check := range t.Checks {
				n.max = tighter(n.max, maxLength(check.Expr, p.column))
			}
		}
		d.opts.unique = d.opts.unique || len(n.unique) > 0
		d.opts.maxChars = tighter(d.opts.maxChars, tighter(n.max, c.family.textSize()))
		if elem := c.family.element(); elem.kind == familyInteger {
			limit := elem.maxInteger()
			if d.opts.maxInteger == "" || exceeds([]byte(d.opts.maxInteger), limit) {
				d.opts.maxInteger = limit
			}
		}
	})
	b.eachMasked(func(p place, c *ColumnPlan, _ *ColumnPolicy) {
		c.opts = domains[c.Domain].opts
		c.Kept = masks[c.Mask].kept(c.opts)
		c.Why = slices.Compact(slices.Sorted(slices.Values(b.need(p).unique)))
	})
}

func (b *planner) eachMasked(fn func(place, *ColumnPlan, *ColumnPolicy)) {
	for i := range b.plan.Tables {
		t := &b.plan.Tables[i]
		for j := range t.Columns {
			if c := &t.Columns[j]; c.Action == Mask {
				if _, ok := masks[c.Mask]; !ok {
					continue // the reader said so
				}
				p := place{t.Table, c.Column}
				_, entry := b.column(p)
				fn(p, c, entry)
			}
		}
	}
}

// tighter is the smaller of two limits where 0 is none.
func tighter(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
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
