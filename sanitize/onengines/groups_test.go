package onengines

import (
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

const census = `
CREATE TABLE people (id integer PRIMARY KEY, born date NOT NULL, seen $STAMP, postcode varchar(9) NOT NULL, income decimal(9,2), children integer, town varchar(9));
INSERT INTO people VALUES (1, '1987-05-12', '2026-01-02 03:04:05', '10115', 10, 1, 'A'), (2, '1987-05-12', '2026-01-02 03:04:05', '10115', 20, 1, 'A'), (3, '1987-05-12', '2026-01-02 03:04:05', '10115', 30, 1, 'A'),
	(4, '1990-01-02', '2026-02-03 04:05:06', '20095', 40, 12, 'B'), (5, '1990-07-08', '2026-09-10 11:12:13', '20099', 50, 17, 'B'), (6, '1990-12-31', '2026-11-12 13:14:15', '20000', 60, 10, NULL),
	(7, '1911-11-11', '1999-01-01 00:00:00', '99999', 70, 9, 'C'), (8, '1912-12-12', NULL, '88888', NULL, NULL, 'C');
`

const censusPolicy = `
tables:
  people:
    groups: {by: [born, seen, postcode, children], k: 3}
    columns: {id: {keep: true}, born: {keep: true}, seen: {keep: true}, postcode: {keep: true}, income: {mask: number}, children: {keep: true}, town: {keep: true}}
`

// Rows that few are like show less on every engine: their dates, times, numbers and codes are made coarser, or emptied where that is not enough.
func TestSmallGroupsAreMadeCoarser(t *testing.T) {
	pg, maria := testservers.Postgres(t), testservers.MariaDB(t)
	pgSource, mariaSource := pg.NewDatabase(t), maria.NewDatabase(t)
	pg.Exec(t, pgSource, strings.ReplaceAll(census, "$STAMP", "timestamp"))
	maria.Exec(t, mariaSource, strings.ReplaceAll(census, "$STAMP", "datetime"))
	for _, e := range []struct {
		engine engine.Engine
		source engine.Target
	}{
		{postgres.New(), engine.Target{Engine: "postgres", DSN: pgSource, Display: "source"}},
		{mysql.New(), engine.Target{Engine: "mysql", DSN: maria.DSN(mariaSource), Display: "source"}},
	} {
		t.Run(e.engine.Name(), func(t *testing.T) {
			src, err := e.engine.Open(t.Context(), e.source, engine.ReadOnly)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			sch, err := src.Schema(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			target, report := copiedWith(t, src, e.source, sch, censusPolicy, sanitize.CopyOptions{})
			const rows = "SELECT concat(id, ' ', born, ' ', CASE WHEN seen IS NULL THEN '-' ELSE concat(seen, '') END, ' ', postcode, ' ', CASE WHEN children IS NULL THEN '-' ELSE concat(children, '') END, ';') FROM people ORDER BY id"
			want := "1 1987-05-12 2026-01-02 03:04:05 10115 1; 2 1987-05-12 2026-01-02 03:04:05 10115 1; 3 1987-05-12 2026-01-02 03:04:05 10115 1; " +
				"4 1990-01-01 2026-01-01 00:00:00 20000 10; 5 1990-01-01 2026-01-01 00:00:00 20000 10; 6 1990-01-01 2026-01-01 00:00:00 20000 10; 7 1900-01-01 -  -; 8 1900-01-01 -  -;"
			if got := answer(t, e.engine, target, rows); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if got := answer(t, e.engine, target, "SELECT count(*) FROM people WHERE income IN (10, 20, 30, 40, 50, 60, 70)"); got != "0" {
				t.Errorf("%s incomes are as they were", got)
			}
			if got := fmt.Sprintf("%+v", *report.Tables[0].SmallGroups); got != "{By:[born seen postcode children] K:3 Rows:5 Generalised:3 Suppressed:2 Verbatim:[{Column:id Cells:5} {Column:town Cells:4}]}" {
				t.Errorf("got %s", got)
			}
		})
	}
}
