package sanitize

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/schema"
)

// Checks as the servers print them: what they compare a column with, and how long it may be.
func TestChecksAreRead(t *testing.T) {
	table := &schema.Table{Columns: []schema.Column{{Name: "id"}, {Name: "body"}, {Name: "other"}}}
	for expr, want := range map[string]struct {
		literal string
		limit   int
	}{
		"length(body) < 11":                                     {"", 10},
		"length(body::text) < 11":                               {"", 10},
		"length((body)::text) <= 11":                            {"", 11},
		"char_length((body)::character varying(40)) <= 11":      {"", 11},
		"body::text <> 'x'::text":                               {"x", 0},
		"length(body::text) < 11 AND body::text <> 'x'::text":   {"x", 10},
		"(body)::text = ANY (ARRAY['new'::text, 'paid'::text])": {"new", 0},
		"length(other::text) < 11":                              {"", 0},
		"lower(body::text) = body::text":                        {"", 0},
		"octet_length(`body`) <= 7":                             {"", 7},
	} {
		if got := compared(table, expr, "body"); got != want.literal {
			t.Errorf("%s: compared with %q, want %q", expr, got, want.literal)
		}
		if got := maxLength(expr, "body"); got != want.limit {
			t.Errorf("%s: limit %d, want %d", expr, got, want.limit)
		}
	}
}

// What a mask cannot keep is told before a row is read: a row's partition, and that rows exclude each other.
func TestWhatKeysOfOtherKindsDemand(t *testing.T) {
	part := func(bound string) schema.Partition { return schema.Partition{Bound: bound} }
	for _, c := range []struct {
		name  string
		table schema.Table
		mask  string
		says  string
	}{
		{"ranges", schema.Table{PartitionBy: "RANGE (v)", Partitions: []schema.Partition{part("FOR VALUES FROM ('a') TO ('m')")}}, "text", "t is partitioned by it (RANGE (v)) and has no partition for all other values"},
		{"ranges and the rest", schema.Table{PartitionBy: "RANGE (v)", Partitions: []schema.Partition{part("FOR VALUES FROM ('a') TO ('m')"), part("DEFAULT")}}, "text", ""},
		{"ranges to the end", schema.Table{PartitionBy: "RANGE COLUMNS(v)", Partitions: []schema.Partition{part("VALUES LESS THAN ('m')"), part("VALUES LESS THAN (MAXVALUE)")}}, "text", ""},
		{"a list with a word", schema.Table{PartitionBy: "LIST (v)", Partitions: []schema.Partition{part("FOR VALUES IN ('default')")}}, "text", "has no partition for all other values"},
		{"parts of parts", schema.Table{PartitionBy: "HASH (id)", Partitions: []schema.Partition{{Bound: "FOR VALUES WITH (modulus 1, remainder 0)", PartitionBy: "LIST (v)", Partitions: []schema.Partition{part("FOR VALUES IN ('a')")}}}}, "text", "partitioned by it (LIST (v))"},
		{"hashes", schema.Table{PartitionBy: "HASH (v)"}, "text", ""},
		{"another column", schema.Table{PartitionBy: "RANGE (id) SUBPARTITION BY HASH (v) SUBPARTITIONS 2"}, "text", ""},
		{"exclusion", schema.Table{Exclusions: []schema.Exclusion{{Name: "x", Definition: "EXCLUDE USING gist (v WITH =, id WITH &&)"}}}, "xml", "the exclusion constraint x needs that"},
		{"exclusion by a mask that keeps it", schema.Table{Exclusions: []schema.Exclusion{{Name: "x", Definition: "EXCLUDE USING gist (v WITH =, id WITH &&) WHERE (id > 3)"}}}, "text", ""},
		{"exclusion over a part", schema.Table{Exclusions: []schema.Exclusion{{Name: "x", Definition: "EXCLUDE USING gist (substr(v, 1, 3) WITH =)"}}}, "text", "the exclusion constraint x is over substr()"},
		{"exclusion with a condition", schema.Table{Exclusions: []schema.Exclusion{{Name: "x", Definition: "EXCLUDE USING gist (v WITH =) WHERE ((v <> 'free'::text))"}}}, "text", "compares it with a value in its WHERE"},
		{"a check of a list", schema.Table{Checks: []schema.Check{{Name: "states", Expr: "v::text = ANY (ARRAY['new'::text, 'paid'::text])"}}}, "text", "the check states compares it with a value"},
		{"a check of the length", schema.Table{Checks: []schema.Check{{Name: "short", Expr: "length((v)::text) <= 20"}}}, "text", ""},
	} {
		c.table.Name, c.table.Columns = schema.Name{Name: "t"}, []schema.Column{{Name: "id", Type: "integer"}, {Name: "v", Type: "character varying(40)"}}
		policy, err := ParsePolicy([]byte("tables: {t: {columns: {id: {keep: true}, v: {mask: "+c.mask+"}}}}"), "sanitize.yaml")
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewPlan(policy, &schema.Database{Engine: "postgres", Tables: []schema.Table{c.table}}, Keepable, nil)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
