package packages

import (
	"cmp"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// applicationEcosystems are those of programming languages: their packages lie in directories, not in one database.
var applicationEcosystems = [...]string{"pip", "npm", "gem", "go", "jar"}

// findApplications searches a running host for what was installed beside the distribution's packages, and prints a line KIND TAB PATH for each, with what it takes
// from inside of files on lines that begin with a blank. Of a deployment only the release that runs is searched: where "current" leads. Directories of people are not,
// and of Go's own toolchain, which has a VERSION beside its 16,000 files of source and tests, only the programs.
//
// What Go's linker tells of a program stands in a segment that may be written to (debug/buildinfo looks there too), which is little of a large program: the program headers of 64-bit
// ELF begin at byte 64, are seven words each, and the first word of such a segment is its type, 1, with the flags RW or RWX above it. What has none such is searched whole.
const findApplications = `for d in find grep sed head dd; do command -v $d >&2 || exit 3; done
set -- ; for d in /opt /srv /var/www /u/apps /usr/local /usr/lib/node_modules /var/lib/gems; do [ -d "$d" ] && set -- "$@" "$d"; done
for d in $(find /opt /srv /var/www /u/apps /home -xdev -maxdepth 4 -name current -type l); do [ -d "$d/" ] && set -- "$@" "$d/"; done
[ $# = 0 ] && exit 0
m=$(printf '\377 Go buildinf:') b=$(echo x | grep -a -b -o -F x) i=$IFS l='
'
# piece OFFSET LENGTH: at least that of the program $p, from the page on that it begins in.
piece() { dd if="$p" bs=4096 skip=$(($1 / 4096)) count=$(($2 / 4096 + 2)); }
# told OFFSET: prints what the program $p says of its build there, if it does.
told() {
	x=$(piece "$1" 65536 | grep -a -o -E -e 'Go buildinf:.{0,40}' -e '(path|mod|dep|build)	[!-~]+(	[!-~]*)*')
	case $x in *'Go buildinf:'*) ;; *) return 1 ;; esac
	printf 'go\t%s\n' "$p"
	set -f; IFS=$l; for x in $x; do printf ' %s\n' "$x"; done; IFS=$i; set +f
}
# build HEADER...: the same, looked for in what may be written to, at its beginning first, or everywhere.
build() {
	s=
	while [ $# -ge 7 ]; do
		case $1 in 25769803777 | 30064771073) s="$2 $5 $s" ;; esac
		shift 7
	done
	set -- ${s:-0 200000000}
	while [ $# -gt 0 ]; do
		[ "$s" ] && told "$1" && return
		k=0
		for o in $(piece "$1" "$2" | grep -a -b -o -F "$m"); do
			case $o in [0-9]*:*) told $(($1 / 4096 * 4096 + ${o%%:*})) && [ "$s" ] && return; k=$((k + 1)); [ $k = 4 ] && break ;; esac
		done
		shift 2
	done
}
find "$@" -xdev -maxdepth 10 ! -type f \( \( -name releases -o -name .git -o -name .cache -o -path '*/pkg/tool' \) -prune -o \
 \( -path '*/go/src' -o -path '*/go/test' \) -exec test -f {}/../VERSION \; -prune -o \
 \( -name site-packages -o -name dist-packages -o -name node_modules -o -name specifications \) -print -prune \) -o \
 -type f \( -name '*.jar' -print -o -size +1000k -perm -100 -size -200000k -print \) | head -n 20001 | while IFS= read -r p; do
n=$((n + 1)); [ $n -gt 20000 ] && printf 'cut\t/\n'
case $p in
*/site-packages | */dist-packages)
	for f in "$p"/*.dist-info "$p"/*.egg-info; do [ -e "$f" ] && printf 'pip\t%s\n' "$f"; done ;;
*/node_modules)
	if [ -f "$p/.package-lock.json" ]; then
		printf 'lock\t%s\n' "$p"
		grep -E -e '^    "node_modules/' -e '^      "version":' "$p/.package-lock.json" | sed 's/^ */ /'
	else
		for f in "$p"/*/package.json "$p"/@*/*/package.json; do
			[ -f "$f" ] && printf 'npm\t%s\n' "$f" && grep -m 1 -E '^[ 	]*"version":' "$f" | sed 's/^[ 	]*/ /'
		done
	fi ;;
*/specifications)
	[ -d "$p/../gems" ] && for f in "$p"/*.gemspec; do [ -e "$f" ] && printf 'gem\t%s\n' "$f"; done ;;
*.jar) printf 'jar\t%s\n' "$p" ;;
*)
	[ "$b" ] && build $(od -A n -v -t u8 -j 64 -N 1120 "$p") ;;
esac
done
exit 0`

// installedFile is one line of the answer, and what stands below it.
type installedFile struct {
	kind, path string
	inside     []string
}

// parseApplications reads the answer of findApplications, or a directory tree, of which hasSystem says whether it holds a distribution.
func parseApplications(in snapshot.Input, r *snapshot.Result, hasSystem bool) {
	var wanted, named []string
	for _, eco := range applicationEcosystems {
		if asked(in.Spec, eco) {
			wanted = append(wanted, eco)
		}
		if slices.Contains(in.Spec.Packages, eco) {
			named = append(named, eco)
		}
	}
	s, fetched := in.Sections["applications"]
	if !fetched || len(wanted) == 0 {
		return
	}
	if s.Problem == transport.Unable {
		parseTree(in, r, wanted, hasSystem)
		return
	}
	files := installedFiles(string(s.Output))
	switch {
	case s.Problem != transport.OK:
		unsearched(in, r, s.Problem, named)
		return
	case s.Status != 0:
		unsearched(in, r, "the host has no find, grep, sed, head or dd", named)
		return
	case slices.ContainsFunc(files, func(f installedFile) bool { return f.kind == "cut" }):
		unsearched(in, r, transport.TooMany, named)
		return
	}
	found := versions{}
	for _, f := range files {
		found.add(f)
	}
	for _, eco := range wanted {
		r.Looked = append(r.Looked, "package/"+eco+"/*")
	}
	found.facts(in, r, wanted)
}

// unsearched reports a host that could not be searched: a gap where the role names the ecosystem, else something that is not compared.
func unsearched(in snapshot.Input, r *snapshot.Result, why transport.Problem, named []string) {
	for _, eco := range named {
		r.Missing(snapshot.At(in.Scope, "package", eco), "packages of "+eco+" could not be searched for: "+string(why),
			"look at how large /opt, /srv and /var/www are", "package/"+eco+"/*")
	}
	if len(named) == 0 {
		note(in, r, "packages of programming languages", 1, string(why))
	}
}

func installedFiles(text string) []installedFile {
	var out []installedFile
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if inside, ok := strings.CutPrefix(line, " "); ok {
			if n := len(out); n > 0 && len(inside) < 2048 {
				out[n-1].inside = append(out[n-1].inside, strings.Map(withoutControl, inside))
			}
			continue
		}
		kind, file, ok := strings.Cut(line, "\t")
		if ok && strings.HasPrefix(file, "/") && len(file) < 2048 {
			out = append(out, installedFile{kind: kind, path: path.Clean(file)})
		}
	}
	return out
}

