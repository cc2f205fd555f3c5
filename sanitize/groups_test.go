package sanitize

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

const censusPolicy = `tables:
  people:
    groups: {by: [born, postcode, income], k: 3}
    columns:
      id: {keep: true, reason: key}
      born: {keep: true, reason: statistics}
      postcode: {keep: true, reason: statistics}
      income: {mask: number, reason: personal data}
      town: {keep: true, reason: statistics}
`

func census(t *testing.T) engine.Target {
	rows := []string{"(1, '1987-05-12', '10115', 10, 'A')", "(2, '1987-05-12', '10115', 10, 'A')", "(3, '1987-05-12', '10115', 10, 'A')", // not small
		"(4, '1990-01-02', '20095', 20, 'B')", "(5, '1990-07-08', '20099', 20, 'B')", "(6, '1990-12-31', '20000', 20, NULL)", // three with their year and place
		"(7, '1911-11-11', '99999', 30, 'C')", "(8, NULL, '88888', 30, 'C')"} // nobody is like them
	return makeDatabase(t, `CREATE TABLE people (id INTEGER PRIMARY KEY, born TEXT, postcode TEXT NOT NULL, income INTEGER, town TEXT); INSERT INTO people VALUES `+strings.Join(rows, ", "))
}

func TestSmallGroupsAreMadeCoarser(t *testing.T) {
	src, sch := openSource(t, census(t))
	for use, want := range map[Use]string{
		Keepable:  "1987-05-12 10115|1987-05-12 10115|1987-05-12 10115|1990-01-01 20000|1990-01-01 20000|1990-01-01 20000| | ",
		Rehearsal: "1987-05-12 10115|1987-05-12 10115|1987-05-12 10115|1990-01-02 20095|1990-07-08 20099|1990-12-31 20000|1911-11-11 99999| 88888",
	} {
		plan, err := NewPlan(mustPolicy(t, censusPolicy), sch, use, nil)
		if err != nil {
			t.Fatal(err)
		}
		built, err := Build(context.Background(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		db := openDatabase(t, built.Target, engine.Scratch)
		if got := strings.Join(query(t, db, "SELECT coalesce(born, '') || ' ' || postcode FROM people ORDER BY id"), "|"); got != want {
			t.Errorf("use %d: got %s", use, got)
		}
		db.Close()
		small := built.Report.Tables[0].SmallGroups
		if use == Rehearsal {
			if small != nil {
				t.Errorf("a rehearsal reports %+v", small)
			}
			continue
		}
		if got := fmt.Sprintf("%+v", *small); got != "{By:[born postcode income] K:3 Rows:5 Generalised:3 Suppressed:2 Verbatim:[{Column:id Cells:5} {Column:town Cells:4}]}" {
			t.Errorf("got %s", got)
		}
	}
}

func TestGroupsThatCannotBeMadeCoarserAreRefused(t *testing.T) {
	src, sch := openSource(t, census(t))
	src.Close()
	for change, want := range map[string]string{
		"by: [id, born]":   "groups: people.id cannot be made coarser, since the primary key of people needs its values; mask it",
		"by: [shoe, id]":   "groups: people.shoe is no column that is copied",
		"by: [], k: 3":     "want by: [COLUMN, …] and k: ROWS",
		"by: [born], k: 1": "want a number of rows from 2 to 1000",
	} {
		if !strings.Contains(change, "k:") {
			change += ", k: 3"
		}
		policy, err := ParsePolicy([]byte(strings.Replace(censusPolicy, "by: [born, postcode, income], k: 3", change, 1)), "sanitize.yaml")
		if err == nil {
			_, err = NewPlan(policy, sch, Keepable, nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", change, err)
		}
	}
}

func TestCoarserValues(t *testing.T) {
	for _, c := range []struct {
		typ, value, want string
	}{
		{"date", "1987-05-12", "1987-01-01"}, {"timestamp", "1987-05-12 10:11:12.5+02", "1987-01-01 00:00:00.0+02"}, {"text", "12.05.1987", "01.01.1987"}, {"integer", "4711", "4000"}, {"numeric", "-0.0471", "-0.0400"},
		{"numeric", "12.75", "10.00"}, {"text", "SW1A 1AA", "SW0X 0XX"}, {"text", "müller", "mülxxx"}, {"text", "f", "f"}, {"integer", "0", "0"}, {"date", "infinity", "infinity"},
	} {
		if got := string(coarser([]byte(c.value), familyOf("postgres", c.typ))); got != c.want {
			t.Errorf("%s became %s, want %s", c.value, got, c.want)
		}
	}
}
