package postgres

import (
	"sort"
	"strconv"

	"github.com/envdiff/envdiff/internal/schema"
)

// catalog is a model being filled; tables and views are found by oid.
type catalog struct {
	version major
	db      *schema.Database
	tables  map[string]*schema.Table
	order   []*schema.Table
	views   map[string]*schema.View
	// attributes are the columns of a relation by number, for the numbers that keys and indexes consist of.
	attributes map[string][]attribute
	// partitions come parents first: parts are kept by their parent's oid until the tree is built.
	partitions map[string][]part
	opclasses  map[string]opclass
	collations map[string]string // oid → SQL, those of indexes
	// indexColumns are those with parameters, by the index's oid and the column's number.
	indexColumns map[string]map[int]indexColumn
	access       map[schema.Ref]*schema.Access
	// role is who asks, allSettings whether it sees all settings, and seen are those that it saw.
	role        string
	allSettings bool
	seen        map[string]bool
}

type part struct {
	oid string
	schema.Partition
}

type attribute struct {
	name      string
	collation string // oid
	column    int    // its index in the table's columns as they came
}

func newCatalog(version major) *catalog {
	return &catalog{version: version, db: &schema.Database{Engine: "postgres"}, tables: map[string]*schema.Table{}, views: map[string]*schema.View{},
		attributes: map[string][]attribute{}, partitions: map[string][]part{}, opclasses: map[string]opclass{}, collations: map[string]string{}, indexColumns: map[string]map[int]indexColumn{},
		access: map[schema.Ref]*schema.Access{}, seen: map[string]bool{}}
}

// finish sorts what queries order by other things than the model.
func (c *catalog) finish() *schema.Database {
	db := c.db
	c.hiddenSettings()
	db.KnownSettings = c.knownSettings()
	sort.Slice(c.order, func(i, j int) bool { return c.order[i].Name.Less(c.order[j].Name) })
	db.Tables = make([]schema.Table, 0, len(c.order))
	for _, t := range c.order {
		t.Partitions = c.parts(t.StorageID)
		t.Columns = c.inOrder(t)
		sort.Slice(t.Unique, func(i, j int) bool { return t.Unique[i].Name < t.Unique[j].Name })
		sort.Slice(t.ForeignKeys, func(i, j int) bool { return t.ForeignKeys[i].Name < t.ForeignKeys[j].Name })
		sort.Slice(t.Checks, func(i, j int) bool { return t.Checks[i].Name < t.Checks[j].Name })
		sort.Slice(t.Exclusions, func(i, j int) bool { return t.Exclusions[i].Name < t.Exclusions[j].Name })
		sort.Slice(t.Indexes, func(i, j int) bool { return t.Indexes[i].Name < t.Indexes[j].Name })
		db.Tables = append(db.Tables, *t)
	}
	for _, v := range c.views {
		sort.Slice(v.Indexes, func(i, j int) bool { return v.Indexes[i].Name < v.Indexes[j].Name })
		db.Views = append(db.Views, *v)
	}
	sort.Slice(db.Views, func(i, j int) bool { return db.Views[i].Name.Less(db.Views[j].Name) })
	sort.Slice(db.Triggers, func(i, j int) bool {
		a, b := db.Triggers[i], db.Triggers[j]
		if a.Table != b.Table {
			return a.Table.Less(b.Table)
		}
		return a.Name < b.Name
	})
	sort.Slice(db.Routines, func(i, j int) bool {
		a, b := db.Routines[i], db.Routines[j]
		if a.Name != b.Name {
			return a.Name.Less(b.Name)
		}
		return a.Overload < b.Overload
	})
	sort.Slice(db.Sequences, func(i, j int) bool { return db.Sequences[i].Name.Less(db.Sequences[j].Name) })
	sort.Slice(db.Objects, func(i, j int) bool { return db.Objects[i].Less(db.Objects[j].Ref) })
	for _, a := range c.access {
		sort.Slice(a.Grants, func(i, j int) bool { return a.Grants[i].Grantee < a.Grants[j].Grantee })
		db.Access = append(db.Access, *a)
	}
	sort.Slice(db.Access, func(i, j int) bool { return db.Access[i].Less(db.Access[j].Ref) })
	sort.Slice(db.Dependencies, func(i, j int) bool {
		a, b := db.Dependencies[i], db.Dependencies[j]
		if a.Object != b.Object {
			return a.Object.Less(b.Object)
		}
		return a.Needs.Less(b.Needs)
	})
	sort.Slice(db.Settings, func(i, j int) bool { return db.Settings[i].Name < db.Settings[j].Name })
	sort.Slice(db.Unmodelled, func(i, j int) bool { return db.Unmodelled[i].Kind < db.Unmodelled[j].Kind })
	for _, u := range db.Unmodelled {
		sort.Strings(u.Names)
	}
	return db
}

