package compare

import (
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// ownable are the kinds of objects whose privileges and owners PostgreSQL's statements name as an address does.
var ownable = map[string]string{"table": "TABLE", "view": "VIEW", "sequence": "SEQUENCE", "schema": "SCHEMA", "enum": "TYPE", "domain": "DOMAIN", "routine": "ROUTINE"}

// everybodys are the privileges that PUBLIC has of new objects (acldefault in acl.c of PostgreSQL): nothing is said of a PUBLIC that has them.
var everybodys = map[string][]string{"routine": {"EXECUTE"}, "enum": {"USAGE"}, "domain": {"USAGE"}}

// privilege is a privilege as aclexplode and MySQL's tables of privileges spell it.
var privilege = regexp.MustCompile(`^[A-Z_]+( [A-Z_]+)*$`)

// grant gives the last environment (or the odd one) what the others give a role, and takes what they do not. A finding about all of an object's
// privileges is about each role's.
func (x *fixer) grant() []finding.Fix {
	want, others, found := x.wanted()
	if x.at.Kind != "grant" || !found {
		return nil
	}
	var out []finding.Fix
	for _, side := range others {
		var statements []string
		if x.at.Attribute != "" {
			statements = x.grantStatements(x.at.Attribute, x.privileges(want, x.at.Attribute), x.privileges(side, x.at.Attribute))
		} else {
			for _, grantee := range x.grantees(want, side) {
				statements = append(statements, x.grantStatements(grantee, x.held(want.Environment, grantee), x.held(side.Environment, grantee))...)
			}
		}
		if len(statements) > 0 {
			out = append(out, statement([]finding.Side{side}, statements...)...)
		}
	}
	return out
}

// grantees are the roles that have a privilege of the finding's object on one of the sides, as addresses name them.
func (x *fixer) grantees(sides ...finding.Side) []string {
	var names []string
	for _, s := range sides {
		names = append(names, x.attributes(s.Environment, x.at)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// grantStatements give a role what is wanted and take what is not.
func (x *fixer) grantStatements(grantee string, wanted, has []string) []string {
	columns, on, to, ok := x.grantOf(snapshot.Unescape(grantee))
	if !ok {
		return nil
	}
	if columns != "" { // GRANT OPTION is a table's
		isOption := func(p string) bool { return p == "GRANT OPTION" }
		wanted, has = slices.DeleteFunc(slices.Clone(wanted), isOption), slices.DeleteFunc(slices.Clone(has), isOption)
	}
	on = columns + on
	var statements []string
	for _, p := range wanted {
		plain, grantable := strings.CutSuffix(p, " WITH GRANT OPTION")
		option := ""
		if grantable {
			option = " WITH GRANT OPTION"
		}
		if !slices.Contains(has, p) {
			statements = append(statements, "GRANT "+plain+on+" TO "+to+option)
		}
	}
	for _, p := range has {
		plain, grantable := strings.CutSuffix(p, " WITH GRANT OPTION")
		switch {
		case slices.Contains(wanted, p):
		case grantable && slices.Contains(wanted, plain):
			statements = append(statements, "REVOKE GRANT OPTION FOR "+plain+on+" FROM "+to)
		case !grantable && slices.Contains(wanted, plain+" WITH GRANT OPTION"): // granted above
		default:
			statements = append(statements, "REVOKE "+plain+on+" FROM "+to)
		}
	}
	return statements
}

// grantOf is the finding's object and a grantee as GRANT spells them, and of a column what stands behind the privilege. Of MySQL not those of a database: its own
// name is every environment's, and ON * is all databases where none is chosen.
func (x *fixer) grantOf(grantee string) (columns, on, to string, ok bool) {
	kind, object, _ := strings.Cut(x.at.Name, "/")
	d, known := x.dialect()
	if !known || grantee == "" {
		return "", "", "", false
	}
	names := idents(object)
	if kind == "column" && len(names) > 1 {
		columns, names, kind = " ("+d.name(names[len(names)-1])+")", names[:len(names)-1], "table"
	}
	switch engine := x.engine(); {
	case engine == "postgres" && ownable[kind] != "":
		what := ownable[kind]
		switch kind {
		case "view":
			what = "TABLE" // GRANT calls it so
		case "enum", "domain":
			what = "TYPE"
		}
		name, plain := called(d, kind, names)
		if !plain {
			return "", "", "", false
		}
		on, to = " ON "+what+" "+name, d.name(grantee)
	case engine == "mysql":
		if on = x.mysqlObject(d, kind, names); on == "" {
			return "", "", "", false
		}
		user, host, account := cutLast(grantee, "@")
		if strings.ContainsAny(host, "() ") { // the server's own host, which has another name on another
			return "", "", "", false
		}
		if to = d.name(user); account {
			to += "@" + d.name(host)
		}
	default:
		return "", "", "", false
	}
	if grantee == "PUBLIC" {
		to = grantee
	}
	return columns, on, to, true
}

// mysqlObject is what MySQL and MariaDB grant privileges on. Where a function and a procedure share their name, which of them it is stands behind it.
func (x *fixer) mysqlObject(d dialect, kind string, names []string) string {
	switch {
	case x.at.Name == "server":
		return " ON *.*"
	case kind == "table", kind == "view":
		return " ON " + d.name(names...)
	case kind != "routine":
		return ""
	}
	what := strings.Trim(names[len(names)-1], " ()")
	if len(names) == 1 {
		for _, s := range x.sides {
			if what, _ = x.text(s.Name, snapshot.Object(x.at.Scope, "routine", names[0]).Attr("kind")); what != "" {
				break
			}
		}
	}
	if what != "function" && what != "procedure" {
		return ""
	}
	return " ON " + strings.ToUpper(what) + " " + d.name(names[0])
}

// argumentTypes are those of a PostgreSQL routine, as its address has them behind the name.
var argumentTypes = regexp.MustCompile(`^\([A-Za-z0-9_ ,."\[\]]*\)$`)

// called is an object's name as PostgreSQL's statements have it: a routine's with its argument types.
func called(d dialect, kind string, names []string) (string, bool) {
	if kind != "routine" {
		return d.name(names...), true
	}
	last := names[len(names)-1]
	at := strings.IndexByte(last, '(')
	if at < 1 || !argumentTypes.MatchString(last[at:]) {
		return "", false
	}
	return d.name(append(slices.Clone(names[:len(names)-1]), last[:at])...) + last[at:], true
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// privileges are those that a side gives a grantee; what is not spelt as one is left out.
func (x *fixer) privileges(s finding.Side, grantee string) []string {
	v, err := snapshot.ParseValue(s.Value)
	if s.State != finding.Present || err != nil {
		return x.unsaid(grantee)
	}
	var out []string
	for _, item := range v.Items() {
		if t, ok := item.Text(); ok {
			out = append(out, t)
		}
	}
	return spelt(out)
}

// held are those of an environment's snapshot.
func (x *fixer) held(environment, grantee string) []string {
	a := x.at
	a.Attribute = grantee
	if _, has := x.fact(environment, a); !has {
		return x.unsaid(grantee)
	}
	return spelt(x.list(environment, a))
}

// unsaid are the privileges of a grantee of whom nothing is said: none, but for PUBLIC.
func (x *fixer) unsaid(grantee string) []string {
	kind, _, _ := strings.Cut(x.at.Name, "/")
	if grantee == "PUBLIC" && x.engine() == "postgres" {
		return everybodys[kind]
	}
	return nil
}

// spelt are the texts that are spelt as privileges are.
func spelt(texts []string) []string {
	return slices.DeleteFunc(texts, func(t string) bool { return !privilege.MatchString(t) })
}

// owner makes what is there belong to the role that the others' belongs to.
func (x *fixer) owner() []finding.Fix {
	want, others, ok := x.wanted()
	role, is := textOf(want)
	what := x.calls(want.Environment)
	if x.engine() != "postgres" || what == "" || !ok || !is || role == "pg_database_owner" { // is the database's owner, whatever that is called there
		return nil
	}
	if _, linked := x.fact(want.Environment, x.at.Whole().Attr("owned_by")); linked { // a column's sequence goes with its table
		return nil
	}
	d := dialects["postgres"]
	name, plain := called(d, x.at.Kind, idents(x.at.Name))
	if !plain {
		return nil
	}
	return statement(others, "ALTER "+what+" "+name+" OWNER TO "+d.name(role))
}

// calls is what PostgreSQL's statements call the finding's object; "" for what they do not name as an address does.
func (x *fixer) calls(environment string) string {
	if x.at.Kind == "view" && x.says(environment, x.at.Whole().Attr("materialized"), true) {
		return "MATERIALIZED VIEW"
	}
	return ownable[x.at.Kind]
}

// comment writes the wanted comment. MySQL's of a column is a part of its definition.
func (x *fixer) comment() []finding.Fix {
	want, others, ok := x.wanted()
	if !ok || x.at.Attribute != "comment" {
		return nil
	}
	text, is := textOf(want)
	quoted, plain := literal(text)
	if want.State == finding.Present && !is || !plain {
		return nil
	}
	d, _ := x.dialect()
	what := x.calls(want.Environment)
	switch engine := x.engine(); {
	case engine == "mysql" && x.at.Kind == "table":
		return statement(others, "ALTER TABLE "+d.name(idents(x.at.Name)...)+" COMMENT = "+quoted)
	case engine == "mysql" && x.at.Kind == "column":
		return x.alterColumn()
	case engine != "postgres":
		return nil
	case x.at.Kind == "column":
		what = "COLUMN"
	}
	if want.State != finding.Present {
		quoted = "NULL"
	}
	name, plain := called(d, x.at.Kind, idents(x.at.Name))
	if what == "" || !plain {
		return nil
	}
	return statement(others, "COMMENT ON "+what+" "+name+" IS "+quoted)
}
