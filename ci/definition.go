package ci

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// Definitions collects the facts of schema objects, to write them as SQL that people read side by side. It is no DDL to
// run: that is the engines' to write.
type Definitions struct {
	wanted map[string]bool                                 // addresses of objects
	facts  map[string]map[string]map[string]snapshot.Value // object → part ("column/users.email") → attribute
}

// definedKinds are the kinds whose objects are shown by their parts; parts belong to the table that their name begins
// with.
var definedKinds = map[string]bool{"table": true, "column": true, "constraint": true, "index": true}

// NewDefinitions is for the objects that a report's findings about the schema name.
func NewDefinitions(r *Report) *Definitions {
	d := &Definitions{wanted: map[string]bool{}}
	for i := range r.Findings {
		if a, err := snapshot.ParseAddress(r.Findings[i].Address); err == nil {
			if object, ok := objectOf(a); ok {
				d.wanted[object] = true
			}
		}
	}
	d.Start()
	return d
}

// Start forgets the facts of one environment for those of the next.
func (d *Definitions) Start() { d.facts = map[string]map[string]map[string]snapshot.Value{} }

// Objects are the addresses of the objects, sorted.
func (d *Definitions) Objects() []string { return slices.Sorted(maps.Keys(d.wanted)) }

// objectOf is the address of the object that shows what an address is about: the table of its column, or itself.
func objectOf(a snapshot.Address) (string, bool) {
	switch a.Kind {
	case "table", "view", "routine", "trigger", "type", "sequence", "matview", "policy":
		return a.Whole().String(), true
	case "column", "constraint", "index":
		if i := tableEnd(a.Name); i > 0 {
			return a.Scope + ":table/" + a.Name[:i], true
		}
	}
	return "", false
}

// tableEnd is where the table's name ends: what follows its last dot is the part's own name, in which a dot is escaped.
func tableEnd(name string) int { return strings.LastIndexByte(name, '.') }

// Add keeps a fact of a wanted object.
func (d *Definitions) Add(l *snapshot.Line) {
	object, ok := objectOf(l.Address)
	if !ok || !d.wanted[object] || len(l.Values) == 0 {
		return
	}
	parts := d.facts[object]
	if parts == nil {
		parts = map[string]map[string]snapshot.Value{}
		d.facts[object] = parts
	}
	part := l.Address.Kind + "/" + l.Address.Name
	if parts[part] == nil {
		parts[part] = map[string]snapshot.Value{}
	}
	parts[part][l.Address.Attribute] = l.Values[0].Value
}

// Definition is an object as its facts tell, "" where there are none.
func (d *Definitions) Definition(object string) string {
	parts := d.facts[object]
	if len(parts) == 0 {
		return ""
	}
	_, rest, _ := strings.Cut(object, ":")
	kind, name, _ := strings.Cut(rest, "/")
	if !definedKinds[kind] {
		return otherDefinition(kind, snapshot.Unescape(name), parts[rest])
	}
	return tableDefinition(name, parts)
}

func otherDefinition(kind, name string, attributes map[string]snapshot.Value) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", strings.ToUpper(kind), name)
	for _, attribute := range slices.Sorted(maps.Keys(attributes)) {
		if attribute != "" && !strings.HasPrefix(attribute, "@") {
			fmt.Fprintf(&b, "\n%s: %s", snapshot.Unescape(attribute), attributes[attribute].Display())
		}
	}
	return b.String()
}

func tableDefinition(table string, parts map[string]map[string]snapshot.Value) string {
	var lines, after []string
	for _, column := range columnsInOrder(table, parts) {
		lines = append(lines, "  "+columnLine(snapshot.Unescape(column), parts["column/"+table+"."+column]))
	}
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		kind, name, _ := strings.Cut(part, "/")
		own := snapshot.Unescape(strings.TrimPrefix(name, table+"."))
		switch kind {
		case "constraint":
			lines = append(lines, "  "+constraintLine(own, parts[part]))
		case "index":
			after = append(after, indexLine(own, snapshot.Unescape(table), parts[part]))
		}
	}
	head := "TABLE " + snapshot.Unescape(table)
	for _, attribute := range slices.Sorted(maps.Keys(parts["table/"+table])) {
		if attribute != "" && attribute != "column_order" && !strings.HasPrefix(attribute, "@") {
			head += fmt.Sprintf(" %s=%s", snapshot.Unescape(attribute), parts["table/"+table][attribute].Display())
		}
	}
	text := head + " (\n" + strings.Join(lines, ",\n") + "\n)"
	if len(after) > 0 {
		text += "\n" + strings.Join(after, "\n")
	}
	return text
}

// columnsInOrder are the escaped names of a table's columns, in the table's order.
func columnsInOrder(table string, parts map[string]map[string]snapshot.Value) []string {
	var columns []string
	seen := map[string]bool{}
	for _, v := range parts["table/"+table]["column_order"].Items() {
		if name, ok := v.Text(); ok {
			if escaped := snapshot.Ident(name); parts["column/"+table+"."+escaped] != nil && !seen[escaped] {
				columns, seen[escaped] = append(columns, escaped), true
			}
		}
	}
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		if name, ok := strings.CutPrefix(part, "column/"+table+"."); ok && !seen[name] {
			columns = append(columns, name)
		}
	}
	return columns
}

func columnLine(name string, a map[string]snapshot.Value) string {
	line := name + " " + a["type"].Display()
	if is, ok := a["nullable"].Truth(); ok && !is {
		line += " NOT NULL"
	}
	return line + rest(a, "type", "nullable")
}

func constraintLine(name string, a map[string]snapshot.Value) string {
	line := "CONSTRAINT " + name + " " + strings.ToUpper(a["type"].Display())
	if v, ok := a["columns"]; ok {
		line += " " + listed(v)
	}
	if v, ok := a["references"]; ok {
		line += " REFERENCES " + v.Display()
	}
	if v, ok := a["definition"]; ok {
		line += " " + v.Display()
	}
	return line + rest(a, "type", "columns", "references", "definition")
}

func indexLine(name, table string, a map[string]snapshot.Value) string {
	line := "INDEX " + name + " ON " + table
	if is, _ := a["unique"].Truth(); is {
		line = "UNIQUE " + line
	}
	for _, attribute := range []string{"columns", "parts"} {
		if v, ok := a[attribute]; ok {
			line += " " + listed(v)
		}
	}
	if v, ok := a["where"]; ok {
		line += " WHERE " + v.Display()
	}
	return line + rest(a, "unique", "columns", "parts", "where")
}

func listed(v snapshot.Value) string {
	var items []string
	for _, item := range v.Items() {
		items = append(items, item.Display())
	}
	return "(" + strings.Join(items, ", ") + ")"
}

// rest are the attributes that a line has no place for: "on_delete cascade".
func rest(a map[string]snapshot.Value, told ...string) string {
	text := ""
	for _, attribute := range slices.Sorted(maps.Keys(a)) {
		if attribute == "" || strings.HasPrefix(attribute, "@") || slices.Contains(told, attribute) {
			continue
		}
		text += " " + strings.ToUpper(strings.ReplaceAll(snapshot.Unescape(attribute), "_", " ")) + " " + a[attribute].Display()
	}
	return text
}
