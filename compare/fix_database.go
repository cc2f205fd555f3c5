package compare

import (
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// dialect is how an engine spells what a fix needs; "" is what it cannot do.
type dialect struct {
	quote        string // of identifiers
	concurrently string // after CREATE INDEX
	constraints  bool   // ALTER TABLE … ADD CONSTRAINT
	notValid     bool   // in two steps, the second of which does not block writes
}

var dialects = map[string]dialect{
	"postgres": {quote: `"`, concurrently: " CONCURRENTLY", constraints: true, notValid: true},
	"mysql":    {quote: "`", constraints: true},
	"sqlite":   {quote: `"`},
}

// dialect is that of the finding's database.
func (x *fixer) dialect() (dialect, bool) {
	d, ok := dialects[x.engine()]
	return d, ok
}

// name quotes identifiers and joins them.
func (d dialect) name(idents ...string) string {
	quoted := make([]string, len(idents))
	for i, s := range idents {
		quoted[i] = d.quote + strings.ReplaceAll(s, d.quote, d.quote+d.quote) + d.quote
	}
	return strings.Join(quoted, ".")
}

func (d dialect) list(idents []string) string {
	quoted := make([]string, len(idents))
	for i, s := range idents {
		quoted[i] = d.name(s)
	}
	return strings.Join(quoted, ", ")
}

// idents are the identifiers of an address's name: [schema] table [part].
func idents(name string) []string {
	parts := strings.Split(name, ".")
	for i := range parts {
		parts[i] = snapshot.Unescape(parts[i])
	}
	return parts
}

// part is the table and the own name of a column, index or constraint.
func (x *fixer) part() (table []string, own string, ok bool) {
	all := idents(x.at.Name)
	if len(all) < 2 {
		return nil, "", false
	}
	return all[:len(all)-1], all[len(all)-1], true
}

// expression reports whether a server's own text of an expression may stand in a statement: whole, in one line, without what was masked.
func expression(text string) bool {
	return text != "" && len(text) < 1000 && !strings.ContainsAny(text, ";\n\r\t‹›\\") && !strings.Contains(text, "--") && !strings.Contains(text, "/*") &&
		strings.Count(text, "(") == strings.Count(text, ")") && strings.Count(text, "'")%2 == 0
}

// statement is SQL for sides.
func statement(sides []finding.Side, sql ...string) []finding.Fix {
	where := whereAll(sides)
	for _, s := range sql {
		if where == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil
		}
	}
	return []finding.Fix{{Where: where, Command: strings.Join(sql, "; ") + ";"}}
}

func (x *fixer) addColumn() []finding.Fix {
	d, known := x.dialect()
	table, column, named := x.part()
	lacking, from, ok := x.missingHere()
	if !known || !named || !ok {
		return nil
	}
	a := x.at.Whole()
	definition, ok := x.text(from, a.Attr("type"))
	if _, generated := x.fact(from, a.Attr("generated")); generated || !ok || !expression(definition) {
		return nil
	}
	if v, has := x.fact(from, a.Attr("default")); has {
		text, isText := v.Text()
		if !isText || !expression(text) {
			return nil
		}
		definition += " DEFAULT " + text
	}
	if v, has := x.fact(from, a.Attr("nullable")); has {
		if may, ok := v.Truth(); ok && !may {
			definition += " NOT NULL"
		}
	}
	return statement(lacking, "ALTER TABLE "+d.name(table...)+" ADD COLUMN "+d.name(column)+" "+definition)
}

// alterColumn changes one property of a column. MySQL wants the whole definition again, SQLite cannot.
func (x *fixer) alterColumn() []finding.Fix {
	table, column, named := x.part()
	want, others, ok := x.wanted()
	if x.engine() != "postgres" || !named || !ok {
		return nil
	}
	d := dialects["postgres"]
	text := ""
	if want.State == finding.Present {
		v, err := snapshot.ParseValue(want.Value)
		if err != nil {
			return nil
		}
		text, _ = v.Text()
	}
	change := ""
	switch x.at.Attribute {
	case "nullable": // said only of columns that may not be NULL
		change = "DROP NOT NULL"
		if want.State == finding.Present {
			change = "SET NOT NULL"
		}
	case "default":
		change = "DROP DEFAULT"
		if want.State == finding.Present {
			change = "SET DEFAULT " + text
		}
	case "type":
		change = "TYPE " + text
	default:
		return nil
	}
	if strings.HasSuffix(change, " ") || !expression(change) {
		return nil
	}
	return statement(others, "ALTER TABLE "+d.name(table...)+" ALTER COLUMN "+d.name(column)+" "+change)
}

