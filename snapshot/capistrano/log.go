package capistrano

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/envdiff/envdiff/snapshot"
)

// event is one line of revisions.log: a deploy, or a rollback to a release.
type event struct {
	release, revision, branch, user string
	rollback                        bool
}

// The lines that Capistrano 3 writes (revision_log_message and rollback_log_message in its i18n.rb); teams that use Capistrano 2 log the same way.
// The user is missing where $USER is.
var (
	deployed   = regexp.MustCompile(`^Branch (\S+) \(at ([0-9A-Za-z._-]+)\) deployed as release (\d{14})(?: by ?(.*))?$`)
	rolledBack = regexp.MustCompile(`^(.*?) ?rolled back to release (\d{14})$`)
)

// maxEvents bounds the lines of a log that are kept: the last ones.
const maxEvents = 2000

// readLog reads what it understands of a log: projects may word their own lines.
func readLog(src []byte) []event {
	var out []event
	for line := range bytes.Lines(src) {
		line = bytes.TrimSpace(line)
		if len(line) > 1000 {
			continue
		}
		if m := deployed.FindSubmatch(line); m != nil {
			out = append(out, event{branch: string(m[1]), revision: string(m[2]), release: string(m[3]), user: string(m[4])})
		} else if m := rolledBack.FindSubmatch(line); m != nil {
			out = append(out, event{user: string(m[1]), release: string(m[2]), rollback: true})
		}
	}
	return out[max(0, len(out)-maxEvents):]
}

// deploy is the log's line about the release that is current, or nil.
func (d *deployment) deploy() *event {
	for i := range slices.Backward(d.log) {
		if e := &d.log[i]; !e.rollback && e.release == d.current {
			return e
		}
	}
	return nil
}

// history writes what the log says of the release that is current, and which revisions were there before.
func (p *parser) history(a snapshot.Address, d *deployment) {
	if !d.logged {
		return
	}
	origin := d.dir + "/revisions.log"
	add := func(attribute, value string) {
		p.r.Add(a.Attr(attribute), p.in.Redact.Scalar(attribute, value), origin)
	}
	if e := d.deploy(); e != nil {
		add("branch", e.branch)
		if e.user != "" {
			add("deployed_by", e.user)
		}
	}
	newest := ""
	var revisions []string
	for _, e := range d.log {
		if !e.rollback {
			newest = max(newest, e.release)
			revisions = append(revisions, e.revision)
		}
	}
	if d.current != "" {
		p.r.Add(a.Attr("rolled_back"), snapshot.Bool(newest > d.current), origin)
	}
	p.r.Add(a.Attr("history"), snapshot.Strings(true, revisions...), origin)
}
