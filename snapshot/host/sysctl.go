package host

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
)

// readSysctl merges the sysctl files as systemd-sysctl does (sysctl.d(5), systemd 252): files are taken in the order of
// their base names, whatever their directory; of files with the same name only the one in the strongest directory
// counts; a later file wins. /etc/sysctl.conf comes last, as in procps, unless it is linked into /etc/sysctl.d.
func readSysctl(rd *reader) {
	files, complete := rd.files("sysctl", rd.at("sysctl", ""), "sysctl/*")
	if complete {
		rd.looked("sysctl/*")
	}
	set := map[string]sysctl{}
	for _, f := range sysctlOrder(files) {
		if rd.captured(f.Path) {
			continue
		}
		var bad []int
		for n, line := range lines(f.Body) {
			if line == "" || line[0] == '#' || line[0] == ';' {
				continue
			}
			key, value, ok := strings.Cut(strings.TrimPrefix(line, "-"), "=")
			if !ok {
				if line[0] != '-' { // "-key" alone only exempts a key from a glob
					bad = append(bad, n)
				}
				continue
			}
			if key = sysctlKey(strings.TrimSpace(key)); key == "" {
				bad = append(bad, n)
				continue
			}
			set[key] = sysctl{strings.Join(strings.Fields(value), " "), origin(f.Path, n)}
		}
		rd.damaged(rd.at("sysctl", ""), f.Path, bad)
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		rd.r.Add(rd.at("sysctl", key).Attr("value"), rd.in.Redact.Line(set[key].value), set[key].from)
	}
}

type sysctl struct{ value, from string }

// sysctlDirs are the directories from the strongest to the weakest.
var sysctlDirs = [...]string{"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"}

// sysctlOrder returns the files that count, the one that wins last.
func sysctlOrder(files []transport.File) []transport.File {
	strength := func(f transport.File) int { return slices.Index(sysctlDirs[:], path.Dir(f.Path)) }
	var order, last []transport.File
	linked := false
	for _, f := range files {
		if f.Path == "/etc/sysctl.conf" {
			last = append(last, f)
			continue
		}
		linked = linked || strings.HasSuffix(f.Target, "/sysctl.conf")
		order = append(order, f)
	}
	slices.SortFunc(order, func(a, b transport.File) int {
		return cmp.Or(strings.Compare(path.Base(a.Path), path.Base(b.Path)), cmp.Compare(strength(a), strength(b)), strings.Compare(a.Path, b.Path))
	})
	order = slices.CompactFunc(order, func(a, b transport.File) bool { return path.Base(a.Path) == path.Base(b.Path) })
	if linked {
		return order
	}
	return append(order, last...)
}

// sysctlKey is a key with dots, as sysctl(8) prints it: where the first separator is a slash, slashes separate and dots
// are part of a name, and are written as slashes.
func sysctlKey(key string) string {
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '/' {
		swap := func(r rune) rune {
			switch r {
			case '/':
				return '.'
			case '.':
				return '/'
			}
			return r
		}
		key = strings.Map(swap, key)
	}
	return key
}
