package onengines

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

func TestMain(m *testing.M) { testservers.Main(m) }

// web has every kind of reference: composite, to a unique key, to itself, in a cycle, undeclared with a condition; and orphans in a key that is not checked.
const web = `
CREATE TABLE regions (country varchar(9) NOT NULL, code varchar(9) NOT NULL, label varchar(9), PRIMARY KEY (country, code));
CREATE TABLE teams (id integer PRIMARY KEY, lead_id integer, handle varchar(20) NOT NULL UNIQUE);
CREATE TABLE people (id integer PRIMARY KEY, boss_id integer, team_handle varchar(20), country varchar(9), region varchar(9), email varchar(40),
	CONSTRAINT f1 FOREIGN KEY (team_handle) REFERENCES teams (handle), CONSTRAINT f2 FOREIGN KEY (country, region) REFERENCES regions (country, code));
CREATE TABLE comments (id integer PRIMARY KEY, subject_type varchar(9) NOT NULL, subject_id integer NOT NULL, body varchar(40));
CREATE TABLE tags (person integer, word varchar(9), CONSTRAINT f3 FOREIGN KEY (person) REFERENCES people (id));
CREATE TABLE n (i integer PRIMARY KEY);
INSERT INTO n SELECT $SERIES;
INSERT INTO regions SELECT concat('C', i % 7), concat('R', i), NULL FROM n WHERE i <= 200;
INSERT INTO teams SELECT i, i * 17, concat('team-', i) FROM n WHERE i <= 100;
INSERT INTO people SELECT i, CASE WHEN i % 50 <> 0 AND i > 1 THEN $HALF END, concat('team-', 1 + i % 100), concat('C', (1 + i % 200) % 7), concat('R', 1 + i % 200), concat('p', i, '@mail.example') FROM n;
INSERT INTO comments SELECT i, CASE i % 2 WHEN 0 THEN 'Person' ELSE 'Nothing' END, i, concat('text ', i) FROM n WHERE i <= 1500;
INSERT INTO tags SELECT id, 'word' FROM people WHERE id % 3 = 0;
UPDATE people SET email = 'Twice@mail.example' WHERE id = 1401;
UPDATE people SET email = ' twice@mail.example' WHERE id = 1402;
UPDATE people SET email = NULL WHERE id = 1803;
DROP TABLE n;
ALTER TABLE people ADD CONSTRAINT f4 FOREIGN KEY (boss_id) REFERENCES people (id);
ALTER TABLE teams ADD CONSTRAINT f5 FOREIGN KEY (lead_id) REFERENCES people (id);
`

const webPolicy = `
tables:
  regions: {columns: {country: {keep: true}, code: {keep: true}, label: {keep: true}}}
  teams: {columns: {id: {keep: true}, lead_id: {keep: true}, handle: {mask: username}}}
  people: {$MOREcolumns: {id: {keep: true}, boss_id: {keep: true}, team_handle: {mask: username}, country: {keep: true}, region: {keep: true}, email: {mask: email}}}
  comments: {columns: {id: {keep: true}, subject_type: {keep: true}, subject_id: {keep: true}, body: {mask: text}}}
  tags: {columns: {person: {keep: true}, word: {keep: true}}}
references: [{from: comments.subject_id, to: people.id, when: "subject_type = 'Person'"}]
`

// orphans are counted in a copy: none that the source does not have.
var orphans = []string{
	"SELECT count(*) FROM people p WHERE boss_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM people b WHERE b.id = p.boss_id)",
	"SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT 1 FROM teams t WHERE t.handle = p.team_handle)",
	"SELECT count(*) FROM teams t WHERE NOT EXISTS (SELECT 1 FROM people p WHERE t.lead_id = p.id)",
	"SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT 1 FROM regions r WHERE r.country = p.country AND r.code = p.region)",
	"SELECT count(*) FROM tags t WHERE NOT EXISTS (SELECT 1 FROM people p WHERE p.id = t.person)",
	"SELECT count(*) FROM comments c WHERE subject_type = 'Person' AND NOT EXISTS (SELECT 1 FROM people p WHERE p.id = c.subject_id)",
}

