// Package inventory reads what other systems know of hosts: Ansible's inventories, Capistrano's stages and Puppet's node blocks. It runs
// nothing and contacts nobody; what it can not know it says.
package inventory

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// Inventory is the hosts of each group.
type Inventory struct {
	Groups map[string][]Host // sorted by name
	// Notes say what was left out, and why.
	Notes []string
}

// Host is one machine as ssh reaches it.
type Host struct {
	Name    string
	Address string // "" is the name
	User    string
	Port    int // 0 is ssh's own choice
	Local   bool
	Sudo    bool
}

// URL is the host in the notation of envdiff.yaml.
func (h Host) URL() string {
	if h.Local {
		return "local:"
	}
	address := h.Address
	if address == "" {
		address = h.Name
	}
	if ip := net.ParseIP(address); ip != nil && strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	if h.User != "" {
		address = h.User + "@" + address
	}
	if h.Port != 0 && h.Port != 22 {
		address += ":" + strconv.Itoa(h.Port)
	}
	return "ssh://" + address
}

func (inv *Inventory) add(group string, h Host) {
	if inv.Groups == nil {
		inv.Groups = map[string][]Host{}
	}
	inv.Groups[group] = append(inv.Groups[group], h)
}

// sort puts the hosts of each group in order, each once.
func (inv *Inventory) sort() {
	for name, hosts := range inv.Groups {
		slices.SortStableFunc(hosts, func(a, b Host) int { return strings.Compare(a.Name, b.Name) })
		inv.Groups[name] = slices.CompactFunc(hosts, func(a, b Host) bool { return a.Name == b.Name })
	}
}
