package sanitize

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// webSchema has every kind of reference: composite, to a unique key, to itself,
// in a cycle, undeclared with a condition.
const webSchema = `
CREATE TABLE regions (country TEXT NOT NULL, code TEXT NOT NULL, label TEXT, PRIMARY KEY (country, code)) WITHOUT ROWID;
CREATE TABLE teams (id INTEGER PRIMARY KEY, lead_id INTEGER REFERENCES people (id), handle TEXT NOT NULL UNIQUE);
CREATE TABLE people (id INTEGER PRIMARY KEY, boss_id INTEGER REFERENCES people (id), team_handle TEXT REFERENCES teams (handle), country TEXT, region TEXT, email TEXT,
  FOREIGN KEY (country, region) REFERENCES regions (country, code));
CREATE TABLE comments (id INTEGER PRIMARY KEY, subject_type TEXT NOT NULL, subject_id INTEGER NOT NULL, body TEXT);
CREATE TABLE tags (person INTEGER REFERENCES people (id), word TEXT);
`

const webData = `
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO regions SELECT 'C' || (i % 7), 'R' || i, NULL FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO teams SELECT i, i * 17, 'team-' || i FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO people SELECT i, CASE WHEN i % 50 THEN i / 2 END, 'team-' || (1 + i % 100), 'C' || ((1 + i % 200) % 7), 'R' || (1 + i % 200), 'p' || i || '@mail.example' FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT INTO comments SELECT i, CASE i % 2 WHEN 0 THEN 'Person' ELSE 'Nothing' END, i, 'text ' || i FROM n;
INSERT INTO tags SELECT id, 'word' FROM people WHERE id % 3 = 0;
UPDATE people SET boss_id = 999999 WHERE id IN (77, 78);
UPDATE people SET email = 'Twice@mail.example' WHERE id = 1401;
UPDATE people SET email = ' twice@mail.example' WHERE id = 1402;
UPDATE people SET email = NULL WHERE id = 1803;
UPDATE people SET email = 'zoë@mail.example' WHERE id = 1804;
`

const webPolicy = `
tables:
  regions: {columns: {country: {keep: true}, code: {keep: true}, label: {keep: true}}}
  teams: {columns: {id: {keep: true}, lead_id: {keep: true}, handle: {mask: username}}}
  people: {columns: {id: {keep: true}, boss_id: {keep: true}, team_handle: {mask: username}, country: {keep: true}, region: {keep: true}, email: {mask: email}}}
  comments: {columns: {id: {keep: true}, subject_type: {keep: true}, subject_id: {keep: true}, body: {mask: text}}}
  tags: {columns: {person: {keep: true}, word: {keep: true}}}
references: [{from: comments.subject_id, to: people.id, when: "subject_type = 'Person'"}]
`

