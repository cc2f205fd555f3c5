package onmariadb

import (
	"context"
	"database/sql"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
)

// value is the first cell of a query's answer.
func (f feeding) value(t *testing.T, database, query string) (text string) {
	t.Helper()
	db, err := mysql.New().Open(t.Context(), engine.Target{Engine: "mysql", DSN: f.server.DSN(database), Display: "test"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Query(t.Context(), query, func(r engine.Row) error { text = string(r[0].Data); return nil }); err != nil {
		t.Fatal(err)
	}
	return text
}

// While production is written to, each copy shows one moment of it: every person of the writer has the two events of the same transaction.
func TestRefreshBesideAWriter(t *testing.T) {
	f := newFeeding(t)
	ctx, stop := context.WithCancel(t.Context())
	writer, err := sql.Open("mysql", f.server.DSN(f.production))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		for i := 1000; ctx.Err() == nil; i++ {
			if err := transaction(ctx, writer, i); err != nil && ctx.Err() == nil {
				ended <- err
				return
			}
		}
	}()
	const written = "SELECT count(*) FROM people WHERE id >= 1000"
	before := f.value(t, f.production, written)
	for range 3 {
		f.expect(t, 0, "no findings", "refresh", "production", "staging")
		if got := f.value(t, f.staging, "SELECT (SELECT count(*) FROM people WHERE id >= 1000) * 2 - (SELECT count(*) FROM events WHERE person >= 1000)"); got != "0" {
			t.Errorf("the copy shows more than one moment: %s", got)
		}
	}
	if after := f.value(t, f.production, written); after == before {
		t.Error("the writer wrote nothing meanwhile")
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the writer was stopped: %v", err)
	}
}

func transaction(ctx context.Context, db *sql.DB, i int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{"INSERT INTO people (id, email) VALUES (?, concat('zqtoken-late-', ?, '@mail.example'))", []any{i, i}},
		{"INSERT INTO events VALUES (?, ?, now()), (?, ?, now())", []any{2 * i, i, 2*i + 1, i}},
	} {
		if _, err := tx.ExecContext(ctx, step.sql, step.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// A server that ends the connection while rows are loaded leaves the old data and nothing beside it.
func TestRefreshLosesItsConnection(t *testing.T) {
	f := newFeeding(t)
	f.expect(t, 0, "no findings", "refresh", "production", "staging")
	f.server.Exec(t, f.production, "UPDATE people SET round = 7")
	old := f.state(t, f.staging)
	ctx, stop := context.WithCancel(t.Context())
	killer, err := sql.Open("mysql", f.server.DSN(f.production))
	if err != nil {
		t.Fatal(err)
	}
	defer killer.Close()
	killed := make(chan int, 1)
	go func() { killed <- killLoads(ctx, killer) }()
	status, out := f.run(t, "refresh", "production", "staging")
	stop()
	if n := <-killed; n == 0 || status != 2 {
		t.Fatalf("%d connections were ended, exit status %d:\n%s", n, status, out)
	}
	if f.state(t, f.staging) != old {
		t.Error("staging is not what it was")
	}
	f.expect(t, 0, "no findings", "refresh", "production", "staging")
	f.nothingLeft(t)
}

// killLoads ends every session that is in a stage's database, until its context ends, and says how many.
func killLoads(ctx context.Context, db *sql.DB) (n int) {
	for ctx.Err() == nil {
		var id int64
		if db.QueryRowContext(ctx, "SELECT ID FROM information_schema.PROCESSLIST WHERE DB LIKE 'envdiff\\_scratch\\_next%' LIMIT 1").Scan(&id) != nil {
			continue
		}
		if _, err := db.ExecContext(ctx, "KILL ?", id); err == nil {
			n++
		}
	}
	return n
}
