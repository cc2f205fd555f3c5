package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"
)

// yaml reads the YAML notation (lib/ansible/plugins/inventory/yaml.py of 2.14), and the JSON that `ansible-inventory --list` prints.
func (a *ansible) yaml(text []byte) error {
	root, err := document(text)
	if err != nil || root == nil {
		return err
	}
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: an inventory is a mapping of groups", root.Line)
	}
	if meta := field(root, "_meta"); meta != nil {
		return a.list(root, meta)
	}
	return eachField(root, func(name string, value *yaml.Node) error { return a.yamlGroup(name, value, 0) })
}

// document is the root of a YAML text, nil for an empty one.
func document(text []byte) (*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("no YAML")
	}
	var doc yaml.Node
	if err := loader.Load(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, fmt.Errorf("no YAML: %w", err)
	}
	if len(doc.Content) != 1 {
		return nil, nil
	}
	return doc.Content[0], nil
}

func plain(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func field(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return plain(n.Content[i+1])
		}
	}
	return nil
}

// eachField calls f for the fields of a mapping; null is an empty one.
func eachField(n *yaml.Node, f func(string, *yaml.Node) error) error {
	n = plain(n)
	if n == nil || n.Kind == yaml.ScalarNode && (n.Tag == "!!null" || n.Value == "") {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: this is to be a mapping", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if err := f(n.Content[i].Value, plain(n.Content[i+1])); err != nil {
			return err
		}
	}
	return nil
}

const maxDepth = 40

func (a *ansible) yamlGroup(name string, value *yaml.Node, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: groups nested deeper than %d", value.Line, maxDepth)
	}
	g := a.group(name)
	return eachField(value, func(key string, v *yaml.Node) error {
		switch key {
		case "vars":
			return eachField(v, func(name string, value *yaml.Node) error {
				if keeps(name) && value.Kind == yaml.ScalarNode {
					g.vars[name] = value.Value
				}
				return nil
			})
		case "children":
			return eachField(v, func(child string, value *yaml.Node) error {
				if name != "all" {
					g.children[child] = true
				}
				return a.yamlGroup(child, value, depth+1)
			})
		case "hosts":
			return eachField(v, func(pattern string, value *yaml.Node) error { return a.yamlHosts(name, pattern, value) })
		}
		return nil // Ansible warns and goes on
	})
}

func (a *ansible) yamlHosts(group, pattern string, value *yaml.Node) error {
	vars, err := reachVars(value)
	if err != nil {
		return err
	}
	pattern, port := cutPort(pattern)
	if port != "" && vars["ansible_port"] == "" {
		vars["ansible_port"] = port
	}
	names, err := expand(pattern)
	if err != nil {
		return err
	}
	if group == "all" {
		group = "ungrouped"
	}
	for _, n := range names {
		if err := a.host(group, n, vars); err != nil {
			return err
		}
	}
	return nil
}

func reachVars(n *yaml.Node) (map[string]string, error) {
	vars := map[string]string{}
	err := eachField(n, func(name string, value *yaml.Node) error {
		if keeps(name) && value.Kind == yaml.ScalarNode {
			vars[name] = value.Value
		}
		return nil
	})
	return vars, err
}

func yamlVars(text []byte) (map[string]string, error) {
	root, err := document(text)
	if err != nil {
		return nil, err
	}
	return reachVars(root)
}

// list reads the output of `ansible-inventory --list`, in which every host's variables are resolved.
func (a *ansible) list(root, meta *yaml.Node) error {
	hostVars := field(meta, "hostvars")
	vars := func(host string) (map[string]string, error) {
		if hostVars == nil {
			return map[string]string{}, nil
		}
		return reachVars(field(hostVars, host))
	}
	return eachField(root, func(name string, value *yaml.Node) error {
		if name == "_meta" {
			return nil
		}
		a.group(name)
		return eachField(value, func(key string, items *yaml.Node) error {
			if items.Kind != yaml.SequenceNode {
				return nil
			}
			for _, item := range items.Content {
				switch {
				case key == "children" && name != "all":
					a.group(name).children[item.Value] = true
					a.group(item.Value)
				case key == "hosts":
					v, err := vars(item.Value)
					if err != nil {
						return err
					}
					group := name
					if group == "all" {
						group = "ungrouped"
					}
					if err := a.host(group, item.Value, v); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
}