// withoutControl drops what stands between the strings of a program.
func withoutControl(r rune) rune {
	if r < ' ' && r != '\t' {
		return -1
	}
	return r
}

// versions are the packages by address name and attribute, each with all that is installed under that name.
type versions map[[2]string]map[string]string // (name, attribute) → value → origin

func (v versions) put(name, attribute, value, origin string) {
	if name == "" || value == "" || !printable(name) || !printable(value) {
		return
	}
	key := [2]string{name, attribute}
	if v[key] == nil {
		v[key] = map[string]string{}
	}
	if _, ok := v[key][value]; !ok {
		v[key][value] = origin
	}
}

func printable(s string) bool {
	return len(s) <= 512 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd })
}

func (v versions) add(f installedFile) {
	switch f.kind {
	case "pip":
		v.pip(f.path)
	case "lock":
		v.lock(f)
	case "npm":
		v.npm(f)
	case "gem":
		v.gem(f.path)
	case "jar":
		if name, version, ok := cutVersion(strings.TrimSuffix(path.Base(f.path), ".jar")); ok {
			v.put("jar"+path.Dir(f.path)+"/"+name, "version", version, f.path)
		}
	case "go":
		v.goBinary(f)
	}
}

// within is a package's name below where it is installed; what the whole system has stands by its name alone.
func within(ecosystem, location, name string) string {
	if location = strings.Trim(location, "/"); location != "" {
		return ecosystem + "/" + location + "/" + name
	}
	return ecosystem + "/" + name
}

var pythonDir = regexp.MustCompile(`^(.*?)/lib(?:64)?/python[^/]*/(?:site|dist)-packages$`)

// pip reads DIRECTORY/NAME-VERSION.dist-info, or .egg-info with -pyX.Y behind the version.
func (v versions) pip(file string) {
	location := path.Dir(file)
	if m := pythonDir.FindStringSubmatch(location); m != nil {
		location = m[1]
	}
	if location == "/usr/local" || location == "/usr" {
		location = ""
	}
	base := path.Base(file)
	name, version, ok := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(base, ".dist-info"), ".egg-info"), "-")
	if version, _, _ = strings.Cut(version, "-py"); ok {
		v.put(within("pip", location, pipName(name)), "version", version, file)
	}
}