// inOrder are a table's columns by their numbers.
func (c *catalog) inOrder(t *schema.Table) []schema.Column {
	if len(t.Columns) == 0 {
		return nil
	}
	columns := make([]schema.Column, 0, len(t.Columns))
	for _, a := range c.attributes[t.StorageID] {
		if a.name != "" {
			columns = append(columns, t.Columns[a.column])
		}
	}
	return columns
}

func (c *catalog) parts(oid string) []schema.Partition {
	var parts []schema.Partition
	for _, p := range c.partitions[oid] {
		p.Partitions = c.parts(p.oid)
		parts = append(parts, p.Partition)
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i].Name.Less(parts[j].Name) })
	return parts
}

func (c *catalog) table(r *record) {
	t := &schema.Table{StorageID: r.text(), Name: r.name(), EstimatedRows: r.number(), Comment: r.text(), PartitionBy: r.text(), Options: r.properties()}
	c.tables[t.StorageID] = t
	c.order = append(c.order, t)
}

func (c *catalog) partition(r *record) {
	parent := r.text()
	p := part{oid: r.text()}
	p.Name, p.Bound, p.PartitionBy = r.name(), r.text(), r.text()
	c.partitions[parent] = append(c.partitions[parent], p)
}

// attribute notes a column's number: numbers of dropped columns stay empty.
func (c *catalog) attribute(relation string, number int, a attribute) {
	list := c.attributes[relation]
	for len(list) < number {
		list = append(list, attribute{})
	}
	list[number-1] = a
	c.attributes[relation] = list
}

// attributeOf finds a column by its number; system columns and what is unknown have no name.
func (c *catalog) attributeOf(relation string, number int) attribute {
	list := c.attributes[relation]
	if number < 1 || number > len(list) {
		return attribute{}
	}
	return list[number-1]
}

