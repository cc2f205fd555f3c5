package compare

import (
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// ownable are the kinds of objects whose privileges and owners PostgreSQL's statements name as an address does.
var ownable = map[string]string{"table": "TABLE", "view": "VIEW", "sequence": "SEQUENCE", "schema": "SCHEMA", "enum": "TYPE", "domain": "DOMAIN"}

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
			statements = x.grantStatements(x.at.Attribute, privileges(want), privileges(side))
		} else {
			for _, grantee := range x.grantees(want, side) {
				a := x.at
				a.Attribute = grantee
				statements = append(statements, x.grantStatements(grantee, spelt(x.list(want.Environment, a)), spelt(x.list(side.Environment, a)))...)
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
	on, to, ok := x.grantOf(snapshot.Unescape(grantee))
	if !ok {
		return nil
	}
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

// grantOf is the finding's object and a grantee as GRANT spells them. Of MySQL those of the server and of tables: a database's
// own name is every environment's, and ON * is all databases where none is chosen.
func (x *fixer) grantOf(grantee string) (on, to string, ok bool) {
	kind, object, _ := strings.Cut(x.at.Name, "/")
	d, known := x.dialect()
	if !known || grantee == "" {
		return "", "", false
	}
	switch engine := x.engine(); {
	case engine == "postgres" && ownable[kind] != "":
		what := ownable[kind]
		if kind == "view" {
			what = "TABLE" // GRANT calls it so
		}
		on, to = " ON "+what+" "+d.name(idents(object)...), d.name(grantee)
	case engine == "mysql" && (kind == "table" || kind == "view" || x.at.Name == "server"):
		on = " ON *.*"
		if x.at.Name != "server" {
			on = " ON " + d.name(idents(object)...)
		}
		user, host, account := cutLast(grantee, "@")
		if strings.ContainsAny(host, "() ") { // the server's own host, which has another name on another
			return "", "", false
		}
		if to = d.name(user); account {
			to += "@" + d.name(host)
		}
	default:
		return "", "", false
	}
	if grantee == "PUBLIC" {
		to = grantee
	}
	return on, to, true
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// privileges are those of a side, none where it has none; what is not spelt as one is left out.
func privileges(s finding.Side) []string {
	if s.State != finding.Present {
		return nil
	}
	v, err := snapshot.ParseValue(s.Value)
	if err != nil {
		return nil
	}
	var out []string
	for _, item := range v.Items() {
		if t, ok := item.Text(); ok {
			out = append(out, t)
		}
	}
	return spelt(out)
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
	return statement(others, "ALTER "+what+" "+d.name(idents(x.at.Name)...)+" OWNER TO "+d.name(role))
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
	if what == "" {
		return nil
	}
	return statement(others, "COMMENT ON "+what+" "+d.name(idents(x.at.Name)...)+" IS "+quoted)
}
