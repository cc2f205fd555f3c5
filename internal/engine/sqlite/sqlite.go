// Package sqlite is the engine of SQLite files: it captures them without changing one byte beside them, and makes the
// scratch files that migrations are rehearsed on. It drives the SQLite library of modernc.org/sqlite (no cgo) directly.
package sqlite

import (
	"context"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// name is the engine's name in targets, snapshots and reports.
const name = "sqlite"

type sqliteEngine struct{}

// New is the engine.
func New() engine.Engine { return sqliteEngine{} }

func (sqliteEngine) Name() string { return name }

func (sqliteEngine) Quote(ident string) string { return quote(ident) }

func (sqliteEngine) Split(script string) ([]engine.Statement, error) { return split(script), nil }

func (sqliteEngine) DDL(db *schema.Database) (beforeRows, afterRows []string, err error) {
	return ddl(db)
}

func (sqliteEngine) Probe(o schema.Obligation, rel schema.Relation) (string, error) {
	return probe(o, rel)
}

// Open opens a file. What ReadOnly does to the file's directory is nothing: see openReadOnly.
func (sqliteEngine) Open(ctx context.Context, t engine.Target, m engine.Mode) (engine.DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	if m == engine.ReadOnly {
		return openReadOnly(ctx, t)
	}
	return openScratch(ctx, t)
}
