package database

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

func (f *flattener) table(t *schema.Table) {
	o := f.object("table", t.Name)
	o.f.Add(o.addr, snapshot.Bool(true), "")
	o.of(t.Name)
	o.text("comment", f.redact.Text(t.Comment))
	o.text("partition_by", t.PartitionBy)
	options := make([]string, 0, len(t.Options))
	for k := range t.Options {
		options = append(options, k)
	}
	sort.Strings(options)
	for _, k := range options {
		o.set(k, snapshot.String(t.Options[k]))
	}
	columns := make([]string, len(t.Columns))
	for i := range t.Columns {
		columns[i] = t.Columns[i].Name
		f.column(t, &t.Columns[i])
	}
	o.set("column_order", snapshot.Strings(false, columns...))
	f.partitions(o, t)
	f.constraints(t)
	f.indexes(t.Name, t.Indexes)
}

func (f *flattener) column(t *schema.Table, c *schema.Column) {
	o := f.object("column", t.Name, c.Name)
	o.set("type", snapshot.String(c.Type))
	if !c.Nullable {
		o.set("nullable", snapshot.Bool(false))
	}
	// A generated column's expression is one fact with its storage: one change is one difference.
	switch {
	case c.Generated != "" && c.Stored:
		o.set("generated", f.redact.Line(c.Generated+" stored"))
	case c.Generated != "":
		o.set("generated", f.redact.Line(c.Generated+" virtual"))
	}
	switch {
	case c.Default == nil:
	case strings.HasPrefix(*c.Default, "nextval('"): // the next number of a sequence: no secret, and in every table
		o.set("default", snapshot.String(*c.Default))
	default:
		o.set("default", f.redact.Scalar(c.Name, *c.Default))
	}
	o.text("identity", c.Identity)
	o.text("collation", c.Collation)
	o.flag("hidden", c.Hidden)
	o.text("on_update", c.OnUpdate)
	o.text("comment", f.redact.Text(c.Comment))
	o.properties(c.Properties)
}

// constraints flattens keys, foreign keys and checks. Two unnamed ones of the same structure are told apart by a number.
func (f *flattener) constraints(t *schema.Table) {
	taken := map[string]int{}
	object := func(name string) object {
		if taken[name]++; taken[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, taken[name])
		}
		return f.object("constraint", t.Name, name)
	}
	if k := t.PrimaryKey; k != nil {
		f.key(object(schema.AutoName(k.Name, "primary key", k.Columns, "")), t, k, "primary key")
	}
	for i := range t.Unique {
		k := &t.Unique[i]
		f.key(object(schema.AutoName(k.Name, "unique", k.Columns, "")), t, k, "unique")
	}
	for i := range t.ForeignKeys {
		k := &t.ForeignKeys[i]
		f.foreignKey(object(schema.AutoName(k.Name, "foreign key", k.Columns, k.RefTable.String())), t, k)
	}
	for i := range t.Checks {
		k := &t.Checks[i]
		expr := f.redact.Text(k.Expr)
		o := object(schema.AutoName(k.Name, "check", nil, snapshot.Masked(expr)))
		o.set("type", snapshot.String("check"))
		o.set("definition", snapshot.String(expr))
		o.valid(!k.NotValid)
		o.flag("not_enforced", k.NotEnforced)
		o.flag("no_inherit", k.NoInherit)
		o.properties(k.Properties)
		o.links("@columns", t.Name, k.Columns)
	}
	for i := range t.Exclusions {
		k := &t.Exclusions[i]
		o := object(k.Name)
		o.set("type", snapshot.String("exclusion"))
		o.set("definition", f.redact.Line(k.Definition))
		o.properties(k.Properties)
		o.links("@columns", t.Name, k.Columns)
	}
}

func (f *flattener) key(o object, t *schema.Table, k *schema.Key, typ string) {
	o.set("type", snapshot.String(typ))
	o.set("columns", snapshot.Strings(false, k.Columns...))
	o.keyLinks(t.Name, k.Columns)
	if strings.Join(k.Collations, "") != "" {
		o.set("collations", snapshot.Strings(false, k.Collations...))
	}
	if k.Prefixes != nil {
		o.set("prefixes", snapshot.Strings(false, numbers(k.Prefixes)...))
	}
	o.flag("nulls_not_distinct", k.NullsNotDistinct)
	o.text("deferrable", deferrable(k.Deferrable, k.InitiallyDeferred))
	o.text("on_conflict", k.OnConflict)
	if len(k.Include) > 0 {
		o.set("include", snapshot.Strings(false, k.Include...))
	}
	o.properties(k.Properties)
}

// unless is a text that is not the usual one, which says nothing: what is as nearly everywhere would be half of all facts.
func unless(usual, text string) string {
	if text == usual {
		return ""
	}
	return text
}

// valid says of an index or constraint that it is not.
func (o object) valid(is bool) {
	if !is {
		o.set("valid", snapshot.Bool(false))
	}
}

func numbers(list []int) []string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.Itoa(n)
	}
	return texts
}