var pipSeparators = regexp.MustCompile(`[-_.]+`)

// pipName is the one spelling of a name that pip takes in many (PEP 503).
func pipName(name string) string {
	return strings.ToLower(pipSeparators.ReplaceAllString(name, "-"))
}

var versionLine = regexp.MustCompile(`^"version":\s*"([^"]+)"`)

// lock reads npm's list of what it has installed (node_modules/.package-lock.json).
func (v versions) lock(f installedFile) {
	name := ""
	for _, line := range f.inside {
		if rest, ok := strings.CutPrefix(line, `"`); ok && strings.HasPrefix(rest, "node_modules/") {
			name, _, _ = strings.Cut(rest, `"`)
			name = name[strings.LastIndex(name, "node_modules/")+len("node_modules/"):]
		} else if m := versionLine.FindStringSubmatch(line); m != nil && name != "" {
			v.put(within("npm", path.Dir(f.path), name), "version", m[1], f.path+"/.package-lock.json")
			name = ""
		}
	}
}

// npm reads the version of one package; of all hosts these two come with node itself.
func (v versions) npm(f installedFile) {
	dir := path.Dir(f.path)
	root, name, ok := strings.Cut(dir, "/node_modules/")
	if !ok || len(f.inside) == 0 || root == "/usr/lib" && (name == "npm" || name == "corepack") {
		return
	}
	if root == "/usr/lib" || root == "/usr/local/lib" {
		root = ""
	}
	if m := versionLine.FindStringSubmatch(f.inside[0]); m != nil {
		v.put(within("npm", root, name), "version", m[1], f.path)
	}
}

var gemDir = regexp.MustCompile(`^(.*?)(?:/ruby)?(?:/gems)?/[0-9.]+/specifications$`)

// gem reads DIRECTORY/specifications/NAME-VERSION[-PLATFORM].gemspec.
func (v versions) gem(file string) {
	location := path.Dir(file)
	if m := gemDir.FindStringSubmatch(location); m != nil {
		location = m[1]
	}
	if location == "/var/lib" || location == "/usr/local/lib" || location == "/usr/lib" {
		location = ""
	}
	if name, version, ok := cutVersion(strings.TrimSuffix(path.Base(file), ".gemspec")); ok {
		version, _, _ = strings.Cut(version, "-")
		v.put(within("gem", location, name), "version", version, file)
	}
}

var versionInName = regexp.MustCompile(`^(.+?)-v?([0-9][0-9A-Za-z.+_-]*)$`)

// cutVersion cuts NAME-VERSION at the first dash before a digit.
func cutVersion(base string) (name, version string, ok bool) {
	m := versionInName.FindStringSubmatch(base)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

var toolchain = regexp.MustCompile(`go1\.[0-9]+(?:\.[0-9]+)?(?:(?:rc|beta)[0-9]+)?`)

// goBinary reads the build information of a program that Go made: its module and version, the toolchain, the revision, and what it is linked with.
func (v versions) goBinary(f installedFile) {
	name := "go" + f.path
	begun := false
	module := ""
	if len(f.inside) < 2 {
		return // a program that only speaks of build information
	}
	for _, line := range f.inside {
		if strings.HasPrefix(line, "Go buildinf:") {
			v.put(name, "go", toolchain.FindString(line), f.path)
			continue
		}
		w := strings.Split(line, "\t")
		switch {
		case w[0] == "path" && begun: // a second copy of the same
			begun = false
		case w[0] == "path":
			begun = true
			module = w[1]
		case !begun:
		case w[0] == "mod" && len(w) > 2:
			module = w[1]
			v.put(name, "version", w[2], f.path)
		case w[0] == "dep" && len(w) > 2:
			v.put(name, "dependencies", w[1]+"@"+w[2], f.path)
		case w[0] == "build":
			if revision, ok := strings.CutPrefix(w[1], "vcs.revision="); ok {
				v.put(name, "revision", revision, f.path)
			}
		}
	}
	v.put(name, "module", module, f.path)
}

// facts tells the packages of the wanted ecosystems: one version, or the set of those that are installed beside each other.
func (v versions) facts(in snapshot.Input, r *snapshot.Result, wanted []string) {
	keys := slices.SortedFunc(maps.Keys(v), func(a, b [2]string) int { return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1])) })
	for _, key := range keys {
		ecosystem, _, _ := strings.Cut(key[0], "/")
		if !slices.Contains(wanted, ecosystem) {
			continue
		}
		values := slices.Sorted(maps.Keys(v[key]))
		value := snapshot.String(values[0])
		if len(values) > 1 || key[1] == "dependencies" {
			value = snapshot.Strings(true, values...)
		}
		r.Add(snapshot.At(in.Scope, "package", key[0]).Attr(key[1]), value, v[key][values[0]])
	}
}
