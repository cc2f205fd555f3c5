package config

import (
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// parseNginx reads nginx configuration. Blocks are addressed by identity: a server by where it listens and its names, a
// location by modifier and path, others by their arguments. The order of directives says nothing, except among
// locations by regular expression, rewrites, and allow and deny.
func parseNginx(src []byte) ([]entry, error) {
	x := nginxLexer{src: string(src), line: 1}
	ds, err := x.directives(0)
	if err != nil {
		return nil, err
	}
	w := nginxWriter{}
	w.block(nil, "", ds)
	if len(w.out) > maxEntries {
		return nil, errEntries
	}
	return w.out, nil
}

type nginxWriter struct{ out []entry }

// block writes the directives of one block. parent is the block's name.
func (w *nginxWriter) block(path []segment, parent string, ds []directive) {
	var c collected
	var locations, rewrites []segment
	seen := map[string]int{}
	first := 0
	for _, d := range ds {
		if first == 0 {
			first = d.line
		}
		switch {
		case d.body:
			id := nginxIdentity(d)
			if seen[id]++; seen[id] > 1 && !nginxSingletons[d.name] {
				id += " (" + strconv.Itoa(seen[id]) + ")"
			}
			seg := segment{name: id}
			w.open(extend(path, seg), d)
			if d.name == "location" && strings.HasPrefix(d.args0(), "~") {
				locations = append(locations, seg)
			}
			if d.name == "if" {
				rewrites = append(rewrites, seg)
			}
		case nginxMaps[parent]:
			w.mapEntry(&c, parent, d)
			if strings.HasPrefix(d.name, "~") {
				locations = append(locations, segment{name: d.name})
			}
		default:
			key := nginxDirective(&c, parent, d)
			if nginxRewrites[d.name] {
				rewrites = append(rewrites, segment{name: strings.Join(key, " ")})
			}
		}
	}
	entries, _ := c.entries() // the limit is on the whole file
	w.out = append(w.out, under(path, entries)...)
	group := "location"
	if nginxMaps[parent] {
		group = "regex"
	}
	w.out = append(w.out, order(first, path, group, locations)...)
	w.out = append(w.out, order(first, path, "rewrite", rewrites)...)
}

// open writes a block that has an identity.
func (w *nginxWriter) open(path []segment, d directive) {
	switch {
	case d.raw != "":
		var ls []string
		for _, l := range strings.Split(d.raw, "\n") {
			if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "--") {
				ls = append(ls, l)
			}
		}
		w.out = append(w.out, entry{path: path, value: snapshot.String(strings.Join(ls, "\n")), prose: true, line: d.line})
	case len(d.block) == 0:
		w.out = append(w.out, entry{path: path, value: snapshot.List(), line: d.line})
	default:
		w.block(path, d.name, d.block)
	}
}

func (d directive) args0() string {
	if len(d.args) == 0 {
		return ""
	}
	return d.args[0]
}

// nginxSingletons are blocks that nginx merges or allows once; writing them twice is not two objects.
var nginxSingletons = wordSet("http events mail stream types")

// nginxIdentity is the name that a block goes by.
func nginxIdentity(d directive) string {
	if d.name != "server" {
		args := strings.Join(d.args, " ")
		if d.name == "location" {
			args = locationModifier.ReplaceAllString(args, "$1 ") // `location =/x` and `location = /x`
		}
		return strings.TrimSpace(d.name + " " + args)
	}
	var listens, hosts []string
	for _, in := range d.block {
		switch in.name {
		case "listen":
			listens = append(listens, nginxListen(in.args0()))
		case "server_name":
			for _, h := range in.args {
				hosts = append(hosts, strings.ToLower(h))
			}
		}
	}
	if len(listens) == 0 {
		listens = []string{"80"} // nginx's default for a privileged master
	}
	sort.Strings(listens)
	sort.Strings(hosts)
	return strings.TrimSpace("server " + strings.Join(slices.Compact(listens), ",") + " " + strings.Join(slices.Compact(hosts), ","))
}

var locationModifier = regexp.MustCompile(`^(=|\^~|~\*|~)\s*`)

