package config

import (
	"fmt"
	"path"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// section is the id of the collector's one Want.
const section = "files"

// The limits on files: maxRead is fetched and digested, maxParsed is also understood,
// maxFiles of one role on one host are captured.
const (
	maxRead   = transport.DefaultMaxBytes
	maxParsed = 1 << 20
	maxFiles  = 20_000
)

// New returns the collector of configuration files.
func New() snapshot.HostCollector { return collector{} }

type collector struct{}

func (collector) Name() string { return "config" }

func (collector) Doc() snapshot.Doc {
	var b strings.Builder
	b.WriteString("Reads the files that `config:` of a role names and compares what they say: comments, white space and the order of keys mean nothing, and where a format's own " +
		"rules make two spellings equal, so does envdiff. Lists keep their order. Items of a list of mappings are addressed by name, id or key, else by content; " +
		"facts named `@order` hold the order of such items, so that inserting one is one difference.\n\n")
	fmt.Fprintf(&b, "Limits: %d MiB per file, %d MiB of a file that is parsed, %d entries per file, %d levels, %d files per host. What exceeds them, cannot be read or is malformed is a gap. "+
		"Nothing of such a file is compared. Files of unknown formats, templates, scripts and binaries are compared by a keyed digest of their bytes.\n\n", maxRead>>20, maxParsed>>20, maxEntries, maxDepth, maxFiles)
	b.WriteString("Below /etc/alternatives and /etc/rc?.d, and where systemd enables or renames units, it is the links that are compared, not the programs and units behind them. " +
		"Of host keys and the like only the presence is compared. /etc/passwd, /etc/group, /etc/os-release and the time zone are told by the collector host. " +
		"/etc/shadow and its like are never opened, and caches that programs make are left out.\n\n")
	b.WriteString("Not done: includes are not followed (name the included files too), variables are not expanded, and drop-ins are not merged into their units.\n\n| format | files | meaning |\n|---|---|---|\n")
	for _, f := range formats {
		files := "by content"
		if len(f.paths) > 0 {
			files = "`" + strings.Join(f.paths, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", f.name, files, f.doc)
	}
	return snapshot.Doc{
		Title: "Configuration files, by meaning",
		Text:  b.String(),
		Needs: []string{"read access to the files that `config:` names"},
		Attributes: []string{
			"config/PATH: true where the file is there",
			"config/PATH#key.path: a value; lists of scalars are ordered lists",
			"config/PATH#….@order, …#NAME@order: the order of the children where it means something",
			"config/PATH#@digest: keyed digest of the bytes of a file that is not parsed",
			"config/PATH#@private_key: digest of a private key",
			"config/PATH#@link: the target of a link that leads nowhere, to /dev/null, or that is itself what is configured: of /etc/alternatives, of systemd",
		},
	}
}

func (collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{{Pattern: "config/*", Axis: snapshot.Both, Area: finding.AreaConfig,
		Doc: "a configuration file (true where it is there) and what it says, by key path"}}
}

func (collector) Wants(spec snapshot.RoleSpec) []transport.Want {
	if len(spec.Config) == 0 {
		return nil
	}
	exclude, names := special()
	return []transport.Want{
		{ID: section, Globs: spec.Config, Exclude: exclude, Content: transport.Body, MaxBytes: maxRead, MaxFiles: maxFiles, Doc: "configuration files to compare by meaning"},
		{ID: specialSection, Globs: names, Content: transport.Names, MaxFiles: maxFiles, Doc: "links that choose programs, and which password files there are"},
	}
}

func (collector) Parse(in snapshot.Input) snapshot.Result {
	res := snapshot.Result{Looked: looked(in.Spec.Config)}
	if len(in.Spec.Config) == 0 {
		return res
	}
	s, fetched := in.Sections[section]
	whole := snapshot.Address{Scope: in.Scope, Kind: "config"}
	switch {
	case !fetched:
		res.Missing(whole, "configuration files were not fetched", "run envdiff doctor", res.Looked...)
	case s.Problem == transport.NotFound: // no such directory: globs that match nothing are no gap
	case s.Problem != transport.OK:
		res.Missing(whole, problemText(string(s.Problem), s.Detail), sectionHint(s.Problem), res.Looked...)
	}
	for _, f := range s.Files {
		capture{in: in, res: &res, file: f, at: at(in.Scope, f.Path)}.run()
	}
	specials(in, &res)
	return res
}

func sectionHint(p transport.Problem) string {
	if p == transport.TooMany {
		return "narrow the globs under `config:`"
	}
	return "run envdiff doctor"
}

// looked turns globs over paths into globs over addresses, in which * crosses slashes: they may claim more than was
// looked at, but the same on every host of the role.
func looked(globs []string) []string {
	out := make([]string, 0, 2*len(globs))
	for _, g := range globs {
		a := "config/" + addressGlob(strings.TrimPrefix(path.Clean(g), "/"))
		out = append(out, a)
		if !strings.HasSuffix(a, "*") {
			out = append(out, a+"#*")
		}
	}
	return out
}

// addressGlob escapes what is literal in a glob as addresses do, and makes one * of every wildcard.
func addressGlob(g string) string {
	var b strings.Builder
	star := func() {
		if !strings.HasSuffix(b.String(), "*") {
			b.WriteByte('*')
		}
	}
	for i := 0; i < len(g); i++ {
		switch c := g[i]; c {
		case '*', '?':
			star()
			if c == '*' && strings.HasPrefix(g[i:], "**/") { // any number of directories, none included
				i += 2
			}
		case '[':
			end := strings.IndexByte(g[i:], ']')
			if end < 0 {
				b.WriteByte(c)
				continue
			}
			star()
			i += end
		case '\\':
			if i+1 < len(g) {
				i++
				b.WriteString(snapshot.Escape(g[i : i+1]))
			}
		default:
			n := i + 1
			for n < len(g) && !strings.ContainsRune(`*?[\`, rune(g[n])) {
				n++
			}
			b.WriteString(snapshot.Escape(g[i:n]))
			i = n - 1
		}
	}
	return b.String()
}

func problemText(problem, detail string) string {
	if detail == "" {
		return problem
	}
	return problem + ": " + detail
}
