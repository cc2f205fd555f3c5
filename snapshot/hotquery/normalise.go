package hotquery

import (
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// statement is a statement in its normal form: without literals, comments and the accidents of spelling, so that the
// same statement has one text on any server.
type statement struct {
	text string
	// first is its first word, catalogue whether it asks for the server's own tables, own whether it is envdiff's.
	first          string
	catalogue, own bool
}

// normalise writes a statement in its normal form. quote is the server's quote of identifiers, " or `: what stands in
// the other one is a literal or, on PostgreSQL, nothing. Literals that a server left in its text are replaced here; a
// literal that does not end takes the rest with it.
func normalise(text string, quote byte) statement {
	l := lexer{text: text, quote: quote}
	var tokens []string
	var s statement
	for {
		token, name := l.next()
		if token == "" {
			break
		}
		if s.first == "" && token != "(" {
			s.first = token
		}
		if name && ofTheServer(token) {
			s.catalogue = true
		}
		if name && strings.HasPrefix(strings.Trim(token, "\"`"), engine.OwnPrefix) {
			s.own = true
		}
		tokens = append(tokens, token)
	}
	for len(tokens) > 0 && tokens[len(tokens)-1] == ";" {
		tokens = tokens[:len(tokens)-1]
	}
	s.text = spell(fold(tokens))
	return s
}

func ofTheServer(name string) bool {
	name = strings.Trim(name, "\"`")
	return strings.HasPrefix(name, "pg_") || name == "information_schema" || name == "performance_schema" || name == "slow_log"
}

// fold makes lists of placeholders one, however long they are: in (?, ?, ?), values (?, ?), (?, ?), and MySQL's own
// (...).
func fold(tokens []string) []string {
	out := make([]string, 0, len(tokens))
	for i := 0; i < len(tokens); i++ {
		end, listed := placeholders(tokens[i:])
		if end == 0 || !(listed || len(out) > 0 && (out[len(out)-1] == "in" || out[len(out)-1] == "values" || out[len(out)-1] == "value")) {
			out = append(out, tokens[i])
			continue
		}
		out = append(out, "(?+)")
		i += end - 1
		for i+2 < len(tokens) && tokens[i+1] == "," {
			if tokens[i+2] == "..." {
				i += 2
				continue
			}
			more, _ := placeholders(tokens[i+2:])
			if more == 0 {
				break
			}
			i += 1 + more
		}
	}
	return out
}

// placeholders is the length of a group of placeholders alone, in parentheses; 0 when there is none. listed reports
// MySQL's (...).
func placeholders(tokens []string) (length int, listed bool) {
	if tokens[0] != "(" {
		return 0, false
	}
	found := false
	for i, t := range tokens[1:] {
		switch t {
		case "?":
			found = true
		case "...":
			found, listed = true, true
		case ",", "default", "null":
		case ")":
			if !found {
				return 0, false
			}
			return i + 2, listed
		default:
			return 0, false
		}
	}
	return 0, false
}

// spell joins tokens with one spacing.
func spell(tokens []string) string {
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 && !tight(tokens[i-1], t) {
			b.WriteByte(' ')
		}
		b.WriteString(t)
	}
	return b.String()
}

func tight(before, t string) bool {
	switch t {
	case ",", ")", ".", ";", "::":
		return true
	}
	return before == "(" || before == "." || before == "::"
}

// lexer cuts a statement into tokens.
type lexer struct {
	text  string
	quote byte
	at    int
}

// next returns a token and whether it is a name or word; "" is the end.
func (l *lexer) next() (token string, name bool) {
	l.skip()
	if l.at >= len(l.text) {
		return "", false
	}
	c := l.text[l.at]
	switch {
	case c == '\'':
		l.literal('\'', l.quote == '`')
		return "?", false
	case c == l.quote:
		return l.quoted(), true
	case c == '"', c == '`':
		l.literal(c, true)
		return "?", false
	case c == '$' && l.quote == '"':
		return l.dollar(), false
	case c >= '0' && c <= '9', c == '.' && l.at+1 < len(l.text) && digit(l.text[l.at+1]):
		l.number()
		return "?", false
	case c == '?':
		l.at++
		return "?", false
	case wordStart(c), c == '$': // on MySQL a name may begin with $, and nothing is quoted by it
		return l.word()
	case strings.HasPrefix(l.text[l.at:], "..."):
		l.at += 3
		return "...", false
	case strings.HasPrefix(l.text[l.at:], "::"):
		l.at += 2
		return "::", false
	case strings.IndexByte("<>=!|&~@#%^*+-/:", c) >= 0:
		return l.operator(), false
	}
	l.at++
	return string(c), false
}

