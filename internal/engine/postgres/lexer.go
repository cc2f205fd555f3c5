package postgres

import (
	"fmt"
	"strings"
)

// tokenKind is what a piece of SQL text is to PostgreSQL's scanner (src/backend/parser/scan.l) and psql's (src/fe_utils/psqlscan.l).
type tokenKind uint8

const (
	tokenSpace tokenKind = iota
	tokenComment
	tokenWord   // a keyword or an unquoted identifier
	tokenQuoted // "identifier", also U&"…"
	tokenString // '…', E'…', B'…', U&'…', $tag$…$tag$
	tokenNumber
	tokenSign // one character of anything else
)

type token struct {
	kind       tokenKind
	start, end int
	line       int
}

// lexer cuts SQL text into tokens that cover it without a gap. It expects standard_conforming_strings.
type lexer struct {
	text string
	pos  int
	line int
}

// unterminated is a quote or comment that the text does not close.
type unterminated struct {
	what string
	line int
}

func (e *unterminated) Error() string {
	return fmt.Sprintf("line %d: %s is not closed", e.line, e.what)
}

// next returns the next token; false is the end.
func (l *lexer) next() (token, bool, error) {
	if l.pos >= len(l.text) {
		return token{}, false, nil
	}
	t := token{start: l.pos, line: l.line + 1}
	var err error
	t.kind, err = l.scan()
	t.end = l.pos
	l.line += strings.Count(l.text[t.start:t.end], "\n")
	return t, true, err
}

// scan moves over one token.
func (l *lexer) scan() (tokenKind, error) {
	rest := l.text[l.pos:]
	c := rest[0]
	switch {
	case isSpace(c):
		for l.pos < len(l.text) && isSpace(l.text[l.pos]) {
			l.pos++
		}
		return tokenSpace, nil
	case strings.HasPrefix(rest, "--"):
		l.skipLine()
		return tokenComment, nil
	case strings.HasPrefix(rest, "/*"):
		return tokenComment, l.skipBlock()
	case c == '\'':
		l.pos++
		return tokenString, l.skipString(false)
	case c == '"':
		l.pos++
		return tokenQuoted, l.skipTo('"', "a quoted identifier")
	case c == '$':
		return l.dollar()
	case isDigit(c):
		for l.pos < len(l.text) && (isWordPart(l.text[l.pos]) || l.text[l.pos] == '.') {
			l.pos++
		}
		return tokenNumber, nil
	case isWordStart(c):
		return l.word()
	}
	l.pos++
	return tokenSign, nil
}

// word moves over a word, or over the string that it is the prefix of.
func (l *lexer) word() (tokenKind, error) {
	start := l.pos
	for l.pos < len(l.text) && isWordPart(l.text[l.pos]) {
		l.pos++
	}
	word, rest := l.text[start:l.pos], l.text[l.pos:]
	switch {
	case len(word) == 1 && strings.HasPrefix(rest, "'") && strings.Contains("eEbBxXnN", word):
		l.pos++
		return tokenString, l.skipString(word == "e" || word == "E")
	case (word == "u" || word == "U") && strings.HasPrefix(rest, "&'"):
		l.pos += 2
		return tokenString, l.skipString(false)
	case (word == "u" || word == "U") && strings.HasPrefix(rest, `&"`):
		l.pos += 2
		return tokenQuoted, l.skipTo('"', "a quoted identifier")
	}
	return tokenWord, nil
}

func (l *lexer) skipLine() {
	if end := strings.IndexByte(l.text[l.pos:], '\n'); end >= 0 {
		l.pos += end
		return
	}
	l.pos = len(l.text)
}

// skipBlock moves over a comment with the comments inside it.
func (l *lexer) skipBlock() error {
	start, depth := l.pos, 0
	for l.pos < len(l.text) {
		switch {
		case strings.HasPrefix(l.text[l.pos:], "/*"):
			depth++
			l.pos += 2
		case strings.HasPrefix(l.text[l.pos:], "*/"):
			depth--
			l.pos += 2
		default:
			l.pos++
		}
		if depth == 0 {
			return nil
		}
	}
	return l.open("a comment", start)
}