// nginxListen writes an address as short as it means the same: *:80, 0.0.0.0:80 and 80 are 80.
func nginxListen(s string) string {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "*:"), "0.0.0.0:")
	return s
}

// mapEntry writes a line of map, geo, types and the like, whose first word is a key and not a directive.
func (w *nginxWriter) mapEntry(c *collected, parent string, d directive) {
	if parent == "types" {
		for _, ext := range d.args {
			c.add(d.line, set, snapshot.String(ext), d.name)
		}
		return
	}
	c.add(d.line, list, snapshot.String(nginxArgs(d.args)), d.name)
}

// nginxDirective writes a directive and returns its key.
func nginxDirective(c *collected, parent string, d directive) []string {
	key, r, args := []string{d.name}, list, d.args
	switch {
	case d.name == "allow" || d.name == "deny": // the first match wins: one ordered list
		c.add(d.line, list, snapshot.String(nginxArgs(append([]string{d.name}, args...))), "allow/deny")
		return []string{"allow/deny"}
	case nginxSets[d.name]:
		for _, a := range args {
			if d.name == "server_name" {
				a = strings.ToLower(a)
			}
			c.add(d.line, set, snapshot.String(a), d.name)
		}
		return key
	case d.name == "listen" && len(args) > 0:
		flags := append([]string(nil), args[1:]...)
		sort.Strings(flags)
		key, args = []string{d.name, nginxListen(args[0])}, flags
	case d.name == "server" && parent == "upstream" && len(args) > 0:
		flags := append([]string(nil), args[1:]...)
		sort.Strings(flags)
		key, args = []string{d.name, args[0]}, flags
	case d.name == "log_format" && len(args) > 1: // nginx joins the pieces
		key, args = []string{d.name, args[0]}, []string{strings.Join(args[1:], "")}
	case nginxKeyed[d.name] && len(args) > 1:
		key, args = []string{d.name, args[0]}, args[1:]
	case d.name == "error_page" && len(args) > 1:
		key, args = []string{d.name, strings.Join(args[:len(args)-1], " ")}, args[len(args)-1:]
	case len(args) == 1:
		args = []string{nginxUnit(d.name, args[0])}
	}
	c.add(d.line, r, snapshot.String(nginxArgs(args)), key...)
	return key
}

// nginxArgs joins arguments, quoting those with spaces so that no two lists of arguments look alike.
func nginxArgs(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		if len(args) > 1 && (a == "" || strings.ContainsAny(a, " \t\n\"")) {
			a = strconv.Quote(a)
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}

// nginxUnit writes sizes with a lower-case suffix and times with one: 10M and 10m, 65 and 65s are the same (nginx.org,
// "Configuration file measurement units").
func nginxUnit(name, arg string) string {
	switch {
	case nginxSize.MatchString(arg):
		return strings.ToLower(arg)
	case strings.HasSuffix(name, "_timeout") && nginxNumber.MatchString(arg):
		return arg + "s"
	}
	return arg
}

var (
	nginxSize   = regexp.MustCompile(`^[0-9]+[kKmMgG]$`)
	nginxNumber = regexp.MustCompile(`^[0-9]+$`)
)

// nginxMaps are blocks of key and value.
var nginxMaps = wordSet("map geo types split_clients charset_map")

// nginxSets are directives whose arguments are a set.
var nginxSets = wordSet("server_name ssl_protocols index_types gzip_types sub_filter_types brotli_types proxy_hide_header fastcgi_hide_header proxy_pass_header env load_module")

// nginxKeyed are directives that are written many times, each for another first argument.
var nginxKeyed = wordSet(`proxy_set_header fastcgi_param uwsgi_param scgi_param grpc_set_header add_header more_set_headers add_trailer set rewrite
	limit_req_zone limit_conn_zone limit_conn proxy_cache_path fastcgi_cache_path proxy_cache_valid fastcgi_cache_valid
	proxy_cookie_path proxy_cookie_domain sub_filter set_real_ip_from lua_shared_dict auth_request_set`)

// nginxRewrites are executed in the order in which they are written (ngx_http_rewrite_module).
var nginxRewrites = wordSet("rewrite set return break")