// createIndex makes a plain index as it is where it is there; one over expressions or of another method is the migration's.
func (x *fixer) createIndex() []finding.Fix {
	d, known := x.dialect()
	table, name, named := x.part()
	lacking, from, ok := x.missingHere()
	if !known || !named || !ok {
		return nil
	}
	a := x.at.Whole()
	for _, special := range []string{"method", "where", "include", "nulls_not_distinct", "hidden"} {
		if _, has := x.fact(from, a.Attr(special)); has {
			return nil
		}
	}
	columns := x.list(from, a.Attr("columns"))
	for i, c := range columns {
		column, descending := strings.CutSuffix(c, " desc")
		own := snapshot.Object(x.at.Scope, "column", append(slices.Clone(table), column)...).Attr("type")
		if _, is := x.fact(from, own); !is {
			return nil
		}
		if columns[i] = d.name(column); descending {
			columns[i] += " DESC"
		}
	}
	if len(columns) == 0 {
		return nil
	}
	unique := ""
	if v, has := x.fact(from, a.Attr("unique")); has {
		if is, _ := v.Truth(); is {
			unique = " UNIQUE"
		}
	}
	return statement(lacking, "CREATE"+unique+" INDEX"+d.concurrently+" "+d.name(name)+" ON "+d.name(table...)+" ("+strings.Join(columns, ", ")+")")
}

func (x *fixer) addConstraint() []finding.Fix {
	d, known := x.dialect()
	table, name, named := x.part()
	lacking, from, ok := x.missingHere()
	if !known || !d.constraints || !named || !ok || x.at.Attribute != "" {
		return nil
	}
	a := x.at.Whole()
	kind, _ := x.text(from, a.Attr("type"))
	columns := d.list(x.list(from, a.Attr("columns")))
	body := ""
	switch kind {
	case "primary key":
		body = "PRIMARY KEY (" + columns + ")"
	case "unique":
		body = "UNIQUE (" + columns + ")"
	case "check":
		text, _ := x.text(from, a.Attr("definition"))
		if !expression(text) {
			return nil
		}
		body = "CHECK (" + text + ")"
	case "foreign key":
		body = x.references(d, from, columns)
	}
	if body == "" || columns == "" && kind != "check" {
		return nil
	}
	alter := "ALTER TABLE " + d.name(table...)
	add := alter + " ADD "
	if strings.ContainsAny(name, "( ") { // named by its structure: it has no name of its own
		return statement(lacking, add+body)
	}
	add += "CONSTRAINT " + d.name(name) + " " + body
	if d.notValid && (kind == "check" || kind == "foreign key") {
		return statement(lacking, add+" NOT VALID", alter+" VALIDATE CONSTRAINT "+d.name(name))
	}
	return statement(lacking, add)
}

// references is a foreign key as a statement spells it.
func (x *fixer) references(d dialect, from, columns string) string {
	a := x.at.Whole()
	other, _ := x.text(from, a.Attr("@references_table"))
	text, _ := x.text(from, a.Attr("references"))
	_, list, ok := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	if !ok || other == "" {
		return ""
	}
	body := "FOREIGN KEY (" + columns + ") REFERENCES " + d.name(idents(other)...) + " (" + d.list(strings.Split(list, ",")) + ")"
	for attribute, clause := range map[string]string{"on_delete": " ON DELETE ", "on_update": " ON UPDATE "} {
		if does, has := x.text(from, a.Attr(attribute)); has {
			if !slices.Contains([]string{"cascade", "set null", "set default", "restrict"}, does) {
				return ""
			}
			body += clause + strings.ToUpper(does)
		}
	}
	return body
}

func (x *fixer) validate() []finding.Fix {
	table, name, named := x.part()
	if x.engine() != "postgres" || !named {
		return nil
	}
	d := dialects["postgres"]
	return statement(x.present(), "ALTER TABLE "+d.name(table...)+" VALIDATE CONSTRAINT "+d.name(name))
}

func (x *fixer) reindex() []finding.Fix {
	table, name, named := x.part()
	if x.engine() != "postgres" || !named {
		return nil
	}
	return statement(x.present(), "REINDEX INDEX CONCURRENTLY "+dialects["postgres"].name(append(slices.Clone(table[:len(table)-1]), name)...))
}
