package migrations

import "testing"

func TestQuietStatementsDemandNothing(t *testing.T) {
	for sql, want := range map[string]string{
		"CREATE TABLE a (x int)":                                "table a",
		"create table if not exists shop.\"a b\" (x int); -- x": "table shop.a b",
		"CREATE INDEX a_x ON a (x)":                             "index a.a_x",
		"CREATE INDEX a_x ON public.a USING gin (x)":            "index a.a_x",
		"ALTER TABLE a ADD COLUMN y text":                       "column a.y",
		"ALTER TABLE a ADD y varchar(20);":                      "column a.y",
		"ALTER TABLE a ADD COLUMN y text NOT NULL":              "",
		"ALTER TABLE a ADD COLUMN y text DEFAULT 'x'":           "",
		"ALTER TABLE a ADD COLUMN y text, ADD CHECK (x > 0)":    "",
		"ALTER TABLE a ADD unique text":                         "",
		"CREATE UNIQUE INDEX a_x ON a (x)":                      "",
		"CREATE TABLE a AS SELECT * FROM b":                     "",
		"CREATE TABLE a (x int) AS SELECT * FROM b":             "",
		"CREATE TABLE a (x text DEFAULT 'as select')":           "table a",
		"CREATE TABLE a PARTITION OF b FOR VALUES IN (1)":       "",
		"CREATE TABLE a (LIKE b)":                               "",
		"INSERT INTO a VALUES (1)":                              "",
		"CREATE INDEX CONCURRENTLY a_x ON a (x)":                "",
	} {
		got := ""
		if x, ok := quiet(sql); ok {
			got = x.kind + " " + x.name.String()
			for _, m := range x.more {
				got += "." + m
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}
