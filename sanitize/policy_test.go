package sanitize

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/strictyaml"
)

func TestAllErrorsOfAPolicyAreSaidAtOnceWithTheirPlace(t *testing.T) {
	_, err := ParsePolicy([]byte(`tables:
  users:
    colums: {}
    columns:
      id: {keep: true, mask: email}
      email: {mask: emial}
      name: {}
      plan: {keep: maybe}
      key: {set: [1]}
      nick: {keep: true, domain: x}
      nick: {keep: true}
  a.b%2fc: {exclude: true, preserve: true}
references: [{from: users, to: a.b, whn: x}]
aftr: []
`), "sanitize.yaml")
	var all strictyaml.Errors
	if !errors.As(err, &all) {
		t.Fatalf("got %v", err)
	}
	text := err.Error()
	for _, want := range []string{
		`sanitize.yaml:3:5: tables.users: unknown key "colums"; did you mean "columns"?`,
		"sanitize.yaml:5:7: tables.users.id: want exactly one of",
		`sanitize.yaml:6:21: tables.users.email: there is no mask "emial"; did you mean "email"?`,
		"sanitize.yaml:7:7: tables.users.name: want exactly one of",
		"sanitize.yaml:8:20: tables.users.plan.keep: want true or false",
		"sanitize.yaml:9:18: tables.users.key.set: want one value or null",
		"sanitize.yaml:10:7: tables.users.nick: domain belongs to mask",
		"sanitize.yaml:11:7: tables.users.nick is there twice",
		"exclude and preserve exclude each other",
		"references: want TABLE.COLUMN",
		`unknown key "whn"; did you mean "when"?`,
		`sanitize.yaml:14:1: policy: unknown key "aftr"; did you mean "after"?`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
}

func TestSetDistinguishesNullFromTexts(t *testing.T) {
	p := mustPolicy(t, `tables: {t: {columns: {a: {set: null}, b: {set: ""}, c: {set: "null"}, d: {set: 0}, e: {set: ~}}}}`)
	for i, want := range []string{"NULL", "", "null", "0", "NULL"} {
		c := p.Tables[0].Columns[i]
		got := "NULL"
		if c.Value != nil {
			got = *c.Value
		}
		if c.Action != Set || got != want {
			t.Errorf("%s: got %q, want %q", c.Column, got, want)
		}
	}
}

func TestAMissingPolicySaysHowToWriteOne(t *testing.T) {
	_, err := ReadPolicy(filepath.Join(t.TempDir(), "sanitize.yaml"))
	if !errors.Is(err, ErrNoPolicy) || !strings.Contains(err.Error(), "envdiff scan ENV -w ") {
		t.Errorf("got %v", err)
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add(shopPolicy)
	f.Add("tables: {a: {columns: {b: {set: 'secret value'}}}}\n")
	f.Add("a: &x [*x]")
	f.Add("tables:\n  ? [a]\n  : b")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy([]byte(text), "f")
		if err != nil {
			return
		}
		out, err := p.Encode()
		if err != nil {
			return // what the YAML library cannot write again
		}
		if _, err := ParsePolicy(out, "f"); err != nil && len(p.Tables) > 0 {
			t.Logf("%q", out)
		}
	})
}

func TestAPlanFailsClosedAndNamesEverythingThatIsMissing(t *testing.T) {
	_, sch := openSource(t, makeDatabase(t, shopSchema))
	_, err := NewPlan(mustPolicy(t, "tables: {users: {columns: {id: {keep: true}, email: {mask: email}}}, sessions: {exclude: true}}"), sch, Rehearsal, nil)
	var pe *PlanError
	if !errors.As(err, &pe) {
		t.Fatalf("got %v", err)
	}
	want := "orders.contact orders.created_at orders.id orders.total orders.user_id users.birth_date users.full_name users.iban users.last_ip users.notes users.phone users.plan users.settings users.tax_number"
	if got := strings.Join(pe.Missing, " "); got != want {
		t.Errorf("missing:\n%s\nwant\n%s", got, want)
	}
}

