package sqlite

import (
	"cmp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// buildTables turns each table's pragmas and text into the model. Shadow tables are their virtual table's.
func (cat *catalogue) buildTables() {
	for _, o := range cat.objects {
		raw := cat.tables[o.name]
		if o.kind != "table" || raw == nil || cat.kinds[o.name].kind == "shadow" {
			continue
		}
		text, err := parseTable(raw.sql)
		if err != nil {
			// The catalogue can be edited by hand (PRAGMA writable_schema); what cannot be read is said, not skipped.
			cat.db.Unmodelled = append(cat.db.Unmodelled, schema.Unmodelled{Kind: "table definition", Names: []string{o.name}})
			continue
		}
		b := tableBuilder{raw: raw, text: text, kind: cat.kinds[o.name], catalogue: cat}
		cat.db.Tables = append(cat.db.Tables, b.build())
	}
}

// tableBuilder makes the model of one table.
type tableBuilder struct {
	raw       *rawTable
	text      *tableText
	kind      kind
	catalogue *catalogue
	names     names
	table     schema.Table
}

func (b *tableBuilder) build() schema.Table {
	b.names = names{declared: map[string]string{}, recase: true}
	for _, c := range b.raw.columns {
		b.names.declared[strings.ToLower(c.name)] = c.name
	}
	b.table = schema.Table{Name: schema.Name{Name: b.raw.name}, StorageID: b.raw.root, EstimatedRows: b.raw.rows}
	b.options()
	for _, c := range b.raw.columns {
		b.table.Columns = append(b.table.Columns, b.column(c))
	}
	b.primaryKey()
	for _, ix := range b.raw.indexes {
		switch ix.origin {
		case "u":
			b.table.Unique = append(b.table.Unique, b.key(ix, b.text.key(false, partNames(ix))))
		case "c":
			b.table.Indexes = append(b.table.Indexes, b.index(ix))
		}
	}
	b.foreignKeys()
	for _, c := range b.text.checks {
		b.table.Checks = append(b.table.Checks, schema.Check{Name: c.name, Expr: canonical(c.expr, b.names), Columns: columnsOf(c.expr, b.names)})
	}
	b.sort()
	return b.table
}

func (b *tableBuilder) options() {
	options := map[string]string{}
	if b.kind.strict {
		options["strict"] = "true"
	}
	if b.kind.withoutRowid {
		options["without_rowid"] = "true"
	}
	if len(options) > 0 {
		b.table.Options = options
	}
}

func (b *tableBuilder) column(raw rawColumn) schema.Column {
	text := b.text.column(raw.name)
	c := schema.Column{Name: raw.name, Type: declaredType(raw.declared), Nullable: !raw.notNull, OnConflict: text.notNullConflict}
	if !strings.EqualFold(text.collation, "BINARY") {
		c.Collation = text.collation
	}
	if raw.def != nil {
		def := canonicalDefault(*raw.def)
		c.Default = &def
	}
	// pragma_table_xinfo: 1 hidden column of a virtual table, 2 virtual and 3 stored generated column.
	switch raw.hidden {
	case 1:
		c.Hidden = true
	case 2, 3:
		c.Default = nil
		c.Generated, c.Stored = canonical(text.generated, b.names), raw.hidden == 3
	}
	if raw.pk > 0 && b.rowidAlias() {
		c.Nullable = false // a null becomes the next rowid
	}
	if text.autoincrement {
		c.Identity = "autoincrement"
	}
	return c
}

// declaredType is a type as it was written, but for white space: VARCHAR ( 20 ) is VARCHAR(20).
func declaredType(text string) string {
	var b strings.Builder
	list := meaningful(text)
	for i, t := range list {
		if i > 0 && t.kind != tokenPunct && list[i-1].kind != tokenPunct {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
	}
	return b.String()
}

// canonicalDefault is a default's text in the layout of expressions. A name stays
// as it is: DEFAULT abc is the text 'abc'.
func canonicalDefault(text string) string { return canonical(meaningful(text), names{}) }

// rowidAlias reports whether the primary key is the rowid itself. Then no index backs it; PRIMARY KEY columns of other
// rowid tables may hold nulls, by an old bug that SQLite keeps
// (https://sqlite.org/lang_createtable.html#the_primary_key).
func (b *tableBuilder) rowidAlias() bool {
	if b.kind.withoutRowid {
		return false
	}
	return !slices.ContainsFunc(b.raw.indexes, func(ix *rawIndex) bool { return ix.origin == "pk" })
}

func (b *tableBuilder) primaryKey() {
	columns := make([]string, len(b.raw.columns))
	n := 0
	for _, c := range b.raw.columns {
		if c.pk > 0 && c.pk <= len(columns) {
			columns[c.pk-1] = c.name
			n++
		}
	}
	if n == 0 {
		return
	}
	key := schema.Key{Columns: columns[:n]}
	for _, ix := range b.raw.indexes {
		if ix.origin == "pk" {
			key = b.key(ix, keyText{})
			key.Columns = columns[:n]
		}
	}
	text := b.text.key(true, key.Columns)
	key.Name, key.OnConflict = text.name, text.onConflict
	b.table.PrimaryKey = &key
}

// key is a primary or unique key as its index knows it.
func (b *tableBuilder) key(ix *rawIndex, text keyText) schema.Key {
	k := schema.Key{Name: text.name, OnConflict: text.onConflict, Columns: partNames(ix)}
	collations, desc := make([]string, len(ix.parts)), make([]bool, len(ix.parts))
	for i, p := range ix.parts {
		collations[i] = b.collation(p)
		desc[i] = p.desc
		if collations[i] != "" {
			k.Collations = collations
		}
		if p.desc {
			k.Desc = desc
		}
	}
	return k
}

func partNames(ix *rawIndex) []string {
	var list []string
	for _, p := range ix.parts {
		list = append(list, p.name)
	}
	return list
}

// collation is a part's collation where it is not its column's.
func (b *tableBuilder) collation(p rawPart) string {
	own := "BINARY"
	if p.cid >= 0 {
		if c := b.text.column(p.name).collation; c != "" {
			own = c
		}
	}
	if strings.EqualFold(own, p.collation) {
		return ""
	}
	return p.collation
}

func (b *tableBuilder) index(ix *rawIndex) schema.Index {
	out := schema.Index{Name: ix.name, Unique: ix.unique}
	text, _ := parseIndex(b.catalogue.indexSQL(ix.name))
	seen := map[string]bool{}
	reads := func(columns ...string) {
		for _, c := range columns {
			if !seen[c] {
				seen[c] = true
				out.Columns = append(out.Columns, c)
			}
		}
	}
	for i, p := range ix.parts {
		part := schema.IndexPart{Collation: b.collation(p), Desc: p.desc, NullsFirst: p.desc} // there is one order of nulls only: the default
		switch {
		case p.cid >= 0:
			part.Column = p.name
			reads(p.name)
		case p.cid == -1:
			part.Expr = "rowid"
		case i < len(text.parts):
			expr := keyExpression(text.parts[i])
			part.Expr = canonical(expr, b.names)
			reads(columnsOf(expr, b.names)...)
		}
		out.Parts = append(out.Parts, part)
	}
	if len(text.where) > 0 {
		out.Where = canonical(text.where, b.names)
		reads(columnsOf(text.where, b.names)...)
	}
	return out
}

// indexSQL is the statement that made an index.
func (cat *catalogue) indexSQL(name string) string {
	i, ok := slices.BinarySearchFunc(cat.objects, name, func(o object, name string) int { return cmp.Compare(o.name, name) })
	for ok && i < len(cat.objects) && cat.objects[i].name == name {
		if cat.objects[i].kind == "index" {
			return cat.objects[i].sql
		}
		i++
	}
	return ""
}

// foreignKeys pairs the pragma's rows, here in the order of the text, with the text. SQLite reads MATCH
// and does not act on it: all are simple.
func (b *tableBuilder) foreignKeys() {
	for i, raw := range b.raw.foreign {
		fk := schema.ForeignKey{Columns: raw.from, RefTable: schema.Name{Name: raw.table}, RefColumns: raw.to, OnDelete: raw.onDelete, OnUpdate: raw.onUpdate, Match: "simple"}
		if i < len(b.text.foreign) && sameNames(b.text.foreign[i].columns, raw.from) {
			text := b.text.foreign[i]
			fk.Name, fk.Deferrable, fk.InitiallyDeferred = text.name, text.deferrable, text.initiallyDeferred
		}
		if len(fk.RefColumns) == 0 {
			fk.RefColumns = b.catalogue.primaryKeyOf(raw.table, len(fk.Columns))
		}
		if parent := b.catalogue.tableNamed(raw.table); parent != nil {
			fk.RefTable.Name, fk.RefColumns = parent.name, parent.declared(fk.RefColumns)
		}
		b.table.ForeignKeys = append(b.table.ForeignKeys, fk)
	}
}

// declared are columns in the spelling of the table.
func (t *rawTable) declared(columns []string) []string {
	spelled := slices.Clone(columns)
	for i, name := range spelled {
		for _, c := range t.columns {
			if strings.EqualFold(c.name, name) {
				spelled[i] = c.name
			}
		}
	}
	return spelled
}

// tableNamed finds a table as SQLite does, whatever the case.
func (cat *catalogue) tableNamed(name string) *rawTable {
	if t := cat.tables[name]; t != nil {
		return t
	}
	for _, o := range cat.objects {
		if t := cat.tables[o.name]; t != nil && strings.EqualFold(o.name, name) {
			return t
		}
	}
	return nil
}

// primaryKeyOf is what REFERENCES without columns means, so that both spellings are
// one; nil when the parent has no such key.
func (cat *catalogue) primaryKeyOf(table string, n int) []string {
	parent := cat.tableNamed(table)
	if parent == nil {
		return nil
	}
	columns := make([]string, n)
	found := 0
	for _, c := range parent.columns {
		if c.pk == 0 {
			continue
		}
		if c.pk > n {
			return nil
		}
		columns[c.pk-1] = c.name
		found++
	}
	if found != n {
		return nil
	}
	return columns
}

// sort orders what has no order of its own: by name, then by what it says.
func (b *tableBuilder) sort() {
	t := &b.table
	slices.SortStableFunc(t.Unique, func(a, b schema.Key) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.Columns, b.Columns), slices.Compare(a.Collations, b.Collations))
	})
	slices.SortStableFunc(t.ForeignKeys, func(a, b schema.ForeignKey) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.Columns, b.Columns), cmp.Compare(a.RefTable.Name, b.RefTable.Name), slices.Compare(a.RefColumns, b.RefColumns))
	})
	slices.SortStableFunc(t.Checks, func(a, b schema.Check) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Expr, b.Expr))
	})
	slices.SortStableFunc(t.Indexes, func(a, b schema.Index) int { return cmp.Compare(a.Name, b.Name) })
}
