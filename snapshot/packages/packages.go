// Package packages is the host collector of installed packages: Debian's dpkg and Alpine's apk from their
// own database files, rpm through the rpm command, those of programming languages by the names of files, and lists of packages (SBOM). Like every host collector it declares what to fetch and
// parses the sections that a transport filled.
package packages

import (
	"fmt"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Collector reads the packages of a host.
type Collector struct{}

// New makes the collector.
func New() Collector { return Collector{} }

// Name is the collector's folder.
func (Collector) Name() string { return "packages" }

// Doc describes the collector.
func (Collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Installed packages and modified conffiles",
		Text: `Reads the package databases themselves, so that a directory tree serves as well as a running host: ` + "`/var/lib/dpkg/status`" + ` and the
` + "`status.d`" + ` of distroless images, ` + "`/lib/apk/db/installed`" + `, and of rpm ` + "`rpmdb.sqlite`, `Packages.db`" + ` or ` + "`Packages`" + `, or ` + "`rpm -qa`" + ` where that can be run.

A package that was removed and left its configuration behind is not installed. Kernel packages, whose names hold a
version, are one package with the newest installed version: ` + "`linux-image-VERSION-amd64`" + `. A package of a foreign architecture has it in its name: ` + "`deb/libc6%3Ai386`" + `.

A conffile below /etc whose content is not what its package delivered is a fact of its own, unless the same file is captured
as configuration, or is a cron, sysctl or unit file, whose facts are given under their own names.

/opt, /srv, /var/www, /u/apps, /usr/local and the releases that ` + "`current`" + ` leads to are searched for what else is installed, on running hosts and in directory trees: Python packages of the system and of
virtual environments, npm packages (of an application by npm's own list, node_modules/.package-lock.json), gems, jars by the version in their name, and programs that Go made by the
build information inside them. What lies elsewhere than where the system keeps such packages has its directory in its name: ` + "`pip/srv/shop/venv/requests`" + `. Several versions beside each
other are one set.

` + "`sbom:`" + ` of a role names lists of packages, CycloneDX or SPDX: they tell of the ecosystems that the host has no database of, by package URL. ` + "`pkg:deb/debian/NAME@VERSION`, `pkg:rpm/…`, `pkg:apk/…`, `pkg:pypi/NAME`, `pkg:npm/@SCOPE/NAME`, `pkg:gem/NAME`, `pkg:golang/MODULE` and `pkg:maven/GROUP/NAME`" + ` are the packages
` + "`deb/NAME`, `rpm/NAME`, `apk/NAME`, `pip/NAME`, `npm/@SCOPE/NAME`, `gem/NAME`, `go/MODULE` and `jar/NAME`" + `.

apt is asked for the origin of packages only where it has an up-to-date cache, and as nobody. rpm is asked as nobody too, for as root it writes an index beside its database. Where nobody cannot read it without that index, or rpm is not there, the database itself is read, as in a directory tree.

Not read: packages of programming languages in people's home directories, programs of Go beyond 200 MB and those of hosts whose
grep does not know -b (busybox), conffiles outside /etc or below a directory of it that is a link.`,
		Needs: []string{"/var/lib/dpkg/status or status.d, /lib/apk/db/installed", "rpm or its database", "find, grep and sed, for packages of programming languages", "read access to /etc for modified conffiles"},
		Attributes: []string{
			"package/deb/NAME#version: the version with epoch, as dpkg prints it; also package/rpm/NAME and package/apk/NAME",
			"package/pip/…NAME#version, package/npm/…, package/gem/…, package/jar/…: the version, or all that are installed",
			"package/go/PROGRAM#version, #module, #revision, #go: what a program of Go was made of; #dependencies: captured, never compared",
			"package/deb/NAME#arch: captured, never compared",
			"package/deb/NAME#origin: who the archives are that have the installed version, by their own word (Debian, nginx); on running hosts whose apt has an up-to-date cache; captured, never compared",
			"package/deb/NAME#status: only when it is not plainly installed: held, half-configured, unpacked, …",
			"package/deb/NAME#conffiles: the configuration files it owns; captured, never compared",
			"conffile/deb/NAME/etc/PATH#state: modified or missing; a pristine conffile has no fact",
			"conffile/deb/NAME/etc/PATH#digest: keyed digest of a modified conffile; compared within an environment",
		},
	}
}

// Kinds declares how packages are compared.
func (Collector) Kinds() []snapshot.Kind {
	owns := map[string]string{"conffiles": "config cron"}
	parents, yields := []string{"package/{/1}/{/2}"}, []string{"config/{/3+}", "effective/nginx/{/3+}"}
	return []snapshot.Kind{
		{Pattern: "package/*#arch", Axis: snapshot.Context, Area: finding.AreaPackage, Owns: owns, Doc: "a package's architecture"},
		{Pattern: "package/*#origin", Axis: snapshot.Context, Area: finding.AreaPackage, Owns: owns, Doc: "which archive a package is from"},
		{Pattern: "package/*#dependencies", Axis: snapshot.Context, Area: finding.AreaPackage, Owns: owns, Doc: "the modules that a program of Go is linked with"},
		{Pattern: "package/*#conffiles", Axis: snapshot.Context, Area: finding.AreaPackage, Owns: owns, Doc: "the configuration files of a package"},
		{Pattern: "package/*", Area: finding.AreaPackage, Owns: owns, Doc: "an installed package"},
		{Pattern: "conffile/*#digest", Axis: snapshot.Within, Area: finding.AreaConfig, Parents: parents, YieldsTo: yields, Doc: "the content of a modified conffile"},
		{Pattern: "conffile/*", Area: finding.AreaConfig, Parents: parents, YieldsTo: yields, Doc: "a conffile that is not as its package delivered it"},
	}
}

