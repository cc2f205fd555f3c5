package migrations

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// readToolFiles lists a directory as a tool sees it.
func readToolFiles(t *tool, spec Spec, root fs.FS) (*Source, error) {
	src := &Source{Spec: spec, tool: t}
	dirs := []string{"."}
	if t.layout.below != "" {
		more, err := fs.Glob(root, t.layout.below)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, more...)
	}
	for _, dir := range dirs {
		entries, err := fs.ReadDir(root, dir)
		if err != nil {
			var p *fs.PathError
			if errors.As(err, &p) {
				err = p.Err
			}
			return nil, fmt.Errorf("read migrations in %s: %w", spec.Dir, err)
		}
		for _, e := range entries {
			if err := src.take(root, path.Join(dir, e.Name()), e); err != nil {
				return nil, err
			}
		}
	}
	compare := t.layout.compare
	if compare == nil {
		compare = compareVersions
	}
	sort.SliceStable(src.Migrations, func(i, j int) bool { return compare(src.Migrations[i].Version, src.Migrations[j].Version) < 0 })
	src.order()
	src.duplicates()
	if t.integrity != nil {
		t.integrity(src)
	}
	return src, nil
}

// take notes what one entry of a directory is.
func (s *Source) take(root fs.FS, file string, e fs.DirEntry) error {
	l := &s.tool.layout
	name := path.Base(file)
	if e.IsDir() != (l.inside != "") || l.ignore != nil && l.ignore.MatchString(name) {
		if e.IsDir() || l.inside == "" || !strings.HasSuffix(name, ".sql") {
			return nil
		}
	}
	if l.down != "" && l.inside == "" && strings.HasSuffix(name, strings.TrimPrefix(l.down, "$")) {
		return nil
	}
	m := l.name.FindStringSubmatch(name)
	if m == nil || e.IsDir() != (l.inside != "") {
		if strings.HasSuffix(name, ".sql") {
			s.Problems = append(s.Problems, Problem{File: file, Name: name,
				Message: fmt.Sprintf("%q is skipped: its name is not what %s looks for", file, s.tool.title), Hint: "rename it if it is to run"})
		}
		return nil
	}
	up := file
	if l.inside != "" {
		up = path.Join(file, l.inside)
		if _, err := fs.Stat(root, up); err != nil {
			s.Problems = append(s.Problems, Problem{File: file, Name: name,
				Message: fmt.Sprintf("%q holds no %s: %s refuses it", file, l.inside, s.tool.title), Hint: "add the file, or remove the directory"})
			return nil
		}
	}
	if l.sections != nil {
		text, err := readBounded(root, up)
		if err != nil {
			return err
		}
		for _, m := range l.sections(up, text) {
			m.Up = up
			s.Migrations = append(s.Migrations, m)
		}
		return nil
	}
	version := m[1]
	if l.version != nil {
		version = l.version(version)
	}
	s.Migrations = append(s.Migrations, Migration{Version: version, Name: m[2], Up: up, key: version})
	return nil
}

// duplicates finds migrations that share what the tool knows them by.
func (s *Source) duplicates() {
	seen := map[string]string{}
	for _, m := range s.Migrations {
		if other, ok := seen[m.key]; ok {
			s.Refused = "two files have version " + m.Version
			s.Problems = append(s.Problems, Problem{File: m.Up, Name: m.id(),
				Message: fmt.Sprintf("%q and %q have the same version %s", other, m.Up, m.Version), Hint: "give one of them a new version"})
			continue
		}
		seen[m.key] = m.Up
	}
}

// order puts revisions behind those that they follow, where files say that; several ends are a fork.
func (s *Source) order() {
	if !slices.ContainsFunc(s.Migrations, func(m Migration) bool { return len(m.follows) > 0 }) {
		return
	}
	var out []Migration
	placed, followed := map[string]bool{}, map[string]bool{}
	for len(out) < len(s.Migrations) {
		before := len(out)
		for _, m := range s.Migrations {
			if !placed[m.key] && !slices.ContainsFunc(m.follows, func(k string) bool { return !placed[k] && s.has(k) }) {
				placed[m.key] = true
				out = append(out, m)
			}
		}
		if len(out) == before {
			s.Refused = "revisions follow each other in a circle"
			return
		}
	}
	for _, m := range out {
		for _, k := range m.follows {
			followed[k] = true
		}
	}
	var heads []string
	for _, m := range out {
		if !followed[m.key] {
			heads = append(heads, m.Version)
		}
	}
	if len(heads) > 1 {
		last := out[len(out)-1]
		s.Problems = append(s.Problems, Problem{File: last.Up, Name: last.id(),
			Message: "there are several heads (" + strings.Join(heads, ", ") + "): " + s.tool.title + " refuses to upgrade to head", Hint: "merge them: alembic merge heads"})
	}
	s.Migrations = out
}

func (s *Source) has(key string) bool {
	return slices.ContainsFunc(s.Migrations, func(m Migration) bool { return m.key == key })
}

// readBounded reads one file of a source.
func readBounded(root fs.FS, file string) (string, error) {
	f, err := root.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxFile {
		return "", &fs.PathError{Op: "read", Path: file, Err: fmt.Errorf("larger than %d MiB", maxFile>>20)}
	}
	return string(b), nil
}

// root is the directory of the source.
func (s *Source) root() fs.FS { return os.DirFS(filepath.Clean(s.Spec.Dir)) }
