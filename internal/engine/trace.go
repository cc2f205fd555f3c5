package engine

import (
	"context"
	"time"

	"github.com/envdiff/envdiff/internal/schema"
)

// Tracer is a session that can tell what a statement does beyond its result. The others' statements are only timed.
type Tracer interface {
	// StartTrace begins to observe, by a clock. What is there now is production's: locks on what the traced statements make harm nobody.
	StartTrace(ctx context.Context, now func() time.Time) error
	// Traced runs a statement as Exec does. The trace is as complete as the statement got.
	Traced(ctx context.Context, sql string) (rows int64, trace Trace, err error)
}

// Blocks says what others cannot do while a lock is held.
type Blocks string

// What locks block. Other changes of the schema are not counted: they wait behind any lock.
const (
	BlocksNothing        Blocks = "nothing"
	BlocksWrites         Blocks = "writes"
	BlocksReadsAndWrites Blocks = "reads and writes"
)

// Trace is what one statement did.
type Trace struct {
	Locks    []TableLock // taken by it, the strongest one per table
	Rewrites []Rewrite
	Scans    []schema.Name // tables read as a whole
	Builds   []string      // indexes built
	// Took is the statement's own time, without that of looking at what it did; 0 where that was not apart.
	Took time.Duration
	// LogBytes is the volume of WAL, binary log or redo log, whichever the engine has and lets see.
	LogBytes int64
	Log      string // which one
	// DiskBytes is what it needed beyond what it frees: the new files of tables and indexes.
	DiskBytes int64
	// Algorithm is MySQL's: INSTANT, INPLACE (with the lock it needs) or COPY.
	Algorithm string
}

// TableLock is one lock.
type TableLock struct {
	Table  schema.Name // empty for the whole database
	Mode   string
	Blocks Blocks
	// Brief locks end with a moment of the statement, whatever its duration.
	Brief bool
	// Derived locks were not observed: they follow from the way in which the server changed the table.
	Derived bool
}

// Rewrite is a table that was written anew.
type Rewrite struct {
	Table schema.Name
	Bytes int64
}
