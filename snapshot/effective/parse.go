package effective

import (
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// answers are the parts of the program's output.
type answers struct {
	lines  map[string][]string
	status map[string]string // of the parts that are a program's answer
}

// parser holds the input and the result so far.
type parser struct {
	in snapshot.Input
	r  snapshot.Result
	answers
}

// Parse reads the program's answer.
func (Collector) Parse(in snapshot.Input) snapshot.Result {
	p := &parser{in: in, r: snapshot.Result{Looked: []string{}}}
	s, fetched := in.Sections["effective"]
	switch {
	case !fetched, s.Problem == transport.Unable, s.Problem == transport.NotFound:
		return p.r
	case s.Problem != transport.OK:
		p.r.Missing(snapshot.At(in.Scope, "effective", ""), "the effective configuration could not be asked for: "+string(s.Problem),
			"run sshd -T, php -i and my_print_defaults on the host to see which of them does not end", "effective/*")
		return p.r
	}
	p.answers = split(string(s.Output))
	if _, whole := p.lines["end"]; !whole {
		return p.r
	}
	p.sshd()
	p.nginx()
	for _, part := range slices.Sorted(maps.Keys(p.lines)) {
		if strings.HasPrefix(part, "php/") && p.status[part] != "" {
			p.php(part)
		}
	}
	p.mysqld()
	p.staleness()
	return p.r
}

func split(text string) answers {
	a := answers{lines: map[string][]string{}, status: map[string]string{}}
	part := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if status, ok := strings.CutPrefix(line, "= status "); ok {
			a.status[part] = status
			continue
		}
		if name, ok := strings.CutPrefix(line, "= "); ok {
			part = name
			a.lines[part] = []string{}
			continue
		}
		if part != "" && len(line) < 64<<10 {
			a.lines[part] = append(a.lines[part], line)
		}
	}
	return a
}

func (p *parser) at(name string) snapshot.Address { return snapshot.At(p.in.Scope, "effective", name) }

// settings adds one fact for each key: its value, or the list of its values.
func (p *parser) settings(object, from string, values map[string][]string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		var vs []snapshot.Value
		name := key
		if strings.HasSuffix(key, "_pw") { // mysqli.default_pw
			name = "password"
		}
		for _, text := range values[key] {
			vs = append(vs, p.in.Redact.Scalar(name, text))
		}
		value := vs[0]
		if len(vs) > 1 {
			value = snapshot.List(vs...)
		}
		p.r.Add(p.at(object).Attr(key), value, from)
	}
	p.r.Looked = append(p.r.Looked, "effective/"+object+"#*", "effective/"+object)
}

// sshd reads KEYWORD VALUE lines.
func (p *parser) sshd() {
	lines, asked := p.lines["sshd"]
	if !asked {
		return
	}
	text := strings.Join(lines, "\n")
	if p.status["sshd"] != "0" {
		if r, ok := sshdRefuses(text); ok {
			p.refused("sshd", r)
		} else {
			p.unasked("sshd -T")
		}
		return
	}
	values := map[string][]string{}
	for _, line := range lines {
		key, value, ok := strings.Cut(line, " ")
		if ok && keyword(key) {
			values[key] = append(values[key], strings.TrimSpace(value))
		}
	}
	if len(values) > 20 {
		p.settings("sshd", "sshd -T", values)
	}
}

func keyword(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// nginx reads the digests of the files that it includes: DIGEST, two blanks or a blank and a star, FILE. Nothing is said of them unless all were read.
func (p *parser) nginx() {
	lines, asked := p.lines["nginx"]
	if !asked {
		return
	}
	r, refuses := nginxRefuses(strings.Join(p.lines["nginx-test"], "\n"))
	switch file := strings.TrimSpace(strings.Join(p.lines["nginx-missing"], " ")); p.status["nginx"] {
	case "0":
	case "missing":
		if !refuses {
			r, refuses = refusal{reason: "it includes " + file[:min(len(file), 200)] + ", which is not there"}, true
		}
	default:
		p.note("files of nginx that this user may not read, or too many")
		return
	}
	if refuses {
		p.refused("nginx", r)
	}
	if p.status["nginx"] != "0" {
		return
	}
	if _, tested := p.lines["nginx-test"]; !tested && !refuses {
		p.note("nginx is not asked whether it takes its files: that needs root, setpriv, and that parsing them runs no application")
	}
	for _, line := range lines {
		digest, file, ok := strings.Cut(line, " ")
		if file = strings.TrimLeft(file, " *"); !ok || len(digest) != 64 || !strings.HasPrefix(file, "/") {
			continue
		}
		p.r.Add(p.at("nginx"+file).Attr("digest"), p.in.Redact.Content([]byte(digest)), file)
	}
	p.r.Looked = append(p.r.Looked, "effective/nginx/*")
}

// mysqld reads --OPTION[=VALUE] lines. Of an option that stands twice the last counts, but for those that add up.
func (p *parser) mysqld() {
	lines, asked := p.lines["mysqld"]
	if !asked || p.status["mysqld"] != "0" {
		if r, ok := mysqldRefuses(strings.Join(lines, "\n")); ok {
			p.refused("mysqld", r)
		}
		return
	}
	values := map[string][]string{}
	for _, line := range lines {
		option, ok := strings.CutPrefix(line, "--")
		if !ok {
			continue
		}
		key, value, has := strings.Cut(option, "=")
		if !has {
			value = "on"
		}
		if key = strings.ReplaceAll(strings.ToLower(key), "-", "_"); !directive(key) {
			continue
		}
		if strings.HasPrefix(key, "replicate_") || strings.HasPrefix(key, "binlog_") || strings.HasPrefix(key, "plugin_load") {
			values[key] = append(values[key], value)
			continue
		}
		values[key] = []string{value}
	}
	p.settings("mysqld", "my_print_defaults", values)
}
