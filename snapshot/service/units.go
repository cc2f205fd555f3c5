package service

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// unitTypes are the suffixes of unit names (systemd.unit(5)).
var unitTypes = [...]string{".service", ".socket", ".timer", ".mount", ".automount", ".path", ".target", ".slice", ".swap", ".scope", ".device"}

const (
	unitDir = "/etc/systemd/system/"
	masked  = "masked"
)

// Parse reads links, overrides and states.
func (Collector) Parse(in snapshot.Input) snapshot.Result {
	p := &parser{in: in, r: snapshot.Result{Looked: []string{}}, units: map[string]*unit{}}
	for _, g := range in.Spec.Config {
		p.config = append(p.config, transport.CompileGlob(g))
	}
	for _, name := range in.Spec.Services {
		p.unit(fullName(name)).named = true
	}
	p.links()
	p.states()
	p.facts()
	p.overrides()
	p.timers()
	return p.r
}

type parser struct {
	in     snapshot.Input
	r      snapshot.Result
	config []transport.Glob // files that the config collector reads
	units  map[string]*unit // by full name
	seen   bool             // systemd's directories were looked at
	live   bool             // running states are known
}

// captured reports whether the role captures this file as configuration: a link, too, is told there and not here.
func (p *parser) captured(path string) bool {
	return slices.ContainsFunc(p.config, func(g transport.Glob) bool { return g.Match(path) })
}

// unit is what is known of one unit.
type unit struct {
	named   bool // by the role
	enabled bool
	masked  bool
	told    bool // the link that enables it is captured as configuration
	active  string
	stale   bool // systemd has not read its files since they changed
	dropIns []string
	origin  string
}

func (p *parser) unit(full string) *unit {
	u := p.units[full]
	if u == nil {
		u = &unit{}
		p.units[full] = u
	}
	return u
}

// links reads /etc/systemd/system. A host without systemd has neither this directory nor the
// packages' own: nothing was looked at then.
func (p *parser) links() {
	s, fetched := p.in.Sections["links"]
	if !fetched {
		return
	}
	complete := s.Problem == transport.OK || s.Problem == transport.NotFound
	if !complete {
		p.trouble(unitDir, s.Problem, s.Detail)
	}
	for _, f := range s.Files {
		switch {
		case f.Problem == transport.NotFound:
		case f.Problem != transport.OK:
			complete = false
			p.trouble(f.Path, f.Problem, f.Detail)
		case f.Target != "" && p.captured(f.Path):
			if enabling(path.Base(path.Dir(f.Path))) {
				p.unit(path.Base(f.Path)).told = true
			}
		case f.Target != "":
			p.link(f)
		}
	}
	p.seen = complete && (len(s.Files) > 0 || len(p.in.Sections["vendor"].Files) > 0)
	if p.seen {
		p.r.Looked = append(p.r.Looked, "service/*#", "service/*#enabled")
	}
}

// link takes one link: NAME → /dev/null masks, DIR.wants/NAME enables, ALIAS → …/NAME enables NAME.
func (p *parser) link(f transport.File) {
	rel := strings.TrimPrefix(f.Path, unitDir)
	dir, name, nested := strings.Cut(rel, "/")
	if !nested {
		name = dir
	}
	if !isUnit(name) {
		return
	}
	switch {
	case nested && strings.HasSuffix(dir, ".d"):
	case nested && !enabling(dir):
	case f.Target == "/dev/null":
		if !nested {
			u := p.unit(name)
			u.masked, u.origin = true, f.Path
		}
	default:
		if target := path.Base(f.Target); !nested && isUnit(target) {
			name = target // "systemctl enable" of an alias names the unit behind it
		}
		if u := p.unit(name); !u.enabled {
			u.enabled, u.origin = true, f.Path
		}
	}
}

func enabling(dir string) bool {
	return strings.HasSuffix(dir, ".wants") || strings.HasSuffix(dir, ".requires") || strings.HasSuffix(dir, ".upholds")
}

