package puppet

import (
	"slices"
	"strings"
)

// unordered finds the services of a catalogue that have no explicit order to their own package or configuration: neither relations nor containment lead from
// those to the service. What belongs together is told by name, so that a class may hold other packages too.
func (c *catalog) unordered() map[*resource][]*resource {
	related := map[string][]*resource{}
	for _, r := range c.resources {
		for _, stem := range stems(r) {
			related[stem] = append(related[stem], r)
		}
	}
	out := map[*resource][]*resource{}
	g := c.orders()
	for _, service := range c.resources {
		if service.Type != "Service" || service.Exported || is(service, "ensure", "stopped", "false") {
			continue
		}
		with := related[stemOf(named(service, "name"))]
		if len(with) == 0 {
			continue
		}
		reached := g.before(service)
		for _, r := range with {
			if !reached[r] {
				out[service] = append(out[service], r)
			}
		}
	}
	return out
}

// stems are the names that a package or a file of configuration goes by; none of other resources.
func stems(r *resource) []string {
	switch name := named(r, "name"); {
	case r.Exported:
	case r.Type == "Package" && !is(r, "ensure", "absent", "purged"):
		return []string{stemOf(name)}
	case r.Type == "File" && !is(r, "ensure", "absent", "directory", "link"):
		file := named(r, "path")
		if !strings.HasPrefix(file, "/etc/") && !strings.HasPrefix(file, "/usr/local/etc/") {
			return nil
		}
		var out []string
		for segment := range strings.SplitSeq(file[1:], "/") {
			segment = strings.TrimSuffix(segment, ".d")
			if i := strings.LastIndexByte(segment, '.'); i > 0 {
				segment = segment[:i]
			}
			if stem := stemOf(segment); !slices.Contains(out, stem) {
				out = append(out, stem)
			}
		}
		return out
	}
	return nil
}

// named is a resource's parameter that names it, or its title.
func named(r *resource, parameter string) string {
	if s, ok := r.Parameters[parameter].(string); ok && s != "" {
		return s
	}
	return r.Title
}

// stemOf is what a package, its service and its directory below /etc have in common: openssh-server, sshd and ssh are one.
func stemOf(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, ".service"))
	for _, suffix := range []string{"-server", "-daemon", "-light", "-full", "-core", "-common"} {
		name = strings.TrimSuffix(name, suffix)
	}
	if same, ok := synonyms[name]; ok {
		return same
	}
	return name
}

var synonyms = map[string]string{"openssh": "ssh", "sshd": "ssh", "httpd": "apache2", "apache": "apache2", "mysqld": "mysql", "mariadb": "mysql", "bind9": "named", "bind": "named",
	"crond": "cron", "ntpd": "ntp", "chronyd": "chrony", "smbd": "samba", "redis-server": "redis", "collectd-core": "collectd"}

// is reports whether a parameter has one of some values.
func is(r *resource, parameter string, values ...string) bool {
	return slices.Contains(values, plain(r.Parameters[parameter]))
}

// orders is what comes before what: the relations of a catalogue. That resources stand one behind the other in a manifest is no order that anybody wrote down.
type orders struct {
	c    *catalog
	from map[*resource][]*resource
}

func (c *catalog) orders() *orders {
	g := &orders{c: c, from: map[*resource][]*resource{}}
	add := func(first, then string) {
		a, b := c.byRef[first], c.byRef[then]
		if a != nil && b != nil && a != b {
			g.from[b] = append(g.from[b], a)
		}
	}
	for _, r := range c.resources {
		for name, v := range r.Parameters {
			for _, other := range refs(v) {
				switch name {
				case "before", "notify":
					add(r.ref(), other)
				case "require", "subscribe":
					add(other, r.ref())
				}
			}
		}
	}
	for _, e := range c.edges {
		add(e[0], e[1])
	}
	return g
}

// refs are the references in a relation: one, or a list.
func refs(v any) []string {
	switch x := v.(type) {
	case string:
		return []string{x}
	case []any:
		var out []string
		for _, item := range x {
			out = append(out, refs(item)...)
		}
		return out
	case map[string]any:
		return []string{reference(v)}
	}
	return nil
}

// before is everything that a resource comes after. A relation of a container holds for what it contains, on both ends.
func (g *orders) before(r *resource) map[*resource]bool {
	reached := map[*resource]bool{}
	todo := append([]*resource{r}, r.containers()...)
	visited := map[*resource]bool{}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if visited[at] {
			continue
		}
		visited[at] = true
		for _, first := range g.from[at] {
			inside := []*resource{first}
			for len(inside) > 0 {
				in := inside[len(inside)-1]
				inside = inside[:len(inside)-1]
				if reached[in] {
					continue
				}
				reached[in] = true
				todo = append(todo, in)
				todo = append(todo, in.containers()...)
				inside = append(inside, in.children...)
			}
		}
	}
	return reached
}
