package database

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// name is how addresses spell a ref. What tells routines and operators of one name apart, their argument types, is part of the name.
func name(r schema.Ref) string {
	idents := r.Name.Idents()
	switch {
	case r.Part == "":
	case strings.HasPrefix(r.Part, "("):
		idents[len(idents)-1] += r.Part
	default:
		idents = append(idents, r.Part)
	}
	return snapshot.Ident(idents...)
}

// ref is where the attributes of any object go.
func (f *flattener) ref(r schema.Ref) object {
	return object{f, snapshot.Address{Scope: f.scope, Kind: r.Kind, Name: name(r)}, ""}
}

// of sets the objects that take this one along when they go; what stands in a schema of its own goes with that.
func (o object) of(n schema.Name, refs ...schema.Ref) {
	if n.Schema != "" {
		refs = append(refs, schema.Ref{Kind: "schema", Name: schema.Name{Name: n.Schema}})
	}
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.Kind + "/" + name(r)
	}
	if len(names) > 0 {
		o.set("@of", snapshot.Strings(true, names...))
	}
}

func (f *flattener) sequence(s *schema.Sequence) {
	o := f.object("sequence", s.Name)
	if s.Type == "" {
		o.f.Add(o.addr, snapshot.Bool(true), "")
	}
	o.text("type", s.Type)
	o.properties(s.Properties)
	if s.Column == "" {
		o.of(s.Name)
		return
	}
	o.text("owned_by", snapshot.Ident(s.Table.Idents(s.Column)...))
	o.of(s.Name, schema.Ref{Kind: "table", Name: s.Table}, schema.Ref{Kind: "column", Name: s.Table, Part: s.Column})
}

// object flattens an object of the long tail: every property and list is an attribute.
func (f *flattener) anyObject(x *schema.Object) {
	o := f.ref(x.Ref)
	o.f.Add(o.addr, snapshot.Bool(true), "")
	o.valid(x.Properties["valid"] != "false")
	rest := maps.Clone(x.Properties)
	delete(rest, "valid")
	o.properties(rest)
	lists := make([]string, 0, len(x.Lists))
	for list := range x.Lists {
		lists = append(lists, list)
	}
	sort.Strings(lists)
	for _, list := range lists {
		if list == "options" || list == "settings" {
			o.assignments(strings.TrimSuffix(list, "s"), x.Lists[list])
			continue
		}
		items := make([]string, len(x.Lists[list]))
		for i, item := range x.Lists[list] {
			items[i] = f.redact.Text(item)
		}
		o.set(list, snapshot.Strings(false, items...))
	}
	o.of(x.Name, x.Of...)
}

// assignments sets each name=value of a list as an attribute of its own, so that a password is one and the host beside it is not.
func (o object) assignments(what string, list []string) {
	for _, item := range list {
		name, value, _ := strings.Cut(item, "=")
		o.set(what+"."+name, o.f.redact.Scalar(name, value))
	}
}

// access flattens an owner to an attribute of the object, and what is granted to grant/KIND/OBJECT#GRANTEE.
func (f *flattener) access(a *schema.Access) {
	o := f.ref(a.Ref)
	o.text("owner", a.Owner)
	whole := a.Kind
	if o.addr.Name != "" {
		whole += "/" + o.addr.Name
	}
	grants := object{f, snapshot.Address{Scope: f.scope, Kind: "grant", Name: whole}, ""}
	for _, g := range a.Grants {
		grants.set(g.Grantee, snapshot.Strings(true, g.Privileges...))
	}
}

// ofAFolded reports an index or constraint that a partition of a time has for itself.
func (f *flattener) ofAFolded(r schema.Ref) bool {
	return (r.Kind == "index" || r.Kind == "constraint") && f.folded[r.Name]
}

// gap reports what the role may not see, and that it stays unknown.
func (f *flattener) gap(g schema.Gap) {
	kind := "table"
	var covers []string
	for i, k := range g.Kinds {
		if i == 0 {
			kind, _, _ = strings.Cut(k, "/")
		}
		covers = append(covers, f.scope+":"+k)
	}
	if strings.ContainsAny(kind, "*#") || kind == "" {
		kind = "database"
	}
	where := snapshot.Address{Scope: f.scope, Kind: kind}
	if len(g.Parts) > 0 {
		where = f.ref(g.Parts[0].Ref).addr
		covers = append(covers, f.without(g.Parts)...)
	}
	f.Missing(where, g.Reason, g.Hint, covers...)
}

// without takes out what the model holds of parts that could not be read, and returns their globs.
func (f *flattener) without(parts []schema.Part) []string {
	globs := make([]string, len(parts))
	for i, p := range parts {
		globs[i] = f.ref(p.Ref).addr.String() + p.Glob
	}
	f.Facts = slices.DeleteFunc(f.Facts, func(x snapshot.Fact) bool { return snapshot.MatchAny(globs, x.Address.String()) })
	return globs
}

// ignoredWith reports an object that belongs to an ignored table, or is one.
func ignoredWith(spec snapshot.DatabaseSpec, r schema.Ref) bool {
	switch r.Kind {
	case "table", "view", "foreign_table", "column", "policy", "rule", "index", "constraint":
		return ignored(spec, r.Name)
	}
	return false
}
