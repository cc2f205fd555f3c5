package onengines

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

// TestAnyNumberOfEditsIsFoundExactly deletes, inserts and updates random rows of tables of several sizes, with and without a key, and wants their number back: from
// rows that are kept one by one, and from buckets whose rows are read again.
func TestAnyNumberOfEditsIsFoundExactly(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for _, name := range engines {
		before, after := newPlace(t, name), newPlace(t, name)
		spec := snapshot.DatabaseSpec{}
		want := map[string]string{}
		var filled, edits []string
		for _, n := range []int{100, 10_000} {
			for _, key := range []string{"", ", PRIMARY KEY (id)"} {
				table := fmt.Sprintf("t%d_%d", n, len(key))
				spec.Exact = append(spec.Exact, table)
				filled = append(filled, "CREATE TABLE "+table+" (id bigint NOT NULL, a varchar(20), n integer"+key+")",
					"INSERT INTO "+table+" SELECT i * 3, CASE WHEN i % 7 = 0 THEN NULL ELSE 'value' END, i % 5 FROM "+numbersTo(name, n))
				deleted, inserted, updated := 1+random.IntN(5), 1+random.IntN(5), 1+random.IntN(20)
				for i, row := range random.Perm(n)[:deleted+updated] {
					if i < deleted {
						edits = append(edits, fmt.Sprintf("DELETE FROM %s WHERE id = %d", table, 3*row+3))
						continue
					}
					edits = append(edits, fmt.Sprintf("UPDATE %s SET n = n + 10 WHERE id = %d", table, 3*row+3))
				}
				for i := range inserted {
					edits = append(edits, fmt.Sprintf("INSERT INTO %s VALUES (%d, 'new', 0)", table, 3*i+1))
				}
				want[table] = fmt.Sprintf("%d added, %d removed in b against a", inserted+updated, deleted+updated)
				if key != "" {
					want[table] = fmt.Sprintf("%d added, %d removed, %d changed in b against a, in n", inserted, deleted, updated)
				}
			}
		}
		before.exec(t, filled...)
		after.exec(t, append(filled, edits...)...)
		for _, limit := range []int{0, 100} {
			rows := database.Rows{Limit: limit}
			messages, r := compared(t, before.side(t, "a", spec, testKey, rows), after.side(t, "b", spec, testKey, rows))
			for table, says := range want {
				if got := messages["rows-different main:rows/"+table]; !strings.Contains(got, says) {
					t.Errorf("%s, limit %d: %q, want %q", name, limit, got, says)
				}
			}
			if len(r.Gaps) > 0 {
				t.Errorf("%s: %+v", name, r.Gaps)
			}
		}
	}
}

// numbersTo is a table of the numbers from 1 to n.
func numbersTo(engine string, n int) string {
	switch engine {
	case "postgres":
		return fmt.Sprintf("generate_series(1, %d) i", n)
	case "mysql":
		return fmt.Sprintf("(SELECT seq i FROM seq_1_to_%d) s", n)
	}
	return fmt.Sprintf("(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < %d) SELECT i FROM s) s", n)
}

// What is small and matters is found in the planner's statistics alone: 0.5 % of nulls, a status of 1 %, texts of 800 characters instead of 255.
func TestSmallDriftIsFoundWithoutReadingATable(t *testing.T) {
	staging, production := newPlace(t, "postgres"), newPlace(t, "postgres")
	for i, p := range []*place{staging, production} {
		odd := fmt.Sprintf("%d = 1 AND i %% ", i)
		p.exec(t, "CREATE TABLE orders (id bigint PRIMARY KEY, note text, status text, body text)",
			"INSERT INTO orders SELECT i, CASE WHEN "+odd+"200 = 0 THEN NULL ELSE 'x' || i END, CASE WHEN "+odd+"100 = 1 THEN 'lost' WHEN i % 2 = 0 THEN 'new' ELSE 'done' END, repeat('x', CASE WHEN "+odd+"20 = 2 THEN 800 ELSE 200 + i % 56 END) FROM generate_series(1, 20000) i")
		p.exec(t, "ANALYZE orders") // of another session: what this one has changed is counted when it ends
	}
	a := staging.side(t, "staging", keepAll(snapshot.GradeScan), testKey, database.Profile{})
	spec := keepAll(snapshot.GradeUsual)
	spec.Protected = true
	b := production.side(t, "production", spec, testKey, database.Profile{})
	messages, _ := compared(t, a, b)
	for at, want := range map[string]string{
		"data-one-sided main:profile/orders.note#nulls":      "about 0.5 % nulls in production, none in staging",
		"data-one-sided main:profile/orders.status":          `"lost" in about`,
		"data-one-sided main:profile/orders.body#max_length": "800 characters in production, 255 in staging",
	} {
		if !strings.Contains(messages[at], want) {
			t.Errorf("%s: %q", at, messages)
		}
	}
	if scans, _ := scansOf(t, production); scans > 0 {
		t.Errorf("production's table was read %d times", scans)
	}
}

// A table under exact is read once, and its rows that differ are found by the key's index.
func TestRowsThatDifferAreReadAgainByTheIndex(t *testing.T) {
	a, b := newPlace(t, "postgres"), newPlace(t, "postgres")
	for i, p := range []*place{a, b} {
		p.exec(t, "CREATE TABLE orders (id bigint PRIMARY KEY, n integer)", fmt.Sprintf("INSERT INTO orders SELECT i, CASE WHEN i = 700 THEN %d ELSE i END FROM generate_series(1, 30000) i", i), "ANALYZE orders")
	}
	rows, spec := database.Rows{Limit: 1000}, snapshot.DatabaseSpec{Exact: []string{"orders"}}
	messages, _ := compared(t, a.side(t, "a", spec, testKey, rows), b.side(t, "b", spec, testKey, rows))
	if got := messages["rows-different main:rows/orders"]; got != "rows of orders: 1 changed in b against a, in n" {
		t.Errorf("%q", got)
	}
	deadline := time.Now().Add(time.Minute) // sessions count when they end, which nobody waits for
	scans, lookups := scansOf(t, a)
	for ; lookups == 0 && time.Now().Before(deadline); scans, lookups = scansOf(t, a) {
		time.Sleep(50 * time.Millisecond)
	}
	if scans != 1 || lookups == 0 {
		t.Errorf("the table was read %d times, its index %d times", scans, lookups)
	}
}

// scansOf are how often the table orders was read as a whole, and by its index, since its key was made, which reads the empty table.
func scansOf(t *testing.T, p *place) (scans, lookups int) {
	t.Helper()
	db, err := p.engine.Open(t.Context(), p.target, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Query(t.Context(), "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'orders'", func(r engine.Row) error {
		_, err := fmt.Sscan(string(r[0].Data)+" "+string(r[1].Data), &scans, &lookups)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return scans - 1, lookups
}
