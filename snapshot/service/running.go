package service

import (
	"path"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// states reads systemctl show: a paragraph of KEY=VALUE for each unit that systemd knows.
func (p *parser) states() {
	s, fetched := p.in.Sections["states"]
	if !fetched || s.Problem != transport.OK || s.Status != 0 {
		detail := "systemd does not run here, or cannot be asked"
		if s.Problem == transport.Unable {
			detail = "a directory tree does not show what is running"
		}
		p.r.Notes = append(p.r.Notes, snapshot.Note{Scope: p.in.Scope, Kind: "service states", Count: 1, Detail: detail})
		return
	}
	p.live = true
	p.r.Looked = append(p.r.Looked, "service/*#active", "service/*#stale", "service/*#drop_ins")
	for paragraph := range strings.SplitSeq(string(s.Output), "\n\n") {
		shown := map[string]string{}
		for line := range strings.Lines(paragraph) {
			if key, value, ok := strings.Cut(strings.TrimRight(line[:min(len(line), 4096)], "\r\n"), "="); ok {
				shown[key] = value
			}
		}
		if full := shown["Id"]; isUnit(full) {
			p.state(full, shown)
		}
	}
}

func (p *parser) state(full string, shown map[string]string) {
	known := p.units[full]
	active := shown["ActiveState"]
	switch {
	case active == "":
	case known != nil && known.named, active == "failed", known != nil && known.enabled && steady(full, shown):
		p.unit(full).active = active
	}
	if shown["NeedDaemonReload"] == "yes" {
		p.unit(full).stale = true
	}
	if own := p.units[full]; own != nil {
		for _, file := range strings.Fields(shown["DropInPaths"]) {
			own.dropIns = append(own.dropIns, path.Clean(file))
		}
	}
}

// steady reports an enabled unit that runs as long as the host does: not one that ends by itself, or that something else starts when it is needed.
func steady(full string, shown map[string]string) bool {
	switch {
	case strings.HasSuffix(full, ".service"):
		return shown["Type"] != "oneshot" && shown["TriggeredBy"] == "" && shown["ConditionResult"] != "no"
	case strings.HasSuffix(full, ".timer"), strings.HasSuffix(full, ".socket"):
		return shown["ConditionResult"] != "no"
	}
	return false
}
