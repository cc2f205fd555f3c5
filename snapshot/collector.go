package snapshot

import (
	"context"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/transport"
)

// Doc describes a collector to people: doctor, help and docs/ are made from it.
type Doc struct {
	Title      string   // one line
	Text       string   // what it reads, limits, what it does not do; Markdown
	Needs      []string // files, commands, privileges
	Attributes []string // "package/deb/NAME#version: text" — one line per fact shape
}

// Collector is what host and database collectors share.
type Collector interface {
	Name() string // a folder below snapshot/, also the name in envdiff.yaml, gaps and docs
	Doc() Doc
	Kinds() []Kind
}

// RoleSpec is what envdiff.yaml asks of the hosts of a role.
type RoleSpec struct {
	Packages []string // ecosystems; nil means all that are found
	Config   []string // globs of configuration files
	Services []string
	SBOM     []string
	// Nodes are the hosts that the environment declares, as names and addresses; nil where not all of them are known.
	Nodes       []string
	Environment string // its name
	// Deployments are globs of directories that Capistrano deploys to; nil means the usual places.
	Deployments []string
}

// HostCollector reads one concern of a host. Wants is data, Parse is pure: it sees only the sections that a transport
// filled, so that it can be fuzzed and replayed, and so that root:, local: and ssh:// serve it alike.
type HostCollector interface {
	Collector
	// Wants declares what to fetch for a host of this role. Section ids are unique within the collector.
	Wants(spec RoleSpec) []transport.Want
	// Parse turns the sections into facts of scope in.Scope. It never returns an error: what it cannot read is a gap.
	Parse(in Input) Result
}

// SecondQuestion is a host collector that asks again once the facts of a role on the host are known, over the same connection: whether
// the database that a file names can be reached from here. Ask and Learn are pure, like Parse.
type SecondQuestion interface {
	HostCollector
	// Reads names the collectors whose facts Ask needs: they run even where nothing of theirs is selected.
	Reads() []string
	// Ask declares what to fetch, given what the first question brought of the role; in.Sections are this collector's of then.
	Ask(in Input, known []Fact) []transport.Want
	// Learn turns the answers, now in.Sections, into facts. Where nothing was asked it is not called.
	Learn(in Input, known []Fact) Result
}

// Input is what Parse sees.
type Input struct {
	Scope    string
	Instance string
	Spec     RoleSpec
	Sections transport.Sections
	Redact   *Redactor
}

// Grade is what a profile is made from, and so how much it can know.
type Grade string

// The grades.
const (
	// GradeUsual is GradePlanner in a protected environment, else, and of a SQLite file that was never analysed, GradeScan.
	GradeUsual Grade = "usual"
	// GradePlanner reads the server's own statistics and no table.
	GradePlanner Grade = "planner"
	// GradeSample reads some rows of large tables.
	GradeSample Grade = "sample"
	// GradeScan reads all rows once.
	GradeScan Grade = "scan"
)

// DatabaseSpec is what envdiff.yaml asks of a database.
type DatabaseSpec struct {
	Exact []string // tables equal row for row
	// Lenient says of some of them, by name, what is not compared.
	Lenient map[string]Leniency
	Ignore  []string // globs over table names
	// Keep says whether a policy lets a column's values be shown and stored (table and
	// column as in addresses). nil keeps nothing.
	Keep func(table, column string) bool
	// Leaves says what a policy leaves of a column to be compared ("null", "length"): all of a kept one, of a masked one what
	// its mask keeps. nil leaves everything.
	Leaves func(table, column string) []string
	// Profile asks for the profile of every column; "" asks for none.
	Profile Grade
	// References are columns that refer to others without a foreign key.
	References []Reference
	// Versions asks for the schema itself beside its facts, with these columns of version tables: table → columns. nil asks for neither.
	Versions map[string][]string
	// Protected databases are read under timeouts and load limits.
	Protected bool
	// Load is what the server may be doing while rows are read.
	Load LoadLimit
	// Monitor is the HOST:PORT of an MMM monitor to ask for what it says of the nodes; "" is none.
	Monitor string
}

// Reference is a column that refers to another one. Tables are named as in addresses.
type Reference struct {
	Table, Column, RefTable, RefColumn string
	When                               string // condition on the referring rows, in the engine's SQL; "" is none
}

// LoadLimit is how busy a server may be while it is read: above it, reading pauses. Zero is no limit.
type LoadLimit struct {
	Running int           // statements
	Lag     time.Duration // of a replica
}

// None reports that there is no limit.
func (l LoadLimit) None() bool { return l.Running <= 0 && l.Lag <= 0 }

// DatabaseCollector reads one concern of an open, read-only database whose reads all see one moment.
type DatabaseCollector interface {
	Collector
	Collect(ctx context.Context, in DatabaseInput) Result
}

// RowReader is a database collector whose row digests can be made again of a part of a table.
type RowReader interface {
	// Reread digests the rows of some buckets, as they are now, with the values of kept columns. in.DB was opened anew. The
	// attachment is in memory alone.
	Reread(ctx context.Context, in DatabaseInput, table string, buckets []uint16) (Attachment, error)
}

// DatabaseInput is what a database collector works on.
type DatabaseInput struct {
	Scope    string
	Instance string
	Spec     DatabaseSpec
	DB       engine.DB
	Redact   *Redactor
	Now      time.Time // of the capture
	// Open opens another connection to the database, at a moment of its own.
	Open func(ctx context.Context) (engine.DB, error)
	// Readers is how many connections may read at once; less than 2 is one.
	Readers int
	// Unfinished keeps long work from a run that is killed to the next; nil keeps nothing.
	Unfinished *Unfinished
	// Attach stores a file beside the facts (row digests); name is a slash path such as "rows/main/countries".
	Attach func(name string) (AttachmentWriter, error)
	// TempDir is a private directory for what does not fit into memory. Raw rows never go there.
	TempDir string
}

// AttachmentWriter receives an attachment; Commit keeps it, Discard forgets it.
type AttachmentWriter interface {
	Write(p []byte) (int, error)
	Commit() error
	Discard()
}

// Registry is the set of collectors that a run uses; snapshot/all returns the one of the product.
type Registry struct {
	Hosts     []HostCollector
	Databases []DatabaseCollector
	Dumps     []DumpCollector
}

// RowReader is the collector that can read rows again, nil when there is none.
func (r Registry) RowReader() RowReader {
	for _, c := range r.Databases {
		if reader, ok := c.(RowReader); ok {
			return reader
		}
	}
	return nil
}

// Kinds returns the kinds of all collectors in registry order.
func (r Registry) Kinds() []Kind {
	var ks []Kind
	for _, c := range r.Hosts {
		ks = append(ks, c.Kinds()...)
	}
	for _, c := range r.Databases {
		ks = append(ks, c.Kinds()...)
	}
	for _, c := range r.Dumps {
		ks = append(ks, c.Kinds()...)
	}
	return ks
}
