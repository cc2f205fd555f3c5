package capistrano

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Parse makes the facts of every deployment.
func (Collector) Parse(in snapshot.Input) snapshot.Result {
	p := &parser{in: in, r: snapshot.Result{Looked: []string{}}, found: map[string]*deployment{}}
	for _, d := range in.Spec.Deployments {
		p.named = append(p.named, transport.CompileGlob(d))
	}
	p.layout()
	p.files()
	p.git()
	p.commits()
	for _, dir := range slices.Sorted(maps.Keys(p.found)) {
		p.facts(p.found[dir])
	}
	p.missing()
	return p.r
}

type parser struct {
	in    snapshot.Input
	r     snapshot.Result
	named []transport.Glob
	found map[string]*deployment
	blind bool // some directory could not be looked into: a deployment may be in it
}

// deployment is what is known of one directory that Capistrano deploys to.
type deployment struct {
	dir      string
	current  string // the release that current leads to, "" when it leads elsewhere
	linked   bool   // current is a link
	trouble  bool   // something of it could not be read and is a gap already
	revision string
	read     bool // REVISION was read
	releases []string
	log      []event
	logged   bool
	repo     repository
	commit   commit
	fetched  int64
}

func (p *parser) deployment(dir string) *deployment {
	d := p.found[dir]
	if d == nil {
		d = &deployment{dir: dir}
		p.found[dir] = d
	}
	return d
}

func (p *parser) at(dir string) snapshot.Address {
	return snapshot.At(p.in.Scope, "deployment", strings.TrimPrefix(dir, "/"))
}

// layout finds the deployments: directories with a link called current, or with releases.
func (p *parser) layout() {
	links, releases := p.section("links"), p.section("releases")
	if links && releases {
		p.r.Looked = append(p.r.Looked, "deployment/*#", "deployment/*#revision")
	}
	for _, f := range p.in.Sections["links"].Files {
		dir := path.Dir(f.Path)
		switch {
		case f.Problem != transport.OK:
			p.unreadable(dir, f)
		case f.Target != "":
			d := p.deployment(dir)
			d.linked = true
			if path.Base(path.Dir(f.Target)) == "releases" {
				d.current = path.Base(f.Target)
			}
		}
	}
	for _, f := range p.in.Sections["releases"].Files {
		dir, release, ok := splitRelease(f.Path)
		switch {
		case f.Problem != transport.OK:
			p.unreadable(dir, f)
		case ok:
			d := p.deployment(dir)
			d.releases = append(d.releases, release)
		}
	}
	for dir, d := range p.found {
		if !d.linked && len(d.releases) == 0 || d.linked && d.current == "" && len(d.releases) == 0 {
			delete(p.found, dir) // another kind of link called current
		}
		slices.Sort(d.releases)
	}
}

// splitRelease takes DIR/releases/NAME/REVISION apart.
func splitRelease(file string) (dir, release string, ok bool) {
	at := path.Dir(file)
	dir = path.Dir(path.Dir(at))
	release = path.Base(at)
	return dir, release, path.Base(path.Dir(at)) == "releases" && strings.Trim(release, "0123456789") == "" && len(release) == 14
}

// section reports whether a section of files was looked at as a whole.
func (p *parser) section(id string) bool {
	s, fetched := p.in.Sections[id]
	if !fetched {
		return false
	}
	if s.Problem != transport.OK && s.Problem != transport.NotFound {
		p.r.Missing(snapshot.At(p.in.Scope, "deployment", ""), fmt.Sprintf("deployments could not be read (%s): %s", id, s.Problem),
			"run envdiff as a user who may read them, or name deployments: of the role in envdiff.yaml")
		return false
	}
	return true
}

// unreadable is a gap where a deployment is known to be, and elsewhere only what it is: a directory that nobody said holds a deployment.
func (p *parser) unreadable(dir string, f transport.File) {
	known := slices.ContainsFunc(p.named, func(g transport.Glob) bool { return g.Match(dir) })
	if d := p.found[dir]; d != nil {
		known, d.trouble = true, true
	}
	if !known && f.Problem == transport.Denied {
		p.blind = true
		p.r.Notes = append(p.r.Notes, snapshot.Note{Scope: p.in.Scope, Kind: "directories that this user may not read: deployment", Count: 1})
		return
	}
	p.r.Missing(p.at(dir), fmt.Sprintf("%s could not be read: %s", f.Path, f.Problem), "run envdiff as a user who may read "+dir)
	p.deployment(dir).trouble = true
}

