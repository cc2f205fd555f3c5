package onengines

import (
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

// keepAll is a policy that keeps all columns.
func keepAll(grade snapshot.Grade) snapshot.DatabaseSpec {
	return snapshot.DatabaseSpec{Profile: grade, Keep: func(string, string) bool { return true }}
}

// ordersOf makes a table of n orders; each k-th has no note, a status of its own, and a long text beyond ASCII.
func ordersOf(name string, n, k int) []string {
	table := map[string]string{
		"postgres": "CREATE TABLE orders (id bigint PRIMARY KEY, status text, note text, comment text, amount integer) WITH (autovacuum_enabled = off)",
		"mysql":    "CREATE TABLE orders (id BIGINT PRIMARY KEY, status TEXT, note TEXT, comment TEXT, amount INTEGER)",
		"sqlite":   "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT, note TEXT, comment TEXT, amount INTEGER)",
	}[name]
	odd := "i % " + fmt.Sprint(k) + " = 0"
	return []string{table, `INSERT INTO orders WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ` + fmt.Sprint(n) + `)
SELECT i, CASE WHEN ` + odd + ` THEN 'lost' WHEN i % 2 = 0 THEN 'new' ELSE 'done' END, CASE WHEN ` + odd + ` THEN NULL ELSE 'plain' END,
	CASE WHEN ` + odd + ` THEN REPLACE('é..........é..........é..........é..........é..........é..........', '.', 'a') ELSE 'short' END, CASE WHEN ` + odd + ` THEN -i ELSE i END FROM n`}
}

// fact is one fact's JSON; "" where there is none.
func fact(s *snapshot.Snapshot, object, attribute string) string {
	name := strings.Split(object, ".")
	v, ok := s.Value(snapshot.Object("main", "profile", name...).Attr(attribute))
	if !ok {
		return ""
	}
	return v.JSON()
}

// On a protected server the usual profile is the planner's, and reads no table: the role may not even do so. A scan of the other side is held against
// what statistics know.
func TestPlannerStatisticsAreComparedAsFarAsTheyGo(t *testing.T) {
	staging, production := newPlace(t, "postgres"), newPlace(t, "postgres")
	staging.exec(t, ordersOf("postgres", 900, 1000)...)
	production.exec(t, ordersOf("postgres", 20000, 10)...)
	production.exec(t, "ANALYZE orders") // of another session: what this one has changed is counted when it ends
	spec := keepAll(snapshot.GradeUsual)
	a := staging.side(t, "staging", spec, testKey, database.Profile{})
	spec.Protected = true
	b := production.side(t, "production", spec, testKey, database.Profile{})
	for attribute, want := range map[string]string{"grade": `"planner"`, "rows": "20000", "examined": "20000", "changed": "0"} {
		if got := fact(b.Snapshot, "orders", attribute); got != want {
			t.Errorf("%s is %s, want %s", attribute, got, want)
		}
	}
	if got := fact(a.Snapshot, "orders", "grade"); got != `"scan"` {
		t.Errorf("staging's grade is %s", got)
	}
	messages, _ := compared(t, a, b)
	for at, want := range map[string]string{
		"data-one-sided main:profile/orders.note#nulls":         "orders.note has about 10 % nulls in production, none in staging: would break NOT NULL (staging by a scan, production by planner statistics of 20000 rows)",
		"data-one-sided main:profile/orders.status":             `"lost" in about 10 % of the rows`,
		"data-one-sided main:profile/orders.amount#negatives":   "at least",
		"data-one-sided main:profile/orders.comment#non_ascii":  "beyond ASCII in production, none in staging",
		"data-one-sided main:profile/orders.comment#max_length": "values of up to 66 characters in production, 5 in staging",
	} {
		if !strings.Contains(messages[at], want) {
			t.Errorf("%s: %q", at, messages[at])
		}
	}
	// The other way round, statistics do not know that there are none.
	messages, _ = compared(t, b, a)
	if len(messages) > 0 {
		t.Errorf("%q", messages)
	}
}

// Statistics that may hold no longer give no finding: of what was never analysed, was changed since, or whose counters are gone.
func TestOldPlannerStatisticsGiveNoFindings(t *testing.T) {
	staging := newPlace(t, "postgres")
	staging.exec(t, ordersOf("postgres", 900, 1000)...)
	a := staging.side(t, "staging", keepAll(snapshot.GradeScan), testKey, database.Profile{})
	for name, after := range map[string][]string{
		"never analysed": {"SELECT 1"},
		"repaired since": {"ANALYZE orders", "UPDATE orders SET note = 'late', status = 'new', comment = 'short', amount = 1 WHERE id % 10 = 0"},
		"replaced since": {"ANALYZE orders", "DELETE FROM orders", "INSERT INTO orders SELECT i, 'new', 'plain', 'short', i FROM generate_series(1, 20000) i"},
		"counters reset": {"ANALYZE orders", "UPDATE orders SET note = 'late', status = 'new', comment = 'short', amount = 1 WHERE id % 10 = 0", "SELECT pg_stat_reset()"},
		"partly renewed": {"ANALYZE orders", "UPDATE orders SET note = 'late', status = 'new', comment = 'short', amount = 1 WHERE id % 10 = 0", "ALTER TABLE orders ALTER note SET STATISTICS 0", "ANALYZE orders (id)"},
	} {
		production := newPlace(t, "postgres")
		production.exec(t, ordersOf("postgres", 20000, 10)...)
		for _, sql := range after {
			production.exec(t, sql)
		}
		b := production.side(t, "production", keepAll(snapshot.GradePlanner), testKey, database.Profile{})
		messages, r := compared(t, a, b)
		if len(messages) > 0 {
			t.Errorf("%s: %q", name, messages)
		}
		if name == "never analysed" && !strings.Contains(fmt.Sprint(r.Coverage), "without planner statistics of a known age") {
			t.Errorf("it is not said: %+v", r.Coverage)
		}
	}
}

// MariaDB's statistics of columns are as old as the last ANALYZE … PERSISTENT, which nobody tells: they are claims of low severity, that say so, and are no proof of
// what is not there. Where the table has grown since they say nothing.
func TestGradesOfMariaDB(t *testing.T) {
	staging, production := newPlace(t, "mysql"), newPlace(t, "mysql")
	staging.exec(t, ordersOf("mysql", 900, 1000)...)
	// There are none of TEXT, and histograms of values since 10.8 alone.
	production.exec(t, append(ordersOf("mysql", 900, 10), "ALTER TABLE orders MODIFY note VARCHAR(100), MODIFY status VARCHAR(100)", "SET histogram_type = 'JSON_HB'", "ANALYZE TABLE orders PERSISTENT FOR ALL")...)
	spec := keepAll(snapshot.GradeUsual)
	a := staging.side(t, "staging", spec, testKey, database.Profile{})
	spec.Protected = true
	b := production.side(t, "production", spec, testKey, database.Profile{})
	for at, want := range map[string]string{
		"orders#grade": `"planner"`, "orders#examined": "900", "orders#changed": "", "orders.note#nulls": "90", "orders.id#distinct": "900", "orders.amount#min": "-900", "orders.amount#max": "899",
	} {
		object, attribute, _ := strings.Cut(at, "#")
		if got := fact(b.Snapshot, object, attribute); got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
	messages, r := compared(t, a, b)
	for at, want := range map[string]string{
		"data-one-sided-undated main:profile/orders.note#nulls":       "has about 10 % nulls in production, none in staging: would break NOT NULL (staging by a scan, production by planner statistics of 900 rows, of unknown age)",
		"data-one-sided-undated main:profile/orders.amount#negatives": "at least",
	} {
		if !strings.Contains(messages[at], want) {
			t.Errorf("%s: %q", at, messages)
		}
	}
	for at := range messages {
		if !strings.HasPrefix(at, "data-one-sided-undated ") {
			t.Errorf("%s", at)
		}
	}
	if len(r.Gaps) > 0 {
		t.Errorf("%+v", r.Gaps)
	}
	if messages, _ := compared(t, b, a); len(messages) > 0 {
		t.Errorf("said of staging by what production once had not: %q", messages)
	}
	production.exec(t, "INSERT INTO orders SELECT id + 10000, status, note, comment, amount FROM orders", "ANALYZE TABLE orders")
	if b = production.side(t, "production", spec, testKey, database.Profile{}); fact(b.Snapshot, "orders.note", "nulls") != "" || fact(b.Snapshot, "orders.id", "distinct") == "" {
		t.Errorf("a table that has grown: %s nulls, %s ids", fact(b.Snapshot, "orders.note", "nulls"), fact(b.Snapshot, "orders.id", "distinct"))
	}
	s := staging.side(t, "a", keepAll(snapshot.GradeSample), testKey, database.Profile{}).Snapshot
	if fact(s, "orders", "grade") != `"scan"` || fact(s, "orders.note", "nulls") != "0" {
		t.Errorf("a small table: %s, %s nulls", fact(s, "orders", "grade"), fact(s, "orders.note", "nulls"))
	}
}

// An account that may read the tables and not the statistics: a gap where they were asked for, a note where they are only the usual.
func TestStatisticsThatMayNotBeRead(t *testing.T) {
	server := testservers.MariaDB(t)
	name := server.NewDatabase(t)
	p := &place{name: "mysql", engine: mysql.New(), target: engine.Target{Engine: "mysql", DSN: server.DSN(name), Display: "the test database"}}
	p.exec(t, ordersOf("mysql", 100, 10)...)
	server.Exec(t, "", "CREATE USER reader_"+name+"@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT SELECT ON "+name+".* TO reader_"+name+"@'127.0.0.1'")
	p.target.DSN = server.UserDSN("reader_"+name, "secret", name)
	for grade, wantGap := range map[snapshot.Grade]bool{snapshot.GradePlanner: true, snapshot.GradeUsual: false} {
		spec := keepAll(grade)
		spec.Protected = true
		s := p.side(t, "a", spec, testKey, database.Profile{}).Snapshot
		if gaps := fmt.Sprint(s.Gaps); (len(s.Gaps) == 1) != wantGap || wantGap && !strings.Contains(gaps, "GRANT SELECT ON mysql.column_stats") {
			t.Errorf("%s: %s", grade, gaps)
		}
		if notes := fmt.Sprint(s.Notes); strings.Contains(notes, "the account may not read") == wantGap {
			t.Errorf("%s: %s", grade, notes)
		}
	}
}

// A protected SQLite file is not read for its profile where ANALYZE has left statistics; of one without, nothing would be known.
func TestGradesOfSQLite(t *testing.T) {
	staging, production := newPlace(t, "sqlite"), newPlace(t, "sqlite")
	staging.exec(t, ordersOf("sqlite", 900, 1000)...)
	production.exec(t, ordersOf("sqlite", 900, 10)...)
	spec := keepAll(snapshot.GradeUsual)
	a := staging.side(t, "staging", spec, testKey, database.Profile{})
	spec.Protected = true
	if s := production.side(t, "production", spec, testKey, database.Profile{}).Snapshot; fact(s, "orders", "grade") != `"scan"` || fact(s, "orders.note", "nulls") != "90" {
		t.Errorf("never analysed: %s", fact(s, "orders", "grade"))
	}
	production.exec(t, "CREATE INDEX by_note ON orders (note)", "ANALYZE")
	b := production.side(t, "production", spec, testKey, database.Profile{})
	if fact(b.Snapshot, "orders", "grade") != `"planner"` || fact(b.Snapshot, "orders.note", "nulls") != "90" || fact(b.Snapshot, "orders.status", "nulls") != "" {
		t.Errorf("analysed: %s, %s nulls", fact(b.Snapshot, "orders", "grade"), fact(b.Snapshot, "orders.note", "nulls"))
	}
	messages, _ := compared(t, a, b)
	if got := messages["data-one-sided-undated main:profile/orders.note#nulls"]; !strings.Contains(got, "about 10 % nulls in production") || len(messages) != 1 {
		t.Errorf("%q", messages)
	}
}

// Tables larger than a sample's are read in part, on the engines that can, and the parts are like the whole.
func TestSamplesOfLargeTables(t *testing.T) {
	for name, rows := range map[string]string{"postgres": "repeat(md5(i::text), 60) FROM generate_series(1, 60000) i", "mysql": "REPEAT(MD5(i), 60) FROM (SELECT seq i FROM seq_1_to_60000) s"} {
		p := newPlace(t, name)
		p.exec(t, map[string]string{"postgres": "CREATE TABLE large (id bigint PRIMARY KEY, n integer, filler text)", "mysql": "CREATE TABLE large (id BIGINT PRIMARY KEY, n INTEGER, filler TEXT)"}[name],
			map[string]string{"postgres": "ALTER TABLE large ALTER filler SET STORAGE PLAIN", "mysql": "SELECT 1"}[name],
			"INSERT INTO large SELECT i * 3, CASE WHEN i % 5 <> 0 THEN i END, "+rows)
		p.exec(t, map[string]string{"postgres": "ANALYZE large", "mysql": "ANALYZE TABLE large"}[name])
		first := p.side(t, "a", keepAll(snapshot.GradeSample), testKey, database.Profile{}).Snapshot
		second := p.side(t, "a", keepAll(snapshot.GradeSample), testKey, database.Profile{}).Snapshot
		var examined, nulls float64
		fmt.Sscan(fact(first, "large", "examined"), &examined)
		fmt.Sscan(fact(first, "large.n", "nulls"), &nulls)
		if fact(first, "large", "grade") != `"sample"` || examined < 15000 || examined > 45000 || nulls/examined < .18 || nulls/examined > .22 {
			t.Errorf("%s: %s of %g rows, %g nulls", name, fact(first, "large", "grade"), examined, nulls)
		}
		if fact(first, "large.n", "nulls") != fact(second, "large.n", "nulls") {
			t.Errorf("%s: two samples of one table differ", name)
		}
	}
}

// What a profile counts beyond single values is counted on the server: rows that refer to none, by a foreign key that was not checked, or a declared
// reference with a condition.
func TestOrphansAndRepeatsAreOneSided(t *testing.T) {
	statements := map[string][]string{
		"postgres": {"CREATE TABLE people (id bigint PRIMARY KEY, email text)", "CREATE TABLE notes (person bigint, kind text, subject bigint)"},
		"mysql":    {"CREATE TABLE people (id BIGINT PRIMARY KEY, email TEXT)", "CREATE TABLE notes (person BIGINT, kind TEXT, subject BIGINT)"},
		"sqlite":   {"CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT)", "CREATE TABLE notes (person INTEGER REFERENCES people (id), kind TEXT, subject INTEGER)"},
	}
	series := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT "
	spec := snapshot.DatabaseSpec{Profile: snapshot.GradeScan, References: []snapshot.Reference{{Table: "notes", Column: "subject", RefTable: "people", RefColumn: "id", When: "kind = 'person'"}}}
	for _, name := range engines {
		staging, production := newPlace(t, name), newPlace(t, name)
		for i, p := range []*place{staging, production} {
			lost := fmt.Sprint(i) // rows of production alone
			p.exec(t, append(statements[name], "INSERT INTO people "+series+"i, CASE WHEN "+lost+" = 1 AND i > 270 THEN CONCAT('U', i - 200, '@shop.example') ELSE CONCAT('u', i, '@shop.example') END FROM n",
				"INSERT INTO notes "+series+"i + "+lost+" * 30, CASE WHEN i % 2 = 0 THEN 'person' ELSE 'other' END, CASE WHEN i % 2 = 0 THEN i + "+lost+" * 60 ELSE 100000 END FROM n")...)
			if name == "postgres" {
				p.exec(t, "ALTER TABLE notes ADD FOREIGN KEY (person) REFERENCES people (id) NOT VALID")
			}
		}
		a, b := staging.side(t, "staging", spec, testKey, database.Profile{}), production.side(t, "production", spec, testKey, database.Profile{})
		messages, r := compared(t, a, b)
		want := map[string]string{"data-one-sided main:profile/people.email#fold_duplicates": "has 30 or more values that equal another but for case or outer blanks in production, none in staging",
			"data-one-sided main:profile/notes.subject#orphans": "has 30 rows that refer to none in production, none in staging"}
		if name != "mysql" { // no key there
			want["data-one-sided main:profile/notes.person#orphans"] = "has 30 rows that refer to none in production"
		}
		for at, says := range want {
			if !strings.Contains(messages[at], says) {
				t.Errorf("%s: %s: %q", name, at, messages[at])
			}
		}
		if len(messages) != len(want) || len(r.Gaps) > 0 {
			t.Errorf("%s: %q, %+v", name, messages, r.Gaps)
		}
	}
}
