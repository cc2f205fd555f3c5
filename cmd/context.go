package cmd

import (
	"cmp"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/snapshot"
)

// describe adds to a report where its parts stand in the project, and how to run it again.
func (s *session) describe(c *config.Config, r *ci.Report) {
	if r.Context == nil {
		r.Context = &ci.Context{}
	}
	r.Context.Version = version()
	compare.Fix(r.Findings, fixSides(s.compared))
	describeObjects(r, s.compared)
	describeProfiles(r, s.compared)
	r.Context.Reproduce = reproduce(s.world.Args)
	if c.File == "" {
		return
	}
	file := inRepository(c, c.File)
	r.Context.Anchors = []ci.Anchor{{Kind: "config", File: file, Line: 1}}
	for _, scope := range slices.Sorted(maps.Keys(c.Lines)) {
		r.Context.Anchors = append(r.Context.Anchors, ci.Anchor{Scope: scope, Kind: "config", File: file, Line: c.Lines[scope]})
	}
	for _, db := range slices.Sorted(maps.Keys(c.Databases)) {
		if c.Databases[db].Migrations != nil && c.Databases[db].Migrations.Path != "" {
			r.Context.Anchors = append(r.Context.Anchors, ci.Anchor{Scope: db, Kind: "migrations", File: inRepository(c, migrationsSpec(c, db).Dir), Line: 1})
		}
	}
}

// fixSides are the captured sides as compare knows them, for what their snapshots hold.
func fixSides(sides []side) []compare.Side {
	out := make([]compare.Side, len(sides))
	for i, sd := range sides {
		out[i] = compare.Side{Name: sd.ref.Text, Snapshot: sd.snap}
	}
	return out
}

// inRepository is a path as seen from the root of the repository that envdiff.yaml is in, or from its own directory
// outside of one; a path outside of that is only its last element, which says nothing of this machine.
func inRepository(c *config.Config, path string) string {
	root := c.Dir()
	for dir := root; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			root = dir
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	rel, err := filepath.Rel(root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return filepath.Base(path)
	}
	return filepath.ToSlash(rel)
}

// reproduce is the command line without where its outputs went.
func reproduce(args []string) string {
	words := []string{"envdiff"}
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-o" || a == "--output" || a == "--progress" || a == "--color":
			i++
		case strings.HasPrefix(a, "-o"), strings.HasPrefix(a, "--output="), strings.HasPrefix(a, "--progress="), strings.HasPrefix(a, "--color="):
		case a == "-q", a == "--quiet", a == "-v", a == "--verbose":
		default:
			words = append(words, ci.ShellWord(a))
		}
	}
	return strings.Join(words, " ")
}

// lookedAt sums up what was read of the sides.
func lookedAt(sides []side) *ci.Context {
	out := &ci.Context{}
	facts := map[ci.Check]int{}
	for _, sd := range sides {
		for _, l := range sd.snap.Lines {
			n := 0
			for _, h := range l.Values {
				n += len(h.On)
			}
			facts[ci.Check{Scope: l.Address.Scope, Kind: l.Address.Kind}] += n
		}
		for _, scope := range slices.Sorted(maps.Keys(sd.snap.Manifest.Scopes)) {
			m := sd.snap.Manifest.Scopes[scope]
			out.Scopes = append(out.Scopes, ci.Scope{Environment: sd.ref.Text, Scope: scope, Type: m.Type, Instances: m.Instances})
		}
	}
	for check, n := range facts {
		check.Facts = n
		out.Checks = append(out.Checks, check)
	}
	slices.SortFunc(out.Checks, func(a, b ci.Check) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

// mostObjects bounds what a report shows of the schema and of columns: a page for people, not a dump.
const mostObjects = 50

// describeObjects adds the definitions of the schema objects that findings are about.
func describeObjects(r *ci.Report, sides []side) {
	d := ci.NewDefinitions(r)
	objects := d.Objects()
	objects = objects[:min(len(objects), mostObjects)]
	for _, sd := range sides {
		d.Start()
		for i := range sd.snap.Lines {
			d.Add(&sd.snap.Lines[i])
		}
		for _, object := range objects {
			r.Context.Objects = append(r.Context.Objects, ci.Object{Environment: sd.ref.Text, Address: object, Definition: d.Definition(object)})
		}
	}
}

// describeProfiles adds the counts of the columns that findings about data name.
func describeProfiles(r *ci.Report, sides []side) {
	wanted := map[string]bool{}
	for i := range r.Findings {
		if a, err := snapshot.ParseAddress(r.Findings[i].Address); err == nil && a.Kind == "profile" && len(wanted) < mostObjects {
			wanted[a.Whole().String()] = true
		}
	}
	if len(wanted) == 0 {
		return
	}
	for _, sd := range sides {
		rows, of := map[string]float64{}, map[string]*ci.Profile{}
		for i := range sd.snap.Lines {
			l := &sd.snap.Lines[i]
			if l.Address.Kind != "profile" || len(l.Values) == 0 {
				continue
			}
			v, object := l.Values[0].Value, l.Address.Whole().String()
			n, isNumber := v.Number()
			if a := l.Address.Attribute; isNumber && (a == "rows" && rows[object] == 0 || a == "examined") {
				rows[object] = n // that the counts are of
			}
			if !wanted[object] || !strings.Contains(l.Address.Name, ".") {
				continue
			}
			p := of[object]
			if p == nil {
				p = &ci.Profile{Environment: sd.ref.Text, Address: object, Counts: map[string]float64{}}
				of[object] = p
			}
			if isNumber {
				p.Counts[l.Address.Attribute] = n
			} else {
				describeDistribution(p, l.Address.Attribute, v)
			}
		}
		for _, object := range slices.Sorted(maps.Keys(of)) {
			p := of[object]
			p.Counts["rows"] = rows[object[:strings.LastIndexByte(object, '.')]]
			r.Context.Profiles = append(r.Context.Profiles, *p)
		}
	}
}

// measures are the attributes that hold quantiles, and what they are of: a column has one of them.
var measures = map[string]string{"quantiles": "value", "ages": "age in days", "lengths": "length in characters"}

// describeDistribution adds how the values are distributed, where the profile says so.
func describeDistribution(p *ci.Profile, attribute string, v snapshot.Value) {
	if !v.IsList() {
		return
	}
	for _, item := range v.Items() {
		text, isText := item.Text()
		n, isNumber := item.Number()
		if isText && attribute == "categories" {
			if at := strings.LastIndexByte(text, '='); at >= 0 {
				if n, err := strconv.ParseFloat(text[at+1:], 64); err == nil && n > 0 {
					if p.Categories == nil {
						p.Categories = map[string]float64{}
					}
					p.Categories[text[:at]] += n
				}
			}
			continue
		}
		if measures[attribute] == "" || p.Measured != "" && p.Measured != measures[attribute] {
			continue
		}
		if isText {
			parsed, err := strconv.ParseFloat(text, 64)
			n, isNumber = parsed, err == nil
		}
		if isNumber && !math.IsNaN(n) && !math.IsInf(n, 0) {
			p.Measured = measures[attribute]
			p.Quantiles = append(p.Quantiles, n)
		}
	}
}
