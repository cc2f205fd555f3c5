package compare

import (
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// placeholders number the parameters over all sides, so that log_host is the same placeholder everywhere. A host's own
// name and addresses are parameters of every host.
type placeholders struct {
	names []string
	ids   map[string]int
}

// The names of a host's own parameters; configured names cannot hold a space.
const (
	ownName    = "own name"
	ownAddress = "own address"
)

func (p *placeholders) id(name string) int {
	if i, ok := p.ids[name]; ok {
		return i
	}
	if p.ids == nil {
		p.ids = map[string]int{}
	}
	p.ids[name] = len(p.names)
	p.names = append(p.names, name)
	return len(p.names) - 1
}

// normaliser replaces one side's own parameters by placeholders, in values and in names.
type normaliser struct {
	values *matcher
	names  *matcher       // the same words as they are written in addresses
	hosts  map[string]int // scope, NUL, instance → host of the targets
	// foreign are other environments' parameters that hold a dot and are none of this
	// one's: value → "log_host of production".
	foreign              map[string]string
	minForeign           int // the shortest of them
	ambiguous, hostWords bool
}

// newNormalisers makes the normaliser of each side. Parameters that are equal in every environment that sets them, or
// are shorter than four characters, take no part.
func newNormalisers(sides []Side, views []map[string]*scopeView, all map[string]map[string]string) []*normaliser {
	var ph placeholders
	envs := allEnvironments(sides, all)
	equal := equalEverywhere(envs)
	ns := make([]*normaliser, len(sides))
	for i, s := range sides {
		n := &normaliser{values: newMatcher(), names: newMatcher(), hosts: map[string]int{}}
		params := s.Params
		if params == nil {
			params = envs[environmentOf(s)] // a snapshot file of a configured environment
		}
		for _, name := range slices.Sorted(maps.Keys(params)) {
			if !equal[name] {
				n.add(params[name], target{ph.id(name), -1})
			}
		}
		n.addHosts(s, views[i], &ph, equal)
		n.addForeign(environmentOf(s), envs, s)
		ns[i] = n
	}
	return ns
}

// allEnvironments is AllParams with what the sides bring themselves.
func allEnvironments(sides []Side, all map[string]map[string]string) map[string]map[string]string {
	envs := map[string]map[string]string{}
	merge := func(env string, params map[string]string) {
		if envs[env] == nil {
			envs[env] = map[string]string{}
		}
		for k, v := range params {
			envs[env][k] = v
		}
	}
	for env, params := range all {
		merge(env, params)
	}
	for _, s := range sides {
		merge(environmentOf(s), s.Params)
	}
	return envs
}

// equalEverywhere are the names that have one value wherever they are set, in more than one environment.
func equalEverywhere(envs map[string]map[string]string) map[string]bool {
	first, count, same := map[string]string{}, map[string]int{}, map[string]bool{}
	for _, env := range slices.Sorted(maps.Keys(envs)) {
		for name, v := range envs[env] {
			if count[name] == 0 {
				first[name], same[name] = v, true
			}
			count[name]++
			same[name] = same[name] && first[name] == v
		}
	}
	for name := range same {
		same[name] = same[name] && count[name] > 1
	}
	return same
}

func (n *normaliser) add(word string, t target) {
	if len(word) < minWord {
		return
	}
	n.values.add(jsonInner(word), t)
	n.names.add(snapshot.Escape(word), t)
	n.names.add(snapshot.Ident(word), t)
	n.ambiguous = n.ambiguous || len(n.values.words[jsonInner(word)]) > 1
	n.hostWords = n.hostWords || t.host >= 0
}

// addHosts adds what belongs to single hosts: their params, their names and their addresses.
func (n *normaliser) addHosts(s Side, views map[string]*scopeView, ph *placeholders, equal map[string]bool) {
	for _, scope := range slices.Sorted(maps.Keys(views)) {
		for _, instance := range views[scope].instances {
			host := len(n.hosts)
			n.hosts[scope+"\x00"+instance] = host
			for _, name := range slices.Sorted(maps.Keys(s.HostParams[instance])) {
				n.add(s.HostParams[instance][name], target{ph.id(name), host})
			}
			switch s.Snapshot.Manifest.Scopes[scope].Type {
			case "role", "endpoint":
				if strings.ContainsAny(instance, "0123456789.") {
					n.add(instance, target{ph.id(ownName), host})
				}
				if name, _, port := strings.Cut(instance, ":"); port && strings.ContainsAny(name, "0123456789.") {
					n.add(name, target{ph.id(ownName), host})
				}
			}
		}
		n.addOwn(s.Snapshot, scope, "name", "hostname", ph.id(ownName))
		n.addOwn(s.Snapshot, scope, "network", "addresses", ph.id(ownAddress))
	}
}

// addOwn reads a fact that holds a host's own names or addresses, such as web:host/name#hostname.
func (n *normaliser) addOwn(s *snapshot.Snapshot, scope, name, attribute string, id int) {
	line := findLine(s, snapshot.At(scope, "host", name).Attr(attribute))
	if line == nil {
		return
	}
	for _, held := range line.Values {
		for _, item := range held.Value.Items() {
			text, ok := item.Text()
			if !ok || text == "localhost" || text == "127.0.0.1" {
				continue
			}
			text, _, _ = strings.Cut(text, "/") // an address may come with its prefix length
			for _, instance := range held.On {
				host, ok := n.hosts[scope+"\x00"+instance]
				if !ok {
					continue
				}
				n.add(text, target{id, host})
				if short, _, dotted := strings.Cut(text, "."); dotted && attribute == "hostname" && strings.ContainsAny(short, "0123456789") {
					n.add(short, target{id, host})
				}
			}
		}
	}
}

// addForeign remembers the parameters of other environments that this one must never use.
func (n *normaliser) addForeign(own string, envs map[string]map[string]string, s Side) {
	mine := map[string]bool{}
	for _, v := range envs[own] {
		mine[v] = true
	}
	for _, params := range s.HostParams {
		for _, v := range params {
			mine[v] = true
		}
	}
	n.foreign = map[string]string{}
	for _, env := range slices.Sorted(maps.Keys(envs)) {
		if env == own {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(envs[env])) {
			v := envs[env][name]
			if len(v) < minWord || !strings.Contains(v, ".") || mine[v] || n.foreign[v] != "" {
				continue
			}
			n.foreign[v] = name + " of " + env
			if n.minForeign == 0 || len(v) < n.minForeign {
				n.minForeign = len(v)
			}
		}
	}
}

// foreignIn says whose parameter a value, or an item of a list, is about as a whole: the host of a URL or an address
// with a port counts. It is "" when nobody's, or when this environment's own parameter stands beside it.
func (n *normaliser) foreignIn(v snapshot.Value) string {
	if len(n.foreign) == 0 || len(v.JSON()) < n.minForeign || len(v.JSON()) > maxForeign {
		return ""
	}
	for _, item := range v.Items() {
		text, ok := item.Text()
		if !ok {
			text = item.JSON()
		}
		if whose := n.foreign[endpoint(text)]; whose != "" {
			if _, own := n.values.next(compared(v), 0, func(t target) bool { return t.host < 0 }); own {
				return ""
			}
			return whose
		}
	}
	return ""
}

// maxForeign bounds the values that are searched for other environments' parameters: longer ones are no endpoints.
const maxForeign = 4096

// endpoint is the host that a text names as a whole: "log1.example" of
// "udp://app@log1.example:514/x", "log1.example:514" and rsyslog's "@@log1.example:514". Other texts,
// mail addresses among them, are returned as they are.
func endpoint(text string) string {
	host := strings.TrimLeft(text, "@")
	if scheme, rest, ok := strings.Cut(host, "://"); ok && !strings.ContainsAny(scheme, "/ @") {
		host, _, _ = strings.Cut(rest, "/")
		host = host[strings.LastIndexByte(host, '@')+1:]
	}
	if name, port, ok := strings.Cut(host, ":"); ok && port != "" && strings.Trim(port, "0123456789") == "" {
		return name
	}
	return host
}

// touches reports whether a text holds a word that could be replaced, and on which hosts' behalf, each once.
func (m *matcher) touches(s string) (touched bool, hosts []int) {
	every := func(target) bool { return true }
	for at := 0; ; {
		h, ok := m.next(s, at, every)
		if !ok {
			return touched, hosts
		}
		touched = true
		for _, t := range h.targets {
			if t.host >= 0 && !slices.Contains(hosts, t.host) {
				hosts = append(hosts, t.host)
			}
		}
		at = h.from + 1 // a shorter word may begin inside a longer one that belongs to another host
	}
}

// replace is s as seen from a host (-1: from no host in particular), with its own parameters as placeholders. Where a
// word is the value of several parameters, choose picks one.
func (m *matcher) replace(s string, host int, choose func(ids []int) int) string {
	apply := func(t target) bool { return t.host == -1 || t.host == host }
	var b strings.Builder
	at := 0
	for {
		h, ok := m.next(s, at, apply)
		if !ok {
			break
		}
		b.WriteString(s[at:h.from])
		ids := make([]int, 0, len(h.targets))
		for _, t := range h.targets {
			ids = append(ids, t.id)
		}
		ids = slices.Compact(ids)
		id := ids[0]
		if len(ids) > 1 && choose != nil {
			id = choose(ids)
		}
		// No byte of the placeholder can be in an address or be a boundary of its own.
		b.WriteString("\x01" + strconv.Itoa(id) + "\x02")
		at = h.to
	}
	if at == 0 {
		return s
	}
	b.WriteString(s[at:])
	return b.String()
}

// alternatives are all readings of a text in which some word is the value of
// several parameters of this side, at most 16.
func (m *matcher) alternatives(s string, host int) []string {
	readings := []string{""}
	seen := map[string]bool{}
	for code := range 16 {
		rest := code
		text := m.replace(s, host, func(ids []int) int {
			i := rest % len(ids)
			rest /= len(ids)
			return ids[i]
		})
		if !seen[text] {
			seen[text] = true
			readings = append(readings, text)
		}
	}
	return readings[1:]
}

// jsonInner is a text as it stands between the quotes of its JSON.
func jsonInner(s string) string {
	j := snapshot.String(s).JSON()
	return j[1 : len(j)-1]
}

// compared is the text of a value that parameters are replaced in. A backslash escape could hide a word boundary
// ("\nweb1"), so such values are decoded first; the result is only ever compared, never shown.
func compared(v snapshot.Value) string {
	json := v.JSON()
	if !strings.Contains(json, `\`) {
		return json
	}
	var b strings.Builder
	for _, item := range v.Items() {
		if text, ok := item.Text(); ok {
			b.WriteString(controlEscaper.Replace(text))
		} else {
			b.WriteString(item.JSON())
		}
		b.WriteByte('\x03')
	}
	return b.String()
}

// controlEscaper keeps what separates items and placeholders out of decoded text.
var controlEscaper = strings.NewReplacer("\x00", "\x00\x00", "\x01", "\x00a", "\x02", "\x00b", "\x03", "\x00c")

func findLine(s *snapshot.Snapshot, a snapshot.Address) *snapshot.Line {
	want := a.String()
	i := sort.Search(len(s.Lines), func(i int) bool { return s.Lines[i].Address.String() >= want })
	if i < len(s.Lines) && s.Lines[i].Address == a {
		return &s.Lines[i]
	}
	return nil
}
