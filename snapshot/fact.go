package snapshot

import "github.com/envdiff/envdiff/internal/finding"

// Fact is one observation: at this address, on the instance that was looked at, stood this value. The instance is added by capture.
type Fact struct {
	Address Address
	Value   Value
	Origin  string // where it was read: "file:line", a query's name, or ""
}

// Gap is something that was asked for and could not be observed.
type Gap struct {
	Address  Address
	Instance string // "" for the whole scope
	Reason   string // without secrets and row values
	Hint     string // the next command or the exact privilege
	// Covers are globs over addresses that this gap leaves unknown on the instance; none means the address and everything below it.
	Covers []string
}

// Note is a coverage note: something not modelled, or a default that this run was not allowed to read.
type Note struct {
	Scope  string `json:"scope"`
	Kind   string `json:"kind"`  // what: "sqlite virtual table", "conffile outside /etc"
	Count  int    `json:"count"` // how many, at least 1
	Detail string `json:"detail,omitempty"`
}

// Axis says between what the values of a kind are compared.
type Axis int

// The axes. Context is captured and never compared.
const (
	Both Axis = iota
	Within
	Across
	Context
)

// Kind declares, as data, how facts of one shape are compared. The first Kind whose Pattern matches kind/name#attribute wins.
type Kind struct {
	Pattern string // glob over "kind/name#attribute"; * matches any run, slashes included: "host/memory#*", "package/*"
	Axis    Axis
	Area    finding.Area
	// Parents name the objects that absorb this one when both are missing on the same sides. Templates over the object's own address and
	// attributes, without scope: {1}, {2} … are the name's identifiers, {name} the whole name, {.columns} each item of the attribute
	// "columns": "table/{1}", "column/{1}.{.columns}".
	Parents []string
	// Owns maps an attribute that lists names to the kind of the objects so named: a package owns the config files in its conffiles.
	Owns map[string]string
	// Tolerance is the relative difference of numbers that is no difference: 0.1 is ten per cent.
	Tolerance float64
	Doc       string // one line for docs and explain
}

// Instances are compared by these roles in messages; see Manifest.Scopes.

// Result is what a collector found on one instance.
type Result struct {
	Facts []Fact
	Gaps  []Gap
	Notes []Note
	// Looked are address globs without scope ("package/deb/*") that this result is the whole truth about: what matches and is not among the facts is
	// absent. None means every Kind of the collector.
	Looked []string
}

// Add appends a fact.
func (r *Result) Add(a Address, v Value, origin string) {
	r.Facts = append(r.Facts, Fact{a, v, origin})
}

// Missing appends a gap.
func (r *Result) Missing(a Address, reason, hint string, covers ...string) {
	r.Gaps = append(r.Gaps, Gap{Address: a, Reason: reason, Hint: hint, Covers: covers})
}
