package migrations

import (
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// These tests feed lineage with schemas and effects written by hand, as an engine would report them; rehearse_test.go
// runs the same stories on real databases.

func quoted(s string) string { return `"` + s + `"` }

func name(s string) schema.Name { return schema.Name{Name: s} }

// db makes a schema of tables.
func db(tables ...schema.Table) *schema.Database {
	return &schema.Database{Engine: "sqlite", Tables: tables}
}

// tab makes a table from "name@storage" and columns such as "email text not null".
func tab(id string, columns ...string) schema.Table {
	n, storage, _ := strings.Cut(id, "@")
	t := schema.Table{Name: name(n), StorageID: storage, Options: map[string]string{}}
	for _, c := range columns {
		col := schema.Column{Nullable: !strings.HasSuffix(c, " not null")}
		col.Name, col.Type, _ = strings.Cut(strings.TrimSuffix(c, " not null"), " ")
		t.Columns = append(t.Columns, col)
	}
	return t
}

// with changes a copy of a table.
func with(t schema.Table, change func(*schema.Table)) schema.Table {
	t.Columns = append([]schema.Column(nil), t.Columns...)
	t.Indexes = append([]schema.Index(nil), t.Indexes...)
	change(&t)
	return t
}

func unique(columns ...string) func(*schema.Table) {
	return func(t *schema.Table) {
		x := schema.Index{Name: t.Name.Name + "_" + strings.Join(columns, "_"), Unique: true}
		for _, c := range columns {
			if strings.Contains(c, "(") {
				x.Parts = append(x.Parts, schema.IndexPart{Expr: c})
				continue
			}
			x.Parts = append(x.Parts, schema.IndexPart{Column: c})
		}
		t.Indexes = append(t.Indexes, x)
	}
}

// step is one statement: its effects and the schema after it.
type step struct {
	eff   engine.Effects
	after *schema.Database
}

// run takes lineage through steps and prints the demands of each.
func run(start *schema.Database, steps []step) []string {
	l := newLineage(start, quoted)
	var out []string
	for i, s := range steps {
		for _, d := range l.step("", start, s.after, s.eff) {
			where := d.On.Table.String()
			if d.On.Query != "" {
				where = "{" + d.On.Query + "}"
			}
			out = append(out, fmt.Sprintf("%d %s %s(%s) on %s(%s)", i+1, d.Status, d.Obligation.Kind, d.Label, where, strings.Join(d.On.Columns, ",")))
		}
		start = s.after
	}
	return out
}

func insertSelect(into string, query string, columns []string, reads ...string) engine.Effects {
	e := engine.Effects{Writes: []schema.Name{name(into)}, InsertSelect: &engine.InsertSelect{Table: name(into), Columns: columns, Query: query}}
	for _, r := range reads {
		e.Reads = append(e.Reads, name(r))
	}
	return e
}

func writes(tables ...string) engine.Effects {
	var e engine.Effects
	for _, t := range tables {
		e.Writes = append(e.Writes, name(t))
	}
	return e
}

func TestLineageFollowsRowsThroughPendingStatements(t *testing.T) {
	users := tab("users@2", "id INTEGER", "email TEXT")
	fresh := tab("users_new@3", "id INTEGER", "email TEXT not null")
	none := engine.Effects{}
	copied := insertSelect("users_new", "SELECT id, email FROM users", []string{"id", "email"}, "users")
	rename := func(t schema.Table, to string) schema.Table { t.Name = name(to); return t }

	tests := []struct {
		name  string
		start *schema.Database
		steps []step
		want  []string
	}{
		{"a unique index on production's table", db(users), []step{{none, db(with(users, unique("lower(email)")))}},
			[]string{`1 decisive unique(lower(email)) on users(id,email)`}},
		{"an index that is not unique", db(users), []step{{none, db(with(users, func(t *schema.Table) {
			t.Indexes = []schema.Index{{Name: "x", Parts: []schema.IndexPart{{Column: "email"}}}}
		}))}}, nil},
		{"a second unique index that demands what another does", db(with(users, unique("email"))), []step{{none, db(with(with(users, unique("email")), unique("email")))}}, nil},
		{"a new table demands nothing, whatever its constraints", db(users), []step{{none, db(users, with(fresh, unique("email")))}}, nil},
		{"not null set in place", db(users), []step{{none, db(with(users, func(t *schema.Table) { t.Columns[1].Nullable = false }))}},
			[]string{`1 decisive not null(email) on users(id,email)`}},
		{"a column added not null without a default", db(users), []step{{none, db(tab("users@2", "id INTEGER", "email TEXT", "plan TEXT not null"))}},
			[]string{`1 decisive not null(plan) on {SELECT "id", "email", NULL FROM "users"}(id,email,plan)`}},
		{"a column added not null with a default", db(users), []step{{none, db(with(tab("users@2", "id INTEGER", "email TEXT", "plan TEXT not null"), func(t *schema.Table) { d := "'free'"; t.Columns[2].Default = &d }))}}, nil},
		{"a backfill makes the index conditional", db(users), []step{{writes("users"), db(users)}, {none, db(with(users, unique("email")))}},
			[]string{`2 conditional unique(email) on users(id,email)`}},
		{"a renamed table keeps its rows", db(users), []step{{none, db(rename(users, "people"))}, {none, db(with(rename(users, "people"), unique("email")))}},
			[]string{`2 decisive unique(email) on users(id,email)`}},
		{"a renamed column is asked under its old name", db(users), []step{{none, db(tab("users@2", "id INTEGER", "mail TEXT"))}, {none, db(with(tab("users@2", "id INTEGER", "mail TEXT"), unique("mail")))}},
			[]string{`2 decisive unique(mail) on {SELECT "id", "email" FROM "users"}(id,mail)`}},
		{"a dropped column is not asked for", db(tab("users@2", "id INTEGER", "old TEXT", "email TEXT")), []step{{none, db(users)}, {none, db(with(users, unique("email")))}},
			[]string{`2 decisive unique(email) on users(id,email)`}},
		{"a table that is dropped and made again under its name", db(users), []step{{none, db()}, {none, db(with(users, func(t *schema.Table) { t.StorageID = "9" }))}, {none, db(with(with(users, func(t *schema.Table) { t.StorageID = "9" }), unique("email")))}}, nil},

		{"a rebuild: constraints of the new table over the SELECT, and the index made after the rename", db(users), []step{
			{none, db(users, fresh)}, {copied, db(users, fresh)}, {none, db(fresh)}, {none, db(rename(fresh, "users"))}, {none, db(with(rename(fresh, "users"), unique("lower(email)")))}},
			[]string{`2 decisive not null(email) on {SELECT id, email FROM users}(id,email)`, `5 decisive unique(lower(email)) on {SELECT id, email FROM users}(id,email)`}},
		{"a rebuild after a backfill", db(users), []step{{writes("users"), db(users)}, {none, db(users, fresh)}, {copied, db(users, fresh)}, {none, db(fresh)}, {none, db(rename(fresh, "users"))}, {none, db(with(rename(fresh, "users"), unique("email")))}},
			[]string{`3 conditional not null(email) on {SELECT id, email FROM users}(id,email)`, `6 conditional unique(email) on {SELECT id, email FROM users}(id,email)`}},
		{"a rebuild that leaves a column to its default", db(users), []step{
			{none, db(users, tab("users_new@3", "id INTEGER", "email TEXT", "plan TEXT not null"))},
			{copied, db(users, tab("users_new@3", "id INTEGER", "email TEXT", "plan TEXT not null"))}},
			[]string{"2 decisive not null(plan) on {WITH envdiff_query(envdiff_1, envdiff_2) AS (SELECT id, email FROM users\n) SELECT envdiff_1, envdiff_2, NULL FROM envdiff_query}(id,email,plan)"}},
		{"an insert that resolves conflicts demands nothing", db(users, fresh), []step{{writes("users_new"), db(users, fresh)}}, nil},
		{"a table filled by the migration itself", db(users), []step{{none, db(users, fresh)}, {writes("users_new"), db(users, fresh)}, {none, db(users, with(fresh, unique("email")))}}, nil},
		{"a second insert into the new table", db(users), []step{{none, db(users, fresh)}, {copied, db(users, fresh)}, {writes("users_new"), db(users, fresh)}, {none, db(users, with(fresh, unique("email")))}},
			[]string{`2 decisive not null(email) on {SELECT id, email FROM users}(id,email)`, `4 conditional unique(email) on {SELECT id, email FROM users}(id,email)`}},
		{"an insert into a table that has rows: its keys depend on them too", db(users, with(fresh, unique("email"))), []step{{copied, db(users, with(fresh, unique("email")))}},
			[]string{`1 decisive not null(email) on {SELECT id, email FROM users}(id,email)`, `1 conditional unique(email) on {SELECT id, email FROM users}(id,email)`}},
		{"a select through a view that the migration makes", db(users), []step{
			{none, &schema.Database{Engine: "sqlite", Tables: []schema.Table{users, fresh}, Views: []schema.View{{Name: name("all_users"), Definition: "SELECT …"}}}},
			{insertSelect("users_new", "SELECT * FROM all_users", nil, "users"), &schema.Database{Engine: "sqlite", Tables: []schema.Table{users, fresh}, Views: []schema.View{{Name: name("all_users"), Definition: "SELECT …"}}}}},
			[]string{`2 unproved not null(email) on ()`}},
		{"a column of another type: the probe sees other values than the check", db(users), []step{
			{none, db(users, with(tab("n@3", "id INTEGER", "email INTEGER"), func(t *schema.Table) { t.Checks = []schema.Check{{Name: "c", Expr: "email > 0"}} }))},
			{insertSelect("n", "SELECT id, email FROM users", []string{"id", "email"}, "users"), db(users, with(tab("n@3", "id INTEGER", "email INTEGER"), func(t *schema.Table) { t.Checks = []schema.Check{{Name: "c", Expr: "email > 0"}} }))}},
			[]string{`2 conditional check(email > 0) on {SELECT id, email FROM users}(id,email)`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(tt.start, tt.steps)
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(tt.want, "\n  "))
			}
		})
	}
}

