package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// PuppetNodes are nodes by name, as whatever knows them tells of them.
type PuppetNodes map[string]*PuppetNode

// PuppetNode is a node's environment and classes.
type PuppetNode struct {
	Environment string
	Classes     []string
}

// maxState bounds one file of Puppet's state: a catalogue or a report.
const maxState = 64 << 20

// ErrNoState is a directory that holds no state of Puppet.
var ErrNoState = errors.New("it holds no state of Puppet")

// ReadPuppetState reads the nodes that Puppet has kept below its cache directory (vardir), of a server or an agent: cached catalogues, nodes as a
// server writes them (yaml/node), the newest report of each node, and classes.txt of an agent's last run. What says more wins, in that order.
func ReadPuppetState(dir string) (PuppetNodes, error) {
	nodes := PuppetNodes{}
	seen := 0
	for _, kind := range []struct {
		globs []string
		read  func(text []byte) (name string, n PuppetNode)
	}{
		{[]string{"client_data/catalog/*.json", "server_data/catalogs/*.json", "catalog/*.json"}, puppetCatalog},
		{[]string{"yaml/node/*.yaml"}, puppetNode},
		{[]string{"state/last_run_report.yaml", "reports/*/*.yaml"}, puppetReport},
	} {
		for _, file := range newest(dir, kind.globs) {
			info, err := os.Stat(file)
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			if info.Size() > maxState {
				return nil, fmt.Errorf("%s is larger than %d MiB", file, maxState>>20)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("reading Puppet's state: %w", err)
			}
			if seen++; seen > maxHosts {
				return nil, fmt.Errorf("more than %d files below %s", maxHosts, dir)
			}
			name, n := kind.read(text)
			if !nodeName.MatchString(name) || strings.ContainsAny(name, `'"`) {
				continue
			}
			if filepath.Base(file) == "last_run_report.yaml" {
				n.Classes = append(n.Classes, classesFile(dir)...)
			}
			nodes.add(name, n)
		}
	}
	if seen == 0 {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoState)
	}
	return nodes, nil
}

// add keeps what is known already, and fills in what is not.
func (p PuppetNodes) add(name string, n PuppetNode) {
	had := p[name]
	if had == nil {
		p[name] = &n
		return
	}
	if had.Environment == "" {
		had.Environment = n.Environment
	}
	if len(had.Classes) == 0 {
		had.Classes = n.Classes
	}
}

// newest are the files of some patterns below a directory; of several in one directory of reports, the last by name, which is its time.
func newest(dir string, globs []string) []string {
	var out []string
	for _, g := range globs {
		files, _ := filepath.Glob(filepath.Join(dir, g))
		if !strings.HasPrefix(g, "reports/") {
			out = append(out, files...)
			continue
		}
		last := map[string]string{}
		for _, f := range files {
			last[filepath.Dir(f)] = max(last[filepath.Dir(f)], f)
		}
		out = append(out, slices.Sorted(maps.Values(last))...)
	}
	return out
}

// classesFile are the lines of classes.txt.
func classesFile(dir string) []string {
	text, err := os.ReadFile(filepath.Join(dir, "state", "classes.txt"))
	if err != nil || len(text) > maxFile {
		return nil
	}
	return strings.Fields(string(text))
}

func puppetCatalog(text []byte) (string, PuppetNode) {
	var c struct {
		Name, Environment string
		Classes           []string
		Data              *struct { // of Puppet 3
			Name, Environment string
			Classes           []string
		}
	}
	if json.Unmarshal(text, &c) != nil {
		return "", PuppetNode{}
	}
	if c.Data != nil && c.Name == "" {
		return c.Data.Name, PuppetNode{c.Data.Environment, c.Data.Classes}
	}
	return c.Name, PuppetNode{c.Environment, c.Classes}
}

// puppetNode reads a node of the write_only_yaml terminus: classes are a list, or a mapping to their parameters.
func puppetNode(text []byte) (string, PuppetNode) {
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return "", PuppetNode{}
	}
	name, n := "", PuppetNode{}
	fields := doc.Content[0].Content
	for i := 0; i+1 < len(fields); i += 2 {
		value := fields[i+1]
		switch strings.TrimPrefix(fields[i].Value, ":") {
		case "name":
			name = value.Value
		case "environment":
			n.Environment = strings.TrimPrefix(value.Value, ":")
		case "classes":
			for j := 0; j < len(value.Content); j++ {
				n.Classes = append(n.Classes, value.Content[j].Value)
				if value.Kind == yaml.MappingNode {
					j++
				}
			}
		}
	}
	return name, n
}

var (
	reportField = regexp.MustCompile(`^(host|environment): ['"]?([A-Za-z0-9._-]+)['"]?\s*$`)
	reportTag   = regexp.MustCompile(`^\s*- ['"]?(roles?::[a-z0-9_:]+)['"]?\s*$`)
)

// puppetReport reads a report by its lines: it holds whatever was logged, and only the node, its environment and tags that are roles are looked at.
func puppetReport(text []byte) (string, PuppetNode) {
	name, n := "", PuppetNode{}
	for line := range bytes.Lines(text) {
		if len(line) > 1024 {
			continue
		}
		if m := reportField.FindSubmatch(bytes.TrimRight(line, "\r\n")); m != nil {
			switch string(m[1]) {
			case "host":
				name = string(m[2])
			default:
				n.Environment = string(m[2])
			}
		} else if m := reportTag.FindSubmatch(bytes.TrimRight(line, "\r\n")); m != nil && !slices.Contains(n.Classes, string(m[1])) {
			n.Classes = append(n.Classes, string(m[1]))
		}
	}
	return name, n
}

// Inventories are the nodes by environment and role: a node without a class role::NAME has the role "node", one without an environment is in production, as with Puppet.
func (p PuppetNodes) Inventories() map[string]Inventory {
	out := map[string]Inventory{}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		n := p[name]
		env := n.Environment
		if env == "" {
			env = "production"
		}
		inv := out[env]
		for _, role := range rolesOf(n.Classes) {
			inv.add(role, Host{Name: name})
		}
		out[env] = inv
	}
	for env, inv := range out {
		inv.sort()
		out[env] = inv
	}
	return out
}
