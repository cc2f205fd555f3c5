package puppet

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Parse reads the last run and the catalogue.
func (Collector) Parse(in snapshot.Input) snapshot.Result {
	p := &parser{in: in, r: snapshot.Result{Looked: []string{}}}
	if c := p.catalog(); c != nil {
		p.resources(c)
	}
	p.run()
	return p.r
}

type parser struct {
	in       snapshot.Input
	r        snapshot.Result
	compiled bool // a catalogue was read: it says more than the list of classes
	roles    []string
}

func (p *parser) at(name string) snapshot.Address { return snapshot.At(p.in.Scope, "puppet", name) }

const hint = "read as a user who may (sudo: true in envdiff.yaml), or run puppet agent -t on the host"

// files returns the readable files of a section, and whether the section was looked at as a whole. What could not be read is a gap at name that covers globs.
func (p *parser) files(id, name string, covers ...string) ([]transport.File, bool) {
	s, fetched := p.in.Sections[id]
	if !fetched {
		return nil, false
	}
	whole := s.Problem == transport.OK || s.Problem == transport.NotFound
	reason := string(s.Problem)
	var out []transport.File
	for _, f := range s.Files {
		switch {
		case f.Problem == transport.OK:
			out = append(out, f)
		case f.Problem != transport.NotFound:
			whole, reason = false, f.Path+": "+string(f.Problem)
		}
	}
	if !whole {
		p.r.Missing(p.at(name), "Puppet's files could not be read: "+reason, hint, covers...)
	}
	slices.SortFunc(out, func(a, b transport.File) int { return strings.Compare(a.Path, b.Path) })
	return out, whole
}

// run reads what the last run left behind. Of several files of a name the first directory's counts.
func (p *parser) run() {
	files, whole := p.files("run", "run", "puppet/*")
	if !whole {
		return
	}
	byName := map[string]transport.File{}
	for _, f := range files {
		if _, again := byName[path.Base(f.Path)]; !again {
			byName[path.Base(f.Path)] = f
		}
	}
	p.r.Looked = append(p.r.Looked, "puppet/run*")
	if f, ok := byName["classes.txt"]; ok {
		p.classes(f)
	} else if !p.compiled && len(byName) > 0 {
		p.r.Looked = append(p.r.Looked, "puppet/classes*")
	}
	if len(p.roles) > 0 {
		p.r.Add(p.at("node").Attr("roles"), snapshot.Strings(true, p.roles...), "")
	}
	if f, ok := byName["agent_disabled.lock"]; ok {
		p.r.Add(p.at("agent").Attr("disabled"), p.disabled(f.Body), f.Path)
	}
	summary, ok := byName["last_run_summary.yaml"]
	report, reported := byName["last_run_report.yaml"]
	var last lastRun
	switch {
	case ok && !last.readSummary(summary.Body):
		p.damaged(summary.Path)
		return
	case reported && !last.readReport(report.Body):
		p.damaged(report.Path)
		return
	case ok || reported:
		p.lastRun(&last, summary.Path, report.Path)
	}
}

func (p *parser) damaged(file string) {
	p.r.Missing(p.at("run"), file+" is damaged or of a kind that is not known", "run puppet agent -t on the host, which writes it again")
}

// classes reads classes.txt: one class a line, in lower case.
func (p *parser) classes(f transport.File) {
	var names []string
	for line := range bytes.Lines(f.Body) {
		name := strings.TrimSpace(string(line))
		switch {
		case name == "", name == "settings", name == "default":
		case !className(name):
			p.r.Missing(p.at("classes"), f.Path+" holds something else than names of classes", "run puppet agent -t on the host, which writes it again")
			return
		default:
			names = append(names, name)
		}
	}
	p.noteRoles(names)
	if !p.compiled {
		p.r.Looked = append(p.r.Looked, "puppet/classes*")
		p.r.Add(p.at("classes").Attr("names"), snapshot.Strings(true, names...), f.Path)
	}
}

// className reports a name as Puppet allows them: segments of letters, digits and _ between ::.
func className(name string) bool {
	return len(name) < 500 && strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == ':')
	}) < 0
}

func (p *parser) noteRoles(classes []string) {
	for _, c := range classes {
		if strings.HasPrefix(c, "role::") && !slices.Contains(p.roles, c) {
			p.roles = append(p.roles, c)
		}
	}
}

// lastRun writes what a run did.
func (p *parser) lastRun(l *lastRun, summary, report string) {
	origin := summary
	if origin == "" {
		origin = report
	}
	a := p.at("run")
	add := func(attribute string, v snapshot.Value) { p.r.Add(a.Attr(attribute), v, origin) }
	text := func(attribute, s string) {
		if s != "" {
			add(attribute, p.in.Redact.Line(s))
		}
	}
	add("status", snapshot.String(l.verdict()))
	for attribute, n := range map[string]int64{"failed": l.failures(), "pending": l.pending(), "changed": l.count["resources.changed"], "out_of_sync": l.count["resources.out_of_sync"]} {
		add(attribute, snapshot.Int(n))
	}
	text("at", l.time())
	text("mode", l.mode)
	text("environment", l.environment)
	text("version", l.version)
	if l.reported {
		add("noop", snapshot.Bool(l.noop))
	}
	for attribute, refs := range map[string][]string{"failed_resources": l.failedRefs, "pending_resources": l.pendingRefs} {
		if len(refs) > 0 {
			for i := range refs {
				refs[i] = snapshot.Masked(p.in.Redact.Text(refs[i]))
			}
			p.r.Add(a.Attr(attribute), snapshot.Strings(true, refs...), report)
		}
	}
	slices.SortFunc(p.r.Facts, func(a, b snapshot.Fact) int { return strings.Compare(a.Address.String(), b.Address.String()) })
}

// disabled is what puppet agent --disable MESSAGE wrote: {"disabled_message":"…"}.
func (p *parser) disabled(body []byte) snapshot.Value {
	_, rest, ok := bytes.Cut(body, []byte(`"disabled_message":`))
	text := strings.Trim(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(rest)), "}")), `"`)
	if !ok || text == "" || len(text) > 500 {
		return snapshot.String("no reason given")
	}
	return p.in.Redact.Line(text)
}

// ref is how Puppet writes a resource: Type[title].
func ref(typ, title string) string { return fmt.Sprintf("%s[%s]", typ, title) }
