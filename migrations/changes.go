package migrations

import (
	"reflect"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// Changes are what the pending migrations do to the schema, for a comparison of environments to explain
// differences by and to look twice at what they meet.
type Changes struct {
	last    string            // address of the last migration; "" when none is pending
	objects map[string]string // object, as "scope:kind/name" → address of the last migration that changes it
	columns map[string]string // column of production, as "users.email" → address of the first migration that touches it
}

// By gives the migration that made, altered or dropped the object of an address, or the table that it belongs to.
func (c Changes) By(a snapshot.Address) (migration string, ok bool) {
	if m, ok := c.objects[a.Whole().String()]; ok {
		return m, true
	}
	name := a.Name
	for {
		cut := strings.LastIndexByte(name, '.')
		if cut < 0 {
			m, ok := c.objects[snapshot.Address{Scope: a.Scope, Kind: "table", Name: name}.String()]
			return m, ok
		}
		name = name[:cut]
		if m, ok := c.objects[snapshot.Address{Scope: a.Scope, Kind: "table", Name: name}.String()]; ok {
			return m, true
		}
	}
}

// Object gives the last migration that changes the very object of an address.
func (c Changes) Object(a snapshot.Address) (migration string, ok bool) {
	m, ok := c.objects[a.Whole().String()]
	return m, ok
}

// Last is the last pending migration.
func (c Changes) Last() (migration string, ok bool) { return c.last, c.last != "" }

// Touches gives the first migration that changes a column of production, puts a key, check or index
// on it, or changes rows by it. The column is named as in addresses: "users.email".
func (c Changes) Touches(column string) (migration string, ok bool) {
	m, ok := c.columns[column]
	return m, ok
}

// changed is one object that a migration made, altered or dropped.
type changed struct {
	kind    string
	name    schema.Name
	more    []string
	columns []string // of the table of that name
}

// note adds what the next migration does.
func (c *Changes) note(scope, migration string, list []changed) {
	c.last = migration
	for _, x := range list {
		c.objects[snapshot.Object(scope, x.kind, x.name.Idents(x.more...)...).String()] = migration
		for _, column := range x.columns {
			c.touch(x.name, column, migration)
		}
	}
}

func (c *Changes) touch(table schema.Name, column, migration string) {
	name := snapshot.Ident(table.Idents(column)...)
	if _, ok := c.columns[name]; !ok {
		c.columns[name] = migration
	}
}

// changesBetween lists what differs between two schemas of one database. A table that was dropped and made
// anew under its name differs only in what is really different.
func changesBetween(before, after *schema.Database) []changed {
	if before == nil || after == nil || before == after {
		return nil
	}
	var out []changed
	tables := func(db *schema.Database) map[schema.Name]*schema.Table {
		m := make(map[schema.Name]*schema.Table, len(db.Tables))
		for i := range db.Tables {
			m[db.Tables[i].Name] = &db.Tables[i]
		}
		return m
	}
	was, is := tables(before), tables(after)
	for name := range union(was, is) {
		out = append(out, changesOfTable(name, was[name], is[name])...)
	}
	add := func(kind string, was, is map[schema.Name]any) {
		for name := range union(was, is) {
			if !reflect.DeepEqual(was[name], is[name]) {
				out = append(out, changed{kind: kind, name: name})
			}
		}
	}
	add("view", named(before.Views, func(v schema.View) schema.Name { return v.Name }), named(after.Views, func(v schema.View) schema.Name { return v.Name }))
	add("routine", named(before.Routines, routineName), named(after.Routines, routineName))
	add("sequence", named(before.Sequences, func(s schema.Sequence) schema.Name { return s.Name }), named(after.Sequences, func(s schema.Sequence) schema.Name { return s.Name }))
	out = append(out, triggers(before, after)...)
	return append(out, otherObjects(before, after)...)
}

func routineName(r schema.Routine) schema.Name {
	return schema.Name{Schema: r.Name.Schema, Name: r.Name.Name + r.Overload}
}

func named[T any](list []T, name func(T) schema.Name) map[schema.Name]any {
	m := make(map[schema.Name]any, len(list))
	for _, x := range list {
		m[name(x)] = x
	}
	return m
}

func union[K comparable, V any](a, b map[K]V) map[K]bool {
	m := make(map[K]bool, len(a)+len(b))
	for k := range a {
		m[k] = true
	}
	for k := range b {
		m[k] = true
	}
	return m
}

func triggers(before, after *schema.Database) []changed {
	type key struct {
		table schema.Name
		name  string
	}
	of := func(db *schema.Database) map[key]string {
		m := map[key]string{}
		for _, t := range db.Triggers {
			m[key{t.Table, t.Name}] = t.Definition
		}
		return m
	}
	was, is := of(before), of(after)
	var out []changed
	for k := range union(was, is) {
		if was[k] != is[k] {
			out = append(out, changed{kind: "trigger", name: k.table, more: []string{k.name}})
		}
	}
	return out
}

// otherObjects are types, extensions, policies and whatever else the engine lists.
func otherObjects(before, after *schema.Database) []changed {
	of := func(db *schema.Database) map[schema.Ref]schema.Object {
		m := map[schema.Ref]schema.Object{}
		for _, o := range db.Objects {
			m[o.Ref] = o
		}
		return m
	}
	was, is := of(before), of(after)
	var out []changed
	for ref := range union(was, is) {
		if reflect.DeepEqual(was[ref], is[ref]) {
			continue
		}
		x := changed{kind: ref.Kind, name: ref.Name}
		if ref.Part != "" {
			x.more = []string{ref.Part}
		}
		out = append(out, x)
	}
	return out
}
