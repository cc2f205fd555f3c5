package mysql

import (
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// clause is what a depth of parentheses is inside of.
type clause struct {
	from   bool // a list of tables: behind a comma comes another
	expect bool // a table comes next
	call   bool // arguments of a function that has FROM in it
}

// scan finds the tables of a statement: what stands behind FROM, JOIN, INTO, UPDATE and TABLE, and behind the commas of such lists. Names of WITH are none.
func (w *statementText) scan() {
	local := w.withNames()
	stack := []clause{{}}
	for i := 0; i < len(w.all); i++ {
		top := &stack[len(stack)-1]
		switch word := w.all[i].lower(w.sql); word {
		case "(":
			inner := clause{from: top.expect, expect: top.expect, call: w.is(i-1, "extract", "trim", "substring", "substr", "position", "overlay")}
			top.expect = false
			stack = append(stack, inner)
			continue
		case ")":
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
			continue
		case "from":
			if !top.call {
				top.from, top.expect = true, true
			}
			continue
		case "join", "straight_join", "using":
			if word != "using" || w.is(0, "delete") && len(stack) == 1 {
				top.from, top.expect = true, true
			}
			continue
		case "into", "update", "truncate":
			if word == "update" && (w.is(i-1, "key", "for", "on")) {
				continue
			}
			top.expect, top.from = true, word == "update"
			continue
		case "insert", "replace":
			top.expect = !w.is(i+1, "(") // also a function
			continue
		case "table", "low_priority", "high_priority", "delayed", "ignore", "quick", "lateral", "only":
			continue
		case "select", "with", "values", "set", "where", "group", "having", "order", "limit", "union", "except", "intersect", "window", "returning", "on", "value":
			top.expect = false
			top.from = top.from && word == "on"
			continue
		case ",":
			top.expect = top.from
			continue
		}
		if top.expect {
			i = w.ref(i, local, top)
		}
	}
}

// ref reads the table at token i with its alias, and returns the last token that it took.
func (w *statementText) ref(i int, local map[string]bool, top *clause) int {
	parts, next := nameParts(w.sql, w.all, i)
	top.expect = false
	if len(parts) == 0 {
		return i
	}
	name := schema.Name{Name: parts[len(parts)-1]}
	if len(parts) > 1 {
		name.Schema = parts[len(parts)-2]
	}
	r := tableRef{name: name, alias: name.Name, token: i}
	if w.is(next, "as") {
		next++
	}
	if next < len(w.all) && w.all[next].kind != tokenString {
		if alias, ok := w.all[next].name(w.sql); ok && !(w.all[next].kind == tokenWord && reserved[strings.ToLower(alias)]) {
			r.alias = alias
			next++
		}
	}
	if name.Schema == "" && local[strings.ToLower(name.Name)] {
		return next - 1
	}
	w.refs = append(w.refs, r)
	return next - 1
}

// withNames are the names that WITH defines.
func (w *statementText) withNames() map[string]bool {
	names := map[string]bool{}
	for i := range w.all {
		if w.is(i, "as") && w.is(i+1, "(") && (w.is(i+2, "select", "with", "values", "(")) {
			at := i - 1
			if w.is(at, ")") { // the columns of the name
				for at > 0 && !w.is(at, "(") {
					at--
				}
				at--
			}
			if at >= 0 {
				if name, ok := w.all[at].name(w.sql); ok {
					names[strings.ToLower(name)] = true
				}
			}
		}
	}
	return names
}

// knownTables are the tables and views of a database, for what a statement names.
type knownTables struct {
	model    *schema.Database
	database string
	views    map[schema.Name][]schema.Name
}

func newKnownTables(m *schema.Database, database string) *knownTables {
	k := &knownTables{model: m, database: database, views: map[schema.Name][]schema.Name{}}
	for i := range m.Views {
		k.views[m.Views[i].Name] = m.Views[i].Reads
	}
	return k
}

// behind are the tables that a name stands for: itself, or what a view reads.
func (k *knownTables) behind(n schema.Name) []schema.Name {
	if n.Schema == k.database {
		n.Schema = ""
	}
	var names []schema.Name
	seen := map[schema.Name]bool{}
	var follow func(schema.Name)
	follow = func(n schema.Name) {
		if seen[n] {
			return
		}
		seen[n] = true
		reads, view := k.views[n]
		if !view {
			names = append(names, n)
		}
		for _, r := range reads {
			follow(r)
		}
	}
	follow(n)
	return names
}

// cascades are the tables that foreign key actions change when rows of others are deleted or updated.
func (k *knownTables) cascades(changed []schema.Name, deletes, updates bool) []schema.Name {
	type change struct {
		table   schema.Name
		deleted bool
	}
	var todo []change
	seen := map[change]bool{}
	add := func(c change) {
		if !seen[c] {
			seen[c] = true
			todo = append(todo, c)
		}
	}
	for _, n := range changed {
		if deletes {
			add(change{n, true})
		}
		if updates {
			add(change{n, false})
		}
	}
	var names []schema.Name
	for len(todo) > 0 {
		c := todo[0]
		todo = todo[1:]
		for i := range k.model.Tables {
			t := &k.model.Tables[i]
			for _, f := range t.ForeignKeys {
				act := f.OnUpdate
				if c.deleted {
					act = f.OnDelete
				}
				if f.RefTable != c.table || act == "no action" {
					continue
				}
				names = append(names, t.Name)
				add(change{t.Name, c.deleted && act == "cascade"})
			}
		}
	}
	return names
}
