package onengines

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

const post = `
CREATE TABLE people (id integer PRIMARY KEY, name varchar(40), boss integer);
INSERT INTO people WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 900) SELECT n, concat('Somebody ', n), n / 2 FROM s WHERE n > 1;
CREATE TABLE letters (id integer PRIMARY KEY, person integer, text varchar(40));
INSERT INTO letters SELECT id, id, CASE WHEN id = 777 THEN '' ELSE 'a letter' END FROM people;
`

const postPolicy = `tables: {people: {columns: {id: {keep: true}, name: {mask: name}, boss: {keep: true}}}, letters: {columns: {id: {keep: true}, person: {keep: true}, text: {mask: text}}}}
references: [{from: letters.person, to: people.id}, {from: people.boss, to: people.id}]`

// A second sample of rows that nobody has written to is chosen by what the first one has found, and is the same; what was written to is scanned again. (PostgreSQL: onpostgres.)
func TestASecondSampleNeedsNoScan(t *testing.T) {
	maria := testservers.MariaDB(t)
	db, file := maria.NewDatabase(t), filepath.Join(t.TempDir(), "post.db")
	maria.Exec(t, db, post)
	lite := engine.Target{Engine: "sqlite", Path: file, Display: "source"}
	write := func(script string) {
		target, err := sqlite.New().Open(t.Context(), lite, engine.Scratch)
		if err != nil {
			t.Fatal(err)
		}
		defer target.Close()
		s, err := target.Session(t.Context())
		if err == nil {
			_, err = s.Exec(t.Context(), script)
		}
		if err != nil {
			t.Fatal(err)
		}
		past := time.Now().Add(-time.Hour) // no writer lies about it but this one
		if err := os.Chtimes(file, past, past); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	write(post)
	for _, c := range []struct {
		engine engine.Engine
		source engine.Target
		write  func(string)
	}{
		{mysql.New(), engine.Target{Engine: "mysql", DSN: maria.DSN(db), Display: "source"}, func(sql string) { maria.Exec(t, db, sql) }},
		{sqlite.New(), lite, write},
	} {
		t.Run(c.engine.Name(), func(t *testing.T) {
			scans := &sanitize.Scans{}
			sampled := func(changed ...string) (rows string, settled bool) {
				src, marks := watched(t, c.engine, c.source)
				for _, table := range changed {
					if old := scans.Tables[table]; old == nil || old.Mark == marks[schema.Name{Name: table}] {
						t.Errorf("%s: not told that it was written to", table)
					}
				}
				sch, err := src.Schema(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				sample := &sanitize.Sample{Percent: 1, Scans: scans, Marks: marks}
				target, report := copiedWith(t, src, c.source, sch, postPolicy, sanitize.CopyOptions{Sample: sample})
				rows = answer(t, c.engine, target, "SELECT id, person, text FROM letters ORDER BY id") + answer(t, c.engine, target, "SELECT id, name FROM people ORDER BY id")
				if err := c.engine.DropScratch(context.WithoutCancel(t.Context()), target); err != nil {
					t.Fatal(err)
				}
				return rows + fmt.Sprint(report.Features), sample.Settled
			}
			first, settled := sampled()
			if settled || !strings.Contains(first, "777") {
				t.Errorf("settled %v: the first sample is not scanned, or lacks the odd row", settled)
			}
			if second, settled := sampled(); !settled || second != first {
				t.Errorf("settled %v; the second sample is another one", settled)
			}
			c.write("UPDATE letters SET text = NULL WHERE id = 888")
			third, settled := sampled("letters")
			if settled || !strings.Contains(third, "888") {
				t.Errorf("settled %v: what was written since is not in the sample", settled)
			}
		})
	}
}

// watched opens a source and has what it tells of its tables, once it can: what was written this second cannot be told yet.
func watched(t *testing.T, e engine.Engine, target engine.Target) (engine.DB, map[schema.Name]string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		src, err := e.Open(t.Context(), target, engine.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		marks, err := src.(engine.Watermarker).Watermarks(t.Context())
		if err == nil && len(marks) == 2 {
			t.Cleanup(func() { src.Close() })
			return src, marks
		}
		src.Close()
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%v %v", marks, err)
		}
	}
}
