package onpostgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A schema that is not readable to its end is not copied as if it were, and a lock that comes later ends the copy: staging keeps what it has.
func TestRefreshBesideALockedTable(t *testing.T) {
	p := newFeed(t)
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	p.server.Exec(t, p.production, "UPDATE events SET note = 'zqtoken changed'; ALTER TABLE flags ADD CHECK (name <> '')")
	before := p.value(t, p.staging, state)
	holder, err := pgx.Connect(t.Context(), p.production)
	if err != nil {
		t.Fatal("cannot connect to the server that was just filled")
	}
	defer holder.Close(t.Context())
	// flags is preserved, so none of its rows are read: only its indexes and checks would be missing in the copy.
	for _, table := range []string{"flags", "events_2"} {
		if _, err := holder.Exec(t.Context(), "BEGIN; LOCK TABLE ONLY "+table+" IN ACCESS EXCLUSIVE MODE"); err != nil {
			t.Fatal(err)
		}
		p.expect(t, 2, "main of production: the schema could not be read whole, so nothing is copied: another session holds an exclusive lock on public."+table, "refresh", "production", "staging")
		if table == "flags" {
			p.expect(t, 2, "another session holds an exclusive lock on public.flags", "rehearse", "production")
			p.expect(t, 2, "another session holds an exclusive lock on public.flags", "snapshot", "production", "--rows", "-f", p.dir+"/snap")
		}
		if _, err := holder.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
	if p.value(t, p.staging, state) != before {
		t.Error("staging is not what it was")
	}
	p.noScratch(t)
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
}

// Reading a table that ends early, as by pg_cancel_backend, is a table that was not read.
func TestRefreshWhoseReadingIsCancelled(t *testing.T) {
	p := newFeed(t)
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	before := p.value(t, p.staging, state)
	p.server.Exec(t, p.production, `
CREATE FUNCTION cancels(n bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
	IF n = 250 THEN PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(30); END IF;
	RETURN true;
END$$;
UPDATE events SET note = 'zqtoken changed';
CREATE TABLE slow (id bigint PRIMARY KEY, sum boolean GENERATED ALWAYS AS (true) STORED);
INSERT INTO slow SELECT generate_series(1, 300)`)
	with := strings.Replace(feedPolicy, "  flags:", "  slow:\n    columns:\n      id: {keep: true, reason: surrogate key}\n    where: cancels(id)\n  flags:", 1)
	p.write(t, "sanitize.yaml", with)
	p.expect(t, 2, "sampling slow: the statement took longer than statement_timeout allows, or was cancelled", "refresh", "production", "staging")
	if p.value(t, p.staging, state) != before {
		t.Error("staging is not what it was")
	}
	p.noScratch(t)
}
