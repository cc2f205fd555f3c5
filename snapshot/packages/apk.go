package packages

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// parseApk reads Alpine's database of installed packages (records of "X:value" lines, separated by empty
// lines) and reports whether there is one.
func parseApk(in snapshot.Input, r *snapshot.Result) bool {
	f, ok := database(in, "apk", "apk", r)
	if !ok {
		return false
	}
	var bad damage
	seen := map[string]bool{}
	name, version, arch, start := "", "", "", 0
	finish := func() {
		if start == 0 {
			return
		}
		switch {
		case name == "" || !validName(name):
			bad.add(start, "a record without a package name")
			bad.whole = true
		case version == "" || !validVersion(version):
			bad.add(start, "package "+name+" has no version")
			bad.covers = append(bad.covers, "package/apk/"+name, "package/apk/"+name+"#*")
		case seen[name]:
			bad.add(start, "package "+name+" stands twice")
			bad.covers = append(bad.covers, "package/apk/"+name, "package/apk/"+name+"#*")
		default:
			seen[name] = true
			a := snapshot.At(in.Scope, "package", "apk/"+name)
			origin := f.Path + ":" + strconv.Itoa(start)
			r.Add(a.Attr("version"), snapshot.String(version), origin)
			if arch != "" {
				r.Add(a.Attr("arch"), snapshot.String(arch), origin)
			}
		}
		name, version, arch, start = "", "", "", 0
	}
	n := 0
	for line := range bytes.Lines(f.Body) {
		n++
		text := strings.TrimRight(string(line[:min(len(line), 1024)]), "\r\n")
		if text == "" {
			finish()
			continue
		}
		if start == 0 {
			start = n
		}
		switch key, value, _ := strings.Cut(text, ":"); key {
		case "P":
			name = value
		case "V":
			version = value
		case "A":
			arch = value
		}
	}
	finish()
	if size := len(f.Body); size == 0 || f.Body[size-1] != '\n' {
		bad.add(max(n, 1), unterminated)
		bad.whole = true
	}
	bad.report(in, "apk", f.Path, r)
	r.Looked = append(r.Looked, "package/apk/*")
	return true
}
