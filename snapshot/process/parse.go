package process

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Parse reads the program's answer.
func (Collector) Parse(in snapshot.Input) snapshot.Result {
	r := snapshot.Result{Looked: []string{}}
	s, fetched := in.Sections["proc"]
	switch {
	case !fetched, s.Problem == transport.Unable, s.Problem == transport.NotFound:
		return r
	case s.Problem != transport.OK:
		r.Missing(snapshot.At(in.Scope, "port", ""), "the processes could not be looked at: "+string(s.Problem)+detail(s), "raise --timeout, or look at /proc of the host", "port/*", "process/*")
		return r
	}
	parts := split(string(s.Output))
	if _, whole := parts["end"]; !whole {
		return r // there is no /proc, or no grep
	}
	names := processNames(parts["names"])
	listening(in, &r, parts, names)
	replaced(in, &r, parts["maps"], names)
	r.Looked = append(r.Looked, "process/*")
	return r
}

func detail(s transport.Section) string {
	if s.Detail == "" {
		return ""
	}
	return " (" + s.Detail + ")"
}

// split is the answer's lines by part.
func split(text string) map[string][]string {
	parts := map[string][]string{}
	part := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "= "); ok {
			part = name
			parts[part] = []string{}
			continue
		}
		if part != "" && len(line) < 4096 {
			parts[part] = append(parts[part], line)
		}
	}
	return parts
}

// processNames reads "PID/comm:NAME".
func processNames(lines []string) map[string]string {
	names := map[string]string{}
	for _, line := range lines {
		if path, name, ok := strings.Cut(line, ":"); ok {
			names[strings.TrimSuffix(path, "/comm")] = strings.ToValidUTF8(strings.TrimSpace(name), "?")
		}
	}
	return names
}

// port is one that somebody listens on.
type port struct {
	addresses map[string]bool
	holders   map[string]bool
	unknown   bool // some socket's process is not seen
}

func listening(in snapshot.Input, r *snapshot.Result, parts map[string][]string, names map[string]string) {
	low := 32768
	if f := strings.Fields(strings.Join(parts["range"], " ")); len(f) == 2 {
		if n, err := strconv.Atoi(f[0]); err == nil && n > 0 {
			low = n
		}
	}
	holders := socketHolders(parts["sockets"], names)
	ports := map[string]*port{}
	for _, protocol := range []string{"tcp", "udp"} {
		for _, line := range parts[protocol] {
			f := strings.Fields(line)
			if len(f) < 10 {
				continue
			}
			address, number, ok := endpoint(f[1])
			if !ok || number == 0 || number >= low {
				continue
			}
			key := protocol + "/" + strconv.Itoa(number)
			p := ports[key]
			if p == nil {
				p = &port{addresses: map[string]bool{}, holders: map[string]bool{}}
				ports[key] = p
			}
			p.addresses[address] = true
			who := holders[f[9]]
			p.unknown = p.unknown || len(who) == 0
			for _, name := range who {
				p.holders[name] = true
			}
		}
	}
	unseen := 0
	for _, key := range slices.Sorted(maps.Keys(ports)) {
		p := ports[key]
		a := snapshot.At(in.Scope, "port", key)
		r.Add(a.Attr("addresses"), snapshot.Strings(true, slices.Sorted(maps.Keys(p.addresses))...), "/proc/net/"+key[:3])
		if p.unknown {
			unseen++
			continue
		}
		r.Looked = append(r.Looked, "port/"+key+"#process")
		r.Add(a.Attr("process"), snapshot.Strings(true, slices.Sorted(maps.Keys(p.holders))...), "/proc")
	}
	r.Looked = append(r.Looked, "port/*#", "port/*#addresses")
	if unseen == 0 {
		r.Looked = append(r.Looked, "port/*#process")
	} else {
		r.Notes = append(r.Notes, snapshot.Note{Scope: in.Scope, Kind: "processes of ports", Count: unseen, Detail: "only root sees the processes of other users"})
	}
}

// socketHolders reads ls -l of the directories of open files: a socket's inode → the names of the processes that hold it.
func socketHolders(lines []string, names map[string]string) map[string][]string {
	holders := map[string][]string{}
	pid := ""
	for _, line := range lines {
		if dir, ok := strings.CutSuffix(line, "/fd:"); ok {
			pid = dir
			continue
		}
		_, socket, ok := strings.Cut(line, " socket:[")
		inode, closed := strings.CutSuffix(socket, "]")
		if name := names[pid]; ok && closed && name != "" && !slices.Contains(holders[inode], name) {
			holders[inode] = append(holders[inode], name)
		}
	}
	return holders
}

// endpoint reads an address of /proc/net/tcp: bytes in the order of the machine's words, which is taken to be little-endian, and the port.
func endpoint(text string) (address string, number int, ok bool) {
	host, hexPort, ok := strings.Cut(text, ":")
	n, err := strconv.ParseUint(hexPort, 16, 16)
	raw, errHost := hex.DecodeString(host)
	if !ok || err != nil || errHost != nil || len(raw) != 4 && len(raw) != 16 {
		return "", 0, false
	}
	for i := 0; i < len(raw); i += 4 {
		raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
	}
	ip, _ := netip.AddrFromSlice(raw)
	return ip.Unmap().String(), int(n), true
}

// replaced reads the executable mappings of files that are not there any more: PID/maps:RANGE PERMISSIONS OFFSET DEVICE INODE PATH (deleted).
func replaced(in snapshot.Input, r *snapshot.Result, lines []string, names map[string]string) {
	files := map[string]map[string]bool{}
	for _, line := range lines {
		at, mapping, ok := strings.Cut(line, "/maps:")
		f := strings.Fields(mapping)
		if !ok || len(f) < 7 {
			continue
		}
		path := strings.TrimSuffix(strings.Join(f[5:], " "), " (deleted)")
		name := names[at]
		if name == "" || !installed(path) {
			continue
		}
		if files[name] == nil {
			files[name] = map[string]bool{}
		}
		files[name][path] = true
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		a := snapshot.At(in.Scope, "process", name)
		r.Add(a.Attr("deleted_libraries"), snapshot.Strings(true, slices.Sorted(maps.Keys(files[name]))...), fmt.Sprintf("/proc/*/maps of %s", name))
	}
}

// installed reports a path where packages and deployments put programs: what lies in /tmp, /dev or memory alone is deleted on purpose.
func installed(path string) bool {
	for _, dir := range []string{"/usr/", "/lib", "/bin/", "/sbin/", "/opt/"} {
		if strings.HasPrefix(path, dir) {
			return true
		}
	}
	return false
}
