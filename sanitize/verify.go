package sanitize

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// verify asks the finished stage what it is made of, and how many rows refer to nothing: not more than in the source. (The rows themselves were counted
// and searched right after they were loaded.)
func verify(ctx context.Context, in *Refreshing, stage engine.Target) (err error) {
	e := in.Source.Engine()
	db, err := e.Open(ctx, stage, engine.Scratch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	made, err := db.Schema(ctx)
	if err != nil {
		return err
	}
	if in.Migrate == nil {
		if missing := absent(in.Schema, made); len(missing) > 0 {
			return fmt.Errorf("the copy lacks %s: nothing was swapped in", strings.Join(missing, ", "))
		}
	}
	if in.Stored {
		return nil // how many orphans the source had cannot be asked any more
	}
	return verifyReferences(ctx, in, db, made)
}

// absent names the tables and columns that were not made.
func absent(want, made *schema.Database) []string {
	var out []string
	for i := range want.Tables {
		t := &want.Tables[i]
		have, ok := made.Table(t.Name)
		if !ok {
			out = append(out, "the table "+TableKey(t.Name))
			continue
		}
		for _, c := range t.Columns {
			if _, ok := have.Column(c.Name); !ok {
				out = append(out, "the column "+place{t.Name, c.Name}.String())
			}
		}
	}
	return out
}

// verifyReferences looks for rows that refer to nothing. Those of the source stay what they are: orphans.
func verifyReferences(ctx context.Context, in *Refreshing, db engine.DB, made *schema.Database) error {
	for i := range made.Tables {
		t := &made.Tables[i]
		for _, fk := range t.ForeignKeys {
			o, ok := obligationOf(made, t, fk)
			if !ok || in.hollow(t.Name) || in.hollow(fk.RefTable) || made.Engine == "postgres" && !fk.NotValid {
				continue // PostgreSQL has looked when it made the key
			}
			orphans, _, err := ask(ctx, db, o, schema.Relation{Table: t.Name})
			if err != nil {
				return fmt.Errorf("checking a foreign key of %s: %w", TableKey(t.Name), err)
			}
			if orphans == 0 {
				continue
			}
			before, err := in.orphansBefore(ctx, t.Name, o)
			if err != nil {
				return err
			}
			if orphans > before {
				return fmt.Errorf("%d rows of %s refer by %s to no row of %s, and %d in the source: nothing was swapped in", orphans, TableKey(t.Name),
					strings.Join(fk.Columns, ", "), TableKey(fk.RefTable), before)
			}
		}
	}
	return nil
}

func obligationOf(made *schema.Database, t *schema.Table, fk schema.ForeignKey) (schema.Obligation, bool) {
	columns := fk.RefColumns
	if parent, ok := made.Table(fk.RefTable); ok && len(columns) == 0 && parent.PrimaryKey != nil {
		columns = parent.PrimaryKey.Columns
	}
	if _, ok := made.Table(fk.RefTable); !ok || len(columns) != len(fk.Columns) {
		return schema.Obligation{}, false
	}
	return schema.Obligation{Kind: schema.Reference, Table: t.Name, Columns: fk.Columns, RefTable: fk.RefTable, RefColumns: columns, Match: fk.Match}, true
}

// hollow reports a table whose rows are not the source's.
func (in *Refreshing) hollow(name schema.Name) bool {
	t, ok := in.Plan.Table(name)
	return ok && (t.Exclude || t.Preserve)
}

// orphansBefore counts the source's own orphans of a foreign key; one that the source does not have has none.
func (in *Refreshing) orphansBefore(ctx context.Context, table schema.Name, o schema.Obligation) (int64, error) {
	t, ok := in.Schema.Table(table)
	if !ok {
		return 0, nil
	}
	for _, c := range o.Columns {
		if _, ok := t.Column(c); !ok {
			return 0, nil
		}
	}
	n, _, err := ask(ctx, in.Source, o, schema.Relation{Table: table})
	if err != nil {
		return 0, fmt.Errorf("counting the source's orphans of %s: %w", TableKey(table), err)
	}
	return n, nil
}

// ask puts the engine's question and reads its two numbers.
func ask(ctx context.Context, db engine.DB, o schema.Obligation, rel schema.Relation) (violations, rows int64, err error) {
	sql, err := db.Engine().Probe(o, rel)
	if err != nil {
		return 0, 0, err
	}
	err = db.Query(ctx, sql, func(r engine.Row) error {
		if len(r) != 2 {
			return errors.New("a count has no two numbers")
		}
		violations, err = strconv.ParseInt(string(r[0].Data), 10, 64)
		if err != nil {
			return err
		}
		rows, err = strconv.ParseInt(string(r[1].Data), 10, 64)
		return err
	})
	return violations, rows, err
}
