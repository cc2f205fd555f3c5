package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// triggers makes them as they are enabled.
func (w *ddl) triggers() {
	for _, t := range w.db.Triggers {
		w.then("%s", t.Definition)
		if state := firing(t.Properties["enabled"]); state != "" {
			w.then("ALTER TABLE %s %s TRIGGER %s", qualified(t.Table), state, quote(t.Name))
		}
	}
}

// comments writes what is said of objects.
func (w *ddl) comments() {
	say := func(kind, name, text string) {
		if text != "" {
			w.then("COMMENT ON %s %s IS %s", kind, name, literal(text))
		}
	}
	for i := range w.db.Tables {
		t := &w.db.Tables[i]
		say("TABLE", qualified(t.Name), t.Comment)
		for _, c := range t.Columns {
			say("COLUMN", qualified(t.Name)+"."+quote(c.Name), c.Comment)
		}
		constraint := func(name string, p map[string]string) {
			say("CONSTRAINT", quote(name)+" ON "+qualified(t.Name), p["comment"])
		}
		if t.PrimaryKey != nil {
			constraint(t.PrimaryKey.Name, t.PrimaryKey.Properties)
		}
		for _, k := range t.Unique {
			constraint(k.Name, k.Properties)
		}
		for _, k := range t.ForeignKeys {
			constraint(k.Name, k.Properties)
		}
		for _, k := range t.Checks {
			constraint(k.Name, k.Properties)
		}
		for _, k := range t.Exclusions {
			constraint(k.Name, k.Properties)
		}
		for _, ix := range t.Indexes {
			say("INDEX", qualified(schema.Name{Schema: t.Name.Schema, Name: ix.Name}), ix.Comment)
		}
	}
	for _, v := range w.db.Views {
		say(viewKind(v), qualified(v.Name), v.Properties["comment"])
		w.columnComments(qualified(v.Name), v.Properties)
		for _, ix := range v.Indexes {
			say("INDEX", qualified(schema.Name{Schema: v.Name.Schema, Name: ix.Name}), ix.Comment)
		}
	}
	for _, r := range w.db.Routines {
		say("ROUTINE", qualified(r.Name)+r.Overload, r.Properties["comment"])
	}
	for _, s := range w.db.Sequences {
		say("SEQUENCE", qualified(s.Name), s.Properties["comment"])
	}
	for _, t := range w.db.Triggers {
		say("TRIGGER", quote(t.Name)+" ON "+qualified(t.Table), t.Properties["comment"])
	}
	for _, o := range w.db.Objects {
		w.columnComments(qualified(o.Name), o.Properties)
		if text := o.Properties["comment"]; text != "" && o.Kind != "database" && o.Kind != "tablespace" {
			kind, name := sqlName(o.Ref)
			if strings.Contains(" policy event_trigger publication foreign_data_wrapper foreign_server foreign_table text_search_parser text_search_template ", " "+o.Kind+" ") {
				w.perhaps("COMMENT ON " + kind + " " + name + " IS " + literal(text))
				continue
			}
			say(kind, name, text)
		}
	}
}

// columnComments says of columns what a view's or type's properties hold. A foreign table may have become a table, which has columns too.
func (w *ddl) columnComments(of string, p map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if column, is := strings.CutPrefix(name, commentOf); is {
			w.then("COMMENT ON COLUMN %s.%s IS %s", of, quote(column), literal(p[name]))
		}
	}
}

func viewKind(v schema.View) string {
	if v.Materialized {
		return "MATERIALIZED VIEW"
	}
	return "VIEW"
}

// sqlName is how statements name an object: the kind's word and the name.
func sqlName(r schema.Ref) (kind, name string) {
	name = qualified(r.Name)
	switch r.Kind {
	case "enum", "type":
		return "TYPE", name
	case "schema", "extension", "publication":
		return strings.ToUpper(r.Kind), quote(r.Name.Name)
	case "event_trigger":
		return "EVENT TRIGGER", quote(r.Name.Name)
	case "foreign_data_wrapper":
		return "FOREIGN DATA WRAPPER", quote(r.Name.Name)
	case "foreign_server":
		return "SERVER", quote(r.Name.Name)
	case "foreign_table":
		return "FOREIGN TABLE", name
	case "policy", "rule":
		return strings.ToUpper(r.Kind), quote(r.Part) + " ON " + name
	case "routine":
		return "ROUTINE", name + r.Part
	case "operator":
		return "OPERATOR", quote(schemaOf(r.Name)) + "." + r.Name.Name + " " + r.Part
	case "operator_class", "operator_family":
		return strings.ToUpper(strings.ReplaceAll(r.Kind, "_", " ")), name + usingMethod(r.Part)
	case "index":
		return "INDEX", qualified(schema.Name{Schema: r.Name.Schema, Name: r.Part})
	case "constraint":
		return "CONSTRAINT", quote(r.Part) + " ON " + name
	case "cast":
		return "CAST", "(" + r.Name.Name + ")"
	}
	return strings.ToUpper(strings.ReplaceAll(r.Kind, "_", " ")), name
}

