package migrations

import (
	"strings"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/schema"
)

// redactor takes the literals out of statements that bear rows, for the report. DDL stays as it is: its literals (a
// default, the list of a check) are part of the schema, and whoever reads the report must see them. A text in double
// quotes is a name only if the schema knows it: SQLite and MySQL take it for a string otherwise.
type redactor struct {
	names map[string]bool
}

// newRedactor knows the names of these schemas.
func newRedactor(dbs ...*schema.Database) redactor {
	r := redactor{names: map[string]bool{}}
	for _, db := range dbs {
		if db == nil {
			continue
		}
		for _, t := range db.Tables {
			r.add(t.Name.Schema, t.Name.Name)
			for _, c := range t.Columns {
				r.add(c.Name)
			}
			for _, x := range t.Indexes {
				r.add(x.Name)
			}
		}
		for _, v := range db.Views {
			r.add(v.Name.Schema, v.Name.Name)
			r.add(v.Columns...)
		}
	}
	return r
}

func (r redactor) add(names ...string) {
	for _, n := range names {
		r.names[strings.ToLower(n)] = true
	}
}

// ddl are the words that begin statements without rows.
var ddl = map[string]bool{"CREATE": true, "ALTER": true, "DROP": true, "PRAGMA": true, "BEGIN": true, "COMMIT": true, "END": true, "ROLLBACK": true, "SAVEPOINT": true,
	"RELEASE": true, "REINDEX": true, "ANALYZE": true, "VACUUM": true, "COMMENT": true, "GRANT": true, "REVOKE": true, "LOCK": true, "START": true, "TRUNCATE": true}

// statement is one statement as the report shows it: its literals are ? if it bears rows, and comments are gone.
func (r redactor) statement(sql string) string {
	text := withoutComments(sql)
	word := text
	if i := strings.IndexFunc(text, func(c rune) bool { return c <= ' ' || c == ';' || c == '(' }); i >= 0 {
		word = text[:i]
	}
	if ddl[strings.ToUpper(word)] {
		return text
	}
	return r.literals(text)
}

// strings replaces every string by ? and leaves the rest as it is.
func (r redactor) strings(sql string) string {
	var b strings.Builder
	for len(sql) > 0 {
		tok, n := scan(sql)
		if tok == tokenString {
			b.WriteByte('?')
		} else {
			b.WriteString(sql[:n])
		}
		sql = sql[n:]
	}
	return b.String()
}

// literals replaces every string, number and blob by ?.
func (r redactor) literals(sql string) string {
	var b strings.Builder
	for len(sql) > 0 {
		tok, n := scan(sql)
		text := sql[:n]
		switch tok {
		case tokenString, tokenNumber:
			b.WriteByte('?')
		case tokenQuoted:
			if name := strings.ReplaceAll(strings.Trim(text, `"`), `""`, `"`); r.names[strings.ToLower(name)] {
				b.WriteString(text)
			} else {
				b.WriteByte('?')
			}
		case tokenComment:
			b.WriteByte(' ')
		default:
			b.WriteString(text)
		}
		sql = sql[n:]
	}
	return b.String()
}

// withoutComments is a statement without comments and outer white space.
func withoutComments(sql string) string {
	var b strings.Builder
	for len(sql) > 0 {
		tok, n := scan(sql)
		if tok == tokenComment {
			b.WriteByte(' ')
		} else {
			b.WriteString(sql[:n])
		}
		sql = sql[n:]
	}
	return strings.TrimSpace(b.String())
}

// token is a lexical class that redaction tells apart.
type token int

const (
	tokenOther token = iota
	tokenWord
	tokenNumber
	tokenString // '…', x'…', $tag$…$tag$
	tokenQuoted // "…"
	tokenComment
)

// scan gives the class and length of the first token of s, which is not empty. An unfinished token reaches to the end.
func scan(s string) (token, int) {
	c := s[0]
	switch {
	case c == '\'':
		return tokenString, quotedEnd(s, 0, '\'', false)
	case c == '"':
		return tokenQuoted, quotedEnd(s, 0, '"', false)
	case c == '`':
		return tokenOther, quotedEnd(s, 0, '`', false)
	case c == '[':
		return tokenOther, 1
	case strings.HasPrefix(s, "--"):
		return tokenComment, until(s, "\n")
	case strings.HasPrefix(s, "/*"):
		return tokenComment, until(s, "*/")
	case c == '$':
		if end := strings.IndexByte(s[1:], '$'); end >= 0 && isWord(s[1:end+1]) {
			tag := s[:end+2]
			if i := strings.Index(s[len(tag):], tag); i >= 0 {
				return tokenString, len(tag) + i + len(tag)
			}
			return tokenString, len(s)
		}
		return tokenOther, 1
	case digit(c) || c == '.' && len(s) > 1 && digit(s[1]):
		return tokenNumber, numberEnd(s)
	case letter(c):
		n := wordEnd(s)
		if n < len(s) && s[n] == '\'' && n == 1 { // x'…' b'…' e'…' n'…'
			return tokenString, quotedEnd(s, n, '\'', c == 'e' || c == 'E')
		}
		return tokenWord, n
	}
	_, n := utf8.DecodeRuneInString(s)
	return tokenOther, n
}

func until(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i + len(end)
	}
	return len(s)
}

// quotedEnd is the end of the text quoted at s[start]; a doubled quote stands for itself, a backslash
// for the next byte where escapes are on.
func quotedEnd(s string, start int, quote byte, escapes bool) int {
	for i := start + 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// numberEnd takes digits, a point, an exponent, hexadecimal digits and separators.
func numberEnd(s string) int {
	i := 0
	for i < len(s) && (digit(s[i]) || letter(s[i]) || s[i] == '.' || (s[i] == '+' || s[i] == '-') && (s[i-1] == 'e' || s[i-1] == 'E') && !strings.HasPrefix(strings.ToLower(s), "0x")) {
		i++
	}
	return i
}

func wordEnd(s string) int {
	i := 0
	for i < len(s) && (letter(s[i]) || digit(s[i]) || s[i] == '$') {
		i++
	}
	return i
}

func isWord(s string) bool {
	return s == "" || letter(s[0]) && !strings.Contains(s[:wordEnd(s)], "$") && wordEnd(s) == len(s)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
