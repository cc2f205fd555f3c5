package sanitize

import (
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// token is a word of an SQL expression, as far as all dialects agree.
type token struct {
	kind tokenKind
	text string
}

type tokenKind int

const (
	tokenName tokenKind = iota
	tokenString
	tokenNumber
	tokenSymbol
)

// tokens cuts an expression into names, strings, numbers and symbols.
func tokens(expr string) []token {
	var out []token
	for i := 0; i < len(expr); {
		c := expr[i]
		switch {
		case c == '\'' || c == '"' || c == '`' || c == '[' && !subscripts(out):
			text, end := quoted(expr, i)
			kind := tokenName
			if c == '\'' {
				kind = tokenString
			}
			out = append(out, token{kind, text})
			i = end
		case nameByte(c) && (c < '0' || c > '9'):
			end := i
			for end < len(expr) && nameByte(expr[end]) {
				end++
			}
			out = append(out, token{tokenName, expr[i:end]})
			i = end
		case c >= '0' && c <= '9':
			end := i
			for end < len(expr) && (nameByte(expr[end]) || expr[end] == '.') {
				end++
			}
			out = append(out, token{tokenNumber, expr[i:end]})
			i = end
		case c <= ' ':
			i++
		default:
			out = append(out, token{tokenSymbol, string(c)})
			i++
		}
	}
	return out
}

// castTails are what follows the first word of a type that has several.
var castTails = words("varying precision with without time zone")

// plainTokens are an expression's tokens without casts and without parentheses around a name alone: PostgreSQL prints the length of a varchar as length((name)::text).
func plainTokens(expr string) []token {
	all := tokens(expr)
	var ts []token
	for i := 0; i < len(all); i++ {
		if i+2 >= len(all) || all[i].text != ":" || all[i+1].text != ":" || all[i].kind != tokenSymbol {
			ts = append(ts, all[i])
			continue
		}
		for i += 2; i+1 < len(all) && all[i+1].kind == tokenName && castTails[strings.ToLower(all[i+1].text)]; {
			i++
		}
		if i+1 < len(all) && all[i+1].text == "(" {
			for i < len(all)-1 && all[i].text != ")" {
				i++
			}
		}
		for i+2 < len(all) && all[i+1].text == "[" && all[i+2].text == "]" {
			i += 2
		}
	}
	out := ts[:0]
	for i := 0; i < len(ts); i++ {
		called := len(out) > 0 && out[len(out)-1].kind == tokenName && !keyword(out[len(out)-1].text)
		if !called && i+2 < len(ts) && ts[i].text == "(" && ts[i+1].kind == tokenName && ts[i+2].text == ")" {
			out = append(out, ts[i+1])
			i += 2
			continue
		}
		out = append(out, ts[i])
	}
	return out
}

// subscripts reports whether a [ behind these tokens is PostgreSQL's, of an array or an element, and not around a name.
func subscripts(before []token) bool {
	if len(before) == 0 {
		return false
	}
	last := before[len(before)-1]
	return last.kind == tokenName && !keyword(last.text) || last.text == ")" || last.text == "]"
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

// quoted reads a quoted word that starts at i; a doubled quote stands for one.
func quoted(s string, i int) (text string, end int) {
	closing := s[i]
	if closing == '[' {
		closing = ']'
	}
	var b strings.Builder
	for i++; i < len(s); i++ {
		if s[i] == closing {
			if closing == ']' || i+1 >= len(s) || s[i+1] != closing {
				return b.String(), i + 1
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), len(s)
}

// foldingFunctions see no more of a value than masks keep: case, outer blanks, length, null.
var foldingFunctions = []string{"lower", "upper", "trim", "ltrim", "rtrim", "btrim", "coalesce", "ifnull", "length", "char_length", "octet_length", "nullif"}

// otherFunctions returns the first function of an expression that may see what no mask keeps.
func otherFunctions(expr string) string {
	ts := tokens(expr)
	for i, t := range ts {
		if t.kind == tokenName && i+1 < len(ts) && ts[i+1].text == "(" && !slices.Contains(foldingFunctions, strings.ToLower(t.text)) && !keyword(t.text) {
			return t.text
		}
	}
	return ""
}

func keyword(s string) bool {
	switch strings.ToLower(s) {
	case "and", "or", "not", "in", "is", "null", "like", "glob", "between", "case", "when", "then", "else", "end", "check", "cast", "collate":
		return true
	}
	return false
}

// compared returns a literal with which an expression compares a column, "" if there is none that a mask would break: a length, a
// zero, a pattern of separators and character classes do no harm. A literal belongs to the column named last before it, or
// to the first one after it.
func compared(t *schema.Table, expr, column string) string {
	ts := plainTokens(expr)
	var owner string
	var waiting []token
	length := false
	for i, tok := range ts {
		switch tok.kind {
		case tokenName:
			if strings.HasSuffix(strings.ToLower(tok.text), "length") && i+1 < len(ts) && ts[i+1].text == "(" {
				length = true
			}
			c := columnNamed(t, tok.text)
			if c == "" {
				continue
			}
			for _, w := range waiting {
				if c == column && !length && harmful(w) {
					return w.text
				}
			}
			waiting, owner = nil, c
			length = length && i >= 2 && strings.HasSuffix(strings.ToLower(ts[i-2].text), "length")
		case tokenString, tokenNumber:
			switch {
			case owner == "":
				waiting = append(waiting, tok)
			case owner == column && !length && harmful(tok):
				return tok.text
			}
		}
	}
	return ""
}

func columnNamed(t *schema.Table, name string) string {
	for _, c := range t.Columns {
		if strings.EqualFold(c.Name, name) {
			return c.Name
		}
	}
	return ""
}

// harmful reports whether a mask that keeps classes and signs may break the comparison with a literal.
func harmful(t token) bool {
	if t.kind == tokenNumber {
		f, err := strconv.ParseFloat(t.text, 64)
		return err != nil || f != 0
	}
	inClass, braces := false, false
	for i := 0; i < len(t.text); i++ {
		c := t.text[i]
		switch {
		case c == '\\':
			i++ // \d, \w
		case c == '[':
			inClass = true
		case c == ']':
			inClass = false
		case c == '{' || c == '}':
			braces = c == '{'
		case !inClass && !braces && (nameByte(c) && c != '_' && c != '$'):
			return true
		}
	}
	return false
}

// maxLength reads the limit from a check like length(column) <= 40; 0 is none.
func maxLength(expr, column string) int {
	ts := plainTokens(expr)
	limit := 0
	for i := 0; i+5 < len(ts); i++ {
		if !strings.HasSuffix(strings.ToLower(ts[i].text), "length") || ts[i+1].text != "(" || !strings.EqualFold(ts[i+2].text, column) || ts[i+3].text != ")" || ts[i+4].text != "<" {
			continue
		}
		j, less := i+5, 1
		if ts[j].text == "=" {
			j, less = j+1, 0
		}
		if j < len(ts) && ts[j].kind == tokenNumber {
			if n, err := strconv.Atoi(ts[j].text); err == nil && n-less > 0 {
				limit = tighter(limit, n-less)
			}
		}
	}
	return limit
}
