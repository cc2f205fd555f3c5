package finding

import "cmp"

// Rehearsal is the report's section on replayed and probed migrations.
type Rehearsal struct {
	Databases []RehearsedDatabase `json:"databases"`
}

// RehearsedDatabase is one database whose pending migrations were replayed on a sanitised copy.
type RehearsedDatabase struct {
	Name           string               `json:"name"`
	Engine         string               `json:"engine"`
	Copy           Copy                 `json:"copy"`
	AppliedVersion string               `json:"applied_version"` // "" when none is applied
	Pending        []string             `json:"pending"`
	Migrations     []RehearsedMigration `json:"migrations"`
	Probes         []Probe              `json:"probes"`
	Plans          []Plan               `json:"plans"`
	Passes         []Pass               `json:"passes"` // the optional ones that were tried
}

// Pass is an optional pass, on a clone of the copy: down (each migration, its way back, and up again) or twice (each a second time).
type Pass struct {
	Name    string  `json:"name"`
	Tried   int     `json:"tried"`   // migrations
	Without int     `json:"without"` // migrations without a way back
	Seconds float64 `json:"seconds"`
}

// Copy describes the copy that was built.
type Copy struct {
	Mode    string  `json:"mode"` // full, sample, reused, or none when nothing was replayed
	Rows    int64   `json:"rows"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	// MadeAt is the moment of production that its rows show, RFC 3339; older than the run where the copy was kept by an earlier one.
	MadeAt  string `json:"made_at"`
	Sampled bool   `json:"sampled"` // it has a part of the rows
}

// RehearsedMigration is one pending migration and what its replay did.
type RehearsedMigration struct {
	Version    string      `json:"version"`
	Name       string      `json:"name"`
	Status     string      `json:"status"` // ok, failed or not_run
	Seconds    float64     `json:"seconds"`
	Statements []Statement `json:"statements"`
}

// Statement is one statement of a migration, traced. SQL has the literals of row-bearing statements redacted.
type Statement struct {
	SQL               string          `json:"sql"`
	Seconds           float64         `json:"seconds"`
	Rows              int64           `json:"rows"`
	Locks             []Lock          `json:"locks"`
	Rewrites          []string        `json:"rewrites"`
	Scans             []string        `json:"scans"`
	WALBytes          int64           `json:"wal_bytes"`
	Log               string          `json:"log"`                // whose bytes they are: WAL, binary log or redo log; "" not known
	ProductionSeconds []float64       `json:"production_seconds"` // [low, high], empty when not extrapolated
	Derived           string          `json:"derived"`            // what the range was made from: "12,000 of 1,200,000 rows of users copied"
	DiskBytes         int64           `json:"disk_bytes"`         // needed beyond what is freed, while it runs
	Builds            []string        `json:"builds"`             // indexes
	Algorithm         string          `json:"algorithm"`          // MySQL's and MariaDB's: INSTANT, INPLACE with its lock, COPY
	Error             *StatementError `json:"error"`
}

// Lock is one lock that a statement took on a table.
type Lock struct {
	Table   string  `json:"table"`
	Mode    string  `json:"mode"`
	Seconds float64 `json:"seconds"`
	Blocks  string  `json:"blocks"`  // nothing, writes, or reads and writes
	Derived bool    `json:"derived"` // not observed: it follows from how the server changed the table
}

// StatementError is a database's refusal without any row value.
type StatementError struct {
	Code       string `json:"code"`
	Constraint string `json:"constraint"`
	Table      string `json:"table"`
	Column     string `json:"column"`
	Message    string `json:"message"`
}

// Probe is one read-only question to production: how many rows break what a pending migration will demand.
type Probe struct {
	Address     string `json:"address"`
	Migration   string `json:"migration"`
	Status      string `json:"status"` // decisive, conditional, stored or unproved
	SQL         string `json:"sql"`
	RowsChecked int64  `json:"rows_checked"`
	Violations  int64  `json:"violations"`
	At          string `json:"at"` // RFC 3339
}

// Plan is a query's plan before and after the migrations.
type Plan struct {
	Query   string `json:"query"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Verdict string `json:"verdict"`
}

// Sanitization is the report's section on a sanitised copy: what was done to each column and what the masks kept.
type Sanitization struct {
	Tables   []SanitizedTable `json:"tables"`
	Features []Feature        `json:"features"`
	Leaks    int64            `json:"leaks"`
	Searched *LeakSearch      `json:"searched,omitempty"` // nil where no copy was searched
}

// LeakSearch is what the search for raw values looked for, and what it met of values so short that masked ones equal them by chance.
type LeakSearch struct {
	Values   int64   `json:"values"`   // source values that were remembered
	Share    float64 `json:"share"`    // of all that there are; below 1 for databases beyond the bound
	Observed int64   `json:"observed"` // occurrences of values of less than 64 bits
	Expected float64 `json:"expected"` // the same if the masked values are random
}

// With adds another database's search. Either may be nil.
func (s *LeakSearch) With(o *LeakSearch) *LeakSearch {
	if s == nil || o == nil {
		return cmp.Or(s, o)
	}
	return &LeakSearch{Values: s.Values + o.Values, Share: min(s.Share, o.Share), Observed: s.Observed + o.Observed, Expected: s.Expected + o.Expected}
}

// SanitizedTable is one copied table.
type SanitizedTable struct {
	Table   string            `json:"table"`
	Rows    int64             `json:"rows"`
	Columns []SanitizedColumn `json:"columns"`
	// SmallGroups is what was done to rows that few others are like; nil where the policy declares no groups.
	SmallGroups *SmallGroups `json:"small_groups,omitempty"`
}

// SmallGroups counts the rows whose values in the columns By fewer than K rows of the source share.
type SmallGroups struct {
	By          []string        `json:"by"`
	K           int             `json:"k"`
	Rows        int64           `json:"rows"`
	Generalised int64           `json:"generalised"`
	Suppressed  int64           `json:"suppressed"`
	Verbatim    []VerbatimCells `json:"verbatim"` // what these rows still show as it is
}

// VerbatimCells are cells that are as in the source, in rows of small groups.
type VerbatimCells struct {
	Column string `json:"column"`
	Cells  int64  `json:"cells"`
}

// SanitizedColumn says what happened to a column and which properties of its values survive.
type SanitizedColumn struct {
	Column string   `json:"column"`
	Action string   `json:"action"` // keep, mask:NAME, set, drop
	Kept   []string `json:"kept"`   // null, equality, unique, fold, length, …
}

// Feature is an odd trait of the source that a copy should have too.
type Feature struct {
	Column  string `json:"column"`
	Feature string `json:"feature"`
	Source  bool   `json:"source"`
	Copy    bool   `json:"copy"`
}
