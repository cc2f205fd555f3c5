package config

import "strings"

// directive is one nginx directive with its arguments and, for a block, what is in it.
type directive struct {
	name  string
	args  []string
	block []directive
	body  bool // has a block, which may be empty
	raw   string
	line  int
}

// nginxLexer reads nginx's grammar: words, quotes, braces, semicolons and comments (nginx.org, "Beginner's Guide";
// ngx_conf_read_token). Blocks in Lua are raw text.
type nginxLexer struct {
	src  string
	at   int
	line int
	n    int
}

type nginxToken struct {
	text   string
	line   int
	quoted bool
}

// special reports one of { } ; outside quotes.
func (t nginxToken) special(s string) bool { return !t.quoted && t.text == s }

func (x *nginxLexer) skip() {
	for x.at < len(x.src) {
		switch c := x.src[x.at]; {
		case c == '\n':
			x.line++
			x.at++
		case c == ' ' || c == '\t' || c == '\r':
			x.at++
		case c == '#':
			if end := strings.IndexByte(x.src[x.at:], '\n'); end >= 0 {
				x.at += end
			} else {
				x.at = len(x.src)
			}
		default:
			return
		}
	}
}

// next returns the next token; ok false at the end of the file.
func (x *nginxLexer) next() (tok nginxToken, ok bool, err error) {
	x.skip()
	if x.at >= len(x.src) {
		return nginxToken{line: x.line}, false, nil
	}
	tok.line = x.line
	switch c := x.src[x.at]; c {
	case '{', '}', ';':
		x.at++
		tok.text = string(c)
		return tok, true, nil
	case '"', '\'':
		tok.quoted = true
		tok.text, err = x.quotedWord(c)
		return tok, true, err
	}
	tok.text = x.word()
	return tok, true, nil
}

func (x *nginxLexer) quotedWord(quote byte) (string, error) {
	start := x.line
	var b strings.Builder
	for x.at++; x.at < len(x.src); x.at++ {
		switch c := x.src[x.at]; {
		case c == quote:
			x.at++
			return b.String(), nil
		case c == '\\' && x.at+1 < len(x.src):
			x.at++
			if n := x.src[x.at]; n != quote && n != '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(x.src[x.at])
		default:
			if c == '\n' {
				x.line++
			}
			b.WriteByte(c)
		}
	}
	return "", errAt(start, "a quote is not closed")
}

// word reads up to white space or one of { } ;, where ${name} is part of a word.
func (x *nginxLexer) word() string {
	start := x.at
	for x.at < len(x.src) {
		switch c := x.src[x.at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';':
			return x.src[start:x.at]
		case c == '{' && x.at > start && x.src[x.at-1] == '$':
			if end := strings.IndexAny(x.src[x.at:], "}\n;"); end > 0 && x.src[x.at+end] == '}' {
				x.at += end
			}
		case c == '{' || c == '}':
			// Regular expressions with braces have to be quoted in nginx.
			return x.src[start:x.at]
		case c == '\\' && x.at+1 < len(x.src) && x.src[x.at+1] != '\n':
			x.at++
		}
		x.at++
	}
	return x.src[start:]
}

// raw reads the text of a Lua block up to its closing brace, which is after the one that opened it.
func (x *nginxLexer) raw() (string, error) {
	start, line, depth := x.at, x.line, 1
	for x.at < len(x.src) {
		switch c := x.src[x.at]; {
		case c == '\n':
			x.line++
		case c == '-' && strings.HasPrefix(x.src[x.at:], "--"):
			if end := strings.IndexByte(x.src[x.at:], '\n'); end >= 0 {
				x.at += end
				continue
			}
		case c == '"' || c == '\'':
			x.luaString(c)
			continue
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				x.at++
				return x.src[start : x.at-1], nil
			}
		}
		x.at++
	}
	return "", errAt(line, "a block is not closed")
}

func (x *nginxLexer) luaString(quote byte) {
	for x.at++; x.at < len(x.src); x.at++ {
		switch x.src[x.at] {
		case '\\':
			x.at++
		case '\n':
			return
		case quote:
			x.at++
			return
		}
	}
}

// directives reads a block up to its closing brace, or the file.
func (x *nginxLexer) directives(depth int) ([]directive, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	var out []directive
	for {
		tok, ok, err := x.next()
		switch {
		case err != nil:
			return nil, err
		case !ok && depth > 0:
			return nil, errAt(tok.line, "a block is not closed")
		case !ok:
			return out, nil
		case tok.special("}"):
			if depth == 0 {
				return nil, errAt(tok.line, "a brace closes nothing")
			}
			return out, nil
		case tok.special(";"), tok.special("{"):
			return nil, errAt(tok.line, "a directive is missing")
		}
		if x.n++; x.n > maxEntries {
			return nil, errEntries
		}
		d := directive{name: tok.text, line: tok.line}
		if err := x.rest(&d, depth); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
}

// rest reads the arguments of a directive and its block.
func (x *nginxLexer) rest(d *directive, depth int) error {
	for {
		tok, ok, err := x.next()
		switch {
		case err != nil:
			return err
		case !ok || tok.special("}"):
			return errAt(d.line, "a directive does not end in ;")
		case tok.special(";"):
			return nil
		case tok.special("{"):
			d.body = true
			if strings.HasSuffix(d.name, "_by_lua_block") {
				d.raw, err = x.raw()
				return err
			}
			d.block, err = x.directives(depth + 1)
			return err
		}
		d.args = append(d.args, tok.text)
	}
}
