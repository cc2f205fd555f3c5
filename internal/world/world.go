// Package world builds small estates from testdata/worlds: directory trees of hosts with dpkg databases, and SQLite
// files. The demo shows them, and tests compare them.
package world

import (
	"context"
	"crypto/md5" // dpkg's digest of conffiles
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the databases are SQLite files
)

// spec is world.json.
type spec struct {
	Environments map[string]struct {
		Tokens map[string]string            `json:"tokens"`
		Hosts  map[string]map[string]string `json:"hosts"` // host → its own tokens
	} `json:"environments"`
	Links   map[string]string `json:"links"` // path → target
	Changes []change          `json:"changes"`
}

// change is one planted difference: in a file, or of a package.
type change struct {
	Hosts   string `json:"hosts"` // glob over environment/host
	File    string `json:"file"`
	Replace string `json:"replace"`
	By      string `json:"by"`
	Package string `json:"package"`
	Version string `json:"version"` // "" is not installed
}

// pkg is one line of packages.tsv.
type pkg struct {
	name, version, arch string
	conffiles           []string
}

// Build writes the world in src below dir: ENVIRONMENT/HOST trees, ENVIRONMENT/shop.db, and
// the files that stand beside world.json.
func Build(ctx context.Context, src fs.FS, dir string) error {
	text, err := fs.ReadFile(src, "world.json")
	if err != nil {
		return err
	}
	var w spec
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("world.json: %w", err)
	}
	b := &builder{src: src, dir: dir, spec: w}
	if err := b.load(); err != nil {
		return err
	}
	for _, env := range slices.Sorted(maps.Keys(w.Environments)) {
		for _, host := range slices.Sorted(maps.Keys(w.Environments[env].Hosts)) {
			if err := b.host(env, host); err != nil {
				return fmt.Errorf("building %s/%s: %w", env, host, err)
			}
		}
		if err := b.database(ctx, env); err != nil {
			return fmt.Errorf("building the database of %s: %w", env, err)
		}
	}
	return b.besides()
}

type builder struct {
	src      fs.FS
	dir      string
	spec     spec
	packages []pkg
	files    map[string]string // path on the host → text with tokens
}

func (b *builder) load() error {
	list, err := fs.ReadFile(b.src, "packages.tsv")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(list), "\n") {
		f := strings.Split(line, "\t")
		if len(f) < 3 || strings.HasPrefix(line, "#") {
			continue
		}
		p := pkg{name: f[0], version: f[1], arch: f[2]}
		if len(f) > 3 {
			p.conffiles = strings.Fields(f[3])
		}
		b.packages = append(b.packages, p)
	}
	b.files = map[string]string{}
	return fs.WalkDir(b.src, "host", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(b.src, p)
		b.files[strings.TrimPrefix(p, "host/")] = string(text)
		return err
	})
}

// host writes one tree.
func (b *builder) host(env, host string) error {
	root := filepath.Join(b.dir, env, host)
	var pairs []string
	for _, tokens := range []map[string]string{b.spec.Environments[env].Hosts[host], b.spec.Environments[env].Tokens} {
		for _, name := range slices.Sorted(maps.Keys(tokens)) {
			pairs = append(pairs, "@"+name+"@", tokens[name])
		}
	}
	replace := strings.NewReplacer(pairs...)
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		text, err := b.changed(env+"/"+host, name, replace.Replace(b.files[name]))
		if err != nil {
			return err
		}
		if err := write(filepath.Join(root, name), text); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.spec.Links)) {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(b.spec.Links[name], p); err != nil {
			return err
		}
	}
	return write(filepath.Join(root, "var/lib/dpkg/status"), b.status(env+"/"+host))
}

// changed applies the planted differences of a file; one that does not apply is a mistake in world.json.
func (b *builder) changed(at, name, text string) (string, error) {
	for _, c := range b.spec.Changes {
		if c.File != name {
			continue
		}
		if ok, err := path.Match(c.Hosts, at); err != nil || !ok {
			continue
		}
		if !strings.Contains(text, c.Replace) {
			return "", fmt.Errorf("%s does not hold %q", name, c.Replace)
		}
		text = strings.Replace(text, c.Replace, c.By, 1)
	}
	return text, nil
}

// status is the host's dpkg database. Conffiles have the digest of the world's own
// file, so a changed one counts as modified.
func (b *builder) status(at string) string {
	var s strings.Builder
	for _, p := range b.packages {
		version := p.version
		for _, c := range b.spec.Changes {
			if ok, err := path.Match(c.Hosts, at); err == nil && ok && c.Package == p.name {
				version = c.Version
			}
		}
		if version == "" {
			continue
		}
		fmt.Fprintf(&s, "Package: %s\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: Debian <maintainers@debian.example>\nArchitecture: %s\nVersion: %s\n", p.name, p.arch, version)
		if len(p.conffiles) > 0 {
			s.WriteString("Conffiles:\n")
			for _, f := range p.conffiles {
				sum := md5.Sum([]byte(b.files[strings.TrimPrefix(f, "/")]))
				fmt.Fprintf(&s, " %s %s\n", f, hex.EncodeToString(sum[:]))
			}
		}
		fmt.Fprintf(&s, "Description: %s\n package of the shop's hosts\n\n", p.name)
	}
	return s.String()
}

// database runs schema.sql and the environment's own script.
func (b *builder) database(ctx context.Context, env string) (err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(b.dir, env, "shop.db"))+"?_pragma=synchronous(0)")
	if err != nil {
		return err
	}
	defer func() {
		if e := db.Close(); err == nil {
			err = e
		}
	}()
	db.SetMaxOpenConns(1)
	for _, name := range []string{"database/schema.sql", "database/" + env + ".sql"} {
		script, err := fs.ReadFile(b.src, name)
		if err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, "BEGIN;"+string(script)+";COMMIT;"); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// besides copies what stands beside world.json for the user: configuration, policy, migrations.
func (b *builder) besides() error {
	return fs.WalkDir(b.src, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (p == "host" || p == "database") {
			return fs.SkipDir
		}
		if d.IsDir() || p == "world.json" || p == "packages.tsv" {
			return nil
		}
		text, err := fs.ReadFile(b.src, p)
		if err != nil {
			return err
		}
		return write(filepath.Join(b.dir, p), string(text))
	})
}

func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
