package onpostgres

import (
	"context"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/jackc/pgx/v5"
)

// TestATableLockedExclusivelyIsOneGap: everything else is compared, and neither what could not be printed nor what reads it is a difference.
func TestATableLockedExclusivelyIsOneGap(t *testing.T) {
	server := testservers.NewPostgres(t)
	dsn := worldOn(t, server)
	before := taken(t, dsn)
	holder, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal("cannot connect to the server that was just filled")
	}
	defer holder.Close(context.Background())
	if _, err := holder.Exec(context.Background(), "BEGIN; LOCK TABLE ONLY users IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, dsn, "ALTER TABLE plans ADD COLUMN extra int; CREATE OR REPLACE VIEW \"v.☃/\"\"'\" AS SELECT 1 AS \"a.b\"; ALTER FUNCTION secret() COST 9")
	t.Cleanup(func() { server.Exec(t, dsn, "ALTER FUNCTION secret() COST 7") })
	during := taken(t, dsn)
	schemaGaps := 0
	for _, g := range during.Gaps {
		if strings.Contains(g.Reason, "exclusive lock on public.users") {
			schemaGaps++
			if g.Address.String() != "main:table/users" {
				t.Errorf("the gap is at %s", g.Address)
			}
			continue
		}
		t.Errorf("gap %s: %s", g.Address, g.Reason)
	}
	if schemaGaps != 1 {
		t.Errorf("%d gaps for one locked table", schemaGaps)
	}
	var at []string
	for _, f := range found(t, before, during) {
		at = append(at, f.Address)
	}
	got := strings.Join(at, " ")
	for _, want := range []string{"main:column/plans.extra", "main:routine/secret"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s was not compared: %s", want, got)
		}
	}
	for _, address := range at {
		if strings.Contains(address, "users") || strings.Contains(address, "adults") || strings.Contains(address, "pub") {
			t.Errorf("what is locked is a difference: %s", address)
		}
	}
	if len(at) != 4 { // and the same migration version with another schema
		t.Errorf("three objects were changed: %s", got)
	}
}
