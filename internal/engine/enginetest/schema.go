package enginetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/schema"
)

// schemaCase is one thing that a captured schema must show, and that its DDL must bring back.
type schemaCase struct {
	name  string
	sql   dialects
	check func(t *testing.T, db *schema.Database)
}

var schemaCases = []schemaCase{
	{
		name: "columns keep their order, nullability and defaults",
		sql: every(`CREATE TABLE t (zeta INTEGER NOT NULL, alpha VARCHAR(20) DEFAULT 'it''s', n INTEGER NOT NULL DEFAULT 7, m INTEGER DEFAULT -7,
			at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)`),
		check: func(t *testing.T, db *schema.Database) {
			got := table(t, db, "t")
			var names []string
			for _, c := range got.Columns {
				names = append(names, c.Name)
			}
			if want := []string{"zeta", "alpha", "n", "m", "at"}; !slices.Equal(names, want) {
				t.Errorf("columns %v, want %v", names, want)
			}
			for name, nullable := range map[string]bool{"zeta": false, "alpha": true, "n": false, "m": true} {
				if c, _ := got.Column(name); c.Nullable != nullable {
					t.Errorf("%s: nullable %v, want %v", name, c.Nullable, nullable)
				}
			}
			if c, _ := got.Column("zeta"); c.Default != nil {
				t.Errorf("zeta has the default %q, want none", *c.Default)
			}
			for name, has := range map[string]string{"alpha": "'it''s'", "n": "7", "m": "7", "at": "CURRENT_TIMESTAMP"} {
				if c, _ := got.Column(name); c.Default == nil || !strings.Contains(*c.Default, has) {
					t.Errorf("%s: the default does not hold %s", name, has)
				}
			}
		},
	},
	{
		name: "a primary key of two columns keeps its order",
		sql:  every(`CREATE TABLE t (a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (b, a))`),
		check: func(t *testing.T, db *schema.Database) {
			pk := table(t, db, "t").PrimaryKey
			if pk == nil || !slices.Equal(pk.Columns, []string{"b", "a"}) {
				t.Errorf("primary key %+v, want (b, a)", pk)
			}
		},
	},
	{
		name: "a key column of the usual kind cannot be null",
		sql:  dialects{"sqlite": `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)`, "": `CREATE TABLE t (id bigint PRIMARY KEY, v text)`},
		check: func(t *testing.T, db *schema.Database) {
			if c, _ := table(t, db, "t").Column("id"); c.Nullable {
				t.Error("id is nullable")
			}
		},
	},
	{
		name: "numbers that the engine hands out are marked",
		sql: dialects{
			"sqlite":   `CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)`,
			"postgres": `CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)`,
			"mysql":    `CREATE TABLE t (id bigint AUTO_INCREMENT PRIMARY KEY, v text)`,
		},
		check: func(t *testing.T, db *schema.Database) {
			if c, _ := table(t, db, "t").Column("id"); c.Identity == "" {
				t.Error("id has no identity")
			}
		},
	},
	{
		name: "unique constraints are keys, unique indexes are indexes",
		sql: every(`CREATE TABLE t (a INTEGER, b INTEGER, c INTEGER, CONSTRAINT t_ab UNIQUE (a, b));
			CREATE UNIQUE INDEX t_c ON t (c); CREATE INDEX t_ba ON t (b, a DESC)`),
		check: func(t *testing.T, db *schema.Database) {
			got := table(t, db, "t")
			if copied := *got; db.Engine == "mysql" { // where every unique index is a constraint, whatever it was made as
				if len(got.Unique) != 2 || got.Unique[1].Name != "t_c" {
					t.Fatalf("unique constraints %+v, want t_ab and t_c", got.Unique)
				}
				copied.Indexes = append(slices.Clone(got.Indexes), schema.Index{Name: "t_c", Unique: true, Parts: []schema.IndexPart{{Column: got.Unique[1].Columns[0]}}})
				copied.Unique = got.Unique[:1]
				got = &copied
			}
			if len(got.Unique) != 1 || got.Unique[0].Name != "t_ab" || !slices.Equal(got.Unique[0].Columns, []string{"a", "b"}) {
				t.Errorf("unique constraints %+v, want t_ab(a, b)", got.Unique)
			}
			if len(got.Indexes) != 2 {
				t.Fatalf("%d indexes, want t_ba and t_c: %+v", len(got.Indexes), got.Indexes)
			}
			ba, c := got.Indexes[0], got.Indexes[1]
			if c.Name != "t_c" || !c.Unique || len(c.Parts) != 1 || c.Parts[0].Column != "c" {
				t.Errorf("index %+v, want unique t_c(c)", c)
			}
			if ba.Name != "t_ba" || ba.Unique || len(ba.Parts) != 2 || ba.Parts[0].Desc || !ba.Parts[1].Desc {
				t.Errorf("index %+v, want t_ba(b, a desc)", ba)
			}
		},
	},
	{
		name: "indexes over expressions and part of the rows",
		sql: dialects{
			"": `CREATE TABLE t (id INTEGER PRIMARY KEY, email VARCHAR(99), deleted INTEGER);
				CREATE UNIQUE INDEX t_email ON t (lower(email)) WHERE deleted IS NULL`,
			// No server of this engine has partial indexes, and MariaDB has none over
			// expressions: people index a generated column.
			"mysql": `CREATE TABLE t (id INTEGER PRIMARY KEY, email VARCHAR(99), deleted INTEGER, alive VARCHAR(99) AS (if(deleted IS NULL, lower(email), NULL)) VIRTUAL, KEY t_email (alive))`,
		},
		check: func(t *testing.T, db *schema.Database) {
			got := table(t, db, "t")
			if db.Engine == "mysql" {
				checkGeneratedKey(t, got)
				return
			}
			if len(got.Indexes) != 1 {
				t.Fatalf("indexes %+v, want one", got.Indexes)
			}
			ix := got.Indexes[0]
			if !ix.Unique || len(ix.Parts) != 1 || ix.Parts[0].Column != "" || !strings.Contains(ix.Parts[0].Expr, "lower(") {
				t.Errorf("parts %+v, want lower(email)", ix.Parts)
			}
			if !strings.Contains(strings.ToLower(ix.Where), "deleted is null") {
				t.Errorf("predicate %q, want deleted is null", ix.Where)
			}
			columns := slices.Clone(ix.Columns)
			slices.Sort(columns)
			if !slices.Equal(columns, []string{"deleted", "email"}) {
				t.Errorf("the index reads %v, want deleted and email", ix.Columns)
			}
		},
	},
	{
		name: "checks know the columns that they read",
		sql: dialects{
			"":      `CREATE TABLE t (lo INTEGER, hi INTEGER CONSTRAINT hi_small CHECK (hi < 100), CONSTRAINT ordered CHECK (lo <= hi))`,
			"mysql": `CREATE TABLE t (lo INTEGER, hi INTEGER, CONSTRAINT hi_small CHECK (hi < 100), CONSTRAINT ordered CHECK (lo <= hi))`, // MariaDB has no names on columns' checks
		},
		check: func(t *testing.T, db *schema.Database) {
			got := table(t, db, "t").Checks
			if len(got) != 2 || got[0].Name != "hi_small" || got[1].Name != "ordered" {
				t.Fatalf("checks %+v, want hi_small and ordered", got)
			}
			if !slices.Equal(got[0].Columns, []string{"hi"}) {
				t.Errorf("hi_small reads %v, want hi", got[0].Columns)
			}
			columns := slices.Clone(got[1].Columns)
			slices.Sort(columns)
			if !slices.Equal(columns, []string{"hi", "lo"}) {
				t.Errorf("ordered reads %v, want hi and lo", columns)
			}
			if !strings.Contains(got[1].Expr, "lo <= hi") {
				t.Errorf("expression %q, want lo <= hi", got[1].Expr)
			}
		},
	},
	{
		name: "foreign keys with their actions, also to oneself and in a circle",
		sql: dialects{
			"sqlite": `CREATE TABLE a (id INTEGER PRIMARY KEY, b_id INTEGER CONSTRAINT a_b REFERENCES b (id) DEFERRABLE INITIALLY DEFERRED, up INTEGER CONSTRAINT a_up REFERENCES a (id));
				CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER NOT NULL, CONSTRAINT b_a FOREIGN KEY (a_id) REFERENCES a (id) ON DELETE CASCADE ON UPDATE SET NULL)`,
			"postgres": `CREATE TABLE a (id integer PRIMARY KEY, b_id integer, up integer CONSTRAINT a_up REFERENCES a (id));
				CREATE TABLE b (id integer PRIMARY KEY, a_id integer NOT NULL, CONSTRAINT b_a FOREIGN KEY (a_id) REFERENCES a (id) ON DELETE CASCADE ON UPDATE SET NULL);
				ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b (id) DEFERRABLE INITIALLY DEFERRED`,
			"mysql": `CREATE TABLE a (id integer PRIMARY KEY, b_id integer, up integer, CONSTRAINT a_up FOREIGN KEY (up) REFERENCES a (id));
				CREATE TABLE b (id integer PRIMARY KEY, a_id integer NULL, CONSTRAINT b_a FOREIGN KEY (a_id) REFERENCES a (id) ON DELETE CASCADE ON UPDATE SET NULL);
				ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b (id)`,
		},
		check: func(t *testing.T, db *schema.Database) {
			a, b := table(t, db, "a").ForeignKeys, table(t, db, "b").ForeignKeys
			if len(a) != 2 || a[0].Name != "a_b" || a[1].Name != "a_up" || len(b) != 1 || b[0].Name != "b_a" {
				t.Fatalf("foreign keys %+v and %+v, want a_b, a_up and b_a", a, b)
			}
			deferrable := db.Engine != "mysql" // which checks every row at once
			if a[0].Deferrable != deferrable || a[0].InitiallyDeferred != deferrable || a[1].Deferrable {
				t.Errorf("deferrable: %+v", a)
			}
			if a[1].OnDelete != "no action" || a[1].Match != "simple" || a[1].RefTable.Name != "a" {
				t.Errorf("a_up %+v: want no action, simple, to a", a[1])
			}
			if b[0].OnDelete != "cascade" || b[0].OnUpdate != "set null" || !slices.Equal(b[0].RefColumns, []string{"id"}) || !slices.Equal(b[0].Columns, []string{"a_id"}) {
				t.Errorf("b_a %+v", b[0])
			}
		},
	},
	{
		name: "generated columns",
		sql:  every(`CREATE TABLE t (a INTEGER, twice INTEGER GENERATED ALWAYS AS (a * 2) STORED)`),
		check: func(t *testing.T, db *schema.Database) {
			c, _ := table(t, db, "t").Column("twice")
			if c == nil || !strings.Contains(c.Generated, "a * 2") || !c.Stored || c.Default != nil {
				t.Errorf("column %+v, want stored a * 2 and no default", c)
			}
		},
	},
	{
		name: "views and what they read",
		sql: every(`CREATE TABLE t (a INTEGER, b INTEGER); CREATE VIEW z AS SELECT a, b AS bee FROM t WHERE a > 0;
			CREATE VIEW y AS SELECT bee FROM z`),
		check: func(t *testing.T, db *schema.Database) {
			if len(db.Views) != 2 || db.Views[0].Name.Name != "y" || db.Views[1].Name.Name != "z" {
				t.Fatalf("views %+v, want y and z", db.Views)
			}
			if !slices.Equal(db.Views[1].Columns, []string{"a", "bee"}) {
				t.Errorf("columns of z %v", db.Views[1].Columns)
			}
			if !slices.Equal(db.Views[0].Reads, []schema.Name{{Name: "z"}}) || !slices.Equal(db.Views[1].Reads, []schema.Name{{Name: "t"}}) {
				t.Errorf("y reads %v, z reads %v", db.Views[0].Reads, db.Views[1].Reads)
			}
		},
	},
	{
		name: "an empty database",
		sql:  every(``),
		check: func(t *testing.T, db *schema.Database) {
			if len(db.Tables)+len(db.Views)+len(db.Triggers) != 0 {
				t.Errorf("an empty database has %d tables", len(db.Tables))
			}
		},
	},
}

