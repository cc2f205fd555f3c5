package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/enginetest"
	"github.com/envdiff/envdiff/internal/testservers"
)

// TestMajors runs on a server of every major what the other tests run on the distribution's: the conformance suite, the
// proof of the DDL, identity, and that nothing can be written. Majors run beside each other.
func TestMajors(t *testing.T) {
	own := testservers.Postgres(t).Major
	for _, major := range testservers.PostgresMajors(t) {
		if major == own {
			continue // TestConformance and its neighbours
		}
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			server := testservers.PostgresMajor(t, major)
			t.Run("conformance", func(t *testing.T) { enginetest.Run(t, harness(server)) })
			t.Run("schema is proved by recapture", func(t *testing.T) { provedOn(t, server) })
			t.Run("binary COPY", func(t *testing.T) { binaryOn(t, server) })
			t.Run("read only", func(t *testing.T) { readOnlyOn(t, server) })
		})
	}
}

// provedOn: two captures of one database are alike, and so is a capture of what its DDL makes.
func provedOn(t *testing.T, server *testservers.Server) {
	dsn := server.NewDatabase(t)
	server.Exec(t, dsn, featuresOf(server.Major))
	original, copied, _ := rebuilt(t, target(dsn))
	again, err := openRead(t, target(dsn)).Schema(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	alike(t, "a second capture", printed(original), printed(again))
	alike(t, "the rebuilt database", printed(original), printed(copied))
}

func readOnlyOn(t *testing.T, server *testservers.Server) {
	dsn := server.NewDatabase(t)
	server.Exec(t, dsn, "CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
	db := openRead(t, target(dsn))
	nothing := func(engine.Row) error { return nil }
	for _, sql := range []string{"DELETE FROM t", "SET TRANSACTION READ WRITE", "COMMIT; DELETE FROM t"} {
		if err := db.Query(context.Background(), sql, nothing); err == nil {
			t.Errorf("%s was run", sql)
		}
	}
	if rows, err := readAll(openRead(t, target(dsn)), "t"); rows != 1 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
}

// featuresOf are the features that a major has.
func featuresOf(major int) string {
	script := features
	if major < 15 {
		script = strings.NewReplacer(" NULLS NOT DISTINCT", "", " SET NULL (b)", " SET NULL").Replace(script)
	}
	if major >= 18 {
		script += `
CREATE TABLE young (id uuid DEFAULT uuidv7() PRIMARY KEY, a int CONSTRAINT a_named NOT NULL, twice int GENERATED ALWAYS AS (a * 2) VIRTUAL, b int);
ALTER TABLE young ADD CONSTRAINT b_later NOT NULL b NOT VALID;
CREATE TABLE bookings (room int4range, during int4range, CONSTRAINT no_overlap PRIMARY KEY (room, during WITHOUT OVERLAPS));
CREATE TABLE stays (room int4range, during int4range, CONSTRAINT in_booking FOREIGN KEY (room, PERIOD during) REFERENCES bookings (room, PERIOD during)); CREATE TABLE shifts (who int4range, at tsrange, CONSTRAINT one_at_a_time UNIQUE (who, at WITHOUT OVERLAPS));
CREATE TABLE unchecked (id int REFERENCES serials NOT ENFORCED, n int CONSTRAINT later CHECK (n > 0) NOT ENFORCED);
`
	}
	return script
}

// alike compares two printed models line by line.
func alike(t *testing.T, what, first, second string) {
	t.Helper()
	want, got := strings.Split(first, "\n"), strings.Split(second, "\n")
	for i := range want {
		if i >= len(got) || want[i] != got[i] {
			t.Fatalf("%s, line %d\nwant:\n%s\ngot:\n%s", what, i, strings.Join(want[max(0, i-15):min(len(want), i+5)], "\n"), strings.Join(got[max(0, min(i, len(got))-15):min(len(got), i+5)], "\n"))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s has %d lines more", what, len(got)-len(want))
	}
}
