package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

const errLockWait = 1205

// Swap exchanges the tables. The window without triggers is as long as the RENAME TABLE between, and what waits for it.
func (r *refresh) Swap(ctx context.Context, m engine.Mark) (engine.Swapped, error) {
	var out engine.Swapped
	fresh, err := capture(ctx, r.c, r.next)
	if err != nil {
		return out, fail(ctx, r.target, err)
	}
	was, err := capture(ctx, r.c, r.name)
	if err != nil {
		return out, fail(ctx, r.target, err)
	}
	mark := []string{"CREATE TABLE " + quote(markTable) + " (mark TEXT NOT NULL) CHARACTER SET utf8mb4", "INSERT INTO " + quote(markTable) + " VALUES (" + literal(m.Text()) + ")"}
	if err := r.runAt(ctx, r.next, append(mark, dropTriggers(fresh)...)); err != nil {
		return out, fail(ctx, r.target, err)
	}
	if err := r.writeJournal(ctx, forward(was, fresh), back(was)); err != nil {
		return out, fail(ctx, r.target, err)
	}
	if out.Ended, err = r.exchange(ctx, was); err != nil {
		return out, fail(ctx, r.target, err) // Close goes back
	}
	// From here on the target is the new one: a failure is for the next refresh to end.
	if err := r.recover(ctx); err != nil {
		return out, fmt.Errorf("the new rows are in place, but views, routines or triggers could not be made; the next refresh tries again: %w", fail(ctx, r.target, err))
	}
	r.built = false
	if err := r.clear(ctx, r.next, r.old); err != nil {
		out.Warnings = append(out.Warnings, "the old data could not be dropped yet: database "+r.old+"; the next refresh does it")
	}
	return out, nil
}

// exchange drops the old tables' triggers and renames everything at once. Sessions that keep it from that are ended.
func (r *refresh) exchange(ctx context.Context, was *schema.Database) (ended []string, err error) {
	rename, err := r.rename(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.c.exec(ctx, "SET SESSION foreign_key_checks = 0"); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		if err = r.runHere(ctx, append([]string{"SET SESSION lock_wait_timeout = 3"}, dropTriggers(was)...)); err == nil {
			err = r.c.exec(ctx, rename)
		}
		var refusal *driver.MySQLError
		if !errors.As(err, &refusal) || refusal.Number != errLockWait || try == renameTries {
			return ended, err
		}
		who, failed := r.users(ctx)
		if failed != nil {
			return ended, failed
		}
		ended = append(ended, who...)
		if failed := r.c.endSessions(ctx, r.name); failed != nil {
			return ended, failed
		}
	}
}

// users are the sessions in the target but this one.
func (r *refresh) users(ctx context.Context) (who []string, err error) {
	err = r.c.query(ctx, "SELECT CONCAT_WS(', ', USER, HOST) FROM information_schema.PROCESSLIST WHERE DB = "+literal(r.name)+" AND ID <> "+r.c.id, func(row engine.Row) error {
		who = append(who, string(row[0].Data))
		return nil
	})
	return who, err
}

// rename is one statement: the old tables away, the new ones in their place.
func (r *refresh) rename(ctx context.Context) (string, error) {
	var moves []string
	for _, way := range [][2]string{{r.name, r.old}, {r.next, r.name}} {
		err := r.c.query(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+literal(way[0])+" AND TABLE_TYPE NOT LIKE '%VIEW' AND TABLE_NAME <> "+literal(scratchMarker)+" ORDER BY TABLE_NAME", func(row engine.Row) error {
			name := quote(string(row[0].Data))
			moves = append(moves, quote(way[0])+"."+name+" TO "+quote(way[1])+"."+name)
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return "RENAME TABLE " + strings.Join(moves, ", "), nil
}

// writeJournal makes the schema for the old tables, with what has to be done after the exchange, and instead of it.
func (r *refresh) writeJournal(ctx context.Context, forward, back []string) error {
	if err := r.make(ctx, r.old); err != nil {
		return err
	}
	journal := quote(r.old) + "." + quote(journalTable)
	// Under another name until it is whole.
	draft := quote(r.old) + "." + quote(journalTable+"_draft")
	if err := r.c.exec(ctx, "CREATE TABLE "+draft+" (way VARCHAR(10) NOT NULL, step INTEGER NOT NULL, statement LONGTEXT NOT NULL, PRIMARY KEY (way, step)) CHARACTER SET utf8mb4"); err != nil {
		return err
	}
	for way, statements := range map[string][]string{"forward": forward, "back": back} {
		for i, sql := range statements {
			if err := r.c.exec(ctx, fmt.Sprintf("INSERT INTO %s VALUES (%s, %d, %s)", draft, literal(way), i, literal(sql))); err != nil {
				return err
			}
		}
	}
	return r.c.exec(ctx, "RENAME TABLE "+draft+" TO "+journal)
}

// forward replaces what is not a table, and may be done twice.
func forward(was, fresh *schema.Database) []string {
	list := append([]string{setMode(copyMode), "SET SESSION foreign_key_checks = 0"}, dropTriggers(fresh)...)
	for _, db := range []*schema.Database{was, fresh} {
		for _, v := range db.Views {
			list = append(list, "DROP VIEW IF EXISTS "+quote(v.Name.Name))
		}
		for _, routine := range db.Routines {
			list = append(list, "DROP "+strings.ToUpper(routine.Kind)+" IF EXISTS "+quote(routine.Name.Name))
		}
	}
	list = append(list, routines(fresh)...)
	for _, v := range dependentLast(fresh.Views) {
		list = append(list, createView(v))
	}
	return append(list, triggers(fresh)...)
}

// back makes the old tables' triggers again, and may be done twice.
func back(was *schema.Database) []string {
	return append(dropTriggers(was), triggers(was)...)
}

func dropTriggers(db *schema.Database) []string {
	var list []string
	for _, t := range db.Triggers {
		list = append(list, "DROP TRIGGER IF EXISTS "+quote(t.Name))
	}
	return list
}
