package compare

import (
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// addColumn adds a column as it is on the other side. One that may not be NULL and has no default is the migration's: rows need a value.
func (x *fixer) addColumn() []finding.Fix {
	d, known := x.dialect()
	table, column, named := x.part()
	lacking, from, ok := x.missingHere()
	if !known || !named || !ok {
		return nil
	}
	a := x.at.Whole()
	definition, ok := x.columnDefinition(from, a)
	_, filled := x.fact(from, a.Attr("default"))
	if !ok || !filled && strings.Contains(definition, " NOT NULL") {
		return nil
	}
	add := []string{"ALTER TABLE " + d.name(table...) + " ADD COLUMN " + d.name(column) + " " + definition}
	if text, has := x.text(from, a.Attr("comment")); has && x.engine() == "postgres" {
		literal, ok := literal(text)
		if !ok {
			return nil
		}
		add = append(add, "COMMENT ON COLUMN "+d.name(append(slices.Clone(table), column)...)+" IS "+literal)
	}
	return statement(lacking, add...)
}

// constant is a default that every engine takes as it is; an expression MySQL wants in parentheses, and SQLite takes none in a new column.
var constant = regexp.MustCompile(`(?i)^([+-]?[0-9.]+(e[+-]?[0-9]+)?|'([^'\\]|'')*'|x'[0-9a-f]*'|null|true|false)$`)

// momentDefault is the one expression that MySQL takes without parentheses.
var momentDefault = regexp.MustCompile(`^CURRENT_TIMESTAMP(\([0-6]\))?$`)

// collationName is a collation as the engines' catalogues spell it.
var collationName = regexp.MustCompile(`^("[^"\\]+"|[A-Za-z0-9_]+)(\.("[^"\\]+"|[A-Za-z0-9_]+))?$`)

// columnDefinition is a column of an environment as ALTER TABLE spells it, its comment only where that is part of it (MySQL). False where it has
// more than that: it is generated, or numbered by itself, or its default is a sequence that may not be there.
func (x *fixer) columnDefinition(from string, a snapshot.Address) (string, bool) {
	engine := x.engine()
	spelt := []string{"type", "nullable", "default", "collation", "comment"}
	if engine == "mysql" {
		spelt = append(spelt, "on_update", "hidden")
	}
	definition, ok := x.text(from, a.Attr("type"))
	if !ok || !expression(definition) || !x.saysOnly(from, a, spelt...) {
		return "", false
	}
	nullable := !x.says(from, a.Attr("nullable"), false)
	timestamp := engine == "mysql" && strings.HasPrefix(definition, "timestamp") // which is NOT NULL where nothing is said
	if name, has := x.text(from, a.Attr("collation")); has {
		if !collationName.MatchString(name) {
			return "", false
		}
		definition += " COLLATE " + name
	}
	if v, has := x.fact(from, a.Attr("default")); has {
		text, isText := v.Text()
		if !isText || !expression(text) || strings.HasPrefix(text, "nextval(") {
			return "", false
		}
		plain := constant.MatchString(text)
		switch {
		case engine == "sqlite" && !plain:
			return "", false
		case engine == "mysql" && !plain && !momentDefault.MatchString(text):
			text = "(" + text + ")"
		}
		definition += " DEFAULT " + text
	}
	switch {
	case !nullable:
		definition += " NOT NULL"
	case timestamp:
		definition += " NULL"
	}
	if engine != "mysql" {
		return definition, true
	}
	return x.mysqlTail(from, a, definition)
}

// mysqlTail adds what only MySQL has in a column's definition.
func (x *fixer) mysqlTail(from string, a snapshot.Address, definition string) (string, bool) {
	if text, has := x.text(from, a.Attr("on_update")); has {
		if !momentDefault.MatchString(text) {
			return "", false
		}
		definition += " ON UPDATE " + text
	}
	if x.says(from, a.Attr("hidden"), true) {
		definition += " INVISIBLE"
	}
	if text, has := x.text(from, a.Attr("comment")); has {
		quoted, ok := literal(text)
		if !ok {
			return "", false
		}
		definition += " COMMENT " + quoted
	}
	return definition, true
}

// says reports whether an environment says so.
func (x *fixer) says(environment string, a snapshot.Address, want bool) bool {
	v, has := x.fact(environment, a)
	is, ok := v.Truth()
	return has && ok && is == want
}

// literal is a text in quotes that every engine reads alike; false where a backslash, which some take for an escape, or a masked part is in it.
func literal(text string) (string, bool) {
	if strings.ContainsAny(text, "\\‹›") {
		return "", false
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'", true
}

// alterColumn changes one property of a column. A type becomes one that holds all of its values, or one of the same family, in which the server refuses
// what does not fit: no value is ever cut or rounded. SQLite cannot.
func (x *fixer) alterColumn() []finding.Fix {
	table, column, named := x.part()
	want, others, ok := x.wanted()
	d, known := x.dialect()
	if !known || !named || !ok {
		return nil
	}
	change := sameValues
	if x.at.Attribute == "type" {
		change = x.typeChange(want, others)
		if change == otherValues || x.obstructed(others, column) {
			return nil
		}
	}
	alter := "ALTER TABLE " + d.name(table...)
	const refused = "which is refused where a row does not fit"
	switch x.engine() {
	case "postgres":
		clause, ok := x.postgresChange(want)
		if !ok {
			return nil
		}
		fixes := statement(others, alter+" ALTER COLUMN "+d.name(column)+" "+clause)
		if change == fewerValues {
			return noted(fixes, refused)
		}
		return fixes
	case "mysql":
		definition, ok := x.columnDefinition(want.Environment, x.at.Whole())
		if !ok || !slices.Contains([]string{"type", "nullable", "default", "comment", "on_update", "hidden"}, x.at.Attribute) || !x.alikeElse(want, others) {
			return nil
		}
		modify := alter + " MODIFY COLUMN " + d.name(column) + " " + definition
		if change == fewerValues { // without a strict mode the server cuts what does not fit
			return noted(statement(others, strictly, modify), refused)
		}
		return statement(others, modify)
	}
	return nil
}

// postgresChange is what ALTER COLUMN says.
func (x *fixer) postgresChange(want finding.Side) (string, bool) {
	text, is := textOf(want)
	switch x.at.Attribute {
	case "nullable": // said only of columns that may not be NULL
		if want.State == finding.Present {
			return "SET NOT NULL", true
		}
		return "DROP NOT NULL", true
	case "default":
		if want.State != finding.Present {
			return "DROP DEFAULT", true
		}
		return "SET DEFAULT " + text, is && expression(text) && !strings.HasPrefix(text, "nextval(")
	case "type":
		change := "TYPE " + text
		if name, has := x.text(want.Environment, x.at.Whole().Attr("collation")); has { // TYPE alone would take it away
			if !collationName.MatchString(name) {
				return "", false
			}
			change += " COLLATE " + name
		}
		return change, is && expression(text)
	}
	return "", false
}

// alikeElse reports whether the sides have the same column but for the finding's property: MODIFY says all of it.
func (x *fixer) alikeElse(want finding.Side, others []finding.Side) bool {
	a := x.at.Whole()
	for _, attribute := range []string{"type", "nullable", "default", "collation", "comment", "on_update", "hidden", "identity", "generated"} {
		if attribute == x.at.Attribute {
			continue
		}
		v, has := x.fact(want.Environment, a.Attr(attribute))
		for _, o := range others {
			w, also := x.fact(o.Environment, a.Attr(attribute))
			if has != also || has && v.JSON() != w.JSON() {
				return false
			}
		}
	}
	return true
}

func textOf(s finding.Side) (string, bool) {
	if s.State != finding.Present {
		return "", false
	}
	v, err := snapshot.ParseValue(s.Value)
	if err != nil {
		return "", false
	}
	return v.Text()
}
