package onpostgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// While production is written to, each copy shows one moment of it: every person of the writer has the three events of the same transaction.
func TestRefreshBesideAWriter(t *testing.T) {
	p := newFeed(t)
	ctx, stop := context.WithCancel(t.Context())
	writer, err := pgx.Connect(ctx, p.production)
	if err != nil {
		t.Fatal("cannot connect to the server that was just filled")
	}
	ended := make(chan error, 1)
	go func() {
		defer writer.Close(context.Background())
		for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			if _, err := writer.Exec(ctx, `WITH p AS (INSERT INTO people (email) SELECT 'zqtoken-late-' || gen_random_uuid() || '@mail.example' RETURNING id)
				INSERT INTO events (day, person, note) SELECT date '2026-03-01' + n * 60, id, 'zqtoken late' FROM p, generate_series(0, 2) n`); err != nil {
				if ctx.Err() == nil {
					ended <- err
				}
				break
			}
		}
		close(ended)
	}()
	const written = "SELECT count(*) FROM people WHERE id > 300"
	before := p.value(t, p.production, written)
	for range 3 {
		p.expect(t, 0, "no findings", "refresh", "production", "staging")
		if got := p.value(t, p.staging, `SELECT (SELECT count(*) FROM people WHERE id > 300) * 3 - (SELECT count(*) FROM events WHERE person > 300) || ' '
			|| (SELECT count(*) FROM (SELECT 1 FROM events WHERE person > 300 GROUP BY person HAVING count(*) <> 3) incomplete)`); got != "0 0" {
			t.Errorf("the copy shows more than one moment: %s", got)
		}
	}
	if after := p.value(t, p.production, written); after == before {
		t.Error("the writer wrote nothing meanwhile")
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the writer was stopped: %v", err)
	}
}