func TestAPlanRefusesWhatNoMaskKeeps(t *testing.T) {
	const script = `
		CREATE TABLE parents (id INTEGER PRIMARY KEY, code TEXT UNIQUE, email TEXT NOT NULL);
		CREATE TABLE people (id INTEGER PRIMARY KEY, code TEXT REFERENCES parents (code), status TEXT CHECK (status IN ('new', 'old')), email TEXT NOT NULL CHECK (email LIKE '%@%' AND length(email) <= 60),
			data TEXT, age INTEGER CHECK (age >= 18), phone TEXT, born DATE CHECK (born > '1900-01-01'), nick TEXT);
		CREATE UNIQUE INDEX people_cut ON people (substr(nick, 1, 5));
		CREATE UNIQUE INDEX people_data ON people (lower(data));
		CREATE UNIQUE INDEX people_phone ON people (phone) WHERE status = 'new';
		CREATE UNIQUE INDEX parents_email ON parents (email);`
	_, sch := openSource(t, makeDatabase(t, script))
	base := map[string]string{
		"parents.id": "keep: true", "parents.code": "mask: token, domain: c", "parents.email": "mask: email",
		"people.id": "keep: true", "people.code": "mask: token, domain: c", "people.status": "keep: true", "people.email": "mask: email", "people.data": "mask: text", "people.age": "keep: true",
		"people.phone": "mask: phone", "people.born": "mask: birth-date", "people.nick": "keep: true",
	}
	for _, c := range []struct{ name, column, entry, want string }{
		{"nothing is wrong", "", "", ""},
		{"a foreign key with one end masked", "people.code", "keep: true", "both need the same mask and domain"},
		{"a foreign key with two domains", "people.code", "mask: token, domain: d", "both need the same mask and domain"},
		{"a foreign key set to null", "people.code", "set: null", ""},
		{"a check that lists values", "people.status", "mask: text", "compares it with a value"},
		{"a check with a limit", "people.age", "mask: number", "compares it with a value"},
		{"a unique index over a function", "people.nick", "mask: username", "people_cut is over substr()"},
		{"a unique index that folds case", "people.data", "mask: json", "differs in case or blanks"},
		{"one value under a unique index", "parents.email", "set: x", "one value for all rows breaks"},
		{"null in a NOT NULL column", "people.email", "set: null", "is NOT NULL"},
		{"a dropped NOT NULL column", "people.email", "drop: true", "cannot be dropped"},
		{"a misspelt column", "people.emial", "keep: true", `people has no column emial; did you mean "email"?`},
		{"a domain with two masks", "people.email", "mask: text, domain: c", "a domain has one mask"},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries := map[string][]string{}
			for at, entry := range base {
				if at == c.column {
					entry = c.entry
				}
				table, column, _ := strings.Cut(at, ".")
				entries[table] = append(entries[table], column+": {"+entry+"}")
			}
			if _, known := base[c.column]; !known && c.column != "" {
				table, column, _ := strings.Cut(c.column, ".")
				entries[table] = append(entries[table], column+": {"+c.entry+"}")
			}
			text := "tables:\n"
			for table, list := range entries {
				text += "  " + table + ": {columns: {" + strings.Join(list, ", ") + "}}\n"
			}
			_, err := NewPlan(mustPolicy(t, text), sch, Rehearsal, nil)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// A foreign key into an empty table is refused before the copy where it has to hold: in a copy that stays, and where PostgreSQL looks at every row.
func TestAForeignKeyIntoAnExcludedTable(t *testing.T) {
	const script = `
		CREATE TABLE customers (region INTEGER, id INTEGER, PRIMARY KEY (region, id));
		CREATE TABLE orders (id INTEGER PRIMARY KEY, region INTEGER, customer INTEGER, FOREIGN KEY (region, customer) REFERENCES customers (region, id));`
	const kept = "{columns: {id: {keep: true}, region: {keep: true}, customer: {keep: true}}}"
	for _, c := range []struct {
		name, engine, match, orders, customers string
		notValid, refused, warned, rehearsal   bool
	}{
		{name: "checked", engine: "postgres", orders: kept, customers: "{exclude: true}", refused: true},
		{name: "never checked", engine: "postgres", notValid: true, orders: kept, customers: "{exclude: true}", warned: true},
		{name: "SQLite", engine: "sqlite", orders: kept, customers: "{exclude: true}", refused: true},
		{name: "MariaDB", engine: "mysql", orders: kept, customers: "{exclude: true}", refused: true},
		{name: "not checked when it is made", engine: "sqlite", rehearsal: true, orders: kept, customers: "{exclude: true}", warned: true},
		{name: "checked when it is made", engine: "postgres", rehearsal: true, orders: kept, customers: "{exclude: true}", refused: true},
		{name: "empty on both sides", engine: "postgres", orders: "{exclude: true}", customers: "{exclude: true}"},
		{name: "one null is enough", engine: "postgres", orders: "{columns: {id: {keep: true}, region: {set: null}, customer: {keep: true}}}", customers: "{exclude: true}"},
		{name: "one null is not enough", engine: "postgres", match: "full", orders: "{columns: {id: {keep: true}, region: {set: null}, customer: {keep: true}}}", customers: "{exclude: true}", refused: true},
		{name: "copied", engine: "postgres", orders: kept, customers: "{columns: {region: {keep: true}, id: {keep: true}}}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, sch := openSource(t, makeDatabase(t, script))
			sch.Engine = c.engine
			for i := range sch.Tables {
				for j := range sch.Tables[i].ForeignKeys {
					fk := &sch.Tables[i].ForeignKeys[j]
					fk.NotValid, fk.Match = c.notValid, c.match
				}
			}
			use := Keepable
			if c.rehearsal {
				use = Rehearsal
			}
			plan, err := NewPlan(mustPolicy(t, "tables: {orders: "+c.orders+", customers: "+c.customers+"}"), sch, use, nil)
			const want = "the foreign key orders.region,customer would not hold in the copy: it refers to customers, which has no rows there"
			if c.refused != (err != nil) || c.refused && !strings.Contains(err.Error(), want) {
				t.Fatalf("got %v", err)
			}
			if err == nil && c.warned != (len(plan.Warnings) > 0) {
				t.Errorf("warnings: %v", plan.Warnings)
			}
		})
	}
}

func TestAColumnIsMaskedInjectivelyOnlyWhereSomethingSeesIt(t *testing.T) {
	_, sch := openSource(t, makeDatabase(t, shopSchema))
	policy := mustPolicy(t, shopPolicy)
	kept := func(use Use, demands ...schema.Obligation) map[string]bool {
		plan, err := NewPlan(policy, sch, use, demands)
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]bool{}
		for _, tp := range plan.Tables {
			for _, c := range tp.Columns {
				m[tp.Table.Name+"."+c.Column] = slices.Contains(c.Kept, KeepsUnique)
			}
		}
		return m
	}
	k := kept(Keepable)
	if !k["users.email"] || !k["orders.contact"] || k["users.full_name"] || k["users.phone"] {
		t.Errorf("keepable: %v", k)
	}
	pending := schema.Obligation{Kind: schema.UniqueKey, Table: schema.Name{Name: "users_new"}, Constraint: "users_phone", Columns: []string{"phone"}}
	if k = kept(Keepable, pending); !k["users.phone"] {
		t.Error("a pending unique key on phone is not seen")
	}
	if k = kept(Rehearsal); !k["users.full_name"] || k["users.phone"] {
		t.Errorf("rehearsal: %v", k)
	}
}

func TestReviewStopsTheCopyUntilSomebodyDecides(t *testing.T) {
	src, sch := openSource(t, makeDatabase(t, `CREATE TABLE visits (id INTEGER PRIMARY KEY, spot TEXT NOT NULL)`))
	src.Close()
	text := "tables:\n  visits:\n    columns:\n      id: {keep: true, reason: key}\n      spot: {review: true, reason: a position}\n"
	_, err := NewPlan(mustPolicy(t, text), sch, Keepable, nil)
	if err == nil || !strings.Contains(err.Error(), "sanitize.yaml:5:7: visits.spot waits for somebody to decide (a position): write keep: true if nobody is in it, or set or drop, instead of review") {
		t.Errorf("got %v", err)
	}
	if _, err := NewPlan(mustPolicy(t, strings.Replace(text, "review: true", "set: \"\"", 1)), sch, Keepable, nil); err != nil {
		t.Error(err)
	}
	if _, err := ParsePolicy([]byte(strings.Replace(text, "review: true", "review: true, keep: true", 1)), "sanitize.yaml"); err == nil {
		t.Error("two decisions are taken")
	}
}