func TestASampleIsClosedOverItsReferences(t *testing.T) {
	source := makeDatabase(t, webSchema, webData)
	src, sch := openSource(t, source)
	for _, c := range []struct {
		name   string
		sample Sample
		policy string
		most   int
	}{
		{"two percent", Sample{Percent: 2}, webPolicy, 1500},
		{"a number of rows", Sample{Rows: 40}, webPolicy, 1500},
		{"a condition", Sample{Percent: 100}, strings.Replace(webPolicy, "people: {", "people: {where: \"id % 40 = 0\", ", 1), 4500},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := NewPlan(mustPolicy(t, c.policy), sch, Rehearsal, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.sample.Obligations = []schema.Obligation{{Kind: schema.UniqueKey, Table: schema.Name{Name: "people"}, Constraint: "people_email", Exprs: []string{"lower(email)"}, Columns: nil}}
			built, err := Build(context.Background(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{Sample: &c.sample})
			if err != nil {
				t.Fatal(err)
			}
			dst := openDatabase(t, built.Target, engine.ReadOnly)
			defer dst.Close()
			for what, sql := range map[string]string{
				"boss":    "SELECT count(*) FROM people p WHERE boss_id IS NOT NULL AND boss_id NOT IN (0, 999999) AND NOT EXISTS (SELECT 1 FROM people b WHERE b.id = p.boss_id)",
				"team":    "SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT 1 FROM teams t WHERE t.handle = p.team_handle)",
				"lead":    "SELECT count(*) FROM teams t WHERE lead_id <= 2000 AND NOT EXISTS (SELECT 1 FROM people p WHERE t.lead_id = p.id)",
				"region":  "SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT 1 FROM regions r WHERE r.country = p.country AND r.code = p.region)",
				"tag":     "SELECT count(*) FROM tags WHERE NOT EXISTS (SELECT 1 FROM people WHERE id = person)",
				"subject": "SELECT count(*) FROM comments WHERE subject_type = 'Person' AND subject_id <= 2000 AND NOT EXISTS (SELECT 1 FROM people WHERE id = subject_id)",
			} {
				if got := query(t, dst, sql)[0]; got != "0" {
					t.Errorf("%s: %s new orphans", what, got)
				}
			}
			if people := query(t, dst, "SELECT count(*) FROM people")[0]; built.Rows > int64(c.most) || people == "2000" {
				t.Errorf("%s people, %d rows in all", people, built.Rows)
			}
			if c.name == "a condition" {
				return
			}
			if got := query(t, dst, "SELECT count(*) FROM people WHERE id IN (1401, 1402, 1803, 1804)")[0]; got != "4" {
				t.Errorf("%s of 4 odd rows are there", got)
			}
			for _, f := range built.Report.Features {
				if f.Source && !f.Copy && strings.HasPrefix(f.Column, "people.email") && f.Feature != "longest" {
					t.Errorf("the copy lacks %s of %s", f.Feature, f.Column)
				}
			}
			again, err := Build(context.Background(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{Sample: &c.sample})
			if err != nil {
				t.Fatal(err)
			}
			second := openDatabase(t, again.Target, engine.ReadOnly)
			defer second.Close()
			for _, sql := range []string{"SELECT id, email FROM people ORDER BY id", "SELECT id, handle FROM teams ORDER BY id"} {
				if fmt.Sprint(query(t, dst, sql)) != fmt.Sprint(query(t, second, sql)) {
					t.Error("two runs differ")
				}
			}
		})
	}
}

func TestASampleHasOrphansForAPendingForeignKey(t *testing.T) {
	src, sch := openSource(t, makeDatabase(t, webSchema, webData, `CREATE TABLE loose (id INTEGER PRIMARY KEY, person INTEGER); INSERT INTO loose SELECT id, id FROM people; UPDATE loose SET person = 888888 WHERE id = 1333;`))
	policy := strings.Replace(webPolicy, "references:", "  loose: {columns: {id: {keep: true}, person: {keep: true}}}\nreferences:", 1)
	demand := schema.Obligation{Kind: schema.Reference, Table: schema.Name{Name: "loose"}, Constraint: "loose_person", Columns: []string{"person"}, RefTable: schema.Name{Name: "people"}, RefColumns: []string{"id"}}
	plan, err := NewPlan(mustPolicy(t, policy), sch, Rehearsal, []schema.Obligation{demand})
	if err != nil {
		t.Fatal(err)
	}
	built, err := Build(context.Background(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{Sample: &Sample{Percent: 0.5, Obligations: []schema.Obligation{demand}}})
	if err != nil {
		t.Fatal(err)
	}
	dst := openDatabase(t, built.Target, engine.ReadOnly)
	defer dst.Close()
	if got := query(t, dst, "SELECT count(*) FROM loose WHERE person = 888888")[0]; got != "1" {
		t.Errorf("%s orphans", got)
	}
}

func TestASampleOfNothingIsRefused(t *testing.T) {
	src, sch := openSource(t, makeDatabase(t, "CREATE TABLE a (id INTEGER PRIMARY KEY)"))
	plan, err := NewPlan(mustPolicy(t, "tables: {a: {columns: {id: {keep: true}}}}"), sch, Rehearsal, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(context.Background(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{Sample: &Sample{}}); err == nil {
		t.Error("a sample without a size was taken")
	}
}