// facts writes what is known of every unit. A service that the role names is there even when it is not enabled.
func (p *parser) facts() {
	unseen := 0
	for _, full := range slices.Sorted(maps.Keys(p.units)) {
		u := p.units[full]
		a := snapshot.At(p.in.Scope, "service", strings.TrimSuffix(full, ".service"))
		switch {
		case !p.seen:
			if u.named {
				unseen++
			}
		case u.told, p.captured(unitDir + "multi-user.target.wants/" + full):
		case u.masked:
			p.r.Add(a.Attr("enabled"), snapshot.String(masked), u.origin)
		case u.enabled:
			p.r.Add(a.Attr("enabled"), snapshot.Bool(true), u.origin)
		case u.named:
			p.r.Add(a.Attr("enabled"), snapshot.Bool(false), unitDir)
		}
		if p.live && u.active == "" && u.named {
			u.active = "inactive" // systemd does not know it, so it was never loaded
		}
		if u.active != "" {
			p.r.Add(a.Attr("active"), snapshot.String(u.active), "systemctl show")
		}
		if u.stale {
			p.r.Add(a.Attr("stale"), snapshot.Bool(true), "systemctl show")
		}
		if len(u.dropIns) > 0 {
			p.r.Add(a.Attr("drop_ins"), snapshot.Strings(true, u.dropIns...), "systemctl show")
		}
	}
	if unseen > 0 && len(p.r.Gaps) == 0 {
		p.r.Missing(snapshot.At(p.in.Scope, "service", ""), fmt.Sprintf("%d named services could not be looked at: there is no %s", unseen, strings.TrimSuffix(unitDir, "/")),
			"check that the tree holds /etc/systemd/system, or take services: out of the role in envdiff.yaml", "service/*")
	}
}

// overrides digests the unit files and drop-ins of this host's own.
func (p *parser) overrides() {
	s, fetched := p.in.Sections["overrides"]
	if !fetched {
		return
	}
	complete := p.seen && (s.Problem == transport.OK || s.Problem == transport.NotFound)
	if !complete && p.seen {
		p.r.Missing(snapshot.At(p.in.Scope, "unit", ""), fmt.Sprintf("the unit files in %s could not be read: %s", unitDir, s.Problem),
			"look at the directory on the host", "unit/*")
	}
	for _, f := range s.Files {
		a := snapshot.At(p.in.Scope, "unit", strings.TrimPrefix(f.Path, "/"))
		switch {
		case f.Target != "", f.Problem == transport.NotFound: // links are told by links
		case p.captured(f.Path), isTimer(f.Path):
		case f.Problem != transport.OK:
			complete = false
			if f.Problem != transport.Denied {
				p.r.Missing(a, fmt.Sprintf("%s could not be read: %s", f.Path, f.Problem), "look at the file on the host")
				continue
			}
			p.r.Notes = append(p.r.Notes, snapshot.Note{Scope: p.in.Scope, Kind: "files that this user may not read: unit", Count: 1})
		default:
			p.r.Add(a.Attr("digest"), p.in.Redact.Content([]byte(f.Digest)), f.Path)
		}
	}
	if complete {
		p.r.Looked = append(p.r.Looked, "unit/*")
	}
}

func (p *parser) trouble(what string, problem transport.Problem, detail string) {
	reason := fmt.Sprintf("%s could not be read: %s", what, problem)
	if detail != "" {
		reason += " (" + detail + ")"
	}
	p.r.Missing(snapshot.At(p.in.Scope, "service", ""), reason, "run envdiff as a user who may read "+strings.TrimSuffix(unitDir, "/"), "service/*")
}

// fullName is a unit's name with its type: services are named without it.
func fullName(name string) string {
	if isUnit(name) {
		return name
	}
	return name + ".service"
}

func isUnit(name string) bool {
	for _, t := range unitTypes {
		if len(name) > len(t) && strings.HasSuffix(name, t) {
			return true
		}
	}
	return false
}