// named are the columns of numbers. A relation that the model does not have yields nothing.
func (c *catalog) named(relation string, numbers []int) []string {
	var names []string
	for _, n := range numbers {
		if name := c.attributeOf(relation, n).name; name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (c *catalog) column(r *record) {
	relation, number, collation := r.text(), int(r.number()), r.text()
	column := schema.Column{
		Name: r.text(), Type: r.text(), Nullable: r.flag(), Default: r.optional(), Generated: r.text(), Stored: r.flag(),
		Identity: r.text(), Collation: r.text(), Comment: r.text(), Properties: r.properties(),
	}
	if number < 1 || number > maxColumns {
		r.fail(strconv.ErrRange)
		return
	}
	a := attribute{name: column.Name, collation: collation}
	if t := c.tables[relation]; t != nil {
		a.column = len(t.Columns)
		t.Columns = append(t.Columns, column)
	}
	c.attribute(relation, number, a)
}

// maxColumns is the server's own limit (MaxHeapAttributeNumber).
const maxColumns = 1600

func (c *catalog) constraint(r *record) {
	relation, kind := r.text(), r.text()
	t := c.tables[relation]
	if t == nil {
		return
	}
	name, columns := r.text(), c.named(relation, r.numbers())
	deferrable, deferred, notValid := r.flag(), r.flag(), r.flag()
	expr, nullsNotDistinct, noInherit, notEnforced := r.text(), r.flag(), r.flag(), r.flag()
	include, props := c.named(relation, r.numbers()), r.properties()
	switch kind {
	case "p", "u":
		key := schema.Key{Name: name, Columns: columns, Deferrable: deferrable, InitiallyDeferred: deferred, NullsNotDistinct: nullsNotDistinct, Include: include, Properties: props}
		if kind == "p" {
			t.PrimaryKey = &key
			return
		}
		t.Unique = append(t.Unique, key)
	case "c":
		t.Checks = append(t.Checks, schema.Check{Name: name, Expr: expr, Columns: columns, NotValid: notValid && !notEnforced, NoInherit: noInherit, NotEnforced: notEnforced, Properties: props})
	case "x":
		t.Exclusions = append(t.Exclusions, schema.Exclusion{Name: name, Definition: expr, Columns: columns, Properties: props})
	case "f":
		key := schema.ForeignKey{
			Name: name, Columns: columns, Deferrable: deferrable, InitiallyDeferred: deferred, NotValid: notValid && !notEnforced, NotEnforced: notEnforced, Properties: props,
			RefTable: r.name(),
		}
		referenced, numbers := r.text(), r.numbers()
		if key.RefColumns = r.list(); key.RefColumns == nil {
			key.RefColumns = c.named(referenced, numbers)
		}
		key.OnUpdate, key.OnDelete = r.text(), r.text()
		if some := r.list(); some != nil {
			key.OnDelete += " (" + quoteAll(some) + ")"
		}
		key.Match = r.text()
		if r.flag() {
			if key.Properties == nil {
				key.Properties = map[string]string{}
			}
			key.Properties["triggers"] = "disabled"
		}
		t.ForeignKeys = append(t.ForeignKeys, key)
	}
}

func (c *catalog) view(r *record) {
	oid := r.text()
	v := &schema.View{Name: r.name(), Materialized: r.flag(), Definition: normalise(r.text()), Columns: r.list()}
	if c.version < 16 {
		v.Definition = unqualified(v.Definition)
	}
	var reads [][2]string
	r.json(&reads)
	for _, n := range reads {
		v.Reads = append(v.Reads, nameOf(n[0], n[1]))
	}
	sort.Slice(v.Reads, func(i, j int) bool { return v.Reads[i].Less(v.Reads[j]) })
	v.Properties = r.properties()
	c.views[oid] = v
}

func (c *catalog) trigger(r *record) {
	c.db.Triggers = append(c.db.Triggers, schema.Trigger{Table: r.name(), Name: r.text(), Definition: r.text(), Properties: r.properties()})
}

func (c *catalog) routine(r *record) {
	c.db.Routines = append(c.db.Routines, schema.Routine{
		Name: r.name(), Kind: r.text(), Overload: r.text(), Arguments: r.text(), Returns: r.text(), Definition: r.text(), Properties: r.properties(),
	})
}

func (c *catalog) sequence(r *record) {
	s := schema.Sequence{Name: r.name(), Type: r.text()}
	table := r.name()
	if column := r.text(); column != "" {
		s.Table, s.Column = table, column
	}
	s.Properties = r.properties()
	c.db.Sequences = append(c.db.Sequences, s)
}

// ref reads four columns: kind, schema, name and part.
func (r *record) ref() schema.Ref {
	kind, namespace := r.text(), r.text()
	return schema.Ref{Kind: kind, Name: nameOfRef(namespace, r.text()), Part: r.text()}
}

func (c *catalog) object(r *record) {
	o := schema.Object{Ref: r.ref(), Properties: r.properties()}
	r.json(&o.Lists)
	for name, list := range o.Lists {
		if len(list) == 0 {
			delete(o.Lists, name)
		}
	}
	var of [][4]*string
	r.json(&of)
	for _, f := range of {
		if f[0] != nil && f[2] != nil {
			o.Of = append(o.Of, schema.Ref{Kind: *f[0], Name: nameOfRef(deref(f[1]), *f[2]), Part: deref(f[3])})
		}
	}
	if o.Properties[hidden] != "" {
		o.Properties = nil
		c.db.Gaps = append(c.db.Gaps, schema.Gap{Kinds: []string{o.Kind + "/" + o.Name.Name + ".*#option.*"}, Reason: "the role may not see the options of the user mappings of server " + o.Name.Name,
			Hint: "only superusers see those of other users: let envdiff connect as one, or waive this gap"})
	}
	c.db.Objects = append(c.db.Objects, o)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (c *catalog) dependency(r *record) {
	c.db.Dependencies = append(c.db.Dependencies, schema.Dependency{Object: r.ref(), Needs: r.ref()})
}

func (c *catalog) accessOf(ref schema.Ref) *schema.Access {
	a := c.access[ref]
	if a == nil {
		a = &schema.Access{Ref: ref}
		c.access[ref] = a
	}
	return a
}

func (c *catalog) owner(r *record) {
	a := c.accessOf(r.ref())
	a.Owner = r.text()
}

func (c *catalog) grant(r *record) {
	a := c.accessOf(r.ref())
	a.Grants = append(a.Grants, schema.Grant{Grantee: r.text(), Privileges: r.list()})
}

func (c *catalog) unmodelled(r *record) {
	c.db.Unmodelled = append(c.db.Unmodelled, schema.Unmodelled{Kind: r.text(), Names: r.list()})
}
