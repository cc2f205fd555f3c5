package postgres

import (
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// plan is the order of what only dependencies can order: types, routines, tables, foreign tables and views.
type plan struct {
	early []schema.Ref // before the rows: tables, and what they need or what needs nothing of views
	late  []schema.Ref // after them: views, and what needs one
}

// kindOrder is the order among objects that do not need each other.
var kindOrder = map[string]int{"enum": 1, "domain": 2, "type": 3, "table": 4, "foreign_table": 5, "routine": 6, "view": 7}

// plan sorts topologically; in a circle, which only functions with parsed bodies can make, the kinds' own order decides.
func (w *ddl) plan() plan {
	nodes := w.nodes()
	needs := map[schema.Ref][]schema.Ref{}
	for _, d := range w.db.Dependencies {
		if nodes[d.Object] && nodes[d.Needs] {
			needs[d.Object] = append(needs[d.Object], d.Needs)
		}
	}
	for _, v := range w.db.Views {
		self := schema.Ref{Kind: "view", Name: v.Name}
		for _, n := range v.Reads {
			if read := (schema.Ref{Kind: "view", Name: n}); nodes[read] {
				needs[self] = append(needs[self], read)
			}
		}
	}
	sorted := make([]schema.Ref, 0, len(nodes))
	for n := range nodes {
		sorted = append(sorted, n)
	}
	sort.Slice(sorted, func(i, j int) bool {
		if a, b := kindOrder[sorted[i].Kind], kindOrder[sorted[j].Kind]; a != b {
			return a < b
		}
		return sorted[i].Less(sorted[j])
	})
	var p plan
	state := map[schema.Ref]int{} // 1 being visited, 2 early, 3 late
	var visit func(n schema.Ref)
	visit = func(n schema.Ref) {
		if state[n] != 0 {
			return
		}
		state[n] = 1
		late := n.Kind == "view"
		for _, need := range needs[n] {
			visit(need)
			late = late || state[need] == 3
		}
		if late {
			state[n], p.late = 3, append(p.late, n)
			return
		}
		state[n], p.early = 2, append(p.early, n)
	}
	for _, n := range sorted {
		visit(n)
	}
	return p
}

func (w *ddl) nodes() map[schema.Ref]bool {
	nodes := map[schema.Ref]bool{}
	for _, t := range w.db.Tables {
		nodes[schema.Ref{Kind: "table", Name: t.Name}] = true
	}
	for _, v := range w.db.Views {
		nodes[schema.Ref{Kind: "view", Name: v.Name}] = true
	}
	for _, r := range w.db.Routines {
		nodes[schema.Ref{Kind: "routine", Name: r.Name, Part: r.Overload}] = true
	}
	for _, o := range w.db.Objects {
		if kindOrder[o.Kind] > 0 {
			nodes[o.Ref] = true
		}
	}
	return nodes
}

// make emits the statements of planned objects.
func (w *ddl) make(to emit, order []schema.Ref) error {
	objects, views, routines := map[schema.Ref]*schema.Object{}, map[schema.Name]*schema.View{}, map[schema.Ref]*schema.Routine{}
	for i, o := range w.db.Objects {
		objects[o.Ref] = &w.db.Objects[i]
	}
	for i, v := range w.db.Views {
		views[v.Name] = &w.db.Views[i]
	}
	for i, r := range w.db.Routines {
		routines[schema.Ref{Kind: "routine", Name: r.Name, Part: r.Overload}] = &w.db.Routines[i]
	}
	for _, ref := range order {
		switch ref.Kind {
		case "table":
			if err := w.table(to, w.tables[ref.Name]); err != nil {
				return err
			}
		case "view":
			w.view(to, views[ref.Name])
		case "routine":
			to("%s", routineSQL(routines[ref]))
		default:
			w.object(to, objects[ref])
		}
	}
	return nil
}

func (w *ddl) view(to emit, v *schema.View) {
	kind, tail := "VIEW", ""
	if v.Materialized {
		kind = "MATERIALIZED VIEW"
		if v.Properties["populated"] == "false" {
			tail = " WITH NO DATA"
		}
	}
	columns, method := "", ""
	if len(v.Columns) > 0 {
		columns = " (" + quoteAll(v.Columns) + ")"
	}
	if m := v.Properties["access_method"]; m != "" {
		method = " USING " + quote(m)
	}
	to("CREATE %s %s%s%s%s AS %s%s", kind, qualified(v.Name), columns, method, with(v.Properties["with"]), strings.TrimRight(v.Definition, "; "), tail)
	if space := v.Properties["tablespace"]; space != "" {
		w.perhaps("ALTER MATERIALIZED VIEW " + qualified(v.Name) + " SET TABLESPACE " + quote(space))
	}
}

// routineSQL puts a routine together again; pg_get_functiondef would print it whole, but then one changed property would be a changed text.
func routineSQL(r *schema.Routine) string {
	p := r.Properties
	if r.Kind == "aggregate" {
		definition := r.Definition
		if parallel := p["parallel"]; parallel != "" {
			definition += ", PARALLEL = " + strings.ToUpper(parallel)
		}
		return "CREATE AGGREGATE " + qualified(r.Name) + "(" + r.Arguments + ") (" + definition + ")"
	}
	sql := "CREATE " + strings.ToUpper(r.Kind) + " " + qualified(r.Name) + "(" + r.Arguments + ")"
	if r.Returns != "" && r.Kind == "function" {
		sql += " RETURNS " + r.Returns
	}
	sql += " LANGUAGE " + quote(p["language"])
	if p["transform"] != "" {
		sql += " TRANSFORM " + p["transform"]
	}
	for _, word := range []struct{ property, value, sql string }{
		{"window", "true", " WINDOW"}, {"volatility", "immutable", " IMMUTABLE"}, {"volatility", "stable", " STABLE"}, {"leakproof", "true", " LEAKPROOF"},
		{"strict", "true", " STRICT"}, {"security", "definer", " SECURITY DEFINER"}, {"parallel", "safe", " PARALLEL SAFE"}, {"parallel", "restricted", " PARALLEL RESTRICTED"},
	} {
		if p[word.property] == word.value {
			sql += word.sql
		}
	}
	for _, value := range []struct{ property, sql string }{{"cost", " COST "}, {"rows", " ROWS "}, {"support", " SUPPORT "}} {
		if v := p[value.property]; v != "" {
			sql += value.sql + v
		}
	}
	if p["settings"] != "" {
		sql += " " + p["settings"]
	}
	switch {
	case p["sql_body"] != "":
		return sql + "\n" + r.Definition
	case p["language"] == "c":
		return sql + " AS " + r.Definition
	}
	return sql + " AS " + dollarQuoted(r.Definition)
}

// dollarQuoted quotes a body so that it stays readable.
func dollarQuoted(body string) string {
	tag := "$body$"
	for strings.Contains(body+"$", tag) {
		tag = tag[:len(tag)-1] + "_$"
	}
	return tag + body + tag
}
