package migrations

import (
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// lexeme is one token of a query.
type lexeme struct {
	token token
	text  string
	name  string // of an identifier, without its quotes
}

// is reports whether the lexeme is this keyword.
func (x lexeme) is(keyword string) bool {
	return x.token == tokenWord && strings.EqualFold(x.text, keyword)
}

// blank reports white space and comments.
func (x lexeme) blank() bool {
	return x.token == tokenComment || x.token == tokenOther && strings.TrimSpace(x.text) == ""
}

// next is the first lexeme of sql, which is not empty, as the engine reads it.
func next(sql, engineName string) lexeme {
	tok, n := scan(sql)
	quotes := ""
	switch c := sql[0]; {
	case c == '`':
		quotes = "`"
	case c == '"' && engineName != "mysql":
		quotes = `"`
	case engineName == "sqlite" && c == '[':
		n, quotes = until(sql, "]"), "]"
	case engineName != "mysql":
	case c == '#':
		tok, n = tokenComment, until(sql, "\n")
	case c == '\'' || c == '"':
		tok, n = tokenString, quotedEnd(sql, 0, c, true)
	case strings.HasPrefix(sql, "--") && len(sql) > 2 && sql[2] > ' ': // two minus signs
		tok, n = tokenOther, 1
	}
	x := lexeme{token: tok, text: sql[:n]}
	switch {
	case tok == tokenWord:
		x.name = x.text
	case quotes == "]":
		x.name = strings.Trim(x.text, "[]")
	case quotes != "" && n > 2:
		x.name = strings.ReplaceAll(x.text[1:n-1], quotes+quotes, quotes)
	}
	return x
}

// oneLine is a query without comments, on one line: white space becomes one space, except in names and literals.
func oneLine(sql, engineName string) string {
	var b strings.Builder
	gap, last := false, ""
	for len(sql) > 0 {
		x := next(sql, engineName)
		sql = sql[len(x.text):]
		if x.blank() {
			gap = true
			continue
		}
		if gap && last != "" && last != "(" && x.text != ")" {
			b.WriteByte(' ')
		}
		b.WriteString(x.text)
		gap, last = false, x.text
	}
	return b.String()
}

// notColumns are words that stand for a value although they look like a column's name.
var notColumns = regexp.MustCompile(`(?i)^(null|default|user|(current|session|local|utc|sys).*)$`)

// plainSelect gives the columns, as production calls them, of a query that is nothing but SELECT columns FROM t.
func plainSelect(query string, t *schema.Table, engineName string) ([]string, bool) {
	var words []lexeme
	for len(query) > 0 {
		x := next(query, engineName)
		query = query[len(x.text):]
		if !x.blank() && x.text != ";" {
			words = append(words, x)
		}
	}
	n := len(words)
	if n < 4 || !words[0].is("SELECT") || !words[n-2].is("FROM") || !strings.EqualFold(words[n-1].name, t.Name.Name) {
		return nil, false
	}
	list := words[1 : n-2]
	if len(list) == 1 && list[0].text == "*" {
		return everyColumn(t)
	}
	var items []string
	for i, x := range list {
		if i%2 == 1 {
			if x.text != "," {
				return nil, false
			}
			continue
		}
		name := columnNamed(t, x.name)
		if name == "" || x.token == tokenWord && notColumns.MatchString(x.text) {
			return nil, false
		}
		items = append(items, name)
	}
	return items, len(list)%2 == 1
}

// everyColumn is what * stands for.
func everyColumn(t *schema.Table) ([]string, bool) {
	var out []string
	for _, c := range t.Columns {
		if c.Hidden {
			return nil, false
		}
		out = append(out, c.Name)
	}
	return out, true
}

// columnNamed is a column's name as the table spells it; "" where there is none, or several that only differ in case.
func columnNamed(t *schema.Table, name string) string {
	found := ""
	for _, c := range t.Columns {
		if strings.EqualFold(c.Name, name) {
			if found != "" {
				return ""
			}
			found = c.Name
		}
	}
	return found
}
