package mysql

import (
	"fmt"
	"strings"
)

// tokenKind is what a piece of SQL text is.
type tokenKind uint8

const (
	tokenSpace tokenKind = iota
	tokenComment
	tokenWord      // names, keywords, numbers
	tokenQuoted    // `name`
	tokenString    // 'text' or "text"
	tokenSign      // any other byte; also /*! and its end
	tokenDelimiter // of a script
)

// token is a piece of a text: text[start:end].
type token struct {
	kind       tokenKind
	start, end int
	line       int
}

// is reports whether the token is this keyword or sign; quoted names are none.
func (t token) is(text, want string) bool {
	if t.kind != tokenWord && t.kind != tokenSign || t.end-t.start != len(want) {
		return false
	}
	return strings.EqualFold(text[t.start:t.end], want)
}

// lower is a keyword or sign in lower case, "" for what is quoted.
func (t token) lower(text string) string {
	if t.kind != tokenWord && t.kind != tokenSign {
		return ""
	}
	return strings.ToLower(text[t.start:t.end])
}

// name is the identifier that a token spells.
func (t token) name(text string) (string, bool) {
	switch t.kind {
	case tokenWord:
		return text[t.start:t.end], true
	case tokenQuoted:
		return unquote(text[t.start+1 : t.end-1]), true
	}
	return "", false
}

// lexer cuts text in the default sql_mode: backslash escapes, and double quotes for strings.
// (https://mariadb.com/kb/en/comment-syntax/, https://dev.mysql.com/doc/refman/8.4/en/comments.html)
type lexer struct {
	text      string
	at        int
	lines     int    // line breaks before at
	delimiter string // "" outside scripts
	versioned bool   // inside /*! … */, which is code
}

// next returns the next token, false at the end.
func (l *lexer) next() (token, bool, error) {
	if l.at >= len(l.text) {
		return token{}, false, nil
	}
	t := token{start: l.at, line: l.lines + 1}
	kind, end, err := l.scan(l.text[l.at:])
	if err != nil {
		return token{}, false, fmt.Errorf("line %d: %w", t.line, err)
	}
	t.kind, t.end = kind, l.at+end
	l.lines += strings.Count(l.text[t.start:t.end], "\n")
	l.at = t.end
	return t, true, nil
}

// scan measures the token at the start of rest.
func (l *lexer) scan(rest string) (tokenKind, int, error) {
	if l.delimiter != "" && !l.versioned && strings.HasPrefix(rest, l.delimiter) {
		return tokenDelimiter, len(l.delimiter), nil
	}
	switch c := rest[0]; {
	case space(c):
		n := 1
		for n < len(rest) && space(rest[n]) {
			n++
		}
		return tokenSpace, n, nil
	case c == '#', strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' '):
		return tokenComment, lineEnd(rest), nil
	case strings.HasPrefix(rest, "/*"):
		return l.comment(rest)
	case l.versioned && strings.HasPrefix(rest, "*/"):
		l.versioned = false
		return tokenSign, 2, nil
	case c == '`':
		n, err := quotedEnd(rest, false)
		return tokenQuoted, n, err
	case c == '\'', c == '"':
		n, err := quotedEnd(rest, true)
		return tokenString, n, err
	case wordByte(c):
		return tokenWord, l.word(rest), nil
	}
	return tokenSign, 1, nil
}

// word ends where the script's delimiter begins: END$$ is two tokens.
func (l *lexer) word(rest string) int {
	n := 1
	for n < len(rest) && wordByte(rest[n]) {
		if l.delimiter != "" && strings.HasPrefix(rest[n:], l.delimiter) {
			break
		}
		n++
	}
	return n
}

// comment is skipped, but for /*! and /*M!, whose content is code.
func (l *lexer) comment(rest string) (tokenKind, int, error) {
	n := 0
	switch {
	case strings.HasPrefix(rest, "/*!"):
		n = 3
	case strings.HasPrefix(rest, "/*M!"):
		n = 4
	}
	if n > 0 && !l.versioned {
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		l.versioned = true
		return tokenSign, n, nil
	}
	end := strings.Index(rest[2:], "*/")
	if end < 0 {
		return 0, 0, fmt.Errorf("a comment has no end")
	}
	return tokenComment, end + 4, nil
}

// quotedEnd is the length of a quoted piece; a doubled quote is one inside.
func quotedEnd(rest string, backslash bool) (int, error) {
	quote := rest[0]
	for i := 1; i < len(rest); i++ {
		switch {
		case backslash && rest[i] == '\\':
			i++
		case rest[i] != quote:
		case i+1 < len(rest) && rest[i+1] == quote:
			i++
		default:
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("a quoted text has no end")
}

func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// tokens are the words, names, strings and signs of a text.
func tokens(text string) ([]token, error) {
	l := &lexer{text: text}
	var all []token
	for {
		t, more, err := l.next()
		if err != nil {
			return nil, err
		}
		if !more {
			return all, nil
		}
		if t.kind != tokenSpace && t.kind != tokenComment {
			all = append(all, t)
		}
	}
}

// selfContained refuses a piece of SQL that would reach out of the parentheses it is put into.
func selfContained(what, sql string) error {
	all, err := tokens(sql)
	if err != nil {
		return misuse("%s: %s", what, err)
	}
	depth, versioned := 0, false
	for _, t := range all {
		switch {
		case t.is(sql, "("):
			depth++
		case t.is(sql, ")"):
			depth--
		case t.is(sql, ";"), t.is(sql, "into") && depth >= 0:
			return misuse("%s: %s is not taken here", what, sql[t.start:t.end])
		case t.kind == tokenSign && t.end-t.start > 1:
			versioned = true
		}
		if depth < 0 {
			break
		}
	}
	if depth != 0 || versioned {
		return misuse("%s: parentheses do not match, or it holds a versioned comment", what)
	}
	return nil
}

// stringValue is what a string token stands for. (https://mariadb.com/kb/en/string-literals/)
func stringValue(quoted string) string {
	quote := quoted[0]
	var b strings.Builder
	for i := 1; i < len(quoted)-1; i++ {
		c := quoted[i]
		if c == quote { // doubled
			i++
		} else if c == '\\' && i+1 < len(quoted)-1 {
			i++
			switch c = quoted[i]; c {
			case '0':
				c = 0
			case 'b':
				c = '\b'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case 'Z':
				c = 0x1a
			case '%', '_': // these keep their backslash
				b.WriteByte('\\')
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
