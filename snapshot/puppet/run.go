package puppet

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

// lastRun is what Puppet wrote about its last run. Both files are YAML of a fixed shape that Puppet itself generates, with Ruby's tags; they are read line by
// line, because a report of ten thousand resources is far larger than what is kept of it.
type lastRun struct {
	count       map[string]int64 // section.key of the summary
	mode        string
	environment string
	version     string
	at          float64
	sections    map[string]bool

	reported    bool
	status      string
	noop        bool
	noopPending bool
	reportTime  string
	failedRefs  []string
	pendingRefs []string
}

// readSummary reads last_run_summary.yaml: sections of keys. It reports whether that is what the file is.
func (l *lastRun) readSummary(src []byte) bool {
	l.count, l.sections = map[string]int64{}, map[string]bool{}
	section := ""
	for line := range bytes.Lines(src) {
		text := strings.TrimRight(string(line), "\r\n ")
		if text == "" || text == "---" || strings.HasPrefix(text, "#") {
			continue
		}
		key, value, ok := yamlPair(strings.TrimLeft(text, " "))
		if !ok {
			return false
		}
		if text[0] != ' ' {
			section = key
			l.sections[key] = true
			continue
		}
		switch section + "." + key {
		case "application.run_mode":
			l.mode = value
		case "application.converged_environment":
			l.environment = value
		case "version.puppet":
			l.version = value
		case "time.last_run":
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return false
			}
			l.at = n
		default:
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
				l.count[section+"."+key] = n
			}
		}
	}
	return l.sections["version"] && l.sections["time"]
}

// yamlPair splits "key: value" and "key:".
func yamlPair(text string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(text, ":")
	if !ok || value != "" && value[0] != ' ' || strings.ContainsAny(key, "\"{}[]\x00") || key == "" {
		return "", "", false
	}
	return key, yamlScalar(strings.TrimSpace(value)), true
}

// yamlScalar takes a scalar's quotes away.
func yamlScalar(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// maxRefs bounds the resources that are named one by one.
const maxRefs = 20

// readReport reads last_run_report.yaml: keys of the run, and of resource_statuses the ones that failed or are out of sync.
func (l *lastRun) readReport(src []byte) bool {
	inside, current := false, ""
	for line := range bytes.Lines(src) {
		line = bytes.TrimRight(line, "\r\n ")
		if len(line) == 0 || line[0] == '#' || line[0] == '-' {
			continue
		}
		if line[0] != ' ' {
			key, value, ok := yamlPair(string(line[:min(len(line), 1000)]))
			if !ok {
				if inside && line[0] != '"' { // a long message that goes on at the margin is Ruby's; anything else is no report
					return false
				}
				continue
			}
			inside = key == "resource_statuses"
			l.top(key, value)
			continue
		}
		if !inside || len(line) < 5 || line[1] != ' ' {
			continue
		}
		switch {
		case line[2] != ' ' && line[2] != '-':
			if name, ok := statusName(string(line[2:min(len(line), 2000)])); ok {
				current = name
			}
		case line[3] == ' ' && line[4] != ' ':
			l.outcome(current, string(line[4:min(len(line), 100)]))
		}
	}
	return l.status != ""
}

// top takes one key of the run.
func (l *lastRun) top(key, value string) {
	switch key {
	case "status":
		l.status, l.reported = value, true
	case "noop":
		l.noop = value == "true"
	case "noop_pending":
		l.noopPending = value == "true"
	case "environment":
		if l.environment == "" {
			l.environment = value
		}
	case "puppet_version":
		if l.version == "" {
			l.version = value
		}
	case "time":
		l.reportTime = value
	}
}

// statusName reads the key of a resource's status: File[/etc/motd], quoted or not, with a tag behind it or none.
func statusName(text string) (string, bool) {
	name, _, _ := strings.Cut(text, ": !ruby/object")
	name, long := strings.CutPrefix(strings.TrimSuffix(name, ":"), "? ") // YAML's notation of long keys
	name = yamlScalar(name)
	return name, long || strings.HasSuffix(name, "]")
}

func (l *lastRun) outcome(name, text string) {
	refs := &l.pendingRefs
	switch text {
	case "failed: true", "failed_to_restart: true":
		refs = &l.failedRefs
	case "out_of_sync: true":
	default:
		return
	}
	if name != "" && len(*refs) < maxRefs && (len(*refs) == 0 || (*refs)[len(*refs)-1] != name) {
		*refs = append(*refs, name)
	}
}

// The verdicts of a run.
const (
	failed    = "failed"
	pending   = "pending"
	changed   = "changed"
	unchanged = "unchanged"
)

// verdict says how the run went. A summary without counts is Puppet's way of saying that there was no catalogue.
func (l *lastRun) verdict() string {
	switch {
	case l.status == failed, l.failures() > 0, len(l.sections) > 0 && !l.sections["resources"], len(l.sections) > 0 && !l.sections["events"]:
		return failed
	case l.pending() > 0:
		return pending
	case l.count["resources.changed"] > 0, l.status == changed:
		return changed
	}
	return unchanged
}

func (l *lastRun) failures() int64 {
	return max(l.count["resources.failed"]+l.count["resources.failed_to_restart"], l.count["events.failure"], int64(len(l.failedRefs)))
}

// pending is how many resources a run with noop would have changed.
func (l *lastRun) pending() int64 {
	if l.count["events.noop"] == 0 && !l.noopPending {
		l.pendingRefs = nil // they were out of sync and were brought back
		return 0
	}
	return max(l.count["resources.out_of_sync"]-l.count["resources.changed"], int64(len(l.pendingRefs)), 1)
}

// time is when the run ended, in RFC 3339 and UTC.
func (l *lastRun) time() string {
	if l.at > 0 && l.at < 253402300800 && !math.IsNaN(l.at) {
		return time.Unix(int64(l.at), 0).UTC().Format(time.RFC3339)
	}
	if t, err := time.Parse(time.RFC3339Nano, l.reportTime); err == nil {
		return t.UTC().Format(time.RFC3339)
	}
	return ""
}
