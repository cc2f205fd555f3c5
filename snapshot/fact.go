package snapshot

import "github.com/envdiff/envdiff/internal/finding"

// Fact is one observation: at this address, on the instance that was looked at, stood this
// value. The instance is added by capture.
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
	// Covers are globs over addresses that this gap leaves unknown on the instance; none
	// means the address and everything below it.
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

// String says it in words: "within and across environments".
func (a Axis) String() string {
	return [...]string{"within and across environments", "within an environment", "across environments", "never: it is context"}[a]
}

// Kind declares, as data, how facts of one shape are compared. The first Kind whose
// Pattern matches kind/name#attribute wins.
type Kind struct {
	Pattern string // glob over "kind/name#attribute"; * matches any run, slashes included: "host/memory#*", "package/*"
	Axis    Axis
	// Alike kinds hold one value on all instances of a scope, or something is wrong: three values on three instances are a difference. Of others they are context.
	Alike bool
	Area  finding.Area
	// Parents name the objects that absorb this one when both are missing on the same sides. Templates over the
	// object's own address and attributes, without scope: {name} is the whole name; {1}, {2} … are its identifiers
	// (split at '.'); {/1}, {/2} … are its slash segments (split at '/', dots are literal) and {/3+} is everything from
	// the third slash segment on; {.columns} is each item of the attribute "columns"; {-1} is the name without its last
	// identifier, the table of a column ("shop.users.email" → "shop.users"). All of them stand for escaped text, as it
	// is in addresses. A template that names a segment the name lacks yields no object. "table/{-1}",
	// "column/{.@columns}", "package/{/1}/{/2}". Attributes whose last segment starts with '@'
	// (index/users.users_email#@columns) are there for templates and rules only: they hold complete, escaped object
	// names, and are never compared or reported.
	Parents []string
	// YieldsTo are templates like Parents: objects that say the same better. This object is not reported where one of
	// them exists on any side: "config/{/3+}" for the modified conffile deb/nginx/etc/nginx/nginx.conf.
	YieldsTo []string
	// Owns maps an attribute that lists names, escaped as in addresses, to the kind of the objects so named, or to
	// several kinds separated by a space: a package owns the config files and cron tables in its conffiles.
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
	// Looked are address globs without scope ("package/deb/*") that this result is the whole truth about:
	// what matches and is not among the facts is absent. "service/*#enabled" speaks of one attribute,
	// "service/*#" beside it of the objects themselves. nil means every Kind of the collector; empty but not
	// nil means that nothing could be looked at.
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
