package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

func names(of []schema.Name) string {
	var list []string
	for _, n := range of {
		list = append(list, n.String())
	}
	return strings.Join(list, " ")
}

func TestEffectsOfWhatOnlyPostgresHas(t *testing.T) {
	server, at := arrange(t, `CREATE SCHEMA app; CREATE TABLE app.a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES app.a ON DELETE CASCADE);
CREATE TABLE c (b_id int REFERENCES b ON DELETE SET NULL, a_id int REFERENCES app.a ON UPDATE CASCADE);
CREATE TABLE logs (id int, day date) PARTITION BY RANGE (day); CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01'); CREATE TABLE logs_2 PARTITION OF logs DEFAULT;
CREATE TABLE made AS SELECT 1 AS id`)
	s := newSession(t, at)
	ctx := context.Background()
	for _, c := range []struct{ sql, reads, writes, insert string }{
		{sql: "SELECT count(*) FROM logs", reads: "logs"},
		{sql: "UPDATE logs SET id = 1", reads: "logs", writes: "logs"},
		{sql: "INSERT INTO logs SELECT id, DATE '2025-05-05' FROM b", reads: "b", writes: "logs", insert: "logs(id,day): SELECT id, DATE '2025-05-05' FROM b"},
		{sql: "DELETE FROM app.a", reads: "app.a", writes: "b c app.a"},
		{sql: "UPDATE app.a SET id = id + 1", reads: "app.a", writes: "c app.a"},
		{sql: "MERGE INTO b USING app.a ON a.id = b.id WHEN MATCHED THEN DELETE", reads: "b app.a", writes: "b c"},
		{sql: "WITH gone AS (DELETE FROM made RETURNING id) INSERT INTO b SELECT id FROM gone", reads: "made", writes: "b made"},
		{sql: "WITH x AS (SELECT id FROM made) INSERT INTO b AS target (id) OVERRIDING USER VALUE SELECT id FROM x RETURNING id;", reads: "made", writes: "b",
			insert: "b(id): WITH x AS (SELECT id FROM made) SELECT id FROM x"},
		{sql: `INSERT INTO "app"."a" (SELECT id FROM made)`, reads: "made", writes: "app.a", insert: "app.a(id): (SELECT id FROM made)"},
		{sql: "INSERT INTO b VALUES (1, 2)", reads: "", writes: "b"},
		{sql: "CREATE TABLE copied AS SELECT * FROM b", reads: "b"},
		{sql: "CREATE TABLE plain (a int GENERATED ALWAYS AS (1) STORED)"},
		{sql: "TRUNCATE b, ONLY made", writes: "b made"},
		{sql: "TRUNCATE TABLE app.a CASCADE", writes: "b c app.a"},
		{sql: "/* nothing */ ;"},
		{sql: "COMMENT ON TABLE b IS 'x'"},
		{sql: "VACUUM b"},
	} {
		if server.Major < 15 && strings.HasPrefix(c.sql, "MERGE") {
			continue // MERGE came with 15
		}
		got, err := s.Effects(ctx, c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		insert := ""
		if i := got.InsertSelect; i != nil {
			insert = i.Table.String() + "(" + strings.Join(i.Columns, ",") + "): " + i.Query
		}
		if names(got.Reads) != c.reads || names(got.Writes) != c.writes || insert != c.insert {
			t.Errorf("%s:\nreads %q, writes %q, insert %q\nwant  %q, %q, %q", c.sql, names(got.Reads), names(got.Writes), insert, c.reads, c.writes, c.insert)
		}
	}
	for _, sql := range []string{"DO $$ BEGIN DELETE FROM b; END $$", "CALL p()"} {
		var refusal *engine.Error
		if _, err := s.Effects(ctx, sql); !errors.As(err, &refusal) || refusal.Code != "0A000" {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestAskingForEffectsLeavesATransactionAsItWas(t *testing.T) {
	_, at := arrange(t, "CREATE TABLE t (id int)")
	s := newSession(t, at)
	ctx := context.Background()
	for _, sql := range []string{"BEGIN", "INSERT INTO t VALUES (1)"} {
		if _, err := s.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Effects(ctx, "SELECT * FROM nowhere"); err == nil {
		t.Fatal("no error")
	}
	if _, err := s.Effects(ctx, "DELETE FROM t"); err != nil {
		t.Fatal(err)
	}
	if rows, err := s.Exec(ctx, "UPDATE t SET id = 2"); rows != 1 || err != nil {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if _, err := s.Exec(ctx, "SELECT 1 / 0"); err == nil {
		t.Fatal("no error")
	}
	var refusal *engine.Error
	if _, err := s.Effects(ctx, "DELETE FROM t"); !errors.As(err, &refusal) || refusal.Code != "25P02" {
		t.Errorf("in a failed transaction: %v", err)
	}
}

func TestRowsOfAStatementThatAlsoYieldsThem(t *testing.T) {
	_, at := arrange(t, "CREATE TABLE t (id int)")
	s := newSession(t, at)
	for _, c := range []struct {
		sql  string
		rows int64
	}{
		{"INSERT INTO t SELECT generate_series(1, 3) RETURNING id", 3},
		{"SELECT * FROM t", 0},
		{"CREATE TABLE u AS SELECT * FROM t", 3},
		{"UPDATE t SET id = 9; DELETE FROM t WHERE id = 8", 0},
		{"SHOW search_path", 0},
	} {
		if rows, err := s.Exec(context.Background(), c.sql); rows != c.rows || err != nil {
			t.Errorf("%s: %d rows, %v, want %d", c.sql, rows, err, c.rows)
		}
	}
}

func FuzzParseInsert(f *testing.F) {
	for _, seed := range []string{"INSERT INTO a.b (c, \"d\") SELECT 1 RETURNING x", "WITH q AS (SELECT 1) INSERT INTO t WITH r AS (SELECT 2) SELECT * FROM r", "INSERT INTO t (", "INSERT INTO t AS", "insert into t overriding"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if parsed, ok := parseInsert(sql); ok && parsed.query == "" {
			t.Fatalf("%q: an insert without a query", sql)
		}
		parseName(sql)
		splitNames(sql)
		sequenceOf(schema.Column{Default: &sql})
	})
}