// files reads REVISION and revisions.log.
func (p *parser) files() {
	s, fetched := p.in.Sections["files"]
	if !fetched || s.Problem != transport.OK && s.Problem != transport.NotFound {
		p.section("files")
		p.forget()
		return
	}
	for _, f := range s.Files {
		dir := path.Dir(f.Path)
		logged := path.Base(f.Path) == "revisions.log"
		if !logged {
			dir = path.Dir(dir)
		}
		d := p.found[dir]
		switch {
		case d == nil && f.Problem == transport.OK:
		case d == nil || f.Problem != transport.OK && !logged:
			p.unreadable(dir, f)
		case f.Problem != transport.OK:
			p.r.Missing(p.at(dir).Attr("history"), fmt.Sprintf("%s could not be read: %s", f.Path, f.Problem), "run envdiff as a user who may read it")
		case logged:
			d.log, d.logged = readLog(f.Body), true
		default:
			p.readRevision(d, f)
		}
	}
}

// forget is for a host whose revisions could not be asked for.
func (p *parser) forget() {
	for _, d := range p.found {
		d.trouble = true
	}
	p.r.Looked = []string{}
}

func (p *parser) readRevision(d *deployment, f transport.File) {
	text := strings.TrimSpace(string(f.Body))
	if text == "" || len(text) > maxRevision || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		p.r.Missing(p.at(d.dir).Attr("revision"), f.Path+" holds no revision", "deploy again, or look at the file on the host")
		d.trouble = true
		return
	}
	d.revision, d.read = text, true
}

const maxRevision = 200

// facts writes what is known of one deployment.
func (p *parser) facts(d *deployment) {
	a := p.at(d.dir)
	add := func(attribute, value, origin string) {
		if value != "" {
			p.r.Add(a.Attr(attribute), p.in.Redact.Scalar(attribute, value), origin)
		}
	}
	link := d.dir + "/current"
	switch {
	case d.read:
		add("revision", d.revision, link+"/REVISION")
	case d.trouble:
	case !d.linked:
		add("revision", "none: there is no current", "")
	case slices.Contains(d.releases, d.current):
		p.r.Missing(a.Attr("revision"), link+"/REVISION could not be read", "look at the file on the host")
	case d.current != "":
		add("revision", "none: current leads to a release that is not there or has no REVISION", "")
	default:
		add("revision", "none: current leads out of releases", "")
	}
	add("release", d.current, link)
	if len(d.releases) > 0 {
		p.r.Add(a.Attr("releases"), snapshot.Int(int64(len(d.releases))), "")
	}
	p.history(a, d)
	add("repository", d.repo.url, d.repo.origin)
	add("repository_revision", d.tip(), d.repo.origin)
	if at := max(d.fetched, d.repo.moved); at > 0 {
		add("repository_fetched", time.Unix(at, 0).UTC().Format(time.RFC3339), d.repo.origin)
	}
	if d.commit.at > 0 {
		add("committed", time.Unix(d.commit.at, 0).UTC().Format(time.RFC3339), "")
	}
	add("svn_revision", d.commit.svn, "")
}

// missing is the gap of every deployment that the role names and nothing was found of.
func (p *parser) missing() {
	if p.blind {
		p.r.Looked = slices.DeleteFunc(p.r.Looked, func(g string) bool { return g == "deployment/*#" })
	}
	if len(p.r.Looked) == 0 {
		return
	}
	for i, g := range p.named {
		if !g.Literal() || slices.ContainsFunc(slices.Collect(maps.Keys(p.found)), g.Match) {
			continue
		}
		dir := path.Clean(p.in.Spec.Deployments[i])
		p.r.Add(p.at(dir).Attr("revision"), snapshot.String("none: nothing was ever deployed"), "")
	}
}
