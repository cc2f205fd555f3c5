package config

import (
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// repeat says what a key that is written twice in a section means.
type repeat int

const (
	last repeat = iota // the last one counts
	list               // all count, in order
	set                // all count, in any order
)

// dialect is how one kind of ini file is read. What a file means is in data and two small
// functions, so that a dialect is one variable.
type dialect struct {
	comments     string // a line that begins with one of these is a comment
	separators   string // the first of these splits key and value
	flags        bool   // a line without separator is a key alone
	continuation bool   // a backslash at the end joins lines
	indented     bool   // an indented line may continue the value before it
	strict       bool   // what is neither section nor key is an error
	section      func(string) string
	// entry reads one assignment: the path below the section, its value and what repetition
	// means. ok false drops it (an unset key).
	entry func(a assignment) (path []string, v snapshot.Value, r repeat, ok bool)
}

// assignment is a line key = value of a section. bare means that there was no separator.
type assignment struct {
	section, key, value string
	bare                bool
	line                int
}

// parse reads a file of the dialect.
func (d dialect) parse(src []byte) ([]entry, error) {
	as, err := d.assignments(src)
	if err != nil {
		return nil, err
	}
	var c collected
	for _, a := range as {
		path, v, r, ok := d.entry(a)
		if !ok {
			continue
		}
		if a.section != "" {
			path = append([]string{a.section}, path...)
		}
		c.add(a.line, r, v, path...)
	}
	return c.entries()
}

func (d dialect) assignments(src []byte) ([]assignment, error) {
	var ls []textLine
	if d.continuation {
		ls = joined(lines(src), d.comments)
	} else {
		ls = significant(src, d.comments)
	}
	var out []assignment
	section := ""
	for _, l := range ls {
		if l.text[0] == '[' {
			name, rest, closed := strings.Cut(l.text[1:], "]")
			if closed && (rest == "" || strings.ContainsAny(strings.TrimSpace(rest)[:1], d.comments+"#;")) {
				section = d.section(strings.TrimSpace(name))
				continue
			}
			if d.strict {
				return nil, errAt(l.no, "section without ]")
			}
		}
		if d.indented && continues(l, out, d.separators) {
			p := &out[len(out)-1]
			p.value = strings.TrimSpace(p.value + " " + l.text)
			continue
		}
		i := strings.IndexAny(l.text, d.separators)
		switch {
		case i > 0:
			out = append(out, assignment{section, strings.TrimSpace(l.text[:i]), strings.TrimSpace(l.text[i+1:]), false, l.no})
		case i < 0 && d.flags:
			out = append(out, assignment{section, l.text, "", true, l.no})
		case d.strict:
			return nil, errAt(l.no, "neither a section nor a key")
		}
		if len(out) > maxEntries {
			return nil, errEntries
		}
	}
	return out, nil
}

// continues decides whether an indented line belongs to the value before it: it has no separator, or that
// value is open (empty, or ends in a comma).
func continues(l textLine, before []assignment, separators string) bool {
	if len(before) == 0 || l.raw == "" || l.raw[0] != ' ' && l.raw[0] != '\t' {
		return false
	}
	v := before[len(before)-1].value
	return v == "" || strings.HasSuffix(v, ",") || !strings.ContainsAny(l.text, separators)
}

func sameText(s string) string { return s }

// genericINI is for .ini and .cfg files of programs that we do not know: a repeated key is a list, and
// nothing is taken for a comment after a value.
var genericINI = dialect{
	comments: "#;", separators: "=:", flags: true, indented: true, strict: true, section: sameText,
	entry: func(a assignment) ([]string, snapshot.Value, repeat, bool) {
		if a.bare {
			return []string{a.key}, snapshot.Bool(true), list, true
		}
		return []string{a.key}, snapshot.String(unquote(a.value)), list, true
	},
}

func parseINI(src []byte) ([]entry, error) { return genericINI.parse(src) }

// unquote takes a pair of quotes away that encloses the whole value.
func unquote(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] && strings.IndexByte(s[1:n-1], s[0]) < 0 {
		return s[1 : n-1]
	}
	return s
}

// collected gathers what keys say over a file, and applies what repetition means.
type collected struct {
	at   map[string]int
	list []gathered
}

type gathered struct {
	path   []string
	line   int
	repeat repeat
	vs     []snapshot.Value
	flat   bool
	prose  bool
}

func (c *collected) add(line int, r repeat, v snapshot.Value, path ...string) *gathered {
	if c.at == nil {
		c.at = map[string]int{}
	}
	id := strings.Join(path, "\x00")
	i, known := c.at[id]
	if !known {
		i = len(c.list)
		c.at[id] = i
		c.list = append(c.list, gathered{path: path, line: line, repeat: r})
	}
	g := &c.list[i]
	if r == last {
		g.vs, g.line = g.vs[:0], line
	}
	g.vs = append(g.vs, v)
	return g
}

// remove forgets a key and all keys below it, for formats in which an empty value resets what was said.
func (c *collected) remove(path ...string) {
	for i := range c.list {
		if p := c.list[i].path; len(p) >= len(path) && slices.Equal(p[:len(path)], path) {
			c.list[i].vs = nil
		}
	}
}

func (c *collected) entries() ([]entry, error) {
	if len(c.list) > maxEntries {
		return nil, errEntries
	}
	out := make([]entry, 0, len(c.list))
	for _, g := range c.list {
		if len(g.vs) == 0 {
			continue
		}
		v := values(g.vs)
		if g.repeat == set && len(g.vs) > 1 {
			v = values(snapshot.Set(g.vs...).Items())
		}
		out = append(out, entry{path: names(g.path...), value: v, line: g.line, flat: g.flat, prose: g.prose})
	}
	return out, nil
}
