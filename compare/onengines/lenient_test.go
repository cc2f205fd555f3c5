package onengines

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

// filled makes tables of so many rows, by a number and by a text as key, with statistics.
func filled(t *testing.T, name string, rows int) *place {
	t.Helper()
	p := newPlace(t, name)
	script := []string{"CREATE TABLE numbered (id int NOT NULL PRIMARY KEY, note varchar(20))", "CREATE TABLE named (id varchar(20) NOT NULL PRIMARY KEY, note varchar(20))", "CREATE TABLE bag (note varchar(20))"}
	for _, table := range []string{"numbered", "named", "bag"} {
		var list []string
		for i := range rows {
			switch table {
			case "numbered":
				list = append(list, fmt.Sprintf("(%d, 'a')", 7*i))
			case "named":
				list = append(list, fmt.Sprintf("('key %d', 'a')", i))
			default:
				list = append(list, fmt.Sprintf("('note %d')", i))
			}
		}
		script = append(script, "INSERT INTO "+table+" VALUES "+strings.Join(list, ", "))
	}
	p.exec(t, script...)
	p.exec(t, map[string][]string{"mysql": {"ANALYZE TABLE numbered, named, bag"}}[name]...)
	if name != "mysql" {
		p.exec(t, "ANALYZE")
	}
	return p
}

var provenBy = regexp.MustCompile(`rows/([a-z]+): no difference in ([0-9,]+) sampled rows: below [0-9.]+ % at 95 %`)

// sampledRows reads how many rows of each table were found equal.
func sampledRows(t *testing.T, r compare.Result) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for _, w := range r.Warnings {
		if m := provenBy.FindStringSubmatch(w); m != nil {
			n, err := strconv.Atoi(strings.ReplaceAll(m[2], ",", ""))
			if err != nil {
				t.Fatal(err)
			}
			rows[m[1]] = n
		}
	}
	return rows
}

func TestSidesSampleTheSameRows(t *testing.T) {
	lenient := snapshot.Leniency{Sample: 400}
	spec := snapshot.DatabaseSpec{Exact: []string{"numbered", "named", "bag"}, Lenient: map[string]snapshot.Leniency{"numbered": lenient, "named": lenient, "bag": lenient}}
	whole := spec
	whole.Lenient = nil
	var sides, all []compare.Side
	var places []*place
	for i, name := range engines {
		// A third more rows on one side are another share: its sample is the smaller part of both, and has to be in the other.
		rows := 4000
		p := filled(t, name, rows)
		if i == 1 {
			lesser := spec
			lesser.Lenient = map[string]snapshot.Leniency{}
			for _, table := range spec.Exact {
				lesser.Lenient[table] = snapshot.Leniency{Sample: 250}
			}
			sides = append(sides, p.side(t, name, lesser, testKey, database.Rows{}))
		} else {
			sides = append(sides, p.side(t, name, spec, testKey, database.Rows{}))
		}
		all = append(all, p.side(t, name, whole, testKey, database.Rows{Limit: 100 * (i % 2)}))
		places = append(places, p)
	}
	for i := range sides {
		for j := range sides {
			for _, other := range []compare.Side{sides[j], all[j]} {
				if i == j && other.Snapshot == sides[j].Snapshot {
					continue
				}
				messages, r := compared(t, sides[i], other)
				if len(messages) > 0 || len(r.Gaps) > 0 {
					t.Errorf("%s to %s: %q, %+v", engines[i], engines[j], messages, r.Gaps)
				}
				for table, rows := range sampledRows(t, r) {
					if rows < 150 || rows > 700 {
						t.Errorf("%s to %s: %d rows of %s", engines[i], engines[j], rows, table)
					}
				}
				if got := len(sampledRows(t, r)); got != 3 {
					t.Errorf("%s to %s: %d tables are said to be sampled: %q", engines[i], engines[j], got, r.Warnings)
				}
			}
		}
	}
	// A change of every row is one of every sampled row.
	changed := places[1]
	changed.exec(t, "UPDATE numbered SET note = 'b'")
	messages, r := compared(t, sides[2], changed.side(t, "postgres", spec, testKey, database.Rows{}))
	got := messages["rows-different main:rows/numbered"]
	m := regexp.MustCompile(`^rows of numbered: ([0-9]+) changed in postgres against mysql, among ([0-9]+) sampled rows, in note$`).FindStringSubmatch(got)
	if m == nil || m[1] != m[2] || len(r.Findings) != 1 {
		t.Errorf("%q", got)
	}
}

