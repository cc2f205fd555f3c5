package effective

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// process is one of /proc/PID/stat.
type process struct {
	pid, parent string
	name        string
	started     int64 // seconds since the epoch
}

// slack are the seconds by which the times of a process and of a file may be off: a start is counted from the boot, in whole seconds.
const slack = 2

// staleness tells the files that changed after the process which reads them did so last.
func (p *parser) staleness() {
	running := p.processes()
	if len(running) == 0 {
		return
	}
	read := map[string]int64{}
	if at, ok := p.byPidFile(running, "sshd", "sshd"); ok {
		read["sshd"] = at
	}
	for _, part := range slices.Sorted(maps.Keys(p.lines)) {
		if name, ok := strings.CutPrefix(part, "php/"); ok && p.status[part] != "" {
			at, ok := p.byPidFile(running, part, name)
			if !ok { // php-fpm without a pid file: like nginx it starts its workers anew, when the old ones are gone
				at, ok = byWorkers(running, name, nil)
			}
			if ok {
				read[part] = at
			}
		}
	}
	if at, ok := byWorkers(running, "nginx", p.lines["leaving"]); ok {
		read["nginx"] = at
	}
	if servers := named(running, "mariadbd", "mysqld"); len(servers) == 1 {
		read["mysqld"] = servers[0].started
	}
	for _, object := range slices.Sorted(maps.Keys(read)) {
		var stale []string
		for _, line := range p.lines[object+"-files"] {
			text, file, ok := strings.Cut(line, " ")
			if changed, err := strconv.ParseInt(text, 10, 64); ok && err == nil && changed > read[object]+slack {
				stale = append(stale, file)
			}
		}
		if len(stale) > 0 {
			p.r.Add(p.at(object).Attr("stale"), snapshot.Strings(true, stale...), "/proc")
		}
	}
}

// processes reads PID (NAME) STATE PARENT … with the start, in ticks since the boot, as the 22nd field.
func (p *parser) processes() []process {
	clock := strings.Fields(strings.Join(p.lines["clock"], " "))
	if len(clock) != 2 {
		return nil
	}
	boot, err1 := strconv.ParseInt(clock[0], 10, 64)
	ticks, err2 := strconv.ParseInt(clock[1], 10, 64)
	if err1 != nil || err2 != nil || ticks < 1 || boot < 1 {
		return nil
	}
	var all []process
	for _, line := range p.lines["running"] {
		pid, rest, ok := strings.Cut(line, " (")
		end := strings.LastIndex(rest, ") ")
		if !ok || end < 0 {
			continue
		}
		f := strings.Fields(rest[end+2:])
		if len(f) < 20 {
			continue
		}
		if start, err := strconv.ParseInt(f[19], 10, 64); err == nil && start >= 0 {
			all = append(all, process{pid: pid, parent: f[1], name: rest[:end], started: boot + start/ticks})
		}
	}
	return all
}

func named(all []process, names ...string) []process {
	var out []process
	for _, q := range all {
		if slices.Contains(names, q.name) {
			out = append(out, q)
		}
	}
	return out
}

// byPidFile is when a process that writes its pid file at each reload did so last: the file names it and has the time.
func (p *parser) byPidFile(all []process, object, name string) (int64, bool) {
	said := strings.Fields(strings.Join(p.lines[object+"-pid"], " "))
	if len(said) != 2 {
		return 0, false
	}
	written, err := strconv.ParseInt(said[1], 10, 64)
	if err != nil {
		return 0, false
	}
	for _, q := range named(all, name) {
		if q.pid == said[0] {
			return max(q.started, written), true
		}
	}
	return 0, false
}

// byWorkers is when a program that starts its workers anew at each reload did so last. Workers that still serve old connections are leaving.
func byWorkers(all []process, name string, leaving []string) (int64, bool) {
	family := named(all, name)
	var masters []process
	for _, q := range family {
		if !slices.ContainsFunc(family, func(o process) bool { return o.pid == q.parent }) {
			masters = append(masters, q)
		}
	}
	if len(masters) != 1 {
		return 0, false
	}
	var first int64
	for _, q := range family {
		if q.parent == masters[0].pid && !slices.Contains(leaving, q.pid+"/cmdline") && (first == 0 || q.started < first) {
			first = q.started
		}
	}
	return max(first, masters[0].started), true
}
