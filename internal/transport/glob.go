package transport

import (
	"strings"
	"unicode/utf8"
)

// Glob is a compiled pattern over absolute host paths: '*', '?' and '[a-z]' stay within one segment, a segment "**"
// stands for any number of directories, none included, and a last "**" for everything below. A backslash takes the next
// byte literally. Names that start with a dot are matched like any other, because a .env file is configuration too.
type Glob struct {
	segments []segment
}

// segment is one part of a pattern between slashes.
type segment struct {
	text  string // literal text, or the pattern when wild
	wild  bool
	cross bool // "**"
}

// CompileGlob reads a pattern. Every text is a pattern: an unclosed '[' stands for itself.
func CompileGlob(pattern string) Glob {
	var g Glob
	for part := range strings.SplitSeq(pattern, "/") {
		switch {
		case part == "" || part == ".":
		case part == "**":
			if n := len(g.segments); n == 0 || !g.segments[n-1].cross {
				g.segments = append(g.segments, segment{cross: true})
			}
		case strings.ContainsAny(part, `*?[\`):
			if text, ok := unescapeLiteral(part); ok {
				g.segments = append(g.segments, segment{text: text})
			} else {
				g.segments = append(g.segments, segment{text: part, wild: true})
			}
		default:
			g.segments = append(g.segments, segment{text: part})
		}
	}
	if n := len(g.segments); n > 0 && g.segments[n-1].cross {
		g.segments = append(g.segments, segment{text: "*", wild: true})
	}
	return g
}

// unescapeLiteral returns the name that a segment without live wildcards stands for.
func unescapeLiteral(part string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		switch part[i] {
		case '\\':
			if i++; i == len(part) {
				return "", false
			}
		case '*', '?', '[':
			return "", false
		}
		b.WriteByte(part[i])
	}
	return b.String(), true
}

// Literal reports whether the pattern names exactly one path.
func (g Glob) Literal() bool {
	for _, s := range g.segments {
		if s.wild || s.cross {
			return false
		}
	}
	return true
}

// Match reports whether the pattern names this absolute path.
func (g Glob) Match(path string) bool {
	states := g.closure(nil, 0)
	for name := range strings.SplitSeq(path, "/") {
		if name == "" {
			continue
		}
		var next []int
		for _, at := range states {
			next = g.step(next, at, name)
		}
		if len(next) == 0 {
			return false
		}
		states = next
	}
	for _, at := range states {
		if at == len(g.segments) {
			return true
		}
	}
	return false
}

// Match reports whether a pattern as in a Want or in envdiff.yaml names this absolute path.
func Match(pattern, path string) bool { return CompileGlob(pattern).Match(path) }

// closure adds position at, and the one behind it when "**" stands for nothing, to the set of positions.
func (g Glob) closure(set []int, at int) []int {
	for _, have := range set {
		if have == at {
			return set
		}
	}
	set = append(set, at)
	if at < len(g.segments) && g.segments[at].cross {
		set = g.closure(set, at+1)
	}
	return set
}

// step adds the positions that are reached from position at by one more path segment.
func (g Glob) step(set []int, at int, name string) []int {
	if at >= len(g.segments) {
		return set
	}
	switch s := g.segments[at]; {
	case s.cross:
		return g.closure(set, at)
	case s.wild && matchSegment(s.text, name), !s.wild && s.text == name:
		return g.closure(set, at+1)
	}
	return set
}

// matchSegment matches one name. It backtracks to the last '*' only, so its time is bounded by len(pattern)×len(name).
func matchSegment(pattern, name string) bool {
	p, n := 0, 0
	star, mark := -1, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, n
			p++
			continue
		}
		if p < len(pattern) {
			if dp, dn, ok := matchOne(pattern[p:], name[n:]); ok {
				p, n = p+dp, n+dn
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		p, n = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne matches the first element of a pattern, which is no '*', against the first character of a name. A byte that
// is not UTF-8 is a character. It returns how much of both it used.
func matchOne(pattern, name string) (dp, dn int, ok bool) {
	r, size := utf8.DecodeRuneInString(name)
	switch pattern[0] {
	case '?':
		return 1, size, true
	case '[':
		if width, in := matchClass(pattern, r); width > 0 {
			return width, size, in
		}
	case '\\':
		if len(pattern) > 1 {
			return 2, 1, pattern[1] == name[0]
		}
	}
	return 1, 1, pattern[0] == name[0]
}

// matchClass matches "[a-z]" or "[!a-z]" at the start of a pattern; width is 0 when the bracket is never closed.
func matchClass(pattern string, r rune) (width int, in bool) {
	i := 1
	negated := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if negated {
		i++
	}
	for first := true; i < len(pattern); first = false {
		if pattern[i] == ']' && !first {
			return i + 1, in != negated
		}
		lo, size := utf8.DecodeRuneInString(pattern[i:])
		i += size
		hi := lo
		if i+1 < len(pattern) && pattern[i] == '-' && pattern[i+1] != ']' {
			hi, size = utf8.DecodeRuneInString(pattern[i+1:])
			i += 1 + size
		}
		if lo <= r && r <= hi {
			in = true
		}
	}
	return 0, false
}