const (
	maxDatabase = 64 << 20
	maxRpm      = 96 << 20 // rpm keeps the names of all files in its database
)

// rpmScript prints one line per package. It looks for a database first, and names it: rpm would make an empty one, on Debian in the user's home. What runs as root asks as nobody: SQLite and
// Berkeley DB write an index beside the database for whoever may (rpm 4.18: rpmdb.sqlite-shm; 4.11: __db.001). Where nobody cannot ask, because that index is not there or rpm is not, it prints the database
// itself behind a line "= SIZE SIZE": the bytes of it and of its log.
const rpmScript = `as= out=
[ "$(id -u)" = 0 ] && command -v setpriv >&2 && as='setpriv --reuid=65534 --regid=65534 --clear-groups'
for db in ` + rpmDatabases + `; do
[ -e "$db" ] || continue
command -v rpm >&2 && out=$($as rpm --dbpath "${db%/*}" -qa --qf '%{NAME}\t%{EPOCHNUM}\t%{VERSION}-%{RELEASE}\t%{ARCH}\n') && [ "$out" ] && printf '%s\n' "$out" && exit 0
set -- "$db"
[ -s "$db-wal" ] && set -- "$db" "$db-wal"
printf '= %s %s\n' "$(stat -L -c %s "$db")" "$([ "$2" ] && stat -L -c %s "$2" || echo 0)"
exec cat "$@"
done
exit 0`

// rpmDatabases is where rpm keeps them: SQLite (Fedora, RHEL 9), Berkeley DB (until RHEL 8), ndb (SUSE).
const rpmDatabases = "/var/lib/rpm/rpmdb.sqlite /var/lib/rpm/Packages /var/lib/rpm/Packages.db /usr/lib/sysimage/rpm/rpmdb.sqlite /usr/lib/sysimage/rpm/Packages.db"

// Wants declares the databases of the ecosystems that the role asks for.
func (Collector) Wants(spec snapshot.RoleSpec) []transport.Want {
	var ws []transport.Want
	if asked(spec, "deb") {
		ws = append(ws,
			transport.Want{ID: "dpkg", Globs: []string{"/var/lib/dpkg/status"}, MaxBytes: maxDatabase, Doc: "installed Debian packages"},
			transport.Want{ID: "dpkg.d", Globs: []string{"/var/lib/dpkg/status.d/*"}, Exclude: []string{"/var/lib/dpkg/status.d/*.md5sums"},
				Doc: "installed Debian packages of a distroless image"},
			transport.Want{ID: "conffiles", Globs: []string{"/etc/**"}, Exclude: []string{"/etc/alternatives/**", "/etc/ssl/certs/**"},
				Content: transport.MD5, MaxBytes: 16 << 20, Doc: "which conffiles were modified: their digests only"},
			transport.Want{ID: "origins", Command: []string{"sh", "-c", originScript}, Doc: "which archive installed Debian packages are from"},
			transport.Want{ID: "etc-links", Globs: []string{"/etc/*", "/etc/*/*"}, Content: transport.Names, Doc: "which directories of /etc are links"},
		)
	}
	if asked(spec, "apk") {
		ws = append(ws, transport.Want{ID: "apk", Globs: []string{"/lib/apk/db/installed"}, MaxBytes: maxDatabase, Doc: "installed Alpine packages"})
	}
	if asked(spec, "rpm") {
		ws = append(ws,
			transport.Want{ID: "rpmdb", Globs: strings.Fields(rpmDatabases), Content: transport.Names, Doc: "whether the host has an rpm database"},
			transport.Want{ID: "rpm", Command: []string{"sh", "-c", rpmScript}, MaxBytes: maxRpm, Doc: "installed rpm packages"},
			transport.Want{ID: "rpm-tree", Globs: rpmFiles(), MaxBytes: maxRpm, Tree: true, Doc: "the rpm database of a directory tree, and SQLite's log of it"},
		)
	}
	if slices.ContainsFunc(applicationEcosystems[:], func(eco string) bool { return asked(spec, eco) }) {
		ws = append(ws, transport.Want{ID: "applications", Command: []string{"sh", "-c", findApplications}, MaxBytes: 16 << 20, Doc: "packages of programming languages, by the names of files"})
		ws = append(ws, treeWants(spec)...)
	}
	if len(spec.SBOM) > 0 {
		ws = append(ws, transport.Want{ID: "sbom", Globs: spec.SBOM, MaxBytes: maxDatabase, Doc: "lists of packages that the role names"})
	}
	return ws
}

