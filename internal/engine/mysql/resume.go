package mysql

import (
	"context"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// notesTable is where a refresh notes in its stage which tables have all their rows. It is gone before the stage is captured.
const notesTable = "envdiff_refresh_notes"

// Left ends what a killed refresh still runs in its stage. A load that it was in is rolled back before its table can be emptied.
func (r *refresh) Left(ctx context.Context) (stage engine.Target, notes []string, err error) {
	if noted, err := r.has(ctx, r.next, notesTable); err != nil || !noted {
		return stage, nil, fail(ctx, r.target, err)
	}
	if err := r.c.endSessions(ctx, r.next); err != nil {
		return stage, nil, fail(ctx, r.target, err)
	}
	err = r.c.query(ctx, "SELECT note FROM "+quote(r.next)+"."+quote(notesTable), func(row engine.Row) error { notes = append(notes, string(row[0].Data)); return nil })
	if err != nil {
		return stage, nil, fail(ctx, r.target, err)
	}
	stage = sibling(r.target, r.config, r.next)
	if len(notes) > 0 {
		r.built, r.stage = true, stage
	}
	return stage, notes, nil
}

// Keep lets Close leave the stage.
func (r *refresh) Keep() { r.kept = true }

// Beside makes the other scratch database.
func (r *refresh) Beside(ctx context.Context) (engine.Target, error) {
	if err := r.clear(ctx, r.probe); err != nil {
		return engine.Target{}, fail(ctx, r.target, err)
	}
	if err := r.make(ctx, r.probe); err != nil {
		return engine.Target{}, createError(ctx, r.target, err)
	}
	return sibling(r.target, r.config, r.probe), nil
}

// Note commits by statement, as DDL does here. There are no statements of single tables: indexes come last.
func (d *database) Note(ctx context.Context, statements []string, name, note string) error {
	if d.mode != engine.Scratch {
		return errProtected(d.target, "notes are made")
	}
	list := append([]string{}, statements...)
	list = append(list, "CREATE TABLE IF NOT EXISTS "+quote(notesTable)+" (name VARCHAR(255) NOT NULL PRIMARY KEY, note LONGTEXT NOT NULL) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ENGINE = InnoDB",
		"REPLACE INTO "+quote(notesTable)+" VALUES ("+literal(name)+", "+literal(note)+")")
	return d.execAll(ctx, list)
}

// Clear empties a table; it has no foreign keys yet.
func (d *database) Clear(ctx context.Context, table schema.Name) error {
	if d.mode != engine.Scratch {
		return errProtected(d.target, "rows are deleted")
	}
	return d.execAll(ctx, []string{"TRUNCATE TABLE " + qualified(table)})
}

// Recount has nothing to do: AUTO_INCREMENT follows the rows.
func (d *database) Recount(context.Context, []string) error { return nil }

// Unnote drops the table of the notes.
func (d *database) Unnote(ctx context.Context) error {
	if d.mode != engine.Scratch {
		return errProtected(d.target, "notes are removed")
	}
	return d.execAll(ctx, []string{"DROP TABLE IF EXISTS " + quote(notesTable)})
}

func (d *database) execAll(ctx context.Context, statements []string) error {
	return d.use(ctx, func(c *conn) error {
		for _, sql := range statements {
			if err := c.exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}
