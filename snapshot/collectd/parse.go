package collectd

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Parse reads what is loaded and what is reported.
func (Collector) Parse(in snapshot.Input) snapshot.Result {
	p := &parser{in: in, r: snapshot.Result{Looked: []string{}}, loaded: map[string]bool{}}
	configured := p.config()
	p.values()
	if configured && p.reported != nil {
		var silent []string
		for plugin := range p.loaded {
			if talkative[plugin] && !p.renamed[plugin] && p.reported[plugin] == nil {
				silent = append(silent, plugin)
			}
		}
		if len(silent) > 0 {
			p.r.Add(p.at("collectd", "silent").Attr("plugins"), snapshot.Strings(true, silent...), "")
		}
	}
	return p.r
}

type parser struct {
	in       snapshot.Input
	r        snapshot.Result
	loaded   map[string]bool
	renamed  map[string]bool // plugins whose values go by another plugin's name
	reported map[string]map[string][]string
}

func (p *parser) at(kind, name string) snapshot.Address { return snapshot.At(p.in.Scope, kind, name) }

// talkative are plugins that report something wherever they work.
var talkative = words("apache bind contextswitch cpu curl curl_json curl_xml df interface lighttpd load memcached memory mysql nginx postgresql processes redis uptime users varnish")

// machine are plugins whose instances follow the machine: its processors, disks, mounts and interfaces.
var machine = words("battery buddyinfo cpu cpufreq cpusleep df disk ethstat hddtemp hugepages infiniband interface ipmi irq madwifi md netlink numa rapl sensors serial smart swap thermal turbostat wireless zfs_arc zone")

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// config reads which plugins are loaded. It reports whether that is known.
func (p *parser) config() bool {
	s, fetched := p.in.Sections["config"]
	if !fetched {
		return false
	}
	gap := func(file, reason string) bool {
		p.r.Missing(p.at("collectd", "plugins"), strings.TrimSpace(file+" "+reason), "correct the file (collectd -t reads it), or run envdiff as a user who may read it", "collectd/*")
		return false
	}
	if s.Problem == transport.NotFound {
		p.r.Looked = append(p.r.Looked, "collectd/*")
		return false
	}
	if s.Problem != transport.OK {
		return gap("collectd's configuration", "could not be read: "+string(s.Problem))
	}
	p.renamed = map[string]bool{}
	read := 0
	for _, f := range s.Files {
		switch {
		case f.Problem == transport.NotFound, strings.HasPrefix(f.Path, "/etc/collectd/") && strings.HasSuffix(f.Path, "/collection.conf"): // another program's
		case f.Problem != transport.OK:
			return gap(f.Path, "could not be read: "+string(f.Problem))
		default:
			if line := p.readConfig(f.Body); line > 0 {
				return gap(f.Path, fmt.Sprintf("line %d is no configuration of collectd", line))
			}
			read++
		}
	}
	p.r.Looked = append(p.r.Looked, "collectd/*")
	if read > 0 && len(p.loaded) > 0 {
		p.r.Add(p.at("collectd", "plugins").Attr("loaded"), snapshot.Strings(true, slices.Collect(maps.Keys(p.loaded))...), "")
	}
	return true
}

// readConfig scans one file for plugins; it returns the first line that cannot be one of collectd.conf(5), or 0.
func (p *parser) readConfig(src []byte) int {
	var blocks []string
	no := 0
	for line := range bytes.Lines(src) {
		no++
		text := strings.TrimSpace(string(line[:min(len(line), 4096)]))
		if text == "" || text[0] == '#' {
			continue
		}
		if name, ok := strings.CutPrefix(text, "</"); ok {
			if len(blocks) == 0 || !strings.EqualFold(strings.TrimSuffix(name, ">"), strings.Fields(blocks[len(blocks)-1])[0]) {
				return no
			}
			blocks = blocks[:len(blocks)-1]
			continue
		}
		opens := text[0] == '<'
		words := strings.Fields(strings.Trim(text, "<>"))
		if len(words) == 0 || !letter(words[0][0]) {
			return no
		}
		argument := ""
		if len(words) > 1 {
			argument = strings.ToLower(strings.Trim(words[1], `"`))
		}
		switch {
		case strings.EqualFold(words[0], "LoadPlugin") && plausible(argument):
			p.loaded[argument] = true
		case strings.EqualFold(words[0], "Plugin") && !opens && len(blocks) > 0:
			p.renamed[blockArgument(blocks[0])] = true
		}
		if opens {
			blocks = append(blocks, strings.ToLower(strings.Join(words, " ")))
		}
	}
	if len(blocks) > 0 {
		return max(no, 1)
	}
	return 0
}

