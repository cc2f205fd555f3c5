package sanitize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// begin makes the tables, or empties those that an earlier run has not finished.
func (f *filling) begin(ctx context.Context, dst engine.DB, before []string) error {
	if f.done == nil {
		if err := ddl(ctx, dst, before); err != nil || f.print == "" {
			return err
		}
		return note(ctx, dst, nil, "", stageNote{Print: f.print})
	}
	f.opt.Done, f.opt.Clear = f.done, clearFinished
	for i := range f.plan.Tables {
		if t := &f.plan.Tables[i]; f.done[t.Table] == nil && !t.Exclude && !t.Preserve && len(t.Columns) > 0 {
			if err := clearTable(ctx, dst, t.Table); err != nil {
				return err
			}
		}
	}
	return nil
}

// finisher makes what a table has beside its columns, and notes that it is whole.
func (f *filling) finisher(tables map[schema.Name][]string) func(context.Context, engine.DB, *TableDone) error {
	return func(ctx context.Context, dst engine.DB, done *TableDone) error {
		statements := tables[done.Table]
		kept := f.done[done.Table]
		switch {
		case kept != nil && kept == done:
			f.keptTables.Add(1)
			return nil // found unchanged
		case done.again:
			n, ok := engine.As[engine.Noter](dst)
			if !ok {
				return errNoNotes
			}
			if err := n.Recount(ctx, statements); err != nil {
				return fmt.Errorf("bringing its counters behind its rows: %w", err)
			}
			return note(ctx, dst, nil, TableKey(done.Table), stageNote{Done: done})
		case f.print == "" || done.leaky:
			if err := ddl(ctx, dst, statements); err != nil {
				return fmt.Errorf("making its indexes and constraints: %w", err)
			}
			return nil
		}
		if err := note(ctx, dst, statements, TableKey(done.Table), stageNote{Done: done}); err != nil {
			return fmt.Errorf("making its indexes and constraints: %w", err)
		}
		return nil
	}
}

var errNoNotes = errors.New("this engine keeps no notes")

// note replaces the note of a table; the one without a name says which copy it is.
func note(ctx context.Context, dst engine.DB, statements []string, name string, n stageNote) error {
	to, ok := engine.As[engine.Noter](dst)
	if !ok {
		return errNoNotes
	}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return to.Note(ctx, statements, name, string(text))
}

func unnote(ctx context.Context, dst engine.DB) error {
	n, ok := engine.As[engine.Noter](dst)
	if !ok {
		return errNoNotes
	}
	return n.Unnote(ctx)
}

// clearFinished empties a table that has its indexes. The note says that first: a run that finds it copies the table again whatever its rows are.
func clearFinished(ctx context.Context, dst engine.DB, table schema.Name) error {
	if err := note(ctx, dst, nil, TableKey(table), stageNote{Done: &TableDone{Table: table, Rows: unknownRows}}); err != nil {
		return err
	}
	return clearTable(ctx, dst, table)
}

func clearTable(ctx context.Context, dst engine.DB, table schema.Name) error {
	n, ok := engine.As[engine.Noter](dst)
	if !ok {
		return errNoNotes
	}
	if err := n.Clear(ctx, table); err != nil {
		return fmt.Errorf("emptying %s, which the interrupted run had begun: %w", TableKey(table), err)
	}
	return nil
}
