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
		refused := strings.Contains(text, "Bad configuration option") || strings.Contains(text, "bad configuration options") || strings.Contains(text, ": line ")
		p.refusal("sshd", "sshd -T", refused)
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

// refusal tells a configuration that its program refuses, or that the program could not be asked.
func (p *parser) refusal(object, command string, refused bool) {
	if refused {
		p.r.Add(p.at(object).Attr("refused"), snapshot.Bool(true), command)
		return
	}
	p.r.Notes = append(p.r.Notes, snapshot.Note{Scope: p.in.Scope, Kind: "effective configuration", Count: 1, Detail: command + " cannot be run by this user"})
}

// nginx reads the digests of the files that it includes: DIGEST, two blanks or a blank and a star, FILE. Nothing is said of them unless all were read.
func (p *parser) nginx() {
	lines, asked := p.lines["nginx"]
	if !asked {
		return
	}
	switch p.status["nginx"] {
	case "0":
	case "missing":
		file := strings.TrimSpace(strings.Join(p.lines["nginx-missing"], " "))
		p.refusal("nginx", "nginx ("+file[:min(len(file), 200)]+" is not there)", true)
		return
	default:
		p.r.Notes = append(p.r.Notes, snapshot.Note{Scope: p.in.Scope, Kind: "effective configuration", Count: 1, Detail: "files of nginx that this user may not read, or too many"})
		return
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

// silenced are the directives that PHP is asked without, so that asking writes nothing: their values are not those that hold.
var silenced = []string{"session.auto_start", "opcache.enable", "opcache.preload", "error_log", "xdebug.mode"}

// php reads the directives of php -i: NAME => LOCAL => MASTER, up to where the environment begins.
func (p *parser) php(part string) {
	if p.status[part] != "0" {
		return
	}
	values := map[string][]string{}
	begun := false
	for _, line := range p.lines[part] {
		if line == "Environment" || line == "Additional Modules" {
			break
		}
		f := strings.SplitN(line, " => ", 3)
		if len(f) == 3 && f[0] == "Directive" {
			begun = true
			continue
		}
		if begun && len(f) == 3 && directive(f[0]) && !slices.Contains(silenced, f[0]) {
			values[f[0]] = []string{strings.TrimSpace(f[1])}
		}
	}
	if len(values) > 20 {
		p.settings(part, strings.TrimPrefix(part, "php/")+" -i", values)
	}
}

func directive(s string) bool {
	return s != "" && len(s) < 128 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// mysqld reads --OPTION[=VALUE] lines. Of an option that stands twice the last counts, but for those that add up.
func (p *parser) mysqld() {
	lines, asked := p.lines["mysqld"]
	if !asked || p.status["mysqld"] != "0" {
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