// skipString moves from behind the opening quote over the string. Strings that only white space with a newline separates are one; all parts
// have the escapes of the first.
func (l *lexer) skipString(escapes bool) error {
	start := l.pos - 1
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case c == '\\' && escapes:
			l.pos = min(l.pos+2, len(l.text))
		case c == '\'' && strings.HasPrefix(l.text[l.pos+1:], "'"):
			l.pos += 2
		case c == '\'':
			l.pos++
			if !l.continued() {
				return nil
			}
		default:
			l.pos++
		}
	}
	return l.open("a string", start)
}

// continued moves into the next part of a string, if there is one.
func (l *lexer) continued() bool {
	newline := false
	for i := l.pos; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case c == '\n' || c == '\r':
			newline = true
		case c == '\'' && newline:
			l.pos = i + 1
			return true
		case !isSpace(c):
			return false
		}
	}
	return false
}

// skipTo moves behind the closing quote; a doubled one is part of the text.
func (l *lexer) skipTo(quote byte, what string) error {
	start := l.pos - 1
	for l.pos < len(l.text) {
		end := strings.IndexByte(l.text[l.pos:], quote)
		if end < 0 {
			break
		}
		l.pos += end + 1
		if l.pos == len(l.text) || l.text[l.pos] != quote {
			return nil
		}
		l.pos++
	}
	l.pos = len(l.text)
	return l.open(what, start)
}

// dollar moves over $tag$…$tag$, or over the dollar sign of a parameter.
func (l *lexer) dollar() (tokenKind, error) {
	start, end := l.pos, l.pos+1
	for end < len(l.text) && isWordPart(l.text[end]) && l.text[end] != '$' {
		end++
	}
	l.pos++
	if end == len(l.text) || l.text[end] != '$' || isDigit(l.text[start+1]) {
		return tokenSign, nil
	}
	tag := l.text[start : end+1]
	closing := strings.Index(l.text[end+1:], tag)
	if closing < 0 {
		l.pos = len(l.text)
		return tokenString, l.open("a dollar-quoted string", start)
	}
	l.pos = end + 1 + closing + len(tag)
	return tokenString, nil
}

func (l *lexer) open(what string, start int) error {
	return &unterminated{what: what, line: 1 + strings.Count(l.text[:start], "\n")}
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWordStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

func isWordPart(c byte) bool { return isWordStart(c) || isDigit(c) || c == '$' }

// tokens are the significant tokens of a text: no space, no comments.
func tokens(text string) ([]token, error) {
	l := &lexer{text: text}
	var all []token
	for {
		t, more, err := l.next()
		if err != nil || !more {
			return all, err
		}
		if t.kind != tokenSpace && t.kind != tokenComment {
			all = append(all, t)
		}
	}
}

// is tells whether a token is this keyword or sign.
func (t token) is(text, want string) bool {
	return (t.kind == tokenWord || t.kind == tokenSign) && strings.EqualFold(text[t.start:t.end], want)
}

// normalise makes white space outside quotes one blank each and removes the final semicolon, so that layout is no difference.
func normalise(text string) string {
	l := &lexer{text: text}
	var b strings.Builder
	for {
		t, more, err := l.next()
		if err != nil {
			return text
		}
		if !more {
			return strings.TrimSuffix(strings.TrimSpace(b.String()), ";")
		}
		if t.kind == tokenSpace {
			b.WriteByte(' ')
			continue
		}
		b.WriteString(text[t.start:t.end])
	}
}

// selfContained refuses a piece of SQL that would reach out of the parentheses it is put into.
func selfContained(what, text string) error {
	all, err := tokens(text)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	depth := 0
	for _, t := range all {
		switch {
		case t.is(text, "("):
			depth++
		case t.is(text, ")"):
			depth--
		case t.is(text, ";"):
			return fmt.Errorf("%s: line %d: a semicolon is not allowed here", what, t.line)
		}
		if depth < 0 {
			return fmt.Errorf("%s: line %d: a parenthesis closes that was not opened", what, t.line)
		}
	}
	if depth != 0 {
		return fmt.Errorf("%s: a parenthesis is not closed", what)
	}
	return nil
}