func TestWhatIsSkippedOrRoundedIsSaid(t *testing.T) {
	a, b := newPlace(t, "postgres"), newPlace(t, "mysql")
	a.exec(t, "CREATE TABLE t (id int PRIMARY KEY, total numeric(12,4), ratio double precision, at timestamp, seen timestamptz, note text)",
		"INSERT INTO t VALUES (1, 1.2349, 0.30000000000000004, '2024-12-31 23:59:59.7', now(), 'a'), (2, -0.005, 2, '2024-02-28 10:00:00', now(), 'b'), (3, NULL, NULL, NULL, NULL, NULL)")
	b.exec(t, "CREATE TABLE t (id int PRIMARY KEY, total decimal(12,2), ratio double, at datetime, seen datetime, note text)",
		"INSERT INTO t VALUES (1, 1.23, 0.3, '2025-01-01 00:00:00', NULL, 'a'), (2, -0.01, 2, '2024-02-28 10:00:00', NULL, 'b'), (3, NULL, NULL, NULL, NULL, NULL)")
	spec := func(l snapshot.Leniency) snapshot.DatabaseSpec {
		return snapshot.DatabaseSpec{Exact: []string{"t"}, Lenient: map[string]snapshot.Leniency{"t": l}}
	}
	lenient := snapshot.Leniency{Skip: []string{"seen"}, Round: map[string]int{"total": 2, "ratio": 6, "at": 0}}
	first := a.side(t, "a", spec(lenient), testKey, database.Rows{})
	messages, r := compared(t, first, b.side(t, "b", spec(lenient), testKey, database.Rows{}))
	if len(messages) > 0 || len(r.Gaps) > 0 {
		t.Errorf("%q, %+v", messages, r.Gaps)
	}
	said := strings.Join(r.Warnings, "\n")
	for _, want := range []string{"compared without seen", "at rounded to 0 decimal places, ratio to 6, total to 2"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said: %q", want, said)
		}
	}
	// What is rounded is still compared, and what is skipped not.
	b.exec(t, "UPDATE t SET total = 1.24, note = 'x', seen = '2020-01-01' WHERE id = 1")
	messages, _ = compared(t, first, b.side(t, "b", spec(lenient), testKey, database.Rows{}))
	if got := messages["rows-different main:rows/t"]; got != "rows of t: 1 changed in b against a, in note (1), total (1)" {
		t.Errorf("%q", got)
	}
	// Rounded in two ways, values are not comparable: neither equal nor different.
	finer := snapshot.Leniency{Skip: []string{"seen"}, Round: map[string]int{"total": 1}}
	messages, r = compared(t, first, b.side(t, "b", spec(finer), testKey, database.Rows{}))
	if len(messages) > 0 || len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Reason, "rounded in different ways") {
		t.Errorf("%q, %+v", messages, r.Gaps)
	}
	for want, l := range map[string]snapshot.Leniency{
		"skip names the column sen, which is not there":                                 {Skip: []string{"sen"}},
		"skip names the column id, which is part of the key":                            {Skip: []string{"id"}},
		"round names the column note, whose type text is neither a number nor a moment": {Round: map[string]int{"note": 2}},
	} {
		_, r := compared(t, first, a.side(t, "b", spec(l), testKey, database.Rows{}))
		if len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Reason, want) {
			t.Errorf("want %q: %+v", want, r.Gaps)
		}
	}
}