func TestASampleIsClosedOverItsReferences(t *testing.T) {
	pg, maria := testservers.Postgres(t), testservers.MariaDB(t)
	pgSource, mariaSource := pg.NewDatabase(t), maria.NewDatabase(t)
	pg.Exec(t, pgSource, strings.NewReplacer("$SERIES", "generate_series(1, 2000)", "$HALF", "i / 2").Replace(web))
	maria.Exec(t, mariaSource, strings.NewReplacer("$SERIES", "seq FROM seq_1_to_2000", "$HALF", "i DIV 2").Replace(web))
	for _, e := range []struct {
		engine engine.Engine
		source engine.Target
	}{
		{postgres.New(), engine.Target{Engine: "postgres", DSN: pgSource, Display: "source"}},
		{mysql.New(), engine.Target{Engine: "mysql", DSN: maria.DSN(mariaSource), Display: "source"}},
	} {
		src, err := e.engine.Open(t.Context(), e.source, engine.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		sch, err := src.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name, more string
			sample     sanitize.Sample
			most       int64
		}{
			{"two percent", "", sanitize.Sample{Percent: 2}, 1500},
			{"a number of rows", "", sanitize.Sample{Rows: 40}, 1500},
			{"a condition", `where: "id % 40 = 0", `, sanitize.Sample{Percent: 100}, 4500},
			{"strata", "strata: {by: [country], rows: 15}, ", sanitize.Sample{Percent: 0.1}, 1500},
		} {
			t.Run(e.engine.Name()+" "+c.name, func(t *testing.T) {
				c.sample.Obligations = []schema.Obligation{{Kind: schema.UniqueKey, Table: schema.Name{Name: "people"}, Constraint: "people_email", Exprs: []string{"lower(email)"}}}
				target, rows := copied(t, src, e.source, sch, strings.Replace(webPolicy, "$MORE", c.more, 1), c.sample)
				for _, sql := range orphans {
					if got := answer(t, e.engine, target, sql); got != "0" {
						t.Errorf("%s: %s", sql, got)
					}
				}
				people := answer(t, e.engine, target, "SELECT count(*) FROM people")
				if rows > c.most || people == "2000" {
					t.Errorf("%s people, %d rows in all", people, rows)
				}
				if c.name == "strata" {
					if got := answer(t, e.engine, target, "SELECT count(*) FROM (SELECT country FROM people GROUP BY country HAVING count(*) >= 15) g"); got != "7" {
						t.Errorf("%s of 7 countries have 15 rows", got)
					}
				}
				if c.name != "a condition" {
					if got := answer(t, e.engine, target, "SELECT count(*) FROM people WHERE id IN (1401, 1402, 1803)"); got != "3" {
						t.Errorf("%s of 3 odd rows are there", got)
					}
				}
				again, _ := copied(t, src, e.source, sch, strings.Replace(webPolicy, "$MORE", c.more, 1), c.sample)
				const all = "SELECT id, coalesce(email, ''), team_handle FROM people ORDER BY id"
				if answer(t, e.engine, target, all) != answer(t, e.engine, again, all) {
					t.Error("two runs differ")
				}
			})
		}
	}
}

// copied is a sanitised copy beside the source's database, dropped at the end of the test.
func copied(t *testing.T, src engine.DB, base engine.Target, sch *schema.Database, policy string, sample sanitize.Sample) (engine.Target, int64) {
	t.Helper()
	target, report := copiedWith(t, src, base, sch, policy, sanitize.CopyOptions{Sample: &sample})
	var rows int64
	for _, table := range report.Tables {
		rows += table.Rows
	}
	return target, rows
}

func copiedWith(t *testing.T, src engine.DB, base engine.Target, sch *schema.Database, policy string, options sanitize.CopyOptions) (engine.Target, *finding.Sanitization) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sanitize.yaml")
	if err := os.WriteFile(path, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, err := sanitize.ReadPolicy(path)
	if err != nil {
		t.Fatal(err)
	}
	var demands []schema.Obligation
	if options.Sample != nil {
		demands = options.Sample.Obligations
	}
	plan, err := sanitize.NewPlan(rules, sch, sanitize.Keepable, demands)
	if err != nil {
		t.Fatal(err)
	}
	built, err := sanitize.Build(t.Context(), src, base, "", sch, plan, keyOfEachRun(t), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Engine().DropScratch(context.WithoutCancel(t.Context()), built.Target); err != nil {
			t.Log(err)
		}
	})
	return built.Target, built.Report
}

// answer is all that a query yields, as text.
func answer(t *testing.T, e engine.Engine, target engine.Target, sql string) string {
	t.Helper()
	db, err := e.Open(t.Context(), target, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out []string
	err = db.Query(t.Context(), sql, func(r engine.Row) error {
		for _, c := range r {
			out = append(out, string(c.Data))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(strings.Join(out, " "))
}

// keyOfEachRun is the same in each run, as a project's is.
func keyOfEachRun(t testing.TB) keys.Key {
	t.Helper()
	key, err := keys.Parse("ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=")
	if err != nil {
		t.Fatal(err)
	}
	return key
}
