package snapshot

import (
	"context"

	"github.com/envdiff/envdiff/internal/transport"
)

// Dump is one text that something tells of itself: an application's configuration, or what a program prints.
type Dump struct {
	Text      []byte
	MediaType string // without parameters; "" where the source names none
}

// MaxProgramOutput bounds what a program may print: 8 MiB hold the 100,000 facts that are read of one (docs/exec.md).
const MaxProgramOutput = 8 << 20

// DumpSpec is what envdiff.yaml asks of a dump.
type DumpSpec struct {
	Name    string            // of the program, for messages; "" for endpoints, which their scope names
	Format  string            // json, yaml, properties, dotenv or phpinfo; "" goes by media type and content
	Keys    []string          // what to capture, as paths with / and * for one level; nil is everything
	Metrics map[string]string // paths of counters → the limit that they must keep, such as "<= 0"
	Facts   []string          // globs over kind/name#attribute that a program is the whole truth about
}

// DumpTarget is one text to ask for: once, whatever the number of collectors.
type DumpTarget struct {
	Type     string // the collector's: endpoint or exec
	Scope    string
	Instance string
	Spec     DumpSpec
	// Fetch asks for it directly. It is nil where a host is asked, see HostTarget.Dumps.
	Fetch func(ctx context.Context) (Dump, error)
}

// HostDump is a dump that a host is asked for together with everything else that is asked of it.
type HostDump struct {
	Type, Scope string
	Spec        DumpSpec
	Want        transport.Want
	// Read takes the dump out of the answer, or says why it is none.
	Read func(transport.Section) (Dump, error)
}

// DumpCollector understands one type of dump. Parse is pure, so that it can be fuzzed and replayed, and so that it does not matter
// how the text was come by.
type DumpCollector interface {
	Collector
	// Type is the type of the targets that the collector understands.
	Type() string
	// Covers are the globs, without scope, of what a dump can tell: what no selection takes of it is not asked for.
	Covers(spec DumpSpec) []string
	// Parse turns the text into facts of scope in.Scope. It never returns an error: what it cannot read is a gap.
	Parse(in DumpInput) Result
}

// DumpInput is what a dump collector works on.
type DumpInput struct {
	Scope    string
	Instance string
	Spec     DumpSpec
	Dump     Dump
	Redact   *Redactor
}

// dumps finds the collector of a type.
func (r Registry) dumps(typ string) DumpCollector {
	for _, c := range r.Dumps {
		if c.Type() == typ {
			return c
		}
	}
	return nil
}
