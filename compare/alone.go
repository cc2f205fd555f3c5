package compare

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// check is what one fact of one host says by itself, though it is never compared: a certificate that is about to expire.
type check struct {
	kind, attribute string
	object          string // glob over the name; "" is every one
	rule            string
	// say finishes the sentence "NAME on HOST …"; "" is nothing to say. captured is when the host was looked at.
	say func(v snapshot.Value, captured time.Time, origin string) string
}

// checks are data: each fact is held against those of its kind and attribute.
var checks = []check{
	{kind: "certificate", attribute: "not_after", rule: "certificate-expiring", say: sayExpiry},
	{kind: "filesystem", attribute: "used_percent", rule: "disk-full", say: func(v snapshot.Value, _ time.Time, _ string) string { return sayFull(v, "of its space") }},
	{kind: "filesystem", attribute: "used_inodes_percent", rule: "disk-full", say: func(v snapshot.Value, _ time.Time, _ string) string { return sayFull(v, "of its inodes") }},
	{kind: "host", object: "clock", attribute: "offset_seconds", rule: "clock-off", say: sayOffset},
	{kind: "host", object: "clock", attribute: "synchronised", rule: "clock-off", say: func(v snapshot.Value, _ time.Time, from string) string {
		return ifTrue(v == snapshot.Bool(false), "is not synchronised, says "+from)
	}},
	{kind: "host", object: "reboot", attribute: "required", rule: "restart-needed", say: func(v snapshot.Value, _ time.Time, _ string) string {
		return ifTrue(v == snapshot.Bool(true), "is required by an upgrade")
	}},
	{kind: "process", attribute: "deleted_libraries", rule: "restart-needed", say: func(v snapshot.Value, _ time.Time, _ string) string {
		return "runs with files that an upgrade replaced: " + clip(v.Display())
	}},
	{kind: "sysctl", attribute: "running", rule: "not-loaded", say: func(v snapshot.Value, _ time.Time, from string) string {
		return "is " + clip(v.Display()) + ", and " + from + " says otherwise"
	}},
	{kind: "service", attribute: "stale", rule: "not-loaded", say: func(v snapshot.Value, _ time.Time, _ string) string {
		return ifTrue(v == snapshot.Bool(true), "has unit files that changed after systemd read them (systemctl daemon-reload)")
	}},
	{kind: "effective", attribute: "stale", rule: "not-loaded", say: func(v snapshot.Value, _ time.Time, _ string) string {
		return "runs since before these files changed: " + clip(v.Display())
	}},
	{kind: "effective", attribute: "refused", rule: "config-invalid", say: func(v snapshot.Value, _ time.Time, from string) string {
		if v == snapshot.Bool(true) { // of snapshots before 2026-11-28
			return "is refused by " + from + ": the next restart fails"
		}
		reason, _ := v.Text()
		return "does not take its configuration: " + clip(reason) + ifTrue(from != "", " ("+clip(from)+")")
	}},
}

// fullPercent is from where on a file system counts as full, offLimit how far a clock may be off, and expiryWarning how long before its end a certificate is told of.
const (
	fullPercent   = 95
	offLimit      = 5 // seconds
	expiryWarning = 21 * 24 * time.Hour
)

func ifTrue(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

func clip(text string) string {
	text = oneLine.Replace(text)
	if r := []rune(text); len(r) > 160 {
		return string(r[:160]) + "…"
	}
	return text
}

func sayFull(v snapshot.Value, what string) string {
	used, ok := v.Number()
	return ifTrue(ok && used >= fullPercent, fmt.Sprintf("uses %.0f %% %s", used, what))
}

func sayOffset(v snapshot.Value, _ time.Time, _ string) string {
	off, ok := v.Number()
	switch {
	case !ok || off >= -offLimit && off <= offLimit:
		return ""
	case off < 0:
		return fmt.Sprintf("is %.0f s behind", -off)
	}
	return fmt.Sprintf("is %.0f s ahead", off)
}

func sayExpiry(v snapshot.Value, captured time.Time, _ string) string {
	text, _ := v.Text()
	end, err := time.Parse(time.RFC3339, text)
	if err != nil || captured.IsZero() || end.Sub(captured) >= expiryWarning {
		return ""
	}
	left := end.Sub(captured)
	if left < 0 {
		return "expired on " + end.Format(time.DateOnly)
	}
	return fmt.Sprintf("expires in %d days, on %s", int(left.Hours()/24), end.Format(time.DateOnly))
}

// alone collects what single facts say by themselves as the merge passes over them.
type alone struct {
	c     *comparison
	found []finding.Finding
}

func (a *alone) note(r *row) {
	body := r.key[strings.IndexByte(r.key, ':')+1:]
	kind, rest, _ := strings.Cut(body, "/")
	for _, k := range checks {
		if k.kind == kind && strings.HasSuffix(rest, "#"+k.attribute) && (k.object == "" || k.object == strings.TrimSuffix(rest, "#"+k.attribute)) {
			for side := range r.cells {
				a.judge(k, r, side)
			}
		}
	}
}

// judge makes one finding of all instances of a side for which the check has something to say.
func (a *alone) judge(k check, r *row, side int) {
	cell := &r.cells[side]
	if cell.on.empty() || a.c.severity(k.rule) == finding.Off {
		return
	}
	view := a.c.views[side][cell.addr.Scope]
	if view == nil {
		return
	}
	f := finding.Finding{Rule: k.rule, Severity: a.c.severity(k.rule), Area: r.kind.Area, Address: cell.addr.String(), Change: finding.Odd}
	var texts []string
	hosts := 0
	for _, g := range cell.groups {
		text := k.say(g.value, a.c.sides[side].Snapshot.Manifest.CapturedAt, g.origin)
		if text == "" {
			continue
		}
		names := view.names(g.on)
		hosts += len(names)
		texts = append(texts, aloneName(cell.addr)+" on "+enumerate(names)+" "+text)
		f.Values = append(f.Values, finding.Side{Environment: a.c.sides[side].Name, State: finding.Present, Value: json.RawMessage(g.value.JSON()), Instances: names})
		if p, ok := place(a.c.sides[side].Name, g.origin); ok && len(f.Origin) < maxOrigins {
			f.Origin = append(f.Origin, p)
		}
	}
	if hosts == 0 {
		return
	}
	f.Message = cell.addr.Scope + ": " + strings.Join(texts[:min(len(texts), maxNames)], "; ")
	f.Seal([]string{a.c.sides[side].Name})
	a.found = append(a.found, f)
}

// aloneName is how a sentence about an object begins.
func aloneName(a snapshot.Address) string {
	name := snapshot.Unescape(a.Name)
	switch a.Kind {
	case "host":
		return "the " + name
	case "certificate":
		return "certificate /" + name
	case "filesystem":
		return "file system /" + strings.TrimPrefix(name, "/")
	case "effective":
		return name
	case "process":
		return "process " + name
	}
	return name
}
