package config

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/inventory"
	"github.com/envdiff/envdiff/internal/spelling"
	"github.com/envdiff/envdiff/internal/strictyaml"
)

// addInventories adds the hosts of inventories to those that stand in the file, before anything is checked.
func addInventories(c *Config, dir string, doc *strictyaml.Document) {
	for _, name := range slices.Sorted(maps.Keys(c.Environments)) {
		e := c.Environments[name]
		if e.Inventory == nil {
			continue
		}
		at := []string{"environments", name, "inventory"}
		path := e.Inventory.Ansible
		if path == "" {
			doc.Errorf(at, "an inventory needs a path: ansible: FILE")
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		inv, err := inventory.ReadAnsible(path)
		if err != nil {
			doc.Errorf(at, "%v", err)
			continue
		}
		hosts := maps.Clone(e.Hosts)
		if hosts == nil {
			hosts = map[string][]Host{}
		}
		for role, group := range e.Inventory.roles(c, inv, at, doc) {
			for _, h := range inv.Groups[group] {
				hosts[role] = append(hosts[role], FromInventory(h))
			}
		}
		e.Hosts = hosts
		c.Environments[name] = e
	}
}

// roles pairs roles with groups: as groups says, else the roles of the file that are groups too.
func (i Inventory) roles(c *Config, inv inventory.Inventory, at []string, doc *strictyaml.Document) map[string]string {
	out := map[string]string{}
	known := slices.Sorted(maps.Keys(inv.Groups))
	for role, group := range i.Groups {
		if _, ok := inv.Groups[group]; !ok {
			hint := "it has " + strings.Join(known, ", ")
			if near := spelling.Nearest(group, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			doc.Errorf(append(at[:len(at):len(at)], "groups", role), "the inventory has no group %q with hosts: %s", group, hint)
			continue
		}
		out[role] = group
	}
	if len(i.Groups) > 0 {
		return out
	}
	for role := range c.Roles {
		if _, ok := inv.Groups[role]; ok {
			out[role] = role
		}
	}
	if len(out) == 0 {
		doc.Errorf(at, "no role under roles is called like a group of the inventory (%s): name one, or pair them with groups: {ROLE: GROUP}", strings.Join(known, ", "))
	}
	return out
}

// FromInventory is a host of an inventory in the form of envdiff.yaml.
func FromInventory(h inventory.Host) Host {
	out := Host{URL: Text(h.URL()), Sudo: h.Sudo}
	if out.Instance() != h.Name {
		out.Name = h.Name
	}
	return out
}
