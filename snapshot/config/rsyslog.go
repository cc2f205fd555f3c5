package config

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// parseRsyslog reads rsyslog.conf (rsyslog 8, "Basic Structure"): $Directives, `selector action` lines,
// and objects such as module(…), input(…) and action(…), whose parameters are keys. Files with
// conditions (if … then) are programs and not read.
func parseRsyslog(src []byte) ([]entry, error) {
	var c collected
	var objects numbered
	selector := ""
	statements, err := rsyslogStatements(src)
	if err != nil {
		return nil, err
	}
	for _, l := range statements {
		switch {
		case l.text[0] == '$':
			key, value, _ := strings.Cut(oneSpace(l.text), " ")
			r := last
			if key == "$ModLoad" || key == "$IncludeConfig" {
				r = list
			}
			c.add(l.no, r, snapshot.String(value), key)
		case rsyslogObject.MatchString(l.text):
			m := rsyslogObject.FindStringSubmatch(l.text)
			addRsyslogObject(&c, &objects, l.no, strings.ToLower(m[1]), m[2])
		case l.text[0] == '&' && selector != "":
			c.add(l.no, list, snapshot.String(strings.TrimSpace(l.text[1:])), selector)
		case rsyslogSelector.MatchString(l.text):
			m := rsyslogSelector.FindStringSubmatch(l.text)
			selector = m[1]
			c.add(l.no, list, snapshot.String(oneSpace(m[2])), selector)
		default:
			return nil, errAt(l.no, "a statement that is no directive, selector or object")
		}
	}
	return c.entries()
}

var (
	rsyslogObject   = regexp.MustCompile(`(?is)^(module|input|action|global|main_queue|template|include|timezone|parser)\s*\((.*)\)$`)
	rsyslogSelector = regexp.MustCompile(`^([a-z0-9*,;.!=]+\.[a-z0-9*,;.!=]+|:[^\s]+,.*?"(?:[^"\\]|\\.)*")\s+(\S.*)$`)
	rsyslogParam    = regexp.MustCompile(`([A-Za-z][\w.]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|(\[[^\]]*\]))`)
)

// rsyslogStatements are the lines without comments, and objects that go over several lines as one.
func rsyslogStatements(src []byte) ([]textLine, error) {
	var out []textLine
	open := 0
	for _, l := range joined(lines(src), "#") {
		if open > 0 {
			out[len(out)-1].text += " " + l.text
		} else {
			out = append(out, l)
		}
		if head := out[len(out)-1].text; head[0] != '$' && rsyslogOpens.MatchString(head) {
			open = strings.Count(head, "(") - strings.Count(head, ")")
		}
	}
	if open > 0 {
		return nil, errAt(out[len(out)-1].no, "a parenthesis is not closed")
	}
	return out, nil
}

var rsyslogOpens = regexp.MustCompile(`(?i)^[a-z_]+\s*\(`)

// addRsyslogObject writes the parameters of an object below its identity: what it loads, its name, or its type.
func addRsyslogObject(c *collected, n *numbered, line int, kind, params string) {
	values := map[string]string{}
	var order []string
	for _, m := range rsyslogParam.FindAllStringSubmatch(params, -1) {
		key := strings.ToLower(m[1])
		if _, twice := values[key]; !twice {
			order = append(order, key)
		}
		values[key] = m[2] + oneSpace(m[3])
	}
	id := kind
	for _, key := range []string{"load", "name", "file", "type"} {
		if v := values[key]; v != "" {
			id += " " + v
			break
		}
	}
	id = n.name(id)
	for _, key := range order {
		c.add(line, last, snapshot.String(values[key]), id, key)
	}
	if len(order) == 0 {
		c.add(line, last, snapshot.List(), id)
	}
}

// numbered tells equal names apart by number.
type numbered struct{ seen map[string]int }

func (n *numbered) name(s string) string {
	if n.seen == nil {
		n.seen = map[string]int{}
	}
	if n.seen[s]++; n.seen[s] > 1 {
		return s + " (" + strconv.Itoa(n.seen[s]) + ")"
	}
	return s
}
