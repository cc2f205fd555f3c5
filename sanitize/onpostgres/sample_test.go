package onpostgres

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

// A second sample of rows that nobody has written to is chosen by what the first one has found, and is the same; a table that was written to is scanned again.
func TestASecondSampleNeedsNoScan(t *testing.T) {
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	server.Exec(t, dsn, `CREATE TABLE people (id bigint PRIMARY KEY, name text, boss bigint REFERENCES people);
		INSERT INTO people SELECT n, 'Somebody ' || n, CASE WHEN n > 1 THEN n / 2 END FROM generate_series(1, 20000) n;
		CREATE TABLE letters (id bigint PRIMARY KEY, person bigint REFERENCES people, text text);
		INSERT INTO letters SELECT n, n, CASE WHEN n = 777 THEN '' ELSE 'a letter' END FROM generate_series(1, 20000) n;
		CREATE TABLE days (at date NOT NULL, note text) PARTITION BY RANGE (at); CREATE TABLE days_1 PARTITION OF days DEFAULT; INSERT INTO days SELECT date '2026-01-01' + n, 'x' FROM generate_series(1, 300) n`)
	scans := &sanitize.Scans{}
	sampled := func(marks map[schema.Name]string) (rows string, settled bool) {
		src := open(t, dsn, engine.ReadOnly)
		defer src.Close()
		sch, err := src.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		policy, err := sanitize.ParsePolicy([]byte(`tables: {people: {columns: {id: {keep: true}, name: {mask: name}, boss: {keep: true}}}, letters: {columns: {id: {keep: true}, person: {keep: true}, text: {mask: text}}},
			days: {columns: {at: {keep: true}, note: {keep: true}}}}`), "sanitize.yaml")
		if err != nil {
			t.Fatal(err)
		}
		plan, err := sanitize.NewPlan(policy, sch, sanitize.Keepable, nil)
		if err != nil {
			t.Fatal(err)
		}
		sample := &sanitize.Sample{Percent: 1, Scans: scans, Marks: marks}
		copied, err := sanitize.Build(t.Context(), src, engine.Target{Engine: "postgres", DSN: server.DSN("postgres"), Display: "scratch"}, t.TempDir(), sch, plan, testKey(t), sanitize.CopyOptions{Sample: sample})
		if err != nil {
			t.Fatal(err)
		}
		rows = server.Ask(t, copied.Target.DSN, "SELECT (SELECT string_agg(p::text, ' ' ORDER BY id) FROM people p) || (SELECT string_agg(l::text, ' ' ORDER BY id) FROM letters l) || (SELECT string_agg(d::text, ' ' ORDER BY at) FROM days d)") +
			fmt.Sprint(copied.Report.Features)
		if err := src.Engine().DropScratch(context.WithoutCancel(t.Context()), copied.Target); err != nil {
			t.Fatal(err)
		}
		return rows, sample.Settled
	}
	marks := func() map[schema.Name]string {
		src := open(t, dsn, engine.ReadOnly)
		defer src.Close()
		m, err := src.(engine.Watermarker).Watermarks(t.Context())
		if err != nil || len(m) != 4 { // days_1 is a table, too
			t.Fatalf("%v %v", m, err)
		}
		return m
	}
	before := marks()
	first, settled := sampled(before)
	if settled || !strings.Contains(first, "(777,777,") {
		t.Error("the first sample is not scanned, or lacks the odd row")
	}
	if second, settled := sampled(before); !settled || second != first {
		t.Errorf("settled %v; the second sample is another one", settled)
	}
	server.Exec(t, dsn, "UPDATE letters SET text = NULL WHERE id = 888; UPDATE days SET note = NULL WHERE at = '2026-02-03'")
	after := marks()
	for deadline := time.Now().Add(time.Minute); after[schema.Name{Name: "letters"}] == before[schema.Name{Name: "letters"}] || after[schema.Name{Name: "days"}] == before[schema.Name{Name: "days"}]; after = marks() {
		if time.Now().After(deadline) {
			t.Fatal("the server does not count")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if after[schema.Name{Name: "people"}] != before[schema.Name{Name: "people"}] {
		t.Error("people seems to have changed")
	}
	third, settled := sampled(after)
	if settled || !strings.Contains(third, "(888,888,)") || !strings.Contains(third, "(2026-02-03,)") {
		t.Error("what was written since is not in the sample")
	}
}