// readable are the ecosystems that this collector knows, others the names that envdiff.yaml may hold beside them.
var readable = [...]string{"deb", "rpm", "apk"}

// asked reports whether a role wants an ecosystem: all are wanted unless some are named.
func asked(spec snapshot.RoleSpec, ecosystem string) bool {
	return spec.Packages == nil || slices.Contains(spec.Packages, ecosystem)
}

// Parse reads the databases that are there.
func (Collector) Parse(in snapshot.Input) snapshot.Result {
	r := snapshot.Result{Looked: []string{}}
	found := 0
	if asked(in.Spec, "deb") && parseDeb(in, &r) {
		found++
	}
	if asked(in.Spec, "apk") && parseApk(in, &r) {
		found++
	}
	if asked(in.Spec, "rpm") && parseRpm(in, &r) {
		found++
	}
	parseApplications(in, &r, found > 0)
	if parseSBOM(in, &r) {
		found++
	}
	for _, eco := range in.Spec.Packages {
		if !slices.Contains(readable[:], eco) && !slices.Contains(applicationEcosystems[:], eco) {
			r.Notes = append(r.Notes, snapshot.Note{Scope: in.Scope, Kind: "packages of " + eco, Count: 1, Detail: "envdiff does not read this ecosystem"})
		}
	}
	if found == 0 && len(r.Gaps) == 0 {
		noDatabase(in, &r)
	}
	return r
}

// noDatabase reports a host without any package database: a gap when the role names packages, else a thing that is not
// compared. A host that lost its database must not look like one from which every package was removed.
func noDatabase(in snapshot.Input, r *snapshot.Result) {
	named := false
	for _, eco := range readable {
		named = named || slices.Contains(in.Spec.Packages, eco)
	}
	if named {
		r.Missing(snapshot.At(in.Scope, "package", ""), "no package database was found: neither "+strings.Join(readable[:], ", nor "),
			"check that the tree holds /var/lib/dpkg/status, or take packages: out of the role in envdiff.yaml")
		return
	}
	r.Notes = append(r.Notes, snapshot.Note{Scope: in.Scope, Kind: "packages", Count: 1, Detail: "no package database was found"})
}

// database returns the one file of a section. ok is false when there is none; a file that
// cannot be read is a gap at the ecosystem.
func database(in snapshot.Input, id, ecosystem string, r *snapshot.Result) (f transport.File, ok bool) {
	s := in.Sections[id]
	if s.Problem != transport.OK && s.Problem != transport.NotFound {
		unreadable(in, ecosystem, "the package database", s.Problem, s.Detail, r)
		return f, false
	}
	if len(s.Files) == 0 {
		return f, false
	}
	f = s.Files[0]
	if f.Problem != transport.OK {
		unreadable(in, ecosystem, f.Path, f.Problem, f.Detail, r)
		return f, false
	}
	return f, true
}

// unreadable reports a database that is there and cannot be read.
func unreadable(in snapshot.Input, ecosystem, what string, p transport.Problem, detail string, r *snapshot.Result) {
	reason := fmt.Sprintf("%s could not be read: %s", what, p)
	if detail != "" {
		reason += " (" + detail + ")"
	}
	hint := "look at the file, or capture the host itself instead of the tree"
	if p == transport.Denied {
		hint = "run envdiff as a user who may read it"
	}
	r.Missing(snapshot.At(in.Scope, "package", ecosystem), reason, hint, "package/"+ecosystem+"/*", "conffile/"+ecosystem+"/*")
}

// damage collects what could not be read of a database, for one gap.
type damage struct {
	lines  []string // "line 12: no version"
	more   int
	covers []string
	whole  bool // something without a name was lost: any package may be missing
}

func (d *damage) add(line int, what string) {
	if len(d.lines) < 5 {
		d.lines = append(d.lines, fmt.Sprintf("line %d: %s", line, what))
		return
	}
	d.more++
}

// report adds the gap, if there was damage.
func (d *damage) report(in snapshot.Input, ecosystem, path string, r *snapshot.Result) {
	if len(d.lines) == 0 {
		return
	}
	covers := d.covers
	if d.whole || len(covers) > 200 { // a gap of thousands of names says no more than one of all
		covers = []string{"package/" + ecosystem + "/*", "conffile/" + ecosystem + "/*"}
	}
	text := strings.Join(d.lines, "; ")
	if d.more > 0 {
		text += fmt.Sprintf("; and %d more", d.more)
	}
	r.Missing(snapshot.At(in.Scope, "package", ecosystem), path+" is damaged: "+text,
		"repair the database ("+repair(ecosystem)+"), or restore it from a backup; the packages that could be read are compared", covers...)
}

// repair names what mends a database.
func repair(ecosystem string) string {
	switch ecosystem {
	case "deb":
		return "dpkg --audit, /var/lib/dpkg/status-old"
	case "apk":
		return "apk fix"
	}
	return "rpm --rebuilddb"
}
