package sanitize

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// A cell that is its own mask is a leak whatever its length; what holds nothing to mask is none.
func TestACellThatIsItsOwnMaskIsALeak(t *testing.T) {
	s := newLeakSet(0)
	col := &outColumn{plan: &ColumnPlan{Mask: "name"}, id: s.column(place{schema.Name{Name: "people"}, "name"}, &ColumnPlan{Mask: "name"}), masker: testColumn(t, "name", faithful)}
	l := s.lane()
	for _, v := range []string{"Bo", "Bob", "somebody with a long name", "", "  ", "--"} {
		l.add(col, engine.Cell{Type: engine.CellText, Data: []byte(v)}, []byte(v))
	}
	l.flush()
	if got := s.columns[col.id].own; got != 3 {
		t.Errorf("%d leaks, want 3", got)
	}
}

// A value of 64 bits is looked for however often it occurs, alone and inside a text; one of fewer only where chance does not explain it, and both numbers are
// in the report.
func TestARichValueIsALeakWhereverItIsMet(t *testing.T) {
	const policy = `tables: {people: {columns: {id: {keep: true}, email: {mask: email}, code: {mask: text}}}, notes: {columns: {id: {keep: true}, text: {keep: true}}}}`
	const people = `CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, code TEXT); CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO people SELECT i, 'somebody' || (i / 4) || '@mail.example', 'ab-' || (10000 + i) FROM n;
		INSERT INTO notes VALUES (1, 'nothing'), (2, 'twelve of us'), (3, 'ab-99999');`
	for _, c := range []struct {
		name, note string
		leaks      []Leak
	}{
		{"none", "harmless words", nil},
		{"the whole cell", "somebody17@mail.example", []Leak{{"people.email", "notes.text", 1}}},
		{"inside a text", "wrote to <somebody17@mail.example>, again", []Leak{{"people.email", "notes.text", 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, sch := openSource(t, makeDatabase(t, people+"INSERT INTO notes VALUES (4, '"+c.note+"')"))
			plan, err := NewPlan(mustPolicy(t, policy), sch, Keepable, nil)
			if err != nil {
				t.Fatal(err)
			}
			built, err := Build(t.Context(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{})
			var leak *LeakError
			if errors.As(err, &leak); (leak == nil) != (c.leaks == nil) {
				t.Fatalf("got %v", err)
			}
			if leak != nil && (len(leak.Leaks) != 1 || leak.Leaks[0] != c.leaks[0]) {
				t.Errorf("got %v, want %v", leak.Leaks, c.leaks)
			}
			s := built.Report.Searched
			if s.Values != 2501 && s.Values != 2500 || s.Share != 1 || s.Expected <= 0 || s.Expected > 100 || math.IsNaN(s.Expected) {
				t.Errorf("the search says of itself: %+v", *s)
			}
		})
	}
}

// What a copy that is kept has of its source beside rows is searched, too: defaults, checks, views, triggers. The finding names the
// statement, never the value; a default of a masked column is nobody's value.
func TestASchemaThatHoldsARawValueStopsTheCopy(t *testing.T) {
	const policy = `tables: {people: {columns: {id: {keep: true}, email: {mask: email}, name: {mask: name}}}, plans: {columns: {id: {keep: true}, owner: {set: null}}}}`
	const people = `CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT DEFAULT 'somebody-unknown@mail.example', name TEXT);
		INSERT INTO people VALUES (1, 'quill.feather@mail.example', 'Anna O''Quillfeather'), (2, 'somebody-unknown@mail.example', 'Bo'), (3, 'somebody-unknown@mail.example', 'Bea');
		CREATE TABLE plans (id INTEGER PRIMARY KEY, owner TEXT %s);`
	for _, c := range []struct{ name, plans, more, want string }{
		{"none", "", "CREATE VIEW v AS SELECT id FROM people WHERE name = 'Bea'", ""},
		{"a default that is a masked column's own", "DEFAULT 'somebody-unknown@mail.example'", "", ""},
		{"a default", "DEFAULT 'quill.feather@mail.example'", "", "people.email, in: CREATE TABLE plans"},
		{"a check", "CHECK (owner <> 'quill.feather@mail.example')", "", "people.email, in: CREATE TABLE plans"},
		{"a view", "", "CREATE VIEW v AS SELECT id FROM people WHERE name = 'Anna O''Quillfeather'", "people.name, in: CREATE VIEW v"},
		{"a trigger", "", "CREATE TRIGGER g AFTER DELETE ON plans BEGIN INSERT INTO people (email) VALUES ('quill.feather@mail.example'); END", "people.email, in: CREATE TRIGGER g"},
		{"the condition of an index", "", "CREATE INDEX i ON people (id) WHERE email = 'quill.feather@mail.example'", "people.email, in: CREATE INDEX i ON people"},
		{"a name", "", `CREATE VIEW "quill.feather@mail.example" AS SELECT 1 AS a`, "people.email, in: CREATE VIEW …"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, sch := openSource(t, makeDatabase(t, strings.Replace(people, "%s", c.plans, 1), c.more))
			for _, known := range []string{"", "\nschema: [{in: CREATE TABLE plans, reason: looked at}, {in: CREATE VIEW v, reason: looked at}, {in: CREATE TRIGGER g, reason: looked at}, {in: CREATE INDEX i ON people, reason: looked at}]"} {
				plan, err := NewPlan(mustPolicy(t, policy+known), sch, Keepable, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, err = Build(t.Context(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{})
				var leak *LeakError
				if errors.As(err, &leak); leak == nil {
					if err != nil || c.want != "" && known == "" {
						t.Fatalf("got %v", err)
					}
					continue
				}
				found := leak.Findings("main", "production")
				if c.want == "" || known != "" && c.name != "a name" || len(found) != 1 || !strings.HasSuffix(found[0].Message, "holds 1 raw value of "+c.want) {
					t.Errorf("got %+v", found)
				}
				if text := leak.Error() + found[0].Message + found[0].Hint; strings.Contains(strings.ToLower(text), "quill") {
					t.Errorf("the value is told: %s", text)
				}
			}
			plan, err := NewPlan(mustPolicy(t, policy), sch, Rehearsal, nil)
			if err != nil {
				return // a check that no mask keeps
			}
			built, err := Build(t.Context(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{})
			if err != nil || built.Rows != 3 {
				t.Errorf("a rehearsal's copy: %v", err)
			}
		})
	}
}
