package snapshot

import (
	"context"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/transport"
)

// Plan says what to capture of one environment. cmd builds it from envdiff.yaml.
type Plan struct {
	Environment string
	Protected   bool
	Version     string // of envdiff, for the manifest
	Hosts       []HostTarget
	Databases   []DatabaseTarget
	Dumps       []DumpTarget
	Redact      *Redactor
	Now         func() time.Time
	Timeout     time.Duration // per collector and instance; 0 means 60 s
	Jobs        int           // instances at once; 0 means 8. Of one database, a quarter of it read rows at once
	Progress    func(Event)   // may be nil; called from many goroutines
	Unfinished  *Unfinished   // of row digests; may be nil
	Known       *KnownTables  // takes the tables under exact for second looks; may be nil
	Selection   Selection     // --only and --skip: what no address can match is not contacted, facts that are not selected are dropped
	TempDir     string        // attachments and spilled digests live in a private directory below it until Snapshot.Close; "" is the system's
}

// HostTarget is one machine. A host in several roles is contacted once.
type HostTarget struct {
	Instance string
	Roles    map[string]RoleSpec // scope → what is asked of it
	Dumps    []HostDump          // what it is asked for beside its collectors
	Only     []string            // the collectors that can learn something of it; nil means all
	Open     func(ctx context.Context) (transport.Transport, error)
}

// DatabaseTarget is one database, replica or shard.
type DatabaseTarget struct {
	Scope    string
	Instance string
	Replica  bool // declared as a replica of the scope's primary
	Spec     DatabaseSpec
	Open     func(ctx context.Context) (engine.DB, error) // read-only
}

// Event is one step of a capture, for progress.
type Event struct {
	Environment string
	Instance    string
	What        string // collector name, or "connect"
	Done        bool
	Err         string
}
