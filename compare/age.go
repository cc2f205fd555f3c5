package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// stale reports the databases of each side whose sanitised rows are older than the side allows, by the clock of its capture. A database
// that does not say how old its rows are is a gap.
func (c *comparison) stale() []finding.Finding {
	severity := c.severity("data-stale")
	if severity == finding.Off {
		return nil
	}
	var out []finding.Finding
	for i, s := range c.sides {
		if s.MaxDataAge <= 0 {
			continue
		}
		for _, scope := range slices.Sorted(maps.Keys(s.Snapshot.Manifest.Scopes)) {
			if s.Snapshot.Manifest.Scopes[scope].Type != "database" {
				continue
			}
			if f, ok := c.staleIn(i, scope); ok {
				f.Severity = severity
				out = append(out, f)
			}
		}
	}
	return out
}

func (c *comparison) staleIn(side int, scope string) (f finding.Finding, old bool) {
	s, view := c.sides[side], c.views[side][scope]
	a := snapshot.Address{Scope: scope, Kind: "data", Name: "age", Attribute: "captured_at"}
	unmarked := c.known(side, a)
	f = finding.Finding{Rule: "data-stale", Area: finding.AreaData, Address: a.Whole().String(), Change: finding.Odd}
	if line := findLine(s.Snapshot, a); line != nil {
		for _, held := range line.Values {
			on := view.members(held.On, false)
			unmarked = unmarked.minus(on)
			text, _ := held.Value.Text()
			at, err := time.Parse(time.RFC3339, text)
			if age := s.Snapshot.Manifest.CapturedAt.Sub(at); err == nil && age > s.MaxDataAge {
				f.Values = append(f.Values, finding.Side{Environment: s.Name, State: finding.Present, Value: json.RawMessage(held.Value.JSON()), Instances: held.On})
				f.Message = fmt.Sprintf("the rows of %s in %s are of %s: %s old, and at most %s are allowed", scope, s.Name, text, ageText(age), ageText(s.MaxDataAge))
			}
		}
	}
	if !unmarked.empty() {
		c.extraGaps = append(c.extraGaps, finding.Gap{Environment: s.Name, Address: a.Whole().String(),
			Reason: fmt.Sprintf("%s does not say how old its rows are (%s), and max_data_age is set", scope, strings.Join(view.names(unmarked), ", ")),
			Hint:   "envdiff refresh marks what it fills; leave max_data_age out for data of another origin"})
	}
	if len(f.Values) > 0 {
		f.Seal([]string{s.Name})
	}
	return f, len(f.Values) > 0
}

// ageText is an age for people: days from two days on, hours before.
func ageText(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
	return fmt.Sprintf("%d hours", int(d.Hours()))
}