func TestForeignKeysAreAskedInProductionsTerms(t *testing.T) {
	users := with(tab("users@2", "id INTEGER"), func(t *schema.Table) { t.PrimaryKey = &schema.Key{Columns: []string{"id"}} })
	orders := tab("orders@3", "id INTEGER", "user_id INTEGER")
	rebuilt := with(tab("orders_new@4", "id INTEGER", "user_id INTEGER"), func(t *schema.Table) {
		t.ForeignKeys = []schema.ForeignKey{{Columns: []string{"user_id"}, RefTable: name("users"), OnDelete: "no action", Match: "simple"}}
	})
	copied := insertSelect("orders_new", "SELECT id, user_id FROM orders", nil, "orders")
	people := users
	people.Name = name("people")
	toPeople := with(rebuilt, func(t *schema.Table) {
		t.ForeignKeys = []schema.ForeignKey{{Columns: []string{"user_id"}, RefTable: name("people")}}
	})

	tests := []struct {
		name   string
		start  *schema.Database
		steps  []step
		status Status
		ref    string
	}{
		{"new in a rebuild, the referenced key left out", db(orders, users), []step{{engine.Effects{}, db(orders, rebuilt, users)}, {copied, db(orders, rebuilt, users)}}, Decisive, "users(id)"},
		{"the referenced table was renamed", db(orders, users), []step{{engine.Effects{}, db(orders, people)}, {engine.Effects{}, db(orders, toPeople, people)}, {copied, db(orders, toPeople, people)}}, Decisive, "users(id)"},
		{"the referenced table was written to", db(orders, users), []step{{writes("users"), db(orders, users)}, {engine.Effects{}, db(orders, rebuilt, users)}, {copied, db(orders, rebuilt, users)}}, Conditional, "users(id)"},
		{"the referenced table is new", db(orders), []step{{engine.Effects{}, db(orders, users)}, {engine.Effects{}, db(orders, rebuilt, users)}, {copied, db(orders, rebuilt, users)}}, Unproved, "users(id)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, before := newLineage(tt.start, quoted), tt.start
			var got []*Demand
			for _, s := range tt.steps {
				got = append(got, l.step("", before, s.after, s.eff)...)
				before = s.after
			}
			if len(got) != 1 || got[0].Obligation.Kind != schema.Reference {
				t.Fatalf("got %d demands, want one foreign key", len(got))
			}
			o := got[0].Obligation
			if ref := o.RefTable.String() + "(" + strings.Join(o.RefColumns, ",") + ")"; got[0].Status != tt.status || ref != tt.ref {
				t.Errorf("%s on %s, want %s on %s", got[0].Status, ref, tt.status, tt.ref)
			}
		})
	}

	t.Run("one that the rebuilt table had before demands nothing new", func(t *testing.T) {
		had := with(orders, func(t *schema.Table) { t.ForeignKeys = rebuilt.ForeignKeys })
		start := db(had, rebuilt, users)
		l := newLineage(start, quoted)
		if got := l.step("", start, start, insertSelect("orders_new", "SELECT id, user_id FROM orders", nil, "orders")); len(got) != 0 {
			t.Errorf("got %+v", got[0].Obligation)
		}
	})
}
