package onengines

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

// write changes rows of both databases in the same way, one after the other, until the test ends.
func write(t *testing.T, a, b *place, ids int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var sessions [2]engine.Session
	for i, p := range []*place{a, b} {
		db, err := p.engine.Open(ctx, p.target, engine.Scratch)
		if err != nil {
			t.Fatal(err)
		}
		if sessions[i], err = db.Session(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var done sync.WaitGroup
	done.Go(func() {
		random := rand.New(rand.NewPCG(1, 2))
		for n := 0; ctx.Err() == nil; n++ {
			id := 100 + random.IntN(ids-100)
			for _, s := range sessions {
				// Both are written also when the test ends in between: else they would differ for good.
				if _, err := s.Exec(context.WithoutCancel(ctx), fmt.Sprintf("UPDATE moving SET n = n + 1, note = 'write %d' WHERE id = %d", n, id)); err != nil {
					t.Errorf("writing: %v", err)
					return
				}
				time.Sleep(3 * time.Millisecond)
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
		for _, s := range sessions {
			s.Close()
		}
	}
}

func TestATableThatMovesGivesNoFalseRow(t *testing.T) {
	const ids = 3000
	spec := snapshot.DatabaseSpec{Exact: []string{"moving"}, Keep: func(_, column string) bool { return column != "note" }}
	for _, name := range []string{"postgres", "mysql"} {
		a, b := newPlace(t, name), newPlace(t, name)
		var rows []string
		for i := range ids {
			rows = append(rows, fmt.Sprintf("(%d, 0, 'note %d')", i, i))
		}
		for _, p := range []*place{a, b} {
			p.exec(t, "CREATE TABLE moving (id int PRIMARY KEY, n int, note varchar(80))", "INSERT INTO moving VALUES "+strings.Join(rows, ", "))
		}
		b.exec(t, "UPDATE moving SET n = 7 WHERE id IN (1, 2)", "DELETE FROM moving WHERE id = 3")
		for _, limit := range []int{0, 100} {
			stop := write(t, a, b, ids)
			// The captures are apart, so that many rows differ between them.
			first := a.side(t, "a", spec, testKey, database.Rows{Limit: limit})
			time.Sleep(300 * time.Millisecond)
			second := b.side(t, "b", spec, testKey, database.Rows{Limit: limit})
			seen, err := snapshot.CompareRows(first.Snapshot.Attachments["rows/main/primary/moving.tsv.zst"], second.Snapshot.Attachments["rows/main/primary/moving.tsv.zst"])
			if err != nil {
				t.Fatal(err)
			}
			if len(seen.Buckets) < 6 {
				t.Errorf("%s: nothing moved", name)
			}
			messages, r := compared(t, first, second)
			stop()
			want := "rows of moving: 1 removed, 2 changed in b against a, in n (1: n 0 → 7; 2: n 0 → 7; 3 removed)"
			got := messages["rows-different main:rows/moving"]
			if ordered(got) != ordered(want) || len(r.Findings) != 1 || len(r.Gaps) > 0 {
				t.Errorf("%s, limit %d: %q, gaps %+v", name, limit, got, r.Gaps)
			}
		}
	}
}

// ordered sorts the examples of a message: they come in the order of digests.
func ordered(message string) string {
	head, examples, _ := strings.Cut(strings.TrimSuffix(message, ")"), " (")
	list := strings.Split(examples, "; ")
	for i := range list {
		for j := i; j > 0 && list[j] < list[j-1]; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return head + " (" + strings.Join(list, "; ") + ")"
}

func TestATableThatNobodyMayReadIsAGapAndTheOthersAreCompared(t *testing.T) {
	spec := snapshot.DatabaseSpec{Exact: []string{"closed", "open"}}
	script := []string{"CREATE TABLE closed (id int PRIMARY KEY)", "CREATE TABLE open (id int PRIMARY KEY)", "INSERT INTO closed VALUES (1)", "INSERT INTO open VALUES (1)"}
	for _, name := range []string{"postgres", "mysql"} {
		a, b := newPlace(t, name), newPlace(t, name)
		a.exec(t, script...)
		b.exec(t, append(script, "INSERT INTO open VALUES (2)")...)
		if name == "postgres" {
			b.exec(t, "CREATE ROLE reader LOGIN PASSWORD 'reader'", "GRANT SELECT ON open TO reader")
			server := testservers.Postgres(t)
			b.target.DSN = server.UserDSN("reader", "reader", b.target.DSN[strings.LastIndex(b.target.DSN, "/")+1:strings.Index(b.target.DSN, "?")])
		} else {
			database := b.target.DSN[strings.LastIndex(b.target.DSN, "/")+1:]
			b.exec(t, "CREATE USER reader@'%' IDENTIFIED BY 'reader'", "GRANT SELECT ON "+database+".open TO reader@'%'", "GRANT SHOW VIEW ON "+database+".* TO reader@'%'")
			b.target.DSN = testservers.MariaDB(t).UserDSN("reader", "reader", database)
		}
		messages, r := compared(t, a.side(t, "a", spec, testKey, database.Rows{}), b.side(t, "b", spec, testKey, database.Rows{}))
		if !strings.Contains(messages["rows-different main:rows/open"], "1 added") || len(messages) != 1 {
			t.Errorf("%s: %q", name, messages)
		}
		if len(r.Gaps) != 1 || r.Gaps[0].Address != "main:rows/closed" || !strings.Contains(strings.ToLower(r.Gaps[0].Reason+r.Gaps[0].Hint), "grant select") {
			t.Errorf("%s: gaps %+v", name, r.Gaps)
		}
	}
}

func TestDigestsUnderOtherKeysAreNotComparable(t *testing.T) {
	other, err := keys.Parse("HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	if err != nil {
		t.Fatal(err)
	}
	spec := snapshot.DatabaseSpec{Exact: []string{"t"}}
	a := newPlace(t, "sqlite")
	a.exec(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)")
	messages, r := compared(t, a.side(t, "a", spec, testKey, database.Rows{}), a.side(t, "b", spec, other, database.Rows{}))
	if len(messages) > 0 || len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Reason, "key") {
		t.Errorf("findings %q, gaps %+v", messages, r.Gaps)
	}
}
