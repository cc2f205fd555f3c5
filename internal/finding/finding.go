// Package finding holds what every stage reports: a finding, its rule and its severity, and the sections
// of a report that migrations and sanitize fill. It is a leaf: it imports no other room of envdiff.
package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sort"
	"strings"
)

// Area is the part of an environment that a finding is about; it follows from the kind in its address.
type Area string

// The areas of the report format.
const (
	AreaHost        Area = "host"
	AreaPackage     Area = "package"
	AreaConfig      Area = "config"
	AreaService     Area = "service"
	AreaEndpoint    Area = "endpoint"
	AreaSchema      Area = "schema"
	AreaData        Area = "data"
	AreaReplication Area = "replication"
	AreaMigration   Area = "migration"
	AreaQuery       Area = "query"
	AreaSanitize    Area = "sanitize"
	AreaPolicy      Area = "policy"
)

// Change says what happened, as seen from the first environment to the last.
type Change string

// The changes of the report format.
const (
	Added     Change = "added"
	Removed   Change = "removed"
	Changed   Change = "changed"
	Odd       Change = "odd"
	Failed    Change = "failed"
	Predicted Change = "predicted"
)

// State tells an absent value from one that nobody could look at.
type State string

// The states of a side.
const (
	Present State = "present"
	Absent  State = "absent"
	Unknown State = "unknown"
)

// Side is what one environment holds at the finding's address. An environment whose instances differ has several sides.
type Side struct {
	Environment string          `json:"environment"`
	State       State           `json:"state"`
	Value       json.RawMessage `json:"value"` // the snapshot's value notation; null unless State is Present
	Instances   []string        `json:"instances"`
}

// Place is where a value was read: a file and line on a host, or a migration file.
type Place struct {
	Environment string `json:"environment"`
	File        string `json:"file"`
	Line        int    `json:"line"`
}

// Waived names the accepted exception that covers a finding or gap.
type Waived struct {
	Reason     string   `json:"reason"`
	ApprovedBy []string `json:"approved_by"`
	Until      string   `json:"until"` // YYYY-MM-DD, inclusive
}

// Query is SQL for people to run where the finding was made: it gives the keys of the rows that the finding is about.
type Query struct {
	Finds string `json:"finds"` // how many rows of what: a part of the message
	SQL   string `json:"sql"`   // one statement without comments and without its semicolon; white space outside of quotes is single spaces
}

// Fix is a command that repairs what a finding says, or shows what to look at: for a shell, or for the database's own client. People read it
// before they run it.
type Fix struct {
	Where   string `json:"where"`   // environment and instances
	Command string `json:"command"` // one line
}

// Finding is one difference or failure that matters.
type Finding struct {
	ID          string   `json:"id"`
	Rule        string   `json:"rule"`
	Severity    Severity `json:"severity"`
	Area        Area     `json:"area"`
	Address     string   `json:"address"`
	Change      Change   `json:"change"`
	Values      []Side   `json:"values"`
	Message     string   `json:"message"` // one line: what differs
	Why         string   `json:"why"`     // why it matters
	Hint        string   `json:"hint"`    // what to do next
	Queries     []Query  `json:"queries,omitempty"`
	Fix         []Fix    `json:"fix,omitempty"`
	Related     []string `json:"related"`
	ExplainedBy *string  `json:"explained_by"`
	Origin      []Place  `json:"origin"`
	Waived      *Waived  `json:"waived"`
	Baseline    bool     `json:"baseline"`

	// Lowered marks a finding of a sided rule that is said of FROM: one level below the
	// rule's severity, whatever that is set to.
	Lowered bool `json:"-"`
	// Weighed marks a finding whose severity already follows the project's rules: section.
	Weighed bool `json:"-"`
}

// Seal fills what follows from the rest: the id, the rule's texts where the finding brings none, and empty lists in
// place of nil. environments are the names as given on the command line.
func (f *Finding) Seal(environments []string) {
	if r, ok := Lookup(f.Rule); ok {
		if f.Why == "" {
			f.Why = r.Why
		}
		if f.Hint == "" {
			f.Hint = r.Hint
		}
	}
	f.ID = ID(f.Rule, f.Address, f.Change, environments)
	if f.Values == nil {
		f.Values = []Side{}
	}
	for i := range f.Values {
		if f.Values[i].Instances == nil {
			f.Values[i].Instances = []string{}
		}
		if f.Values[i].Value == nil {
			f.Values[i].Value = json.RawMessage("null")
		}
	}
	if f.Related == nil {
		f.Related = []string{}
	}
	if f.Origin == nil {
		f.Origin = []Place{}
	}
}

// ID is 16 hex digits over rule, address, change and the sorted environment names without their @date: it holds no
// value and no instance, so it stays the same while the drift is the same, and a baseline of ids reveals nothing.
func ID(rule, address string, change Change, environments []string) string {
	names := make([]string, len(environments))
	for i, e := range environments {
		names[i], _, _ = strings.Cut(e, "@")
	}
	sort.Strings(names)
	h := sha256.New()
	for _, part := range append([]string{rule, address, string(change)}, names...) {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// Sort orders findings for every output: severity, then address, then rule.
func Sort(fs []Finding) {
	sort.SliceStable(fs, func(i, j int) bool {
		a, b := &fs[i], &fs[j]
		if a.Severity != b.Severity {
			return a.Severity > b.Severity
		}
		if a.Address != b.Address {
			return a.Address < b.Address
		}
		return a.Rule < b.Rule
	})
}
