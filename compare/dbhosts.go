package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// dbHost is what the hosts of a role say of a database host that their configuration names.
type dbHost struct {
	at       snapshot.Address
	namedIn  []string
	declared bool // or not known to be undeclared
	named    []string
	troubles map[string][]string // what is wrong → the instances that say so
}

// dbHostFindings judges the database hosts of each side by themselves: those that can not be reached from where they are used, and those
// that envdiff.yaml does not name. A name that is nearly a known one is said to be a typo already.
func (c *comparison) dbHostFindings() []finding.Finding {
	var out []finding.Finding
	for i := range c.sides {
		for _, h := range c.dbHosts(i) {
			rule := "db-host-unreachable"
			if len(h.troubles) == 0 {
				if rule = "db-host-undeclared"; h.declared || c.names.meant(snapshot.Unescape(h.at.Name)) != "" {
					continue
				}
			}
			severity := c.severity(rule)
			if severity == finding.Off {
				continue
			}
			f := finding.Finding{Rule: rule, Severity: severity, Area: finding.AreaConfig, Address: h.at.String(), Change: finding.Odd, Related: h.namedIn}
			f.Message = h.say(c.inSide(i))
			f.Values = []finding.Side{{Environment: c.sides[i].Name, State: finding.Present, Value: json.RawMessage(snapshot.String(snapshot.Unescape(h.at.Name)).JSON()), Instances: h.instances()}}
			f.Seal([]string{c.sides[i].Name})
			out = append(out, f)
		}
	}
	return out
}

func (h *dbHost) say(inSide string) string {
	name := snapshot.Unescape(h.at.Name)
	if len(h.troubles) == 0 {
		return fmt.Sprintf("the database host %s of %s%s is not declared in envdiff.yaml", name, h.at.Scope, inSide)
	}
	var said []string
	for _, trouble := range slices.Sorted(maps.Keys(h.troubles)) {
		said = append(said, trouble+" from "+nameList(h.troubles[trouble]))
	}
	return fmt.Sprintf("the database host %s%s %s", name, inSide, strings.Join(said, "; it "))
}

// instances are those that have trouble, else all that name the host.
func (h *dbHost) instances() []string {
	if len(h.troubles) == 0 {
		return h.named
	}
	var all []string
	for _, on := range h.troubles {
		all = append(all, on...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// dbHosts collects a side's database hosts, in the order of their addresses.
func (c *comparison) dbHosts(side int) []*dbHost {
	var out []*dbHost
	lines := c.sides[side].Snapshot.Lines
	for i := range lines {
		l := &lines[i]
		if l.Address.Kind != "dbhost" {
			continue
		}
		if len(out) == 0 || out[len(out)-1].at != l.Address.Whole() {
			out = append(out, &dbHost{at: l.Address.Whole(), declared: true, troubles: map[string][]string{}})
		}
		h := out[len(out)-1]
		for _, held := range l.Values {
			h.learn(l.Address.Attribute, held)
		}
	}
	return out
}

// slowName is the trouble of a name that was looked up for 5 s.
const slowName = "is not resolved in time (no name server answers)"

func (h *dbHost) learn(attribute string, held snapshot.Held) {
	text, _ := held.Value.Text()
	switch {
	case attribute == "named_in":
		h.named = append(h.named, held.On...)
		for _, item := range held.Value.Items() {
			if a, ok := item.Text(); ok && !slices.Contains(h.namedIn, a) {
				h.namedIn = append(h.namedIn, a)
			}
		}
	case attribute == "declared":
		if value, known := held.Value.Truth(); known && !value {
			h.declared = false
		}
	case attribute == "resolves":
		if value, known := held.Value.Truth(); known && !value {
			h.troubles["does not resolve"] = append(h.troubles["does not resolve"], held.On...)
		}
		if text == "timeout" {
			h.troubles[slowName] = append(h.troubles[slowName], held.On...)
		}
	case strings.HasPrefix(attribute, "port_"):
		port := strings.TrimPrefix(attribute, "port_")
		if _, err := strconv.Atoi(port); err != nil {
			return
		}
		says := map[string]string{"refused": "refuses connections to port " + port, "timeout": "does not answer on port " + port, "unreachable": "can not be routed to, for port " + port}
		if trouble := says[text]; trouble != "" {
			h.troubles[trouble] = append(h.troubles[trouble], held.On...)
		}
	}
}
