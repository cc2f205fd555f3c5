package service

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// isTimer reports a file of this host's own that says when a timer runs: its unit file, or a drop-in. These are told key by key, not by digest.
func isTimer(file string) bool {
	return strings.HasPrefix(file, unitDir) && timerOf(file) != ""
}

// timerOf is the timer that a unit file or drop-in belongs to, or "".
func timerOf(file string) string {
	dir, name := path.Base(path.Dir(file)), path.Base(file)
	if unit, ok := strings.CutSuffix(dir, ".d"); ok && strings.HasSuffix(unit, ".timer") && strings.HasSuffix(name, ".conf") {
		return unit
	}
	if strings.HasSuffix(name, ".timer") && len(name) > len(".timer") && dir == "system" {
		return name
	}
	return ""
}

// timers tells the timers that this host has made or changed: what systemd merges of the package's unit, or the host's own in its place, and the drop-ins.
func (p *parser) timers() {
	s, fetched := p.in.Sections["timers"]
	if !fetched {
		return
	}
	complete := p.seen && (s.Problem == transport.OK || s.Problem == transport.NotFound)
	files := map[string][]transport.File{} // by timer
	own := map[string]bool{}
	lost := map[string]bool{}
	for _, f := range s.Files {
		name := timerOf(f.Path)
		switch {
		case name == "" || f.Target != "" || f.Problem == transport.NotFound:
		case f.Problem != transport.OK:
			complete = false
			lost[name] = true
		case p.captured(f.Path):
		default:
			files[name] = append(files[name], f)
			own[name] = own[name] || isTimer(f.Path)
		}
	}
	if !complete && p.seen {
		p.trouble("the timers of "+unitDir, s.Problem, s.Detail)
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if own[name] && !lost[name] {
			p.timer(name, files[name])
		}
	}
	if complete {
		p.r.Looked = append(p.r.Looked, "timer/*")
	}
}

func (p *parser) timer(name string, files []transport.File) {
	slices.SortFunc(files, func(a, b transport.File) int { return strings.Compare(timerRank(a.Path), timerRank(b.Path)) })
	values, from := map[string][]snapshot.Value{}, map[string]string{}
	seen := false
	for _, f := range files {
		if !strings.HasSuffix(f.Path, ".conf") {
			if seen {
				continue // the host's own unit file stands in place of the package's
			}
			seen = true
		}
		assignments(f.Body, func(line int, key, value string) {
			if value == "" {
				values[key] = nil // an empty assignment takes back what stood before
				return
			}
			if !accumulates(key) {
				values[key] = nil
			}
			values[key] = append(values[key], p.in.Redact.Line(value))
			from[key] = f.Path + ":" + strconv.Itoa(line)
		})
	}
	a := snapshot.At(p.in.Scope, "timer", name)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch v := values[key]; len(v) {
		case 0:
		case 1:
			p.r.Add(a.Attr(key), v[0], from[key])
		default:
			p.r.Add(a.Attr(key), snapshot.List(v...), from[key])
		}
	}
}

// accumulates reports settings that hold all their values, of others the last one counts (systemd.timer(5), systemd.unit(5)).
func accumulates(key string) bool {
	return strings.HasPrefix(key, "Timer.On") || strings.HasPrefix(key, "Unit.") && key != "Unit.Description" || strings.HasPrefix(key, "Install.")
}

// timerRank orders a timer's files: the unit that counts first, then the drop-ins by name.
func timerRank(file string) string {
	switch {
	case strings.HasSuffix(file, ".conf"):
		return "3" + path.Base(file)
	case strings.HasPrefix(file, unitDir):
		return "1"
	}
	return "2" + file
}

// assignments reads a unit file: SECTION.KEY and value of each line.
func assignments(body []byte, each func(line int, key, value string)) {
	section, joined := "", ""
	n := 0
	for line := range strings.Lines(string(body)) {
		n++
		line = strings.TrimSpace(joined + line)
		joined = ""
		switch {
		case line == "" || line[0] == '#' || line[0] == ';' || len(line) > 16<<10:
		case line[0] == '[' && line[len(line)-1] == ']':
			section = line[1 : len(line)-1]
		case line[len(line)-1] == '\\':
			joined = line[:len(line)-1] + " "
		default:
			if key, value, ok := strings.Cut(line, "="); ok && section != "" {
				each(n, section+"."+strings.TrimSpace(key), strings.Join(strings.Fields(value), " "))
			}
		}
	}
}
