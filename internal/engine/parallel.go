package engine

import (
	"context"

	"github.com/envdiff/envdiff/internal/schema"
)

// Sharer is a database whose moment further connections can see. As finds it behind wrappers.
type Sharer interface {
	// Share opens another connection that sees the same moment. It is closed before the first one.
	Share(ctx context.Context) (DB, error)
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
