package packages

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// deb is one installed Debian package under the name that it is compared by.
type deb struct {
	stanza
	object string // NAME, or NAME:ARCH for a foreign architecture
	origin string
}

// parseDeb reads dpkg's database and reports whether there is one.
func parseDeb(in snapshot.Input, r *snapshot.Result) bool {
	var files []transport.File
	if f, ok := database(in, "dpkg", "deb", r); ok {
		files = append(files, f)
	}
	parts := in.Sections["dpkg.d"]
	if parts.Problem != transport.OK && parts.Problem != transport.NotFound {
		unreadable(in, "deb", "/var/lib/dpkg/status.d", parts.Problem, parts.Detail, r)
	}
	for _, f := range parts.Files {
		if f.Problem != transport.OK {
			unreadable(in, "deb", f.Path, f.Problem, f.Detail, r)
			continue
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return false
	}
	slices.SortFunc(files, func(a, b transport.File) int { return strings.Compare(a.Path, b.Path) })
	var all []deb
	leftovers := 0
	for _, f := range files {
		installed, rc := readStatus(in, f, r)
		all = append(all, installed...)
		leftovers += rc
	}
	if leftovers > 0 {
		r.Notes = append(r.Notes, snapshot.Note{Scope: in.Scope, Kind: "configuration of removed packages", Count: leftovers})
	}
	all = named(all)
	from := origins(in)
	for _, p := range all {
		p.facts(in, r)
		_, foreign, _ := strings.Cut(p.object, ":")
		if o := from[strings.TrimSuffix(p.name+":"+foreign, ":")]; o != "" {
			r.Add(snapshot.At(in.Scope, "package", "deb/"+p.object).Attr("origin"), snapshot.String(o), "apt-cache policy")
		}
	}
	r.Looked = append(r.Looked, "package/deb/*#", "package/deb/*#version", "package/deb/*#arch", "package/deb/*#status", "package/deb/*#conffiles")
	if from != nil {
		r.Looked = append(r.Looked, "package/deb/*#origin")
	}
	conffileStates(in, all, r)
	return true
}

// readStatus reads one status file; its damage is one gap. It also counts the
// packages that left only configuration behind.
func readStatus(in snapshot.Input, f transport.File, r *snapshot.Result) (installed []deb, leftovers int) {
	var bad damage
	distroless := strings.Contains(f.Path, "/status.d/")
	stanzas(f.Body, func(s stanza) {
		if !distroless && s.name != "" && s.flaw == "" && len(strings.Fields(s.status)) != 3 {
			s.fail(s.line, "package "+s.name+" has no status")
		}
		if s.flaw != "" {
			bad.add(s.flawLine, s.flaw)
			if s.name == "" {
				bad.whole = true
				return
			}
			bad.covers = append(bad.covers, debCovers(s.name)...)
		}
		if s.removed() {
			if strings.HasSuffix(s.status, " config-files") {
				leftovers++
			}
			return
		}
		installed = append(installed, deb{stanza: s, origin: f.Path + ":" + strconv.Itoa(s.line)})
	})
	if len(f.Body) == 0 || len(installed) == 0 && leftovers == 0 && len(bad.lines) == 0 {
		bad.add(1, "no packages")
		bad.whole = true
	}
	if n := len(f.Body); n > 0 && f.Body[n-1] != '\n' {
		bad.whole = true // whatever stood behind is lost
		if len(bad.lines) == 0 {
			bad.add(bytes.Count(f.Body, []byte("\n"))+1, unterminated)
		}
	}
	installed = dropRepeated(installed, &bad)
	bad.report(in, "deb", f.Path, r)
	return installed, leftovers
}

// debCovers are the addresses of one package, of any architecture.
func debCovers(name string) []string {
	n := snapshot.Escape(foldKernel(name))
	return []string{"package/deb/" + n, "package/deb/" + n + "#*", "package/deb/" + n + "%3A*", "conffile/deb/" + n + "/*"}
}

// dropRepeated keeps the first of stanzas with the same name and architecture. Two that disagree are damage.
func dropRepeated(all []deb, bad *damage) []deb {
	type key struct{ name, arch string }
	first := make(map[key]*deb, len(all))
	kept := all[:0]
	for _, p := range all {
		k := key{p.name, p.arch}
		if other := first[k]; other != nil {
			if other.version != p.version || other.status != p.status {
				bad.add(p.line, "package "+p.name+" stands twice")
				bad.covers = append(bad.covers, debCovers(p.name)...)
			}
			continue
		}
		kept = append(kept, p)
		first[k] = &kept[len(kept)-1]
	}
	return kept
}

// named gives each package its object name, and makes one of all kernels. The result is sorted by object name.
func named(all []deb) []deb {
	native := nativeArch(all)
	for i := range all {
		p := &all[i]
		p.object = foldKernel(p.name)
		if p.arch != native && p.arch != "all" && p.arch != "" {
			p.object += ":" + p.arch
		}
	}
	slices.SortStableFunc(all, func(a, b deb) int {
		return cmp.Or(strings.Compare(a.object, b.object), strings.Compare(a.name, b.name))
	})
	out := all[:0]
	for _, p := range all {
		if n := len(out); n > 0 && out[n-1].object == p.object {
			out[n-1] = merged(out[n-1], p)
			continue
		}
		out = append(out, p)
	}
	return out
}

// merged is one package made of two with the same object name: the newer one, with the conffiles of both.
func merged(a, b deb) deb {
	if newerDeb(b.version, a.version) {
		a, b = b, a
	}
	a.conffiles = append(slices.Clip(a.conffiles), b.conffiles...)
	return a
}

// nativeArch is the architecture of most packages, as dpkg's own record of it (its build) is not in the tree.
func nativeArch(all []deb) string {
	count := map[string]int{}
	for i := range all {
		if a := all[i].arch; a != "" && a != "all" {
			count[a]++
		}
	}
	native := ""
	for a, n := range count {
		if n > count[native] || n == count[native] && (native == "" || a < native) {
			native = a
		}
	}
	return native
}

func (p *deb) facts(in snapshot.Input, r *snapshot.Result) {
	a := snapshot.At(in.Scope, "package", "deb/"+p.object)
	if p.version != "" {
		r.Add(a.Attr("version"), snapshot.String(p.version), p.origin)
	}
	if p.arch != "" {
		r.Add(a.Attr("arch"), snapshot.String(p.arch), p.origin)
	}
	if state := p.state(); state != "" {
		r.Add(a.Attr("status"), snapshot.String(state), p.origin)
	}
	var owned []string
	for _, c := range p.conffiles {
		if !c.obsolete {
			owned = append(owned, snapshot.Escape(strings.TrimPrefix(c.path, "/")))
		}
	}
	if len(owned) > 0 {
		r.Add(a.Attr("conffiles"), snapshot.Strings(true, owned...), p.origin)
	}
}