// access gives objects to their owners and grants what others may do. What belongs to the database's owner belongs to the copy's.
func (w *ddl) access() {
	materialized := map[schema.Name]bool{}
	for _, v := range w.db.Views {
		materialized[v.Name] = v.Materialized
	}
	// Revoking a table's privileges takes those of its columns too, so that they come last.
	for _, columns := range []bool{false, true} {
		for _, a := range w.db.Access {
			if (a.Kind == "column") != columns {
				continue
			}
			if a.Kind == "setting" || a.Kind == "tablespace" {
				continue // the server's
			}
			kind, name := sqlName(a.Ref)
			if a.Kind == "view" && materialized[a.Name] {
				kind = "MATERIALIZED VIEW"
			}
			if a.Owner != "" && a.Owner != databaseOwner && a.Kind != "database" {
				w.perhaps("ALTER " + kind + " " + name + " OWNER TO " + quote(a.Owner))
			}
			for _, g := range a.Grants {
				w.perhaps(grantSQL(a.Ref, kind, name, g)...)
			}
		}
	}
}

// grantSQL takes what a grantee has by default and gives what the original has.
func grantSQL(r schema.Ref, kind, name string, g schema.Grant) []string {
	prefix, columns := "", ""
	switch r.Kind {
	case "view", "foreign_table", "column":
		kind = "TABLE"
		if r.Kind == "column" {
			columns = " (" + quote(r.Part) + ")"
		}
	case "domain":
		kind = "TYPE"
	case "foreign_server":
		kind = "FOREIGN SERVER"
	case "language":
		name = quote(r.Name.Name)
	case "default_privileges":
		what, namespace, in := strings.Cut(r.Part, " in schema ")
		prefix, kind, name = "ALTER DEFAULT PRIVILEGES FOR ROLE "+grantee(r.Name.Name), strings.ToUpper(what), ""
		if in {
			prefix += " IN SCHEMA " + namespace
		}
		prefix += " "
	case "database":
		return databaseGrants(g)
	}
	to := grantee(g.Grantee)
	statements := []string{strings.TrimRight(fmt.Sprintf("%sREVOKE ALL%s ON %s %s", prefix, columns, kind, name), " ") + " FROM " + to}
	plain, grantable := split(g.Privileges, columns)
	if plain != "" {
		statements = append(statements, strings.TrimRight(fmt.Sprintf("%sGRANT %s ON %s %s", prefix, plain, kind, name), " ")+" TO "+to)
	}
	if grantable != "" {
		statements = append(statements, strings.TrimRight(fmt.Sprintf("%sGRANT %s ON %s %s", prefix, grantable, kind, name), " ")+" TO "+to+" WITH GRANT OPTION")
	}
	return statements
}

// databaseGrants names the copy by asking it for its name when they run.
func databaseGrants(g schema.Grant) []string {
	on := func(head, tail string) string {
		return "DO " + dollarQuoted(" BEGIN EXECUTE format("+literal(head+" ON DATABASE %I "+strings.ReplaceAll(tail, "%", "%%"))+", current_database()); END ")
	}
	to := grantee(g.Grantee)
	statements := []string{on("REVOKE ALL", "FROM "+to)}
	plain, grantable := split(g.Privileges, "")
	if plain != "" {
		statements = append(statements, on("GRANT "+plain, "TO "+to))
	}
	if grantable != "" {
		statements = append(statements, on("GRANT "+grantable, "TO "+to+" WITH GRANT OPTION"))
	}
	return statements
}

// grantee is a role's SQL. The database's owner is whoever makes the copy.
func grantee(role string) string {
	switch role {
	case "PUBLIC":
		return role
	case databaseOwner:
		return "CURRENT_USER"
	}
	return quote(role)
}

// split tells privileges with grant option from those without.
func split(privileges []string, columns string) (plain, grantable string) {
	var without, with []string
	for _, p := range privileges {
		if p, is := strings.CutSuffix(p, " WITH GRANT OPTION"); is {
			with = append(with, p+columns)
		} else {
			without = append(without, p+columns)
		}
	}
	return strings.Join(without, ", "), strings.Join(with, ", ")
}
