package migrations

import (
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Status says what production's answer to a demand is worth.
type Status string

// The statuses, as in the report.
const (
	// Decisive: nothing pending touches the rows before the statement, so what
	// breaks the demand now will break it then.
	Decisive Status = "decisive"
	// Conditional: an earlier pending statement writes to the rows, so the answer
	// holds only if that changes nothing about it.
	Conditional Status = "conditional"
	// Unproved: production cannot be asked.
	Unproved Status = "unproved"
)

// Demand is what one statement demands of rows that exist when it runs.
type Demand struct {
	Obligation schema.Obligation
	// On is the question in production's terms; the zero value when Status is Unproved.
	On schema.Relation
	// Here is the same question in terms of the schema just before the statement, for counting on the copy.
	Here   schema.Relation
	Status Status
	// From are production's tables that the rows come from.
	From []schema.Name
	// Label is what is demanded, for messages: a column, key expressions, a constraint's name.
	Label string

	rows   *rows             // the relation; nil when the rows are not production's
	index  bool              // the constraint is a unique index
	fresh  bool              // NotNull: a column that the statement adds and gives no value
	local  schema.Obligation // Obligation with names as they are just before the statement
	target *table            // the table whose constraint it is, under its last name
}

// altered gives the demands of a statement that changed a table in place: ALTER TABLE, CREATE UNIQUE INDEX.
func (l *lineage) altered(sql string, before, after *schema.Table, db *schema.Database) []*Demand {
	t := l.tables[before.Name]
	if t == nil || t.origin == empty || t.origin == seeded {
		return nil
	}
	known := map[string]bool{}
	for _, o := range constraints(before, l.quote, l.engine) {
		known[signature(o)] = true
	}
	var fresh []schema.Obligation
	for _, o := range constraints(after, l.quote, l.engine) {
		if !known[signature(o)] {
			fresh = append(fresh, o)
		}
	}
	fresh = append(fresh, conversions(before, after)...)

	r, status := t.rows, Decisive
	if t.origin == written {
		status = Conditional
	}
	if r != nil {
		r = moveColumns(r, before, after, nil)
	}
	here := moveColumns(ownRows(before), before, after, nil).relation(l.quote)
	var out []*Demand
	for _, o := range fresh {
		if o.Kind == schema.NotNull && rowsHave(before, after, o.Columns[0]) {
			continue
		}
		s := status
		if o.Kind == schema.Convertible && s == Decisive && convertsByExpression(sql) {
			s = Conditional
		}
		out = append(out, l.demand(o, t, r, here, s, db))
	}
	return out
}

// convertsByExpression reports whether ALTER … TYPE … USING says itself how values are
// converted: the schema does not keep that.
func convertsByExpression(sql string) bool { return usingWord.MatchString(withoutComments(sql)) }

var usingWord = regexp.MustCompile(`(?i)\busing\b`)

// rowsHave reports whether a column that the statement added has a value in every row from its default.
func rowsHave(before, after *schema.Table, name string) bool {
	if _, old := before.Column(name); old {
		return false
	}
	c, _ := after.Column(name)
	return c.Generated == "" && hasDefault(c)
}

func hasDefault(c *schema.Column) bool {
	return c.Identity != "" || c.Default != nil && !strings.EqualFold(strings.Trim(*c.Default, "() "), "null")
}

// inserted gives the demands of an INSERT … SELECT: every constraint of its
// target, over the rows that the SELECT yields.
func (l *lineage) inserted(ins *engine.InsertSelect, db *schema.Database, eff engine.Effects) []*Demand {
	def, ok := db.Table(ins.Table)
	t := l.tables[ins.Table]
	if !ok || t == nil || !l.readsProduction(ins, eff) {
		return nil
	}
	columns := insertColumns(ins, def)
	r, status := l.selection(ins, def, eff)
	here := queryRows(def, columns, ins.Query, nil).relation(l.quote)
	from := l.reads(ins, eff)
	var out []*Demand
	for _, o := range append(constraints(def, l.quote, l.engine), strictTypes(def, columns)...) {
		if skipped(o, def, columns) || o.Kind == schema.Reference && l.hadReference(o, from, db) {
			continue
		}
		s := status
		if s == Decisive && (o.Kind == schema.UniqueKey && t.origin != empty || o.Kind != schema.NotNull && o.Kind != schema.Convertible && l.converts(o, def, from, db)) {
			s = Conditional
		}
		d := l.demand(o, t, r, here, s, db)
		d.From = from
		out = append(out, d)
	}
	return out
}

// skipped reports whether an INSERT cannot break a demand: the column is left to a default that is not
// null, or to the engine's own numbering.
func skipped(o schema.Obligation, def *schema.Table, filled []string) bool {
	if o.Kind != schema.NotNull && o.Kind != schema.UniqueKey {
		return false
	}
	for _, name := range o.Columns {
		c, ok := def.Column(name)
		if !ok || contains(filled, name) {
			return false
		}
		if o.Kind == schema.NotNull && (hasDefault(c) || c.Generated != "") {
			return true
		}
		if o.Kind == schema.UniqueKey && (c.Identity != "" || rowidAlias(def, name)) {
			return true
		}
	}
	return false
}

// readsProduction reports whether rows of production reach the statement's SELECT.
func (l *lineage) readsProduction(ins *engine.InsertSelect, eff engine.Effects) bool {
	for _, name := range eff.Reads {
		if t := l.tables[name]; t != nil && name != ins.Table && t.origin != empty && t.origin != seeded {
			return true
		}
	}
	return false
}

// reads are production's tables behind a SELECT.
func (l *lineage) reads(ins *engine.InsertSelect, eff engine.Effects) []schema.Name {
	var out []schema.Name
	for _, name := range eff.Reads {
		if t := l.tables[name]; t != nil && name != ins.Table && t.rows != nil {
			out = append(out, t.rows.reads...)
		}
	}
	return out
}

// hadReference reports whether one of the tables that a rebuild reads already declares the foreign key: it demands
// nothing new, and rows that break it already do (SQLite enforces foreign keys only for connections that ask for it).
func (l *lineage) hadReference(o schema.Obligation, from []schema.Name, db *schema.Database) bool {
	for _, name := range from {
		for _, t := range l.tables {
			if t.rows == nil || t.rows.table != name {
				continue
			}
			def, ok := db.Table(t.name)
			if !ok {
				continue
			}
			for _, have := range references(def) {
				if signature(have) == signature(o) {
					return true
				}
			}
		}
	}
	return false
}

// converts reports whether storing the rows changes values that the demand is about: a column of another declared type
// than its namesake in the tables read. What the probe sees is then not what the constraint sees.
func (l *lineage) converts(o schema.Obligation, def *schema.Table, from []schema.Name, db *schema.Database) bool {
	for _, name := range reading(o, def) {
		c, ok := def.Column(name)
		if !ok {
			continue
		}
		for _, source := range from {
			if t, ok := db.Table(source); ok {
				if s, ok := t.Column(name); ok && !strings.EqualFold(s.Type, c.Type) {
					return true
				}
			}
		}
	}
	return false
}

// reading is the columns that an obligation looks at. Where only its text is known,
// every column that the text mentions counts.
func reading(o schema.Obligation, def *schema.Table) []string {
	out := append([]string(nil), o.Columns...)
	text := o.Where
	if len(o.Columns) == 0 {
		text += " " + o.Expr + " " + strings.Join(o.Exprs, " ")
	}
	text = strings.ToLower(text)
	for _, c := range def.Columns {
		if strings.Contains(text, strings.ToLower(c.Name)) && !contains(out, c.Name) {
			out = append(out, c.Name)
		}
	}
	return out
}

// demand binds an obligation to where it can be asked.
func (l *lineage) demand(o schema.Obligation, t *table, r *rows, here schema.Relation, status Status, db *schema.Database) *Demand {
	d := &Demand{Obligation: o, Here: here, Status: status, Label: label(o), local: o, target: t, rows: r}
	def, _ := db.Table(o.Table)
	if r != nil {
		d.From = r.reads
	}
	if def != nil && o.Kind == schema.UniqueKey {
		d.index = slices.ContainsFunc(def.Indexes, func(x schema.Index) bool { return x.Name == o.Constraint })
	}
	if o.Kind == schema.NotNull && r != nil {
		c, ok := r.find(o.Columns[0])
		d.fresh = ok && c.expr == "NULL"
	}
	if o.Kind == schema.Reference {
		d.Status = l.referenced(d, db)
	}
	if r == nil || def == nil || !r.askable(reading(o, def)) {
		d.Status = Unproved
	}
	if d.Status != Unproved {
		d.On = r.relation(l.quote)
	}
	return d
}

// referenced completes a foreign key with the key it means, in production's terms, and weakens the status where the
// referenced rows are not production's own.
func (l *lineage) referenced(d *Demand, db *schema.Database) Status {
	o := &d.Obligation
	parent, ok := db.Table(o.RefTable)
	if !ok {
		return Unproved
	}
	if len(o.RefColumns) == 0 && parent.PrimaryKey != nil {
		o.RefColumns = parent.PrimaryKey.Columns
		d.local.RefColumns = o.RefColumns
	}
	if o.RefTable == o.Table { // the rows refer to each other, whatever the table is called
		return d.Status
	}
	p := l.tables[o.RefTable]
	if p == nil || p.rows == nil || p.rows.query != "" || len(o.RefColumns) != len(o.Columns) {
		return Unproved
	}
	columns := make([]string, len(o.RefColumns))
	for i, name := range o.RefColumns {
		c, ok := p.rows.find(name)
		if !ok || c.from == "" {
			return Unproved
		}
		columns[i] = c.from
	}
	o.RefTable, o.RefColumns = p.rows.table, columns
	if p.origin == written && d.Status == Decisive {
		return Conditional
	}
	return d.Status
}

// contains reports a name in a list, whatever its case: SQLite's and MySQL's column names have none.
func contains(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}