// blockArgument is the plugin of "plugin curl_json".
func blockArgument(block string) string {
	_, argument, _ := strings.Cut(block, " ")
	return strings.Trim(argument, `"`)
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// plausible reports the name of a plugin.
func plausible(name string) bool {
	return name != "" && len(name) < 100 && strings.IndexFunc(name, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-') }) < 0
}

// values reads what the daemon lists.
func (p *parser) values() {
	s, fetched := p.in.Sections["values"]
	if !fetched {
		return
	}
	gap := func(reason, hint string) { p.r.Missing(p.at("metric", ""), reason, hint, "metric/*") }
	switch {
	case s.Problem == transport.Unable, s.Problem == transport.NotFound:
		if len(p.loaded) > 0 {
			p.r.Notes = append(p.r.Notes, snapshot.Note{Scope: p.in.Scope, Kind: "metrics of collectd", Count: 1, Detail: "only a running host shows what is reported"})
		}
	case s.Problem != transport.OK:
		gap("collectd could not be asked: "+string(s.Problem), "ask it by hand: echo LISTVAL | socat - UNIX-CONNECT:/var/run/collectd-unixsock")
	case s.Status == noSocket && p.loaded["unixsock"]:
		gap("collectd loads unixsock, but its socket is not there", "start collectd on the host, or correct SocketFile")
	case s.Status == noSocket:
		if len(p.loaded) > 0 {
			p.r.Notes = append(p.r.Notes, snapshot.Note{Scope: p.in.Scope, Kind: "metrics of collectd", Count: 1, Detail: "collectd has no unixsock plugin to ask"})
			return
		}
		if p.in.Sections["config"].Problem == transport.NotFound {
			p.r.Looked = append(p.r.Looked, "metric/*") // no collectd: its peers may have one
		}
	case s.Status == forbidden:
		gap("collectd's socket is not for this user", "set SocketGroup and SocketPerms 0770 in the unixsock plugin, or sudo: true of the host in envdiff.yaml")
	case s.Status == noProgram:
		gap("nothing on the host can speak to a socket", "install perl, socat or netcat-openbsd there")
	case s.Status != 0:
		gap("collectd does not answer on its socket", "look at the daemon on the host")
	default:
		p.list(s.Output, gap)
	}
}

// maxTypes bounds the types and type instances of one plugin instance that are kept one by one.
const maxTypes = 300

// list writes the facts of the answer: "N Values found" and N lines "SECONDS HOST/PLUGIN-INSTANCE/TYPE-INSTANCE".
func (p *parser) list(answer []byte, gap func(reason, hint string)) {
	hosts, ok := identifiers(answer)
	if !ok {
		gap("collectd's answer was cut off or is none", "run it again; a daemon that is being restarted answers so")
		return
	}
	own, others := p.own(hosts)
	p.reported = own
	p.r.Looked = append(p.r.Looked, "metric/*")
	if others > 0 {
		p.r.Notes = append(p.r.Notes, snapshot.Note{Scope: p.in.Scope, Kind: "metrics that collectd received of other hosts", Count: others})
	}
	const origin = "collectd LISTVAL"
	for _, plugin := range slices.Sorted(maps.Keys(own)) {
		p.r.Add(p.at("metric", plugin), snapshot.Bool(true), origin)
		byInstance := map[string][]string{}
		for instance, types := range own[plugin] {
			if machine[plugin] || instance == "" {
				byInstance[""] = append(byInstance[""], types...)
			} else {
				byInstance[instance] = types
			}
		}
		for _, instance := range slices.Sorted(maps.Keys(byInstance)) {
			types := byInstance[instance]
			if machine[plugin] || len(types) > maxTypes {
				types = plainTypes(types)
			}
			a := p.at("metric", plugin)
			if instance != "" {
				a = p.at("metric", plugin+"/"+instance)
			}
			p.r.Add(a.Attr("types"), snapshot.Strings(true, types...), origin)
		}
	}
}

// plainTypes are types without their instances.
func plainTypes(types []string) []string {
	out := make([]string, len(types))
	for i, t := range types {
		out[i], _, _ = strings.Cut(t, "-")
	}
	return out
}

// identifiers reads an answer: host → plugin → plugin instance → types with their instances.
func identifiers(answer []byte) (map[string]map[string]map[string][]string, bool) {
	first, rest, _ := bytes.Cut(answer, []byte("\n"))
	count, _, _ := strings.Cut(string(first[:min(len(first), 100)]), " ")
	want, err := strconv.Atoi(count)
	if err != nil || want < 0 {
		return nil, false
	}
	hosts := map[string]map[string]map[string][]string{}
	got := 0
	for line := range bytes.Lines(rest) {
		if got == want {
			break
		}
		got++
		_, id, ok := strings.Cut(strings.TrimRight(string(line[:min(len(line), 2000)]), "\r\n"), " ")
		parts := strings.Split(strings.Trim(id, `"`), "/")
		if !ok || len(parts) != 3 || parts[2] == "" {
			return nil, false
		}
		plugin, instance, _ := strings.Cut(parts[1], "-")
		if plugin == "" {
			return nil, false
		}
		host := hosts[parts[0]]
		if host == nil {
			host = map[string]map[string][]string{}
			hosts[parts[0]] = host
		}
		if host[plugin] == nil {
			host[plugin] = map[string][]string{}
		}
		host[plugin][instance] = append(host[plugin][instance], parts[2])
	}
	return hosts, got == want
}

// own are the values of the host itself. A daemon that receives those of others has all: its own go by the instance's name, or by the only name, else they are
// the most.
func (p *parser) own(hosts map[string]map[string]map[string][]string) (own map[string]map[string][]string, others int) {
	short := func(name string) string {
		label, _, _ := strings.Cut(strings.ToLower(name), ".")
		return label
	}
	best, bestRank := "", -1
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		rank := len(hosts[name])
		if short(name) == short(p.in.Instance) {
			rank += 1 << 20
		}
		if rank > bestRank {
			best, bestRank = name, rank
		}
	}
	own = hosts[best]
	if own == nil {
		own = map[string]map[string][]string{}
	}
	return own, max(len(hosts)-1, 0)
}
