package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// sameVersion finds databases at which the migrations stand at the same version and the schemas differ all the same:
// somebody changed one of them by hand, or edited a migration after it had been applied.
func (c *comparison) sameVersion(found []finding.Finding) []finding.Finding {
	if len(c.sides) < 2 {
		return nil
	}
	changed := map[string][]string{} // scope → addresses of what migrations make and differs
	for i := range found {
		f := &found[i]
		if scope, made := madeByMigrations(f); made {
			changed[scope] = append(changed[scope], f.Address)
		}
	}
	var out []finding.Finding
	for _, scope := range slices.Sorted(maps.Keys(changed)) {
		if a, version, ok := c.appliedAlike(scope); ok {
			out = append(out, c.sameVersionFinding(a, version, changed[scope]))
		}
	}
	return out
}

// madeByMigrations reports a difference between environments in what migrations make. Settings, roles and privileges
// are often set up elsewhere, and what is only stored or described otherwise changes no statement.
func madeByMigrations(f *finding.Finding) (scope string, made bool) {
	switch f.Rule {
	case "table-missing", "column-missing", "column-different", "constraint-different", "constraint-not-valid", "index-missing", "index-invalid", "index-different",
		"routine-different", "object-different":
		scope, _, _ = strings.Cut(f.Address, ":")
		return scope, f.Change != finding.Odd && f.Severity > finding.Info
	}
	return "", false
}

// appliedAlike is the version table that says the same on every side, and what it says.
func (c *comparison) appliedAlike(scope string) (snapshot.Address, snapshot.Value, bool) {
	object := snapshot.Address{Scope: scope, Kind: "migration", Name: "applied"}
	for _, l := range linesBelow(c.sides[0].Snapshot, object) {
		alike := len(l.Values) == 1
		for _, s := range c.sides[1:] {
			other := findLine(s.Snapshot, l.Address)
			alike = alike && other != nil && len(other.Values) == 1 && other.Values[0].Value == l.Values[0].Value
		}
		if alike {
			return l.Address, l.Values[0].Value, true
		}
	}
	return snapshot.Address{}, snapshot.Value{}, false
}

// maxRelated bounds the addresses of one finding.
const maxRelated = 20

func (c *comparison) sameVersionFinding(a snapshot.Address, version snapshot.Value, related []string) finding.Finding {
	const rule = "same-version-different-schema"
	names := make([]string, len(c.sides))
	f := finding.Finding{Rule: rule, Severity: c.severity(rule), Area: finding.AreaMigration, Address: a.String(), Change: finding.Changed}
	for i, s := range c.sides {
		names[i] = s.Name
		f.Values = append(f.Values, finding.Side{Environment: s.Name, State: finding.Present, Value: json.RawMessage(version.JSON()), Instances: findLine(s.Snapshot, a).Values[0].On})
	}
	differ := "an object of the schemas differs"
	if len(related) > 1 {
		differ = fmt.Sprintf("%d objects of the schemas differ", len(related))
	}
	f.Message = fmt.Sprintf("the migrations stand at %s in %s (%s), and %s", version.Display(), enumerate(names), snapshot.Unescape(a.Attribute), differ)
	sort.Strings(related)
	f.Related = related[:min(len(related), maxRelated)]
	f.Seal(names)
	return f
}

// linesBelow are a snapshot's lines of one object's attributes.
func linesBelow(s *snapshot.Snapshot, object snapshot.Address) []snapshot.Line {
	prefix := object.String() + "#"
	i := sort.Search(len(s.Lines), func(i int) bool { return s.Lines[i].Address.String() >= prefix })
	j := i
	for j < len(s.Lines) && s.Lines[j].Address.Whole() == object {
		j++
	}
	return s.Lines[i:j]
}