// skip passes over space and comments.
func (l *lexer) skip() {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v\x00", rest[0]) >= 0:
			l.at++
		case l.dashes(rest), rest[0] == '#' && l.quote == '`':
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			l.at += end
		case strings.HasPrefix(rest, "/*"):
			l.comment()
		default:
			return
		}
	}
}

// dashes reports that a comment begins with two dashes. On MySQL a space must follow: 5--3 is 8.
func (l *lexer) dashes(rest string) bool {
	return strings.HasPrefix(rest, "--") && (l.quote != '`' || len(rest) == 2 || rest[2] <= ' ')
}

// comment passes over a comment with those inside it.
func (l *lexer) comment() {
	for depth := 0; l.at < len(l.text); {
		switch {
		case strings.HasPrefix(l.text[l.at:], "/*"):
			depth++
			l.at += 2
		case strings.HasPrefix(l.text[l.at:], "*/"):
			depth--
			l.at += 2
			if depth == 0 {
				return
			}
		default:
			l.at++
		}
	}
}

// literal passes over a quoted literal. A doubled quote is one inside; so is one after a backslash where that escapes.
func (l *lexer) literal(quote byte, backslash bool) {
	for l.at++; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; {
		case c == '\\' && backslash:
			l.at++
		case c == quote:
			if l.at+1 < len(l.text) && l.text[l.at+1] == quote {
				l.at++
				continue
			}
			l.at++
			return
		}
	}
	l.at = len(l.text)
}

// quoted is a quoted name; one that needs no quotes loses them. A name that does not end is taken for a literal.
func (l *lexer) quoted() string {
	start := l.at
	l.literal(l.quote, false)
	token := l.text[start:l.at]
	if len(token) < 2 || token[len(token)-1] != l.quote {
		return "?"
	}
	inner := token[1 : len(token)-1]
	if inner == "" || !wordStart(inner[0]) {
		return token
	}
	for i := 0; i < len(inner); i++ {
		if !wordByte(inner[i]) || l.quote == '"' && inner[i] >= 'A' && inner[i] <= 'Z' {
			return token
		}
	}
	return strings.ToLower(inner)
}

// dollar is a parameter, or a literal between two equal tags.
func (l *lexer) dollar() string {
	end := l.at + 1
	for end < len(l.text) && wordByte(l.text[end]) && l.text[end] != '$' {
		end++
	}
	if end < len(l.text) && l.text[end] == '$' && (end == l.at+1 || !digit(l.text[l.at+1])) {
		tag := l.text[l.at : end+1]
		if close := strings.Index(l.text[end+1:], tag); close >= 0 {
			l.at = end + 1 + close + len(tag)
		} else {
			l.at = len(l.text)
		}
		return "?"
	}
	l.at = end
	return "?"
}

func (l *lexer) number() {
	for l.at < len(l.text) {
		c := l.text[l.at]
		exponent := (c == '+' || c == '-') && (l.text[l.at-1] == 'e' || l.text[l.at-1] == 'E') && l.at+1 < len(l.text) && digit(l.text[l.at+1])
		if !wordByte(c) && c != '.' && !exponent {
			return
		}
		l.at++
	}
}

// word is a name or keyword in lower case, or a literal with its prefix: E'…', N'…', X'…', B'…', U&'…', _utf8'…'.
func (l *lexer) word() (token string, name bool) {
	start := l.at
	for l.at < len(l.text) && wordByte(l.text[l.at]) {
		l.at++
	}
	word := strings.ToLower(l.text[start:l.at])
	rest := l.text[l.at:]
	if word == "u" && strings.HasPrefix(rest, "&'") {
		l.at++
		rest = rest[1:]
	}
	if strings.HasPrefix(rest, "'") && (len(word) == 1 && strings.Contains("enxbu", word) || strings.HasPrefix(word, "_")) {
		l.literal('\'', word == "e" || l.quote == '`')
		return "?", false
	}
	return word, true
}

// operator is a run of operator signs, which ends where a comment begins.
func (l *lexer) operator() string {
	start := l.at
	for l.at < len(l.text) && strings.IndexByte("<>=!|&~@#%^*+-/:", l.text[l.at]) >= 0 {
		rest := l.text[l.at:]
		if l.at > start && (l.dashes(rest) || strings.HasPrefix(rest, "/*") || strings.HasPrefix(rest, "::")) {
			break
		}
		l.at++
		if c := l.text[l.at-1]; c == '*' && l.at-1 == start {
			break // count(*), a.*
		}
	}
	return l.text[start:l.at]
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
func wordStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
func wordByte(c byte) bool { return wordStart(c) || digit(c) || c == '$' }
