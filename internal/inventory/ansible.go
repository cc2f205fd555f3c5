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
	"strconv"
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

// resolve works out the hosts of each group, and how each is reached, by Ansible's precedence of variables: groups from the outermost,
// group_vars, the host's own, host_vars.
func (a *ansible) resolve() (Inventory, error) {
	depth, err := a.depths()
	if err != nil {
		return Inventory{}, err
	}
	order := slices.Collect(maps.Keys(a.groups))
	slices.SortFunc(order, func(x, y string) int {
		if depth[x] != depth[y] {
			return depth[x] - depth[y]
		}
		return strings.Compare(x, y)
	})
	members := map[string]map[string]bool{}
	for _, g := range slices.Backward(order) { // the innermost first
		members[g] = maps.Clone(a.groups[g].hosts)
		for child := range a.groups[g].children {
			maps.Copy(members[g], members[child])
		}
	}
	inv := Inventory{Groups: map[string][]Host{}, Notes: a.notes}
	grouped := map[string]bool{}
	for _, g := range order {
		if g != "all" && g != "ungrouped" {
			maps.Copy(grouped, members[g])
		}
	}
	for name := range a.hostVars {
		vars := map[string]string{}
		maps.Copy(vars, a.groups["all"].vars)
		for _, files := range []bool{false, true} {
			if files {
				maps.Copy(vars, a.groupFile["all"])
			}
			for _, g := range order {
				if g == "all" || !members[g][name] && !(g == "ungrouped" && !grouped[name]) {
					continue
				}
				if files {
					maps.Copy(vars, a.groupFile[g])
				} else {
					maps.Copy(vars, a.groups[g].vars)
				}
			}
		}
		maps.Copy(vars, a.hostVars[name])
		maps.Copy(vars, a.hostFile[name])
		h := reach(name, vars)
		for _, g := range order {
			if members[g][name] && g != "all" && g != "ungrouped" {
				inv.add(g, h)
			}
		}
		if !grouped[name] {
			inv.add("ungrouped", h)
		}
	}
	inv.sort()
	return inv, nil
}

// depths are the longest ways from all to each group; a group without a parent is a child of all.
func (a *ansible) depths() (map[string]int, error) {
	depth := map[string]int{"all": 0}
	for name, g := range a.groups {
		for child := range g.children {
			if a.groups[child] == nil {
				return nil, fmt.Errorf("the group %s is a child of %s, and nothing says what it is", child, name)
			}
		}
	}
	for round := 0; ; round++ {
		if round > len(a.groups)+1 {
			return nil, errors.New("groups are children of each other in a circle")
		}
		changed := false
		for name, g := range a.groups {
			if name != "all" && depth[name] == 0 {
				depth[name], changed = 1, true
			}
			for child := range g.children {
				if d := depth[name] + 1; d > depth[child] {
					depth[child], changed = d, true
				}
			}
		}
		if !changed {
			return depth, nil
		}
	}
}

// reach reads the variables that say how a host is reached, by their new and old names. A template is not resolved here.
func reach(name string, vars map[string]string) Host {
	get := func(names ...string) string {
		for _, n := range names {
			if v := vars[n]; v != "" && !strings.Contains(v, "{{") {
				return v
			}
		}
		return ""
	}
	h := Host{Name: name, Address: get("ansible_host", "ansible_ssh_host"), User: get("ansible_user", "ansible_ssh_user"), Local: get("ansible_connection") == "local"}
	h.Port, _ = strconv.Atoi(get("ansible_port", "ansible_ssh_port"))
	if h.Address == name {
		h.Address = ""
	}
	switch strings.ToLower(get("ansible_become")) {
	case "true", "yes", "1", "on":
		h.Sudo = true
	}
	return h
}
