package sqlite

import "strings"

// tokenKind is what a token is, by SQLite's tokenizer (tokenize.c).
type tokenKind uint8

const (
	tokenSpace tokenKind = iota
	tokenComment
	tokenWord    // identifier or keyword, unquoted
	tokenQuoted  // "x", `x` or [x]: an identifier, or by an old leniency a string
	tokenString  // 'x'
	tokenBlob    // x'00'
	tokenNumber  // 12, 1.5e3, 0x1F
	tokenBind    // ?, ?1, :a, @a, $a
	tokenPunct   // operators, parentheses, commas
	tokenSemi    // ;
	tokenIllegal // anything else
)

// token is a piece of a text. The texts of all tokens, joined, are the whole.
type token struct {
	kind tokenKind
	text string
	at   int // offset
}

// is reports whether the token is this keyword, which is written in upper case.
func (t token) is(keyword string) bool {
	return t.kind == tokenWord && len(t.text) == len(keyword) && strings.EqualFold(t.text, keyword)
}

// punct reports whether the token is this operator.
func (t token) punct(text string) bool { return t.kind == tokenPunct && t.text == text }

// name is the identifier that the token names; a string is one where an
// identifier must stand ('t' in CREATE TABLE 't').
func (t token) name() string {
	switch t.kind {
	case tokenWord:
		return t.text
	case tokenQuoted, tokenString:
		return unquote(t.text)
	}
	return ""
}

// isName reports whether the token can be an identifier.
func (t token) isName() bool {
	return t.kind == tokenWord || t.kind == tokenQuoted || t.kind == tokenString
}

// unquote takes the quotes off and undoubles those inside. An unterminated text loses its first quote only.
func unquote(s string) string {
	q := s[0]
	if q == '[' {
		return strings.TrimSuffix(s[1:], "]")
	}
	s = s[1:]
	if strings.HasSuffix(s, string(q)) {
		s = s[:len(s)-1]
	}
	return strings.ReplaceAll(s, string([]byte{q, q}), string(q))
}

// tokens cuts a text completely.
func tokens(sql string) []token {
	var all []token
	for at := 0; at < len(sql); {
		t := nextToken(sql, at)
		all = append(all, t)
		at += len(t.text)
	}
	return all
}

// meaningful is tokens without space and comments.
func meaningful(sql string) []token {
	all := tokens(sql)
	kept := all[:0]
	for _, t := range all {
		if t.kind != tokenSpace && t.kind != tokenComment {
			kept = append(kept, t)
		}
	}
	return kept
}

// blank reports whether a text holds no statement.
func blank(sql string) bool {
	for at := 0; at < len(sql); {
		t := nextToken(sql, at)
		if t.kind != tokenSpace && t.kind != tokenComment && t.kind != tokenSemi {
			return false
		}
		at += len(t.text)
	}
	return true
}

// nextToken reads the token at an offset inside sql.
func nextToken(sql string, at int) token {
	kind, n := scan(sql[at:])
	return token{kind, sql[at : at+n], at}
}

const byteOrderMark = "\ufeff"

func scan(s string) (tokenKind, int) {
	c := s[0]
	switch {
	case isSpace(c):
		return tokenSpace, span(s, isSpace)
	case strings.HasPrefix(s, byteOrderMark):
		return tokenSpace, len(byteOrderMark)
	case strings.HasPrefix(s, "--"):
		if end := strings.IndexByte(s, '\n'); end >= 0 {
			return tokenComment, end
		}
		return tokenComment, len(s)
	case strings.HasPrefix(s, "/*") && len(s) > 2:
		if end := strings.Index(s[2:], "*/"); end >= 0 {
			return tokenComment, end + 4
		}
		return tokenComment, len(s)
	case c == '\'':
		return tokenString, quotedLength(s, c)
	case c == '"' || c == '`':
		return tokenQuoted, quotedLength(s, c)
	case c == '[':
		if end := strings.IndexByte(s, ']'); end >= 0 {
			return tokenQuoted, end + 1
		}
		return tokenIllegal, len(s)
	case (c == 'x' || c == 'X') && len(s) > 1 && s[1] == '\'':
		return tokenBlob, 1 + quotedLength(s[1:], '\'')
	case isDigit(c) || c == '.' && len(s) > 1 && isDigit(s[1]):
		return tokenNumber, numberLength(s)
	case isWord(c) && c != '$':
		return tokenWord, span(s, isWord)
	case c == ';':
		return tokenSemi, 1
	case c == '?' || c == ':' || c == '@' || c == '$' || c == '#':
		if n := span(s[1:], isWord); n > 0 || c == '?' {
			return tokenBind, 1 + n
		}
		return tokenIllegal, 1
	}
	for _, operator := range operators {
		if strings.HasPrefix(s, operator) {
			return tokenPunct, len(operator)
		}
	}
	return tokenIllegal, 1
}

// operators, the longer ones first.
var operators = []string{"->>", "->", "||", "==", "!=", "<>", "<=", ">=", "<<", ">>", "(", ")", ",", ".", "=", "<", ">", "+", "-", "*", "/", "%", "&", "|", "~"}

// quotedLength is the length of a text in quotes, doubled quotes inside. Without an end it is the whole rest.
func quotedLength(s string, q byte) int {
	for i := 1; i < len(s); i++ {
		if s[i] != q {
			continue
		}
		if i+1 < len(s) && s[i+1] == q {
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}

func numberLength(s string) int {
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && isHex(s[2]) {
		return 2 + span(s[2:], func(c byte) bool { return isHex(c) || c == '_' })
	}
	digits := func(c byte) bool { return isDigit(c) || c == '_' }
	n := span(s, digits)
	if n < len(s) && s[n] == '.' {
		n++
		n += span(s[n:], digits)
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if e < len(s) && isDigit(s[e]) {
			n = e + span(s[e:], digits)
		}
	}
	return n
}

func span(s string, in func(byte) bool) int {
	for i := 0; i < len(s); i++ {
		if !in(s[i]) {
			return i
		}
	}
	return len(s)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

// isWord is SQLite's IdChar: letters, digits, underscore, dollar and every byte outside ASCII.
func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// quote quotes an identifier.
func quote(ident string) string { return `"` + strings.ReplaceAll(ident, `"`, `""`) + `"` }
