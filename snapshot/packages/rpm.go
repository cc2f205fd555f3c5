package packages

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	rpmversion "github.com/knqyf263/go-rpm-version"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// parseRpm reads the answer of rpmScript and reports whether the host has an rpm database. The database itself is rpm's
// own affair: its format changes between releases.
func parseRpm(in snapshot.Input, r *snapshot.Result) bool {
	db := in.Sections["rpmdb"]
	if len(db.Files) == 0 {
		return false
	}
	s := in.Sections["rpm"]
	if s.Problem != transport.OK || s.Status != 0 || len(s.Output) == 0 {
		reason := "the rpm database " + db.Files[0].Path + " could not be queried"
		switch {
		case s.Problem != transport.OK:
			reason += ": " + string(s.Problem)
		case s.Status == 0:
			reason += ": rpm -qa listed nothing"
		default:
			reason += ": rpm -qa ended with status " + strconv.Itoa(s.Status)
		}
		r.Missing(snapshot.At(in.Scope, "package", "rpm"), reason,
			"capture the running host, where the rpm command is, or name other packages in the role", "package/rpm/*")
		return true
	}
	var bad damage
	newest := map[string]string{}
	arch := map[string]string{}
	n := 0
	for line := range bytes.Lines(s.Output) {
		n++
		f := strings.Split(strings.TrimRight(string(line), "\n"), "\t")
		if len(f) != 4 || f[0] == "" || len(f[0]) > 200 || f[2] == "" {
			bad.add(n, "not a package")
			bad.whole = true
			continue
		}
		if f[0] == "gpg-pubkey" { // a key that rpm keeps among the packages; its version is the key's id
			continue
		}
		version := f[2]
		if f[1] != "" && f[1] != "0" && f[1] != "(none)" {
			version = f[1] + ":" + version
		}
		if old, ok := newest[f[0]]; !ok || newerRpm(version, old) {
			newest[f[0]], arch[f[0]] = version, f[3]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(newest)) {
		a := snapshot.At(in.Scope, "package", "rpm/"+name)
		r.Add(a.Attr("version"), snapshot.String(newest[name]), "rpm -qa")
		r.Add(a.Attr("arch"), snapshot.String(arch[name]), "rpm -qa")
	}
	bad.report(in, "rpm", "the answer of rpm -qa", r)
	r.Looked = append(r.Looked, "package/rpm/*")
	return true
}

// newerRpm reports whether a is newer than b by rpm's ordering.
func newerRpm(a, b string) bool {
	va, vb := rpmversion.NewVersion(a), rpmversion.NewVersion(b)
	if c := va.Compare(vb); c != 0 {
		return c > 0
	}
	return a > b
}
