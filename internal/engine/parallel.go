package engine

import (
	"context"
	"errors"

	"github.com/envdiff/envdiff/internal/schema"
)

// Sharer is a database whose moment further connections can see. As finds it behind wrappers.
type Sharer interface {
	// Share opens another connection that sees the same moment. It is closed before the first one.
	Share(ctx context.Context) (DB, error)
}

// Aligner is a database that can open further connections which all see one moment. As finds it behind wrappers.
type Aligner interface {
	// Aligned opens so many connections, each of which sees the same moment: this one's, or a later one. The error says why that cannot be had; then none
	// is open. They are closed before this one.
	Aligned(ctx context.Context, connections int) ([]DB, error)
}

// ErrNotAligned says that a server shows no moment to several connections, or that it was written to at every attempt.
var ErrNotAligned = errors.New("several connections cannot be made to see one moment")

// Parter is a database that can read a large table in parts, each without reading the others. As finds it behind wrappers.
type Parter interface {
	// Parts cuts a table into ranges of about so many bytes. Together they have each row once, and of an unchanged table they are always the same, in the same order. None is a
	// table that is read as a whole.
	Parts(ctx context.Context, table schema.Name, bytes int64) ([]Part, error)
}

// Part is a range of a table's rows: From is the first value in it, To the first beyond it, nil is no end. What the values are of is for the engine to know.
type Part struct {
	Column   string
	From, To *int64
}

// Cut parts the numbers from low to high into n ranges of equal size, of which the first and the last have one end each.
func Cut(column string, low, high int64, n int) []Part {
	step := (uint64(high) - uint64(low)) / uint64(max(1, n))
	if n < 2 || high <= low || step == 0 {
		return nil
	}
	parts := make([]Part, n)
	for i := range parts {
		parts[i].Column = column
		if i > 0 {
			from := int64(uint64(low) + uint64(i)*step)
			parts[i].From, parts[i-1].To = &from, &from
		}
	}
	return parts
}

// Builder is an engine that can finish each table by itself, as soon as its rows are there.
type Builder interface {
	// BuildDDL is DDL with the statements apart that need nothing but one table and its rows. Those of different tables may run beside each other;
	// after needs all of them.
	BuildDDL(db *schema.Database) (before []string, tables map[schema.Name][]string, after []string, err error)
}

// Maker is a database that makes indexes, constraints and the like with the settings that suit a fresh copy which nobody uses yet: more memory for sorting, no
// waiting for the disk at each statement. Scratch only.
type Maker interface {
	Make(ctx context.Context, statements []string) error
}
