package inventory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

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
