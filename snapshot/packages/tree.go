package packages

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// searched are the directories that a directory tree is searched in, as findApplications does on a running host, and deployed those in which "current" leads to a release.
var (
	searched = []string{"/opt", "/srv", "/var/www", "/u/apps", "/usr/local"}
	deployed = []string{"/opt", "/srv", "/var/www", "/u/apps", "/home"}
)

// levels is how deep below a directory "current" may lie.
const levels = 4

// unsearchedDirs are left out wherever they are, and whose packages are listed by themselves.
var unsearchedDirs = []string{"/**/releases/**", "/**/.git/**", "/**/.cache/**"}

var listedDirs = []string{"/**/site-packages/**", "/**/dist-packages/**", "/**/node_modules/**", "/**/specifications/**"}

// treeWants declares what a directory tree is asked for each ecosystem, under its name.
func treeWants(spec snapshot.RoleSpec) []transport.Want {
	bases := slices.Clone(searched)
	for _, d := range deployed {
		for range levels {
			bases = append(bases, d+"/current")
			d += "/*"
		}
	}
	below := func(patterns ...string) []string {
		var globs []string
		for _, b := range bases {
			for _, p := range patterns {
				globs = append(globs, b+"/"+p)
			}
		}
		return globs
	}
	within := append(slices.Clone(unsearchedDirs), "/**/node_modules/**/node_modules/**")
	all := []transport.Want{
		{ID: "pip", Globs: below("**/site-packages/*.dist-info/METADATA", "**/site-packages/*.egg-info", "**/site-packages/*.egg-info/PKG-INFO",
			"**/dist-packages/*.dist-info/METADATA", "**/dist-packages/*.egg-info", "**/dist-packages/*.egg-info/PKG-INFO"), Exclude: append(slices.Clone(unsearchedDirs), "/**/node_modules/**"), Content: transport.Names},
		{ID: "npm", Globs: append(below("**/node_modules/.package-lock.json", "**/node_modules/*/package.json", "**/node_modules/@*/*/package.json"),
			"/usr/lib/node_modules/*/package.json", "/usr/lib/node_modules/@*/*/package.json"), Exclude: within},
		{ID: "gem", Globs: append(below("**/specifications/*.gemspec"), "/var/lib/gems/*/specifications/*.gemspec"), Exclude: append(slices.Clone(unsearchedDirs), "/**/node_modules/**"), Content: transport.Names},
		{ID: "jar", Globs: below("**/*.jar"), Exclude: append(slices.Clone(unsearchedDirs), listedDirs...), Content: transport.Names},
		{ID: "go", Globs: below("**"), Exclude: append(append(slices.Clone(unsearchedDirs), listedDirs...), "/**/pkg/tool/**"), Content: transport.GoBuild},
	}
	var out []transport.Want
	for _, w := range all {
		if asked(spec, w.ID) {
			w.Tree, w.Doc = true, "packages of "+w.ID+" in a directory tree"
			out = append(out, w)
		}
	}
	return out
}

// parseTree reads what a directory tree holds of the wanted ecosystems. A tree of parts, without a distribution and without any such package, vouches for none.
func parseTree(in snapshot.Input, r *snapshot.Result, wanted []string, hasSystem bool) {
	found := versions{}
	var looked []string
	for _, eco := range wanted {
		s, fetched := in.Sections[eco]
		if !fetched || s.Problem == transport.Unable {
			continue
		}
		if s.Problem != transport.OK && s.Problem != transport.NotFound {
			var named []string
			if slices.Contains(in.Spec.Packages, eco) {
				named = []string{eco}
			}
			unsearched(in, r, s.Problem, named)
			continue
		}
		unread := 0
		locked := map[string]bool{}
		for _, f := range s.Files {
			locked[path.Dir(f.Path)] = locked[path.Dir(f.Path)] || path.Base(f.Path) == ".package-lock.json"
		}
		for _, f := range s.Files {
			switch {
			case f.Problem != transport.OK && f.Problem != transport.NotFound:
				unread++
			case eco == "npm" && path.Base(f.Path) == "package.json" && locked[nodeModules(f.Path)]:
			default:
				found.add(inTree(eco, f))
			}
		}
		if unread > 0 {
			note(in, r, "packages of "+eco, unread, "files that could not be read")
			continue
		}
		looked = append(looked, "package/"+eco+"/*")
	}
	if !hasSystem && len(found) == 0 {
		note(in, r, "packages of programming languages", 1, "the tree holds neither such packages nor a distribution")
		return
	}
	r.Looked = append(r.Looked, looked...)
	found.facts(in, r, wanted)
}

// nodeModules is the directory that a package of npm is installed in.
func nodeModules(file string) string {
	dir := path.Dir(path.Dir(file))
	if strings.HasPrefix(path.Base(dir), "@") {
		return path.Dir(dir)
	}
	return dir
}

// inTree is a file of a directory tree as findApplications tells it.
func inTree(eco string, f transport.File) installedFile {
	out := installedFile{kind: eco, path: f.Path}
	switch base := path.Base(f.Path); {
	case base == "METADATA", base == "PKG-INFO":
		out.path = path.Dir(f.Path)
	case base == ".package-lock.json":
		out.kind, out.path, out.inside = "lock", path.Dir(f.Path), lines(f.Body, `    "node_modules/`, `      "version":`)
	case base == "package.json":
		for line := range bytes.Lines(f.Body) {
			if text := strings.TrimLeft(strings.TrimRight(string(line[:min(len(line), 2048)]), "\r\n"), " \t"); strings.HasPrefix(text, `"version":`) {
				out.inside = []string{text}
				break
			}
		}
	case eco == "go":
		for line := range strings.Lines(string(f.Body)) {
			line = strings.TrimRight(line, "\r\n")
			if version, ok := strings.CutPrefix(line, "go\t"); ok {
				line = "Go buildinf: " + version
			}
			out.inside = append(out.inside, line)
		}
	}
	return out
}

// lines are those that begin with one of the prefixes, without their blanks.
func lines(text []byte, prefixes ...string) []string {
	var out []string
	for line := range bytes.Lines(text) {
		l := strings.TrimRight(string(line[:min(len(line), 2048)]), "\r\n")
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(l, p) }) {
			out = append(out, strings.TrimLeft(l, " "))
		}
	}
	return out
}
