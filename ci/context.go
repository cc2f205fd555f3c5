package ci

import (
	"path"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// Context is what the report's readers show beside the findings: where they are anchored in the project, what was
// looked at, and how to run it again. A report without it renders too, with less in it.
type Context struct {
	Version string `json:"version"` // envdiff's
	// Reproduce is the command line that made the report, without its outputs.
	Reproduce string   `json:"reproduce"`
	Anchors   []Anchor `json:"anchors"`
	Checks    []Check  `json:"checks"`
	Scopes    []Scope  `json:"scopes"`
	// Objects are the schema objects that findings are about, as each environment defines them.
	Objects []Object `json:"objects"`
	// Profiles are the counts of the columns that findings about data name.
	Profiles []Profile `json:"profiles"`
	// Trend are the earlier runs of the same comparison that the store remembers, oldest first, and this one.
	Trend []TrendPoint `json:"trend"`
}

// TrendPoint is one run of a comparison.
type TrendPoint struct {
	At     time.Time `json:"at"`
	Status string    `json:"status"`
	Counts Counts    `json:"counts"`
}

// Anchor says where a part of an environment stands in the project's repository.
type Anchor struct {
	Scope string `json:"scope"` // "" for what belongs to no scope
	Kind  string `json:"kind"`  // "config" for envdiff.yaml, "migrations" for the directory of a database's migrations
	File  string `json:"file"`  // relative to the root of the repository, with slashes
	Line  int    `json:"line"`
}

// Check is a part that was looked at, whether or not anything was found there.
type Check struct {
	Scope string `json:"scope"`
	Kind  string `json:"kind"`
	Facts int    `json:"facts"`
}

// Scope is a role, database or endpoint of an environment with the instances that were looked at.
type Scope struct {
	Environment string   `json:"environment"`
	Scope       string   `json:"scope"`
	Type        string   `json:"type"` // role, database or endpoint
	Instances   []string `json:"instances"`
}

// Object is how one environment defines a schema object.
type Object struct {
	Environment string `json:"environment"`
	Address     string `json:"address"`
	Definition  string `json:"definition"` // SQL to read, not to run; "" where the object is not there
}

// Profile is what one environment counted in a column.
type Profile struct {
	Environment string             `json:"environment"`
	Address     string             `json:"address"`
	Counts      map[string]float64 `json:"counts"`
	// Categories are the rows that each value has, of columns of few values that the sanitising policy keeps.
	Categories map[string]float64 `json:"categories,omitempty"`
	// Quantiles are of numbers, or of lengths in characters or ages in days, which Measured says; least first, at even steps.
	Quantiles []float64 `json:"quantiles,omitempty"`
	Measured  string    `json:"measured,omitempty"`
}

func (c *Context) fillEmpty() {
	c.Anchors, c.Checks, c.Scopes = nonNil(c.Anchors), nonNil(c.Checks), nonNil(c.Scopes)
	c.Objects, c.Profiles, c.Trend = nonNil(c.Objects), nonNil(c.Profiles), nonNil(c.Trend)
	for i := range c.Scopes {
		c.Scopes[i].Instances = nonNil(c.Scopes[i].Instances)
	}
}

// context is never nil.
func (r *Report) context() *Context {
	if r.Context == nil {
		return &Context{}
	}
	return r.Context
}

// defaultAnchor is where a finding is located when nothing better is known: code scanning refuses a file of results
// of which one has no location.
var defaultAnchor = finding.Place{File: "envdiff.yaml", Line: 1}

// located is a finding's place in the project's repository: its migration file, its waiver, or what names its scope in
// envdiff.yaml. A place on a host is none of the repository's.
func (r *Report) located(address string, area finding.Area, origins []finding.Place) finding.Place {
	scope, _, _ := strings.Cut(address, ":")
	switch area {
	case finding.AreaMigration:
		dir, ok := r.anchor(scope, "migrations")
		for _, o := range origins {
			if ok && o.File != "" && !strings.HasPrefix(o.File, "/") {
				return finding.Place{File: path.Join(dir.File, path.Base(o.File)), Line: max(o.Line, 1)}
			}
		}
	case finding.AreaPolicy:
		for _, o := range origins {
			if o.File != "" && !strings.HasPrefix(o.File, "/") {
				return finding.Place{File: o.File, Line: max(o.Line, 1)}
			}
		}
	}
	for _, s := range []string{scope, ""} {
		if a, ok := r.anchor(s, "config"); ok {
			return finding.Place{File: a.File, Line: max(a.Line, 1)}
		}
	}
	return defaultAnchor
}

func (r *Report) anchor(scope, kind string) (Anchor, bool) {
	for _, a := range r.context().Anchors {
		if a.Scope == scope && a.Kind == kind {
			return a, true
		}
	}
	return Anchor{}, false
}

// scopeAndKind are the first parts of an address: "web" and "config".
func scopeAndKind(address string) (scope, kind string) {
	scope, rest, _ := strings.Cut(address, ":")
	object, _, _ := strings.Cut(rest, "#")
	kind, _, _ = strings.Cut(object, "/")
	return scope, kind
}

// shown is a side's value for people.
func shown(s finding.Side) string {
	if s.State != finding.Present {
		return string(s.State)
	}
	v, err := snapshot.ParseValue(s.Value)
	if err != nil {
		return string(s.Value)
	}
	return v.Display()
}
