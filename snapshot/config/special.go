package config

import (
	"path"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// specialSection is the id of the Want for files of which a broad glob such as /etc/** takes hold although nobody may or should read them as text.
const specialSection = "special"

var (
	// choices are links that are themselves what is configured: update-alternatives' and the start order of System V. They lead to programs.
	choices = []string{"/etc/alternatives/*", "/etc/rc?.d/*"}
	// accounts are told by the collector host, as users and groups.
	accounts = []string{"/etc/passwd", "/etc/group"}
	// withheld hold password hashes, or are the copies that shadow-utils keep of such files when they change them. They are never opened.
	withheld = []string{"/etc/shadow", "/etc/gshadow", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-", "/etc/.pwd.lock",
		"/etc/security/opasswd"}
)

// special lists the globs that the first Want leaves out and the second one names.
func special() (exclude, names []string) {
	names = append(append(names, choices...), withheld...)
	return append(append(exclude, names...), accounts...), names
}

// specials tells of the links where they lead, and that the other files are not compared.
func specials(in snapshot.Input, res *snapshot.Result) {
	var asked []transport.Glob
	for _, g := range in.Spec.Config {
		asked = append(asked, transport.CompileGlob(g))
	}
	notOpened := 0
	for _, f := range in.Sections[specialSection].Files {
		switch {
		case !matchesAny(asked, f.Path):
		case !choice.match(f.Path):
			notOpened++
		case f.Target != "":
			capture{in: in, res: res, file: f, at: at(in.Scope, f.Path)}.link()
		}
	}
	if notOpened > 0 {
		res.Notes = append(res.Notes, snapshot.Note{Scope: in.Scope, Kind: "password files, which are never opened", Count: notOpened})
	}
}

var choice = compileNames(choices)

func matchesAny(globs []transport.Glob, name string) bool {
	for _, g := range globs {
		if g.Match(name) {
			return true
		}
	}
	return false
}

func at(scope, file string) snapshot.Address {
	return snapshot.At(scope, "config", strings.TrimPrefix(file, "/"))
}

// unitLink reports a link by which systemd enables a unit, gives it another name or masks it (systemctl(1)): what it says is that it is there and
// where it leads. The unit behind it is part of a package.
func unitLink(f transport.File) bool {
	if f.Target == "" || !unitPlaces.match(f.Path) {
		return false
	}
	to := path.Join(path.Dir(f.Path), f.Target)
	if path.IsAbs(f.Target) {
		to = path.Clean(f.Target)
	}
	return enabling.match(f.Path) || strings.HasPrefix(to, "/usr/lib/systemd/") || strings.HasPrefix(to, "/lib/systemd/")
}

var (
	unitPlaces = compileNames([]string{"/etc/systemd/system/**", "/etc/systemd/user/**"})
	enabling   = compileNames([]string{"/etc/systemd/*/*.wants/*", "/etc/systemd/*/*.requires/*", "/etc/systemd/*/*.upholds/*"})
)

// link takes a link for what it is. Where /lib is a link to /usr/lib, both spellings of a target are one.
func (c capture) link() {
	if !enabling.match(c.file.Path) {
		target := c.file.Target
		if strings.HasPrefix(target, "/lib/") {
			target = "/usr" + target
		}
		c.fact(linkFact, snapshot.String(target))
	}
	c.res.Add(c.at, snapshot.Bool(true), c.file.Path)
}