// checkGeneratedKey wants an index whose one part is a generated column, and that knows what is behind it.
func checkGeneratedKey(t *testing.T, got *schema.Table) {
	if len(got.Indexes) != 1 || len(got.Indexes[0].Parts) != 1 {
		t.Fatalf("indexes %+v, want one over one part", got.Indexes)
	}
	c, ok := got.Column(got.Indexes[0].Parts[0].Column)
	if !ok || !strings.Contains(c.Generated, "lower(") || !strings.Contains(c.Generated, "deleted is null") || c.Stored {
		t.Errorf("column %+v, want lower(email) where deleted is null", c)
	}
	columns := slices.Clone(got.Indexes[0].Columns)
	slices.Sort(columns)
	if !slices.Equal(columns, []string{"alive", "deleted", "email"}) {
		t.Errorf("the index reads %v, want alive, deleted and email", columns)
	}
}

// schema captures each case twice, checks it, and proves the DDL, applied to an empty database, and the clone: both are
// captured as the same model.
func (h Harness) schema(t *testing.T) {
	for _, c := range schemaCases {
		t.Run(c.name, func(t *testing.T) {
			target := h.with(t, c.sql.of(t, h))
			got := h.capture(t, target)
			if got.Engine != h.Engine.Name() || got.Version == "" {
				t.Errorf("engine %q, version %q", got.Engine, got.Version)
			}
			c.check(t, got)
			sameModel(t, "a second capture", got, h.capture(t, target))
			sameModel(t, "the schema rebuilt from its DDL", got, h.capture(t, h.rebuild(t, got)))
			t.Run("a clone has everything", func(t *testing.T) { sameModel(t, "the clone", got, h.capture(t, h.clone(t, target))) })
		})
	}
	t.Run("a renamed table keeps its storage id", h.renameKeepsStorage)
}

func (h Harness) renameKeepsStorage(t *testing.T) {
	target := h.with(t, `CREATE TABLE earlier (a INTEGER); CREATE TABLE other (a INTEGER)`)
	was := table(t, h.capture(t, target), "earlier").StorageID
	h.apply(t, target, `ALTER TABLE earlier RENAME TO later`)
	now := h.capture(t, target)
	if got := table(t, now, "later").StorageID; got != was || got == "" {
		t.Errorf("storage id %q after the rename, %q before", got, was)
	}
	if table(t, now, "other").StorageID == was {
		t.Error("two tables share a storage id")
	}
}
