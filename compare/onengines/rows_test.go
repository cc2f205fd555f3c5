package onengines

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

// column is a column of the tables below: its type on each engine, and its values. A value is an SQL literal, with %x before bytes.
type column struct {
	name   string
	types  map[string]string // by engine; "" is any
	values []string
}

var columns = []column{
	{"amount", of("numeric(12,2)"), []string{"0", "1.5", "-12.50", "9999999999.99", "NULL", "0.01"}},
	{"big", of("bigint"), []string{"9007199254740993", "-9223372036854775808", "9223372036854775807", "0", "NULL"}},
	{"flag", of("boolean"), []string{"TRUE", "FALSE", "NULL"}},
	{"code", of("char(6)"), []string{"'ab'", "'abcdef'", "''", "NULL"}},
	{"name", of("varchar(60)"), []string{"'Ann'", "'ann'", "'Ánn'", "''", "'NULL'", "NULL", "'  Ann '", "'日本語'", "'😀'"}},
	{"note", of("text"), []string{"'a|b'", "'a' || 'b'", "'x	y'", "'tab	and\nline'", "'quo''te'", "''", "NULL", "'1.0'", "'1.00'"}},
	{"status", of("varchar(10)"), []string{"'new'", "'paid'", "'sent'", "'done'"}},
	{"made", map[string]string{"postgres": "timestamptz", "mysql": "timestamp(6) NULL", "sqlite": "timestamp"}, []string{"'2020-01-01 00:00:01'", "'2024-02-29 23:59:59.5'", "'2037-12-31 10:00:00.123456'", "NULL"}},
	{"local", map[string]string{"postgres": "timestamp", "mysql": "datetime(6)", "sqlite": "datetime"}, []string{"'1970-01-01 00:00:00'", "'2024-02-29 23:59:59.25'", "NULL"}},
	{"day", of("date"), []string{"'2024-02-29'", "'1000-01-01'", "NULL"}},
	{"clock", map[string]string{"": "time", "mysql": "time(6)"}, []string{"'00:00:00'", "'23:59:59.5'", "NULL"}},
	{"uid", map[string]string{"": "uuid"}, []string{"'9F8B2C10-0000-4000-8000-00000000ABCD'", "'00000000-0000-4000-8000-000000000001'", "NULL"}},
	{"doc", map[string]string{"postgres": "jsonb", "mysql": "json", "sqlite": "json"}, []string{`'{"b": 1, "a": [1.0, "x", null]}'`, `'{"a":[1,"x",null],"b":1.0}'`, `'[]'`, `'"é"'`, "NULL"}},
	{"raw", map[string]string{"postgres": "bytea", "": "blob"}, []string{"%x00ff", "%x", "%x61626364", "NULL"}},
	{"ratio", map[string]string{"": "double precision"}, []string{"0.1", "-1.5e-7", "1e300", "123456789.125", "NULL", "3"}},
	{"single", map[string]string{"": "real", "mysql": "float"}, []string{"0.1", "-2.5", "1234.5", "NULL"}},
}

func of(t string) map[string]string { return map[string]string{"": t} }

func (c column) typeOn(engine string) string {
	if t, ok := c.types[engine]; ok {
		return t
	}
	return c.types[""]
}

// shopRow is a row: an id and a literal per column.
type shopRow struct {
	id    int
	cells []string
}

func (r shopRow) with(name, value string) shopRow {
	cells := append([]string(nil), r.cells...)
	for i, c := range columns {
		if c.name == name {
			cells[i] = value
		}
	}
	return shopRow{r.id, cells}
}

// seeded are n rows of random values.
func seeded(random *rand.Rand, n int) []shopRow {
	rows := make([]shopRow, n)
	for i := range rows {
		rows[i].id = i + 1
		for _, c := range columns {
			rows[i].cells = append(rows[i].cells, c.values[random.IntN(len(c.values))])
		}
	}
	return rows
}

