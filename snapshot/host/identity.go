package host

import (
	"net/netip"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// readNames captures the host's own names: they differ from host to host and explain why other values do.
func readNames(rd *reader) {
	a := rd.at("host", "name")
	host := ""
	if f, ok := rd.one("hostname", a); ok {
		if host = word(f.Body); host != "" {
			rd.r.Add(a.Attr("hostname"), snapshot.String(host), f.Path)
			rd.looked("host/name#hostname")
		}
	}
	if hosts, ok := rd.one("hosts", a); ok && host != "" {
		if fqdn, line := qualified(hosts.Body, host); fqdn != "" && fqdn != host {
			rd.r.Add(a.Attr("fqdn"), snapshot.String(fqdn), origin(hosts.Path, line))
			rd.looked("host/name#fqdn")
		}
	}
	if f, ok := rd.one("machine-id", a); ok && word(f.Body) != "" {
		rd.r.Add(a.Attr("machine_id"), snapshot.String(word(f.Body)), f.Path)
		rd.looked("host/name#machine_id")
	}
}

// qualified returns the canonical name that /etc/hosts gives to a host.
func qualified(hosts []byte, host string) (string, int) {
	for n, line := range lines(hosts) {
		f := hostsLine(line)
		for _, name := range f[min(1, len(f)):] {
			if name == host && strings.HasPrefix(f[1], host+".") {
				return f[1], n
			}
		}
	}
	return "", 0
}

func hostsLine(line string) []string {
	line, _, _ = strings.Cut(line, "#")
	return strings.Fields(line)
}

// readAddresses captures the host's own addresses: what ip reports, else what the tree's files configure.
func readAddresses(rd *reader) {
	a := rd.at("host", "network")
	seen := map[string]bool{}
	var found []string
	from := ""
	add := func(text, where string) {
		text, _, _ = strings.Cut(text, "/")
		if ip, err := netip.ParseAddr(text); err == nil && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !ip.IsUnspecified() && !seen[ip.String()] {
			seen[ip.String()] = true
			found = append(found, ip.String())
			if from == "" {
				from = where
			}
		}
	}
	if s := rd.in.Sections["addresses"]; s.Problem == transport.OK && s.Status == 0 {
		for _, line := range lines(s.Output) { // "2: eth0    inet 10.0.0.3/24 brd …"
			if f := strings.Fields(line); len(f) > 3 && strings.HasPrefix(f[2], "inet") {
				add(f[3], "ip addr")
			}
		}
	}
	files, _ := rd.files("interfaces", a)
	for _, f := range files {
		for n, line := range lines(f.Body) {
			if w := strings.Fields(line); len(w) == 2 && w[0] == "address" {
				add(w[1], origin(f.Path, n))
			}
		}
	}
	if hosts, ok := rd.one("hosts", a); ok {
		host := ""
		if f, ok := rd.one("hostname", a); ok {
			host = word(f.Body)
		}
		for n, line := range lines(hosts.Body) {
			f := hostsLine(line)
			for _, name := range f[min(1, len(f)):] {
				if host != "" && name == host {
					add(f[0], origin(hosts.Path, n))
				}
			}
		}
	}
	if len(found) > 0 {
		rd.r.Add(a.Attr("addresses"), snapshot.Strings(true, found...), from)
		rd.looked("host/network*")
	}
}
