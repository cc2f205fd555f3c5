package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds one file of an inventory, and maxHosts all of its hosts.
const (
	maxFile  = 8 << 20
	maxHosts = 100_000
)

// group is one group of Ansible as its files have it.
type group struct {
	hosts, children map[string]bool
	vars            map[string]string
}

// ansible is an inventory before variables are resolved. Only the variables that say how a host is reached are kept.
type ansible struct {
	groups    map[string]*group
	hostVars  map[string]map[string]string
	groupFile map[string]map[string]string // of group_vars
	hostFile  map[string]map[string]string // of host_vars
	notes     []string
}

func newAnsible() *ansible {
	a := &ansible{groups: map[string]*group{}, hostVars: map[string]map[string]string{}, groupFile: map[string]map[string]string{}, hostFile: map[string]map[string]string{}}
	a.group("all")
	a.group("ungrouped")
	return a
}

func (a *ansible) group(name string) *group {
	g := a.groups[name]
	if g == nil {
		g = &group{map[string]bool{}, map[string]bool{}, map[string]string{}}
		a.groups[name] = g
	}
	return g
}

// host adds a host to a group with its own variables.
func (a *ansible) host(group, name string, vars map[string]string) error {
	if a.hostVars[name] == nil {
		if len(a.hostVars) >= maxHosts {
			return fmt.Errorf("more than %d hosts", maxHosts)
		}
		a.hostVars[name] = map[string]string{}
	}
	maps.Copy(a.hostVars[name], vars)
	a.group(group).hosts[name] = true
	return nil
}

// ReadAnsible reads an inventory: a file in INI or YAML, what `ansible-inventory --list` printed, or a directory of such files; group_vars
// and host_vars beside it count for how hosts are reached. Programs are not run.
func ReadAnsible(path string) (Inventory, error) {
	a := newAnsible()
	info, err := os.Stat(path)
	if err != nil {
		return Inventory{}, fmt.Errorf("reading the inventory: %w", err)
	}
	dir := filepath.Dir(path)
	if info.IsDir() {
		dir = path
		err = a.directory(path, 0)
	} else {
		err = a.file(path, info)
	}
	if err != nil {
		return Inventory{}, err
	}
	if err := a.variableFiles(dir); err != nil {
		return Inventory{}, err
	}
	return a.resolve()
}

// ignored are the endings of files that Ansible leaves out of a directory (INVENTORY_IGNORE_EXTS of 2.14).
var ignored = []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"}

func (a *ansible) directory(dir string, depth int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the inventory: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), strings.HasPrefix(e.Name(), "."):
			continue
		case err != nil:
			return fmt.Errorf("reading the inventory: %w", err)
		case info.IsDir():
			if !slices.Contains([]string{"group_vars", "host_vars", "vars_plugins"}, e.Name()) && depth < 8 {
				if err := a.directory(path, depth+1); err != nil {
					return err
				}
			}
			continue
		case slices.ContainsFunc(ignored, func(ext string) bool { return strings.HasSuffix(e.Name(), ext) }):
			continue
		}
		if err := a.file(path, info); err != nil {
			return err
		}
	}
	return nil
}

func (a *ansible) file(path string, info fs.FileInfo) error {
	text, err := readFile(path, info)
	if err != nil {
		return err
	}
	if info.Mode()&0o111 != 0 && bytes.HasPrefix(text, []byte("#!")) {
		return fmt.Errorf("%s is a program: run it yourself, and give envdiff what `ansible-inventory -i %s --list` prints", path, path)
	}
	switch kind := inventoryKind(path, text); kind {
	case "yaml":
		err = a.yaml(text)
	default:
		err = a.ini(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func readFile(path string, info fs.FileInfo) ([]byte, error) {
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the inventory: %w", err)
	}
	return text, nil
}

// inventoryKind goes by the name's ending, else by the first line that says something.
func inventoryKind(path string, text []byte) string {
	switch filepath.Ext(path) {
	case ".yaml", ".yml", ".json":
		return "yaml"
	case ".ini":
		return "ini"
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, " \t\r\n")
		switch {
		case len(line) == 0, line[0] == '#', line[0] == ';':
			continue
		case line[0] == '{', bytes.Equal(line, []byte("---")):
			return "yaml"
		case line[len(line)-1] == ':' && line[0] != '[':
			return "yaml"
		}
		return "ini"
	}
	return "ini"
}

// variableFiles reads group_vars and host_vars: NAME, NAME.yml, NAME.yaml, NAME.json, or a directory of such files.
func (a *ansible) variableFiles(dir string) error {
	for _, v := range []struct {
		dir  string
		into map[string]map[string]string
	}{{"group_vars", a.groupFile}, {"host_vars", a.hostFile}} {
		top := filepath.Join(dir, v.dir)
		entries, err := os.ReadDir(top)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the inventory: %w", err)
		}
		for _, e := range entries {
			path := filepath.Join(top, e.Name())
			files := []string{path}
			if e.IsDir() {
				if files, err = filepath.Glob(filepath.Join(path, "*")); err != nil {
					return err
				}
			}
			name := e.Name()
			for _, ext := range []string{".yml", ".yaml", ".json"} {
				name = strings.TrimSuffix(name, ext)
			}
			for _, file := range files {
				if err := a.variableFile(file, name, v.into); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (a *ansible) variableFile(path, name string, into map[string]map[string]string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	text, err := readFile(path, info)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(text, []byte("$ANSIBLE_VAULT")) {
		a.notes = append(a.notes, fmt.Sprintf("%s is encrypted: what it says of how hosts are reached is not known", path))
		return nil
	}
	vars, err := yamlVars(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if into[name] == nil {
		into[name] = map[string]string{}
	}
	maps.Copy(into[name], vars)
	return nil
}