// literal is a value in an engine's SQL.
func literal(engine, v string) string {
	switch hex, isBytes := strings.CutPrefix(v, "%x"); {
	case isBytes && engine == "postgres":
		return `'\x` + hex + `'`
	case isBytes:
		return "x'" + hex + "'"
	case engine == "mysql" && v == "'a' || 'b'":
		return "'ab'"
	}
	return v
}

// statements make and fill a table. Without a key the id is a column like any other, and MySQL's order of rows is its own.
func statements(engine, table string, key bool, rows []shopRow) []string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (id bigint NOT NULL", table)
	for _, c := range columns {
		fmt.Fprintf(&b, ", %s %s", c.name, c.typeOn(engine))
	}
	if key {
		b.WriteString(", PRIMARY KEY (id)")
	}
	b.WriteString(")")
	out := []string{b.String()}
	b.Reset()
	for _, r := range rows {
		if b.Len() == 0 {
			b.WriteString("INSERT INTO " + table + " VALUES ")
		} else {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(%d", r.id)
		for _, v := range r.cells {
			b.WriteString(", " + literal(engine, v))
		}
		b.WriteString(")")
	}
	return append(out, b.String())
}

// edit changes rows and says what a comparison by key has to find.
type edit struct {
	name                    string
	do                      func(random *rand.Rand, rows []shopRow) []shopRow
	added, removed, changed int
	columns                 string // what the changed rows differ in, "" is anything
}

const k = 5

var edits = []edit{
	{"nothing", func(_ *rand.Rand, rows []shopRow) []shopRow { return rows }, 0, 0, 0, ""},
	{"another order", func(random *rand.Rand, rows []shopRow) []shopRow {
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		return rows
	}, 0, 0, 0, ""},
	{"inserts", func(random *rand.Rand, rows []shopRow) []shopRow {
		for i, r := range seeded(random, k) {
			r.id = -i
			rows = append(rows, r)
		}
		return rows
	}, k, 0, 0, ""},
	{"deletes", func(random *rand.Rand, rows []shopRow) []shopRow {
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		return rows[k:]
	}, 0, k, 0, ""},
	{"updates", func(random *rand.Rand, rows []shopRow) []shopRow {
		for _, i := range random.Perm(len(rows))[:k] {
			rows[i] = rows[i].with("note", fmt.Sprintf("'updated %d'", i))
		}
		return rows
	}, 0, 0, k, "note"},
	{"a swap of equal lengths", func(_ *rand.Rand, rows []shopRow) []shopRow {
		rows[3], rows[8] = rows[3].with("status", "'done'"), rows[8].with("status", "'sent'")
		return rows
	}, 0, 0, 2, "status"},
	{"the same edit on an even number of rows", func(_ *rand.Rand, rows []shopRow) []shopRow {
		for i := range 4 {
			rows[i] = rows[i].with("local", "'2020-01-01 11:32:00'")
		}
		return rows
	}, 0, 0, 4, "local"},
	{"a relabelled category", func(_ *rand.Rand, rows []shopRow) []shopRow {
		for i := 10; i < 16; i++ {
			rows[i] = rows[i].with("status", "'void'")
		}
		return rows
	}, 0, 0, 6, "status"},
	{"NULL, empty and 'NULL'", func(_ *rand.Rand, rows []shopRow) []shopRow {
		rows[20], rows[21], rows[22] = rows[20].with("name", "''"), rows[21].with("name", "'NULL'"), rows[22].with("name", "'NULL'")
		return rows
	}, 0, 0, 3, "name"},
	{"separators inside values", func(_ *rand.Rand, rows []shopRow) []shopRow {
		rows[30] = rows[30].with("name", "'a|b'").with("note", "'c'")
		rows[31] = rows[31].with("name", "'a	b'").with("note", "'c'")
		return rows
	}, 0, 0, 2, ""},
	{"1.0 and 1.00 in a number", func(_ *rand.Rand, rows []shopRow) []shopRow {
		rows[40] = rows[40].with("amount", "1.00").with("ratio", "1e0")
		return rows
	}, 0, 0, 0, ""},
	{"1.0 and 1.00 in a text", func(_ *rand.Rand, rows []shopRow) []shopRow {
		rows[41] = rows[41].with("note", "'1.00'")
		return rows
	}, 0, 0, 1, "note"},
	{"upper and lower case", func(_ *rand.Rand, rows []shopRow) []shopRow {
		rows[42] = rows[42].with("name", "'ANN'")
		return rows
	}, 0, 0, 1, "name"},
	{"the last digit of a large number", func(_ *rand.Rand, rows []shopRow) []shopRow {
		rows[43] = rows[43].with("big", "9007199254740992")
		return rows
	}, 0, 0, 1, "big"},
}

// base are rows whose values the edits above rely on.
func base(random *rand.Rand) []shopRow {
	rows := seeded(random, 60)
	rows[3], rows[8] = rows[3].with("status", "'sent'"), rows[8].with("status", "'done'")
	for i := range 4 {
		rows[i] = rows[i].with("local", "'2020-01-01 11:22:00'")
	}
	rows[20], rows[21], rows[22] = rows[20].with("name", "NULL"), rows[21].with("name", "''"), rows[22].with("name", "NULL")
	rows[30] = rows[30].with("name", "'a'").with("note", "'b|c'")
	rows[31] = rows[31].with("name", "'a'").with("note", "'b	c'")
	rows[40] = rows[40].with("amount", "1.0").with("ratio", "1.00")
	rows[41] = rows[41].with("note", "'1.0'")
	rows[42] = rows[42].with("name", "'Ann'")
	rows[43] = rows[43].with("big", "9007199254740993")
	return rows
}

// want is the message that an edit leads to, "" for none.
func (e edit) want(key bool) string {
	added, removed, changed := e.added, e.removed, e.changed
	if !key {
		added, removed, changed = added+changed, removed+changed, 0
	}
	var parts []string
	for _, p := range []struct {
		n    int
		verb string
	}{{added, "added"}, {removed, "removed"}, {changed, "changed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.verb))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	s := strings.Join(parts, ", ") + " in b against a"
	if changed > 0 && e.columns != "" {
		s += ", in " + e.columns
	}
	return s
}

// TestEditsAreFoundExactly plants every edit in a table of its own, with and without a key, on every engine, and compares every engine
// with every other, row by row and in buckets.
func TestEditsAreFoundExactly(t *testing.T) {
	spec := snapshot.DatabaseSpec{}
	var before, after [3]*place
	for i, name := range engines {
		before[i], after[i] = newPlace(t, name), newPlace(t, name)
		var a, b []string
		for n, e := range edits {
			for _, key := range []bool{true, false} {
				random := rand.New(rand.NewPCG(uint64(n), 7))
				rows := base(random)
				edited := e.do(random, append([]shopRow(nil), rows...))
				table := tableOf(n, key)
				a = append(a, statements(name, table, key, rows)...)
				b = append(b, statements(name, table, key, edited)...)
				if i == 0 {
					spec.Exact = append(spec.Exact, table)
				}
			}
		}
		before[i].exec(t, a...)
		after[i].exec(t, b...)
	}
	for _, limit := range []int{0, 100} {
		rows := database.Rows{Limit: limit}
		var a, b [3]compare.Side
		for i := range engines {
			a[i], b[i] = before[i].side(t, "a", spec, testKey, rows), after[i].side(t, "b", spec, testKey, rows)
		}
		for i := range engines {
			for j := range engines {
				messages, r := compared(t, a[i], b[j])
				if len(r.Gaps) > 0 {
					t.Fatalf("gaps %+v", r.Gaps)
				}
				for n, e := range edits {
					for _, key := range []bool{true, false} {
						got := messages["rows-different main:rows/"+tableOf(n, key)]
						want := e.want(key)
						if (want == "") != (got == "") || !strings.Contains(got, want) {
							t.Errorf("%s to %s, limit %d, key %v, %s: %q, want %q", engines[i], engines[j], limit, key, e.name, got, want)
						}
					}
				}
			}
		}
	}
}

func tableOf(n int, key bool) string {
	if key {
		return fmt.Sprintf("keyed_%d", n)
	}
	return fmt.Sprintf("bag_%d", n)
}
