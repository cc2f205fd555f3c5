package config

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// specialSection is the id of the Want for files of which a broad glob such as /etc/** takes hold although
// nobody may or should read them as text.
const specialSection = "special"

// The kinds of such files. A glob belongs to one of them.
var (
	// choices are links that are themselves what is configured: update-alternatives' and the start
	// order of System V. They lead to programs.
	choices = []string{"/etc/alternatives/*", "/etc/rc?.d/*"}
	// perHost are made once on every host: that one is there can be compared, and nothing else of it.
	perHost = []string{"/etc/ssh/ssh_host_*_key", "/etc/ssh/ssh_host_*_key.pub", "/etc/ssl/private/ssl-cert-snakeoil.key", "/etc/ssl/certs/ssl-cert-snakeoil.pem",
		"/etc/iscsi/initiatorname.iscsi", "/etc/nvme/hostnqn", "/etc/nvme/hostid", "/etc/hostid", "/etc/adjtime"}
	// withheld hold password hashes, or are the copies that shadow-utils keep of such files when
	// they change them. They are never opened.
	withheld = []string{"/etc/shadow", "/etc/gshadow", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-",
		"/etc/security/opasswd"}
	// derived are made by programs from what is compared anyway.
	derived = []string{"/etc/ld.so.cache", "/etc/mtab", "/etc/.updated", "/etc/.pwd.lock"}
	// aliases are links by which OpenSSL finds certificates: other names of
	// files beside them, made by `openssl rehash`.
	aliases = []string{"/etc/ssl/certs/????????.[0-9]"}
	// elsewhere are told by the collector host: as users, groups, operating
	// system, time zone and the host's own identity.
	elsewhere = []string{"/etc/passwd", "/etc/group", "/etc/os-release", "/etc/machine-id", "/etc/timezone", "/etc/localtime"}
)

// special lists the globs that the first Want leaves out and the second one names.
func special() (exclude, names []string) {
	names = slices.Concat(choices, perHost, withheld, derived)
	return slices.Concat(names, elsewhere, aliases), names
}

// specials tells of links where they lead, of identities that they are there, and
// of the others that they are not compared.
func specials(in snapshot.Input, res *snapshot.Result) {
	var asked []transport.Glob
	for _, g := range in.Spec.Config {
		asked = append(asked, transport.CompileGlob(g))
	}
	notes := map[string]int{}
	for _, f := range in.Sections[specialSection].Files {
		c := capture{in: in, res: res, file: f, at: at(in.Scope, f.Path)}
		switch {
		case !matchesAny(asked, f.Path):
		case withheldNames.match(f.Path):
			notes["password files"]++
		case derivedNames.match(f.Path):
			notes["generated files"]++
		case f.Target != "" && choiceNames.match(f.Path):
			c.link()
		default:
			res.Add(c.at, snapshot.Bool(true), f.Path)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(notes)) {
		res.Notes = append(res.Notes, snapshot.Note{Scope: in.Scope, Kind: kind, Count: notes[kind]})
	}
}

var (
	choiceNames   = compileNames(choices)
	withheldNames = compileNames(withheld)
	derivedNames  = compileNames(derived)
)

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

// unitLink reports a link by which systemd enables a unit, gives it another name or masks it (systemctl(1)): what it
// says is that it is there and where it leads. The unit behind it is part of a package.
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
