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

// saysOnly reports whether an environment says nothing of an object but these attributes: what has more than a statement here spells is the
// migration's.
func (x *fixer) saysOnly(environment string, a snapshot.Address, attributes ...string) bool {
	return !slices.ContainsFunc(x.attributes(environment, a), func(name string) bool { return !slices.Contains(attributes, name) })
}

// attributes are those that an environment has of an object, without links (@…), which follow from the others.
func (x *fixer) attributes(environment string, a snapshot.Address) []string {
	var names []string
	x.each(environment, strings.TrimPrefix(a.String(), a.Scope+":")+"#", func(at snapshot.Address, _ snapshot.Value) {
		if !strings.HasPrefix(at.Attribute, "@") {
			names = append(names, at.Attribute)
		}
	})
	return names
}

// partitioned reports whether a table consists of partitions on any side.
func (x *fixer) partitioned(table []string) bool {
	for _, s := range x.sides {
		if _, is := x.fact(s.Name, snapshot.Object(x.at.Scope, "table", table...).Attr("partition_by")); is {
			return true
		}
	}
	return false
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

// createIndex makes a plain index as it is where it is there; one over expressions or of another method is the migration's.
func (x *fixer) createIndex() []finding.Fix {
	d, known := x.dialect()
	table, name, named := x.part()
	lacking, from, ok := x.missingHere()
	if !known || !named || !ok {
		return nil
	}
	a := x.at.Whole()
	if !x.saysOnly(from, a, "columns", "unique") || strings.HasPrefix(name, "index(") { // the latter has no name of its own
		return nil
	}
	concurrently := d.concurrently
	if x.partitioned(table) { // of whose index each part's is made: not while others write
		concurrently = ""
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
	return statement(lacking, "CREATE"+unique+" INDEX"+concurrently+" "+d.name(name)+" ON "+d.name(table...)+" ("+strings.Join(columns, ", ")+")")
}

func (x *fixer) addConstraint() []finding.Fix {
	d, known := x.dialect()
	table, name, named := x.part()
	lacking, from, ok := x.missingHere()
	if !known || !d.constraints || !named || !ok || x.at.Attribute != "" {
		return nil
	}
	a := x.at.Whole()
	if !x.saysOnly(from, a, "type", "columns", "definition", "references", "on_delete", "on_update") {
		return nil
	}
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
	if d.notValid && (kind == "check" || kind == "foreign key" && !x.partitioned(table)) {
		return statement(lacking, add+" NOT VALID", alter+" VALIDATE CONSTRAINT "+d.name(name))
	}
	return statement(lacking, add)
}

// references is a foreign key as a statement spells it.
func (x *fixer) references(d dialect, from, columns string) string {
	a := x.at.Whole()
	other, _ := x.text(from, a.Attr("@references_table"))
	text, _ := x.text(from, a.Attr("references"))
	keys := strings.Split(strings.TrimSuffix(text[strings.LastIndex(text, "(")+1:], ")"), ",")
	var known []string // the same in no order: a name with a comma in it would be two
	for _, link := range x.list(from, a.Attr("@references_columns")) {
		parts := idents(link)
		known = append(known, parts[len(parts)-1])
	}
	if other == "" || !slices.Equal(slices.Sorted(slices.Values(keys)), slices.Sorted(slices.Values(known))) {
		return ""
	}
	body := "FOREIGN KEY (" + columns + ") REFERENCES " + d.name(idents(other)...) + " (" + d.list(keys) + ")"
	for _, on := range []struct{ attribute, clause string }{{"on_delete", " ON DELETE "}, {"on_update", " ON UPDATE "}} {
		if does, has := x.text(from, a.Attr(on.attribute)); has {
			if !slices.Contains([]string{"cascade", "set null", "set default", "restrict"}, does) {
				return ""
			}
			body += on.clause + strings.ToUpper(does)
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
