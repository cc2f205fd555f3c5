package packages

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	rpmversion "github.com/knqyf263/go-rpm-version"

	"github.com/envdiff/envdiff/internal/rpmdb"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// rpmFiles are the files of rpm's databases, and SQLite's logs beside them.
func rpmFiles() []string {
	all := strings.Fields(rpmDatabases)
	for _, f := range strings.Fields(rpmDatabases) {
		if strings.HasSuffix(f, ".sqlite") {
			all = append(all, f+"-wal")
		}
	}
	return all
}

// rpms are the packages of a host: of each name the newest, for kernels stand beside each other.
type rpms map[string]rpmdb.Package

func (all rpms) add(p rpmdb.Package) {
	if p.Name == "gpg-pubkey" { // a key that rpm keeps among the packages; its version is the key's id
		return
	}
	if p.Epoch != "" && p.Epoch != "0" && p.Epoch != "(none)" {
		p.Version = p.Epoch + ":" + p.Version
	}
	if old, ok := all[p.Name]; !ok || newerRpm(p.Version, old.Version) {
		all[p.Name] = p
	}
}

// facts tells them, as read from origin.
func (all rpms) facts(in snapshot.Input, r *snapshot.Result, origin string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a := snapshot.At(in.Scope, "package", "rpm/"+name)
		r.Add(a.Attr("version"), snapshot.String(all[name].Version), origin)
		r.Add(a.Attr("arch"), snapshot.String(all[name].Arch), origin)
	}
	r.Looked = append(r.Looked, "package/rpm/*")
}

// parseRpm reads what rpmScript prints, or a directory tree's database, and reports whether the host has one.
func parseRpm(in snapshot.Input, r *snapshot.Result) bool {
	db := in.Sections["rpmdb"]
	if len(db.Files) == 0 {
		return false
	}
	s := in.Sections["rpm"]
	if s.Problem == transport.Unable {
		if tree, fetched := in.Sections["rpm-tree"]; fetched && tree.Problem != transport.Unable {
			rpmTree(in, r, tree)
			return true
		}
	}
	if s.Problem != transport.OK || s.Status != 0 || len(s.Output) == 0 {
		reason := ": rpm -qa ended with status " + strconv.Itoa(s.Status)
		switch {
		case s.Problem != transport.OK:
			reason = ": " + string(s.Problem)
		case s.Status == 0:
			reason = ": rpm -qa listed nothing"
		}
		rpmGap(in, r, db.Files[0].Path, "could not be queried"+reason)
		return true
	}
	if bytes.HasPrefix(s.Output, []byte("= ")) {
		head, rest, _ := bytes.Cut(s.Output, []byte("\n"))
		sizes := strings.Fields(string(head[:min(len(head), 64)]))
		size, err := strconv.Atoi(sizes[min(1, len(sizes)-1)])
		if err != nil || size < 0 || size > len(rest) {
			rpmGap(in, r, db.Files[0].Path, "was not answered whole")
			return true
		}
		rpmDatabase(in, r, db.Files[0].Path, rest[:size], rest[size:])
		return true
	}
	rpmAnswers(in, r, s.Output)
	return true
}

// rpmAnswers reads the lines of rpm -qa.
func rpmAnswers(in snapshot.Input, r *snapshot.Result, output []byte) {
	var bad damage
	all := rpms{}
	n := 0
	for line := range bytes.Lines(output) {
		n++
		f := strings.Split(strings.TrimRight(string(line), "\n"), "\t")
		if len(f) != 4 || f[0] == "" || len(f[0]) > 200 || f[2] == "" {
			bad.add(n, "not a package")
			bad.whole = true
			continue
		}
		all.add(rpmdb.Package{Name: f[0], Epoch: f[1], Version: f[2], Arch: f[3]})
	}
	bad.report(in, "rpm", "the answer of rpm -qa", r)
	all.facts(in, r, "rpm -qa")
}

// rpmTree reads the database of a directory tree: the first of those that are there.
func rpmTree(in snapshot.Input, r *snapshot.Result, s transport.Section) {
	held := map[string]transport.File{}
	for _, f := range s.Files {
		held[f.Path] = f
	}
	for _, path := range strings.Fields(rpmDatabases) {
		f, ok := held[path]
		if !ok {
			continue
		}
		log := held[path+"-wal"]
		for _, part := range []transport.File{f, log} {
			if part.Problem != transport.OK {
				unreadable(in, "rpm", part.Path, part.Problem, part.Detail, r)
				return
			}
		}
		rpmDatabase(in, r, path, f.Body, log.Body)
		return
	}
	unreadable(in, "rpm", "the rpm database", s.Problem, s.Detail, r)
}

// rpmDatabase reads a database without rpm.
func rpmDatabase(in snapshot.Input, r *snapshot.Result, path string, database, log []byte) {
	found, err := rpmdb.Read(database, log)
	switch {
	case errors.Is(err, rpmdb.ErrFormat):
		rpmGap(in, r, path, "is in a format that is not known")
		return
	case err != nil:
		rpmGap(in, r, path, "could not be read: "+err.Error())
		return
	case len(found) == 0:
		rpmGap(in, r, path, "holds no packages")
		return
	}
	all := rpms{}
	for _, p := range found {
		if !plainRpm(p) {
			rpmGap(in, r, path, "could not be read: it has a package with an impossible name")
			return
		}
		all.add(p)
	}
	all.facts(in, r, path)
}

// plainRpm reports names and versions as rpm accepts them: printable, without blanks.
func plainRpm(p rpmdb.Package) bool {
	for _, text := range []string{p.Name, p.Version, p.Arch} {
		if len(text) > 200 || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			return false
		}
	}
	return true
}

func rpmGap(in snapshot.Input, r *snapshot.Result, path, what string) {
	r.Missing(snapshot.At(in.Scope, "package", "rpm"), "the rpm database "+path+" "+what,
		"capture the running host, where the rpm command is, or name other packages in the role", "package/rpm/*")
}

// newerRpm reports whether a is newer than b by rpm's ordering.
func newerRpm(a, b string) bool {
	va, vb := rpmversion.NewVersion(a), rpmversion.NewVersion(b)
	if c := va.Compare(vb); c != 0 {
		return c > 0
	}
	return a > b
}