func (f *flattener) foreignKey(o object, t *schema.Table, k *schema.ForeignKey) {
	o.set("type", snapshot.String("foreign key"))
	o.set("columns", snapshot.Strings(false, k.Columns...))
	o.set("references", snapshot.String(references(k)))
	o.text("on_delete", unless("no action", k.OnDelete))
	o.text("on_update", unless("no action", k.OnUpdate))
	o.text("match", unless("simple", k.Match))
	o.text("deferrable", deferrable(k.Deferrable, k.InitiallyDeferred))
	o.valid(!k.NotValid)
	o.flag("not_enforced", k.NotEnforced)
	o.properties(k.Properties)
	o.keyLinks(t.Name, k.Columns)
	o.set("@references_table", snapshot.String(tableName(k.RefTable)))
	o.links("@references_columns", k.RefTable, k.RefColumns)
}

// references is the referenced key as a foreign key spells it; SQLite may leave out the columns of a primary key.
func references(k *schema.ForeignKey) string {
	if len(k.RefColumns) == 0 {
		return k.RefTable.String()
	}
	return k.RefTable.String() + "(" + strings.Join(k.RefColumns, ",") + ")"
}

func deferrable(can, initially bool) string {
	switch {
	case initially:
		return "initially deferred"
	case can:
		return "initially immediate"
	}
	return ""
}

func (f *flattener) indexes(of schema.Name, list []schema.Index) {
	taken := map[string]int{}
	for i := range list {
		x := &list[i]
		parts := make([]string, len(x.Parts))
		for j, p := range x.Parts {
			if parts[j] = p.Text(); p.Expr != "" {
				parts[j] = f.redact.Text(parts[j])
			}
		}
		where := f.redact.Text(x.Where)
		name := schema.AutoName(x.Name, "index", parts, where)
		if taken[name]++; taken[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, taken[name])
		}
		o := f.object("index", of, name)
		o.set("columns", snapshot.Strings(false, parts...))
		o.flag("unique", x.Unique)
		o.text("method", unless("btree", x.Method))
		o.text("where", where)
		if len(x.Include) > 0 {
			o.set("include", snapshot.Strings(false, x.Include...))
		}
		o.valid(!x.Invalid)
		o.flag("hidden", x.Hidden)
		o.flag("nulls_not_distinct", x.NullsNotDistinct)
		o.text("comment", f.redact.Text(x.Comment))
		o.properties(x.Properties)
		if reads := indexReads(x); !slices.Equal(reads, parts) {
			o.links("@columns", of, reads)
		} else {
			o.keyLinks(of, reads)
		}
	}
}

// indexReads are the columns that an index needs: those of its key first, each once.
func indexReads(x *schema.Index) []string {
	var reads []string
	add := func(column string) {
		if column != "" && !slices.Contains(reads, column) {
			reads = append(reads, column)
		}
	}
	for _, p := range x.Parts {
		add(p.Column)
	}
	for _, c := range x.Columns {
		add(c)
	}
	for _, c := range x.Include {
		add(c)
	}
	return reads
}

// keyLinks sets @columns where #columns, which lists the same names as people write them, does not do for addresses.
func (o object) keyLinks(table schema.Name, columns []string) {
	for _, c := range columns {
		if snapshot.Ident(c) != c {
			o.links("@columns", table, columns)
			return
		}
	}
}

func (f *flattener) view(v *schema.View) {
	o := f.object("view", v.Name)
	if v.Definition != "" { // else the role may not read it
		o.set("definition", f.redact.Line(v.Definition))
	}
	o.flag("materialized", v.Materialized)
	o.properties(v.Properties)
	o.of(v.Name)
	f.indexes(v.Name, v.Indexes)
	// The columns follow from the definition and from the tables that it reads: a difference in them is always one of those too.
	if len(v.Columns) > 0 {
		o.set("@columns", snapshot.Strings(false, v.Columns...))
	}
	if len(v.Reads) > 0 {
		names := make([]string, len(v.Reads))
		for i, n := range v.Reads {
			names[i] = tableName(n)
		}
		o.set("@reads", snapshot.Strings(true, names...))
	}
}

// routines flattens stored code. Where a function and a procedure share their name, the later one is numbered.
func (f *flattener) routines(list []schema.Routine) {
	taken := map[string]int{}
	for _, r := range list {
		name := r.Name
		name.Name += r.Overload
		if taken[name.String()]++; taken[name.String()] > 1 {
			name.Name = fmt.Sprintf("%s (%d)", name.Name, taken[name.String()])
		}
		o := f.object("routine", name)
		o.set("kind", snapshot.String(r.Kind))
		o.text("arguments", f.redact.Text(r.Arguments))
		o.text("returns", r.Returns)
		if r.Definition != "" { // else the role may not read it
			o.set("definition", f.redact.Line(plainCode(r.Definition)))
		}
		o.properties(r.Properties)
		o.of(r.Name)
	}
}

// plainCode takes away what editors add to code and nobody sees: carriage returns, blanks at ends of lines, empty lines around.
func plainCode(code string) string {
	lines := strings.Split(strings.ReplaceAll(code, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
