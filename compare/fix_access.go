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

// privilege is a privilege as aclexplode spells it.
var privilege = regexp.MustCompile(`^[A-Z]+( WITH GRANT OPTION)?$`)

// grant gives the last environment (or the odd one) what the others give a role, and takes what they do not.
func (x *fixer) grant() []finding.Fix {
	kind, object, ok := strings.Cut(x.at.Name, "/")
	what := ownable[kind]
	want, others, found := x.wanted()
	if x.engine() != "postgres" || x.at.Kind != "grant" || !ok || what == "" || !found || x.at.Attribute == "" {
		return nil
	}
	if kind == "view" {
		what = "TABLE" // GRANT calls it so
	}
	d := dialects["postgres"]
	to := snapshot.Unescape(x.at.Attribute)
	if to != "PUBLIC" {
		to = d.name(to)
	}
	on := " ON " + what + " " + d.name(idents(object)...)
	wanted := privileges(want)
	var out []finding.Fix
	for _, side := range others {
		has := privileges(side)
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
		if len(statements) > 0 {
			out = append(out, statement([]finding.Side{side}, statements...)...)
		}
	}
	return out
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
		if t, ok := item.Text(); ok && privilege.MatchString(t) {
			out = append(out, t)
		}
	}
	return out
}

func (x *fixer) owner() []finding.Fix {
	want, others, ok := x.wanted()
	what := ownable[x.at.Kind]
	if x.engine() != "postgres" || what == "" || !ok || want.State != finding.Present {
		return nil
	}
	v, err := snapshot.ParseValue(want.Value)
	if err != nil {
		return nil
	}
	role, isText := v.Text()
	if !isText || role == "pg_database_owner" { // is the database's owner, whatever that is called there
		return nil
	}
	d := dialects["postgres"]
	return statement(others, "ALTER "+what+" "+d.name(idents(x.at.Name)...)+" OWNER TO "+d.name(role))
}

func (x *fixer) comment() []finding.Fix {
	what, column := ownable[x.at.Kind], x.at.Kind == "column"
	want, others, ok := x.wanted()
	if x.engine() != "postgres" || what == "" && !column || !ok || x.at.Attribute != "comment" {
		return nil
	}
	if column {
		what = "COLUMN"
	}
	text := "NULL"
	if want.State == finding.Present {
		v, err := snapshot.ParseValue(want.Value)
		if err != nil {
			return nil
		}
		t, isText := v.Text()
		if !isText || strings.ContainsAny(t, "\\‹›") {
			return nil
		}
		text = "'" + strings.ReplaceAll(t, "'", "''") + "'"
	}
	return statement(others, "COMMENT ON "+what+" "+dialects["postgres"].name(idents(x.at.Name)...)+" IS "+text)
}

// serverSetting is a server setting, also one of an extension.
var serverSetting = regexp.MustCompile(`^[a-z][a-z0-9_.]*$`)

func (x *fixer) setting() []finding.Fix {
	want, others, ok := x.wanted()
	name := snapshot.Unescape(x.at.Name)
	if x.at.Kind != "setting" || x.at.Attribute != "value" || !serverSetting.MatchString(name) || !ok || want.State != finding.Present {
		return nil
	}
	v, err := snapshot.ParseValue(want.Value)
	if err != nil || v.IsSecret() {
		return nil
	}
	value, isText := v.Text()
	if !isText {
		value = v.Display()
	}
	if strings.ContainsAny(value, "'\\‹›") {
		return nil
	}
	switch x.engine() {
	case "postgres":
		return statement(others, "ALTER SYSTEM SET "+name+" = '"+value+"'", "SELECT pg_reload_conf()")
	case "mysql":
		if !word.MatchString(value) || strings.Trim(value, "0123456789") != "" {
			value = "'" + value + "'"
		}
		return statement(others, "SET GLOBAL "+name+" = "+value)
	}
	return nil
}

// readOnly makes a replica refuse writes.
func (x *fixer) readOnly() []finding.Fix {
	switch x.engine() {
	case "postgres":
		return nil // a standby takes none: what takes writes is no standby any more
	case "mysql":
		return statement(x.present(), "SET GLOBAL read_only = ON")
	}
	return nil
}
