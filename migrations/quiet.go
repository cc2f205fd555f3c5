package migrations

import (
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// Reading the schema of a large database after each of hundreds of statements takes longer than all of them. A quiet statement makes something
// new and demands nothing of rows that exist, so what it made is read together with what comes next.

const ident = "(?:\"[^\"]+\"|`[^`]+`|\\[[^\\]]+\\]|[\\w$]+)"

// quietForms are those statements; their groups are the name of the object and, for indexes, the table's.
var quietForms = []struct {
	kind string
	form *regexp.Regexp
}{
	{"table", regexp.MustCompile(`(?is)^create table (?:if not exists )?((?:` + ident + `\.)?` + ident + `) ?\(`)},
	{"index", regexp.MustCompile(`(?is)^create index (?:if not exists )?(` + ident + `) on ((?:` + ident + `\.)?` + ident + `) ?(?:using \w+ )?\(`)},
	{"column", regexp.MustCompile(`(?is)^alter table (?:only )?((?:` + ident + `\.)?` + ident + `) add (?:column )?(` + ident + `) (?:text|bigint|integer|int|boolean|date|timestamptz|timestamp|jsonb?|uuid|varchar ?\(\d+\)|numeric ?\(\d+, ?\d+\))$`)},
}

// tableFromQuery finds CREATE TABLE … AS behind the list of columns.
var tableFromQuery = regexp.MustCompile(`(?is)\b(as|select|inherits|partition|like|with)\b`)

// quiet is what a quiet statement makes; false for all others.
func quiet(sql string) (changed, bool) {
	text := strings.TrimRight(strings.Join(strings.Fields(withoutComments(sql)), " "), "; ")
	for _, q := range quietForms {
		m := q.form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		switch q.kind {
		case "table":
			return changed{kind: "table", name: spelled(m[1])}, !tableFromQuery.MatchString(redactor{names: map[string]bool{}}.strings(text))
		case "index":
			return changed{kind: "index", name: spelled(m[2]), more: []string{unquotedIdent(m[1])}}, true
		}
		column := unquotedIdent(m[2])
		return changed{kind: "column", name: spelled(m[1]), more: []string{column}, columns: []string{column}}, !notColumn[strings.ToLower(column)]
	}
	return changed{}, false
}

// notColumn are the words that ADD is followed by where it adds no column.
var notColumn = map[string]bool{"constraint": true, "check": true, "unique": true, "primary": true, "foreign": true, "index": true, "key": true, "fulltext": true, "spatial": true, "column": true, "partition": true, "period": true, "system": true, "exclude": true}

// spelled is a name as a statement writes it.
func spelled(text string) schema.Name {
	if i := strings.LastIndexByte(text, '.'); i > 0 && !strings.HasSuffix(text[:i], "main") && !strings.HasSuffix(text[:i], "public") {
		return schema.Name{Schema: unquotedIdent(text[:i]), Name: unquotedIdent(text[i+1:])}
	}
	return schema.Name{Name: unquotedIdent(text[strings.LastIndexByte(text, '.')+1:])}
}

func unquotedIdent(text string) string { return strings.Trim(text, "\"`[]") }
