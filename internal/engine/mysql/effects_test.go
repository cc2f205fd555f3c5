package mysql

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

func names(list []schema.Name) string {
	var s []string
	for _, n := range list {
		s = append(s, n.String())
	}
	return strings.Join(s, " ")
}

func TestEffectsOfStatements(t *testing.T) {
	_, base := arrange(t, "")
	at := scratch(t, base, "CREATE TABLE a (id INT PRIMARY KEY, n INT, d DATE)", "CREATE TABLE b (id INT PRIMARY KEY, n INT, hid INT INVISIBLE)", "CREATE TABLE c (id INT PRIMARY KEY, a_id INT, FOREIGN KEY (a_id) REFERENCES a (id) ON DELETE CASCADE)",
		"CREATE TABLE d (id INT PRIMARY KEY, c_id INT, FOREIGN KEY (c_id) REFERENCES c (id) ON DELETE SET NULL ON UPDATE CASCADE)", "CREATE TABLE `from` (id INT)", "CREATE VIEW v AS SELECT a.id, b.n FROM a JOIN b ON b.id = a.id", "CREATE VIEW only_a AS SELECT id, n FROM a")
	s := sessionOf(t, at)
	for _, c := range []struct{ sql, reads, writes string }{
		{"SELECT x.n FROM a AS x, b y JOIN c USING (id) WHERE x.id IN (SELECT c_id FROM d)", "a b c d", ""},
		{"SELECT extract(YEAR FROM d), trim(BOTH 'x' FROM n) FROM a", "a", ""},
		{"SELECT * FROM `from`", "from", ""},
		{"SELECT * FROM (a, b) LEFT JOIN (c CROSS JOIN d) ON true", "a b c d", ""},
		{"WITH a (x) AS (SELECT id FROM b) SELECT * FROM a", "b", ""},
		{"SELECT * FROM v FOR UPDATE", "a b", ""},
		{"(SELECT id FROM a) UNION ALL SELECT id FROM b", "a b", ""},
		{"UPDATE a SET n = (SELECT max(n) FROM b)", "a b", "a"},
		{"UPDATE a x JOIN b y ON x.id = y.id SET x.n = y.n, x.d = NULL", "a b", "a"},
		{"UPDATE a, b SET a.n = 1, b.n = 2", "a b", "a b"},
		{"UPDATE c SET id = id + 1", "c", "c d"},
		{"UPDATE only_a SET n = 1", "a", "a"},
		{"DELETE FROM a WHERE id = 1", "a", "a c d"},
		{"DELETE x, c FROM a x JOIN c ON c.a_id = x.id", "a c", "a c d"},
		{"DELETE FROM b USING a JOIN b ON a.id = b.id", "a b", "b"},
		{"REPLACE INTO a (id) SELECT id FROM b", "b", "a c d"},
		{"INSERT INTO b (id) VALUES (1) ON DUPLICATE KEY UPDATE n = VALUES(n)", "", "b"},
		{"INSERT b SET id = 1, n = (SELECT count(*) FROM c)", "c", "b"},
		{"TRUNCATE TABLE d", "", "d"},
		{"CREATE TABLE e AS SELECT * FROM a", "a", ""},
		{"CREATE TABLE e (id INT)", "", ""},
		{"ALTER TABLE a ADD COLUMN x INT", "", ""},
		{"SET @a = 1", "", ""},
		{"", "", ""},
	} {
		got, err := s.Effects(context.Background(), c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if names(got.Reads) != c.reads || names(got.Writes) != c.writes {
			t.Errorf("%s\nreads %q, want %q; writes %q, want %q", c.sql, names(got.Reads), c.reads, names(got.Writes), c.writes)
		}
	}
	for _, sql := range []string{"CALL p()", "UPDATE nowhere SET a = 1", "SELECT 'a"} {
		if got, err := s.Effects(context.Background(), sql); err == nil {
			t.Errorf("%s: %+v", sql, got)
		}
	}
	for sql, want := range map[string]string{
		"INSERT b SELECT id, n FROM a":                                  "b id,n SELECT id, n FROM a",
		"INSERT INTO b (hid, `id`) (SELECT n, id FROM a) ;":             "b hid,id (SELECT n, id FROM a)",
		"INSERT INTO b SELECT id, n FROM a RETURNING id":                "b id,n SELECT id, n FROM a",
		"INSERT INTO b SELECT id, n FROM a ON DUPLICATE KEY UPDATE n=1": "",
		"INSERT IGNORE INTO b SELECT id, n FROM a":                      "",
		"REPLACE INTO b SELECT id, n FROM a":                            "",
	} {
		got, err := s.Effects(context.Background(), sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		said := ""
		if i := got.InsertSelect; i != nil {
			said = i.Table.Name + " " + strings.Join(i.Columns, ",") + " " + i.Query
		}
		if said != want {
			t.Errorf("%s\ngot  %s\nwant %s", sql, said, want)
		}
	}
}

func TestProbesCompareAsTheColumnsDo(t *testing.T) {
	_, at := arrange(t, "CREATE TABLE t (id INT, ci VARCHAR(20), cs VARCHAR(20) COLLATE utf8mb4_bin); INSERT INTO t VALUES (1, 'a@x.example', 'a'), (2, 'A@X.example', 'A'), (3, 'ä', 'ä'), (4, 'a ', 'a '), (5, NULL, NULL)")
	db := openRead(t, at)
	for _, c := range []struct {
		o          schema.Obligation
		violations int
	}{
		{schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"ci"}}, 4}, // a and ä, with or without a blank
		{schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"cs"}}, 2},
		{schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"ci"}, Collations: []string{"utf8mb4_nopad_bin"}}, 0},
		{schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"ci"}, Exprs: []string{"left(`ci`, 1)"}}, 4},
	} {
		sql, err := New().Probe(c.o, schema.Relation{Table: schema.Name{Name: "t"}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := db.Query(context.Background(), sql, func(r engine.Row) error { got = string(r[0].Data) + " of " + string(r[1].Data); return nil }); err != nil {
			t.Fatal(err)
		}
		if want := strconv.Itoa(c.violations) + " of 5"; got != want {
			t.Errorf("%+v: %s, want %s", c.o, got, want)
		}
	}
}

func TestFindShowsTheKeysOfTheRows(t *testing.T) {
	_, at := arrange(t, "CREATE TABLE p (id INT PRIMARY KEY); INSERT INTO p VALUES (1); CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(9), p_id INT); INSERT INTO t VALUES (1, 'a', 1), (2, 'A', 7), (3, NULL, NULL)")
	db := openRead(t, at)
	find := mysqlEngine{}
	for want, o := range map[string]schema.Obligation{
		"3":   {Kind: schema.NotNull, Columns: []string{"s"}},
		"1 2": {Kind: schema.UniqueKey, Columns: []string{"s"}},
		"2":   {Kind: schema.Reference, Columns: []string{"p_id"}, RefTable: schema.Name{Name: "p"}, RefColumns: []string{"id"}},
		"":    {Kind: schema.CheckExpr, Expr: "id < 9"},
	} {
		sql, err := find.Find(o, schema.Relation{Table: schema.Name{Name: "t"}}, []string{"id"})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		if err := db.Query(context.Background(), sql+" ORDER BY id", func(r engine.Row) error { ids = append(ids, string(r[0].Data)); return nil }); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: rows %s, want %s", sql, got, want)
		}
	}
}
