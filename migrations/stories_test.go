package migrations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// rebuild is SQLite's way to alter a table: create, insert … select, drop, rename.
func rebuild(columns, selected string, more ...string) string {
	return "CREATE TABLE users_new (" + columns + ");\nINSERT INTO users_new (id, email, plan, age) " + selected +
		";\nDROP TABLE users;\nALTER TABLE users_new RENAME TO users;\n" + strings.Join(more, "\n")
}

const (
	sameColumns = "id INTEGER PRIMARY KEY, email TEXT, plan TEXT DEFAULT 'free', age INTEGER"
	sameSelect  = "SELECT id, email, plan, age FROM users"
	// dropView comes first: SQLite refuses to rename a table while a view refers to a missing one.
	dropView = "DROP VIEW paying;\n"
)

func TestMigrationsThatBlowUpOnProductionsRows(t *testing.T) {
	tests := []struct {
		name, script string
		rule         string
		words        []string
	}{
		{"a unique index on an expression", "CREATE UNIQUE INDEX users_email ON users (lower(email));", "migration-failed",
			[]string{"000042_x fails", "2 rows of users share lower(email) with another", "statement 1 of 1 (line 1)"}},
		{"a unique index on some rows", "CREATE TABLE a (x);\n\nCREATE UNIQUE INDEX users_pro ON users (plan) WHERE age > 20;", "migration-failed",
			[]string{"2 rows of users share plan with another (where age > 20)", "statement 2 of 2 (line 3)"}},
		{"a column added not null", "ALTER TABLE users ADD COLUMN country TEXT NOT NULL;", "migration-failed", []string{"6 rows of users get no value for the new column country"}},
		{"a column added with a check that its default breaks", "ALTER TABLE users ADD COLUMN score INTEGER DEFAULT 0 CHECK (score > 0);", "migration-failed", []string{"6 rows of users break the check"}},
		{"a rebuild that adds not null", dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT NOT NULL, plan TEXT, age INTEGER", sameSelect), "migration-failed",
			[]string{"1 row of users has NULL in email", "statement 3 of 5 (line 3)"}},
		{"a rebuild with a unique index on lower(email) after the rename", dropView + rebuild(sameColumns, sameSelect, "CREATE UNIQUE INDEX users_email ON users (lower(email));"), "migration-failed",
			[]string{"2 rows of users share lower(email) with another", "statement 6 of 6"}},
		{"a rebuild with a unique column under another collation", dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE UNIQUE, plan TEXT, age INTEGER", sameSelect), "migration-failed",
			[]string{"2 rows of users share email COLLATE", "statement 3 of 5"}},
		{"a rebuild with a check", dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT, plan TEXT, age INTEGER, CONSTRAINT grown CHECK (age >= 0)", sameSelect), "migration-failed",
			[]string{"2 rows of users break the check age >= 0", "statement 3 of 5"}},
		{"a rebuild with a foreign key, which SQLite does not enforce for golang-migrate", "CREATE TABLE orders_new (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), code TEXT NOT NULL, note TEXT);\nINSERT INTO orders_new SELECT * FROM orders;\nDROP TABLE orders;\nALTER TABLE orders_new RENAME TO orders;", "migration-predicted",
			[]string{"breaks a foreign key", "1 row of orders refers by user_id to no row of users", "statement 2 of 4 (line 2)"}},
		{"all of them in one rebuild", dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT NOT NULL, plan TEXT REFERENCES plans (name), age INTEGER CHECK (age >= 0)", sameSelect, "CREATE UNIQUE INDEX users_email ON users (lower(email));"), "migration-failed",
			[]string{"2 rows of users break the check age >= 0", "also 1 row of users has NULL in email", "also 2 rows of users share lower(email) with another"}},
		{"a rebuild into a strict table", dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT, plan INTEGER, age INTEGER", sameSelect) + "", "", nil},
		{"a rebuild into a strict table with another type", dropView + strings.Replace(rebuild("id INTEGER PRIMARY KEY, email TEXT, plan INTEGER, age INTEGER", sameSelect), ");\nINSERT", ") STRICT;\nINSERT", 1), "migration-failed",
			[]string{"5 rows of users hold in plan what is no INTEGER"}},
		{"a second rebuild of a rebuilt table", dropView + rebuild(sameColumns, sameSelect) + rebuild("id INTEGER PRIMARY KEY, email TEXT NOT NULL, plan TEXT, age INTEGER", sameSelect), "migration-failed",
			[]string{"1 row of users has NULL in email", "statement 7 of 9"}},
		{"a renamed column", "ALTER TABLE users RENAME COLUMN email TO mail;\nCREATE UNIQUE INDEX users_mail ON users (lower(mail));", "migration-failed", []string{"2 rows of users share lower(mail) with another"}},
		{"a unique key over two columns", "CREATE UNIQUE INDEX o ON orders (user_id, note);\nCREATE UNIQUE INDEX u ON users (plan, age < 0);", "migration-failed", []string{"4 rows of users share plan, age < 0 with another"}},
		{"an update under a constraint that is there", "UPDATE orders SET code = NULL WHERE id = 3;", "migration-failed", []string{"NOT NULL", "statement 1 of 1"}},
		{"a backfill that is not enough", "UPDATE users SET email = 'zqtoken-b@x.example' WHERE email IS NULL;\nCREATE UNIQUE INDEX u ON users (email);", "migration-failed",
			[]string{"2 rows of users share email with another", "counted on the copy"}},
		{"a table that is there already", "CREATE TABLE orders (id INTEGER);", "migration-failed", []string{"already exists", "statement 1 of 1"}},
		{"SQL that does not parse", "CREATE TABLE a (x);\nCREAT TABLE b (x);", "migration-failed", []string{"syntax error", "statement 2 of 2 (line 2)"}},
		{"a transaction of its own", "BEGIN;\nCREATE TABLE a (x);\nCOMMIT;", "migration-failed", []string{"transaction", "statement 1 of 3"}},
		{"a commit of its own", "CREATE TABLE a (x);\nCOMMIT;\nCREATE TABLE b (x);", "migration-failed", []string{"transaction", "its commit"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			one(t, trial{}, tt.script, tt.rule, tt.words...)
		})
	}
}

func TestHarmlessMigrationsStaySilent(t *testing.T) {
	for name, script := range map[string]string{
		"a nullable column":        "ALTER TABLE users ADD COLUMN country TEXT;",
		"a column with a default":  "ALTER TABLE users ADD COLUMN country TEXT NOT NULL DEFAULT 'de';",
		"a new table":              "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE); INSERT INTO tags (name) VALUES ('zqtoken'), ('b');",
		"an index":                 "CREATE INDEX users_plan ON users (plan);",
		"a partial unique index":   "CREATE UNIQUE INDEX users_one ON users (email) WHERE age > 40;",
		"unique on what is unique": "CREATE UNIQUE INDEX orders_code ON orders (code);",
		"unique over nulls":        "CREATE UNIQUE INDEX orders_note ON orders (note);",
		"a view":                   "CREATE VIEW old AS SELECT id FROM users WHERE age > 60;",
		"a trigger":                "CREATE TRIGGER orders_low AFTER INSERT ON orders BEGIN UPDATE orders SET code = lower(code) WHERE id = NEW.id; END;",
		"a rebuild that gives nulls a value": dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT NOT NULL, plan TEXT, age INTEGER",
			"SELECT id, coalesce(email, ''), plan, age FROM users"),
		"a rebuild of some rows":                    dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT NOT NULL, plan TEXT, age INTEGER CHECK (age > 0)", "SELECT id, email, plan, age FROM users WHERE email IS NOT NULL AND age > 0"),
		"a rebuild as it was":                       dropView + rebuild(sameColumns, sameSelect),
		"a backfill before not null":                "UPDATE users SET email = 'zqtoken-none' WHERE email IS NULL;\n" + dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT NOT NULL, plan TEXT, age INTEGER", sameSelect),
		"duplicates deleted before unique":          "DELETE FROM users WHERE id = 2;\nCREATE UNIQUE INDEX users_email ON users (lower(email));",
		"insert or ignore":                          "CREATE TABLE mails (email TEXT NOT NULL UNIQUE COLLATE NOCASE);\nINSERT OR IGNORE INTO mails SELECT email FROM users;",
		"a check that all rows satisfy":             dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT, plan TEXT, age INTEGER CHECK (age < 200)", sameSelect),
		"an update":                                 "UPDATE users SET plan = 'zqtoken' WHERE plan IS NULL;",
		"a table made from a query":                 "CREATE TABLE pros AS SELECT id, email FROM users WHERE plan = 'pro';\nCREATE UNIQUE INDEX pros_id ON pros (id);",
		"a foreign key that all rows obey":          "CREATE TABLE o (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id));\nINSERT INTO o SELECT id, user_id FROM orders WHERE id < 3;",
		"a dropped and a renamed column":            "ALTER TABLE users DROP COLUMN age;\nALTER TABLE users RENAME COLUMN email TO mail;",
		"nothing":                                   "",
		"only a comment":                            "-- nothing to do\n",
		"a pragma, which a transaction voids":       "PRAGMA foreign_keys=OFF;\n" + dropView + rebuild(sameColumns, sameSelect) + "PRAGMA foreign_keys=ON;",
		"a looked-up row that an empty clone lacks": "CREATE TABLE admins (user_id INTEGER NOT NULL);\nINSERT INTO admins VALUES ((SELECT id FROM users WHERE plan = 'pro' ORDER BY id LIMIT 1));",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one(t, trial{}, script, "")
		})
	}
}

func TestPredictionAgreesWithReplay(t *testing.T) {
	for name, script := range map[string]string{
		"not null": dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT NOT NULL, plan TEXT, age INTEGER", sameSelect),
		"unique":   "CREATE UNIQUE INDEX u ON users (lower(email));",
		"check":    dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT, plan TEXT, age INTEGER CHECK (age >= 0)", sameSelect),
		"type":     dropView + strings.Replace(rebuild("id INTEGER PRIMARY KEY, email INTEGER, plan TEXT, age INTEGER", sameSelect), ");\nINSERT", ") STRICT;\nINSERT", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replayed := one(t, trial{}, script, "migration-failed")
			// On a copy without the bad rows the replay passes; production's answer stands.
			healthy := one(t, trial{change: heal}, script, "migration-predicted", "000042_x will fail")
			said := func(out Output) string {
				_, s, _ := strings.Cut(out.Findings[0].Message, "fail")
				return strings.TrimLeft(s, "s: ")
			}
			if said(replayed) != said(healthy) {
				t.Errorf("replayed %q, predicted %q", said(replayed), said(healthy))
			}
			if healthy.Findings[0].Change != "predicted" || replayed.Findings[0].Change != "failed" {
				t.Errorf("changes %s and %s", healthy.Findings[0].Change, replayed.Findings[0].Change)
			}
		})
	}
}

// heal makes every row of the copy satisfy every constraint of the stories.
func heal(table string, row engine.Row) {
	if table != "users" {
		return
	}
	id := string(row[0].Data)
	row[1] = engine.Cell{Type: engine.CellInteger, Data: []byte(id)}
	row[3] = engine.Cell{Type: engine.CellInteger, Data: []byte("1")}
}

func TestWhatStopsAMigrationIsToldBeforeWhatSQLiteLetsPass(t *testing.T) {
	one(t, trial{excluded: []string{"orders"}}, "CREATE TABLE o (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), code TEXT CHECK (length(code) > 9));\nINSERT INTO o SELECT id, user_id, code FROM orders;",
		"migration-predicted", "will fail: 4 rows of orders break the check length(code) > 9", "also 1 row of orders refers by user_id")
}

func TestAFailureOfTheCopyAloneIsAnArtefact(t *testing.T) {
	same := func(table string, row engine.Row) {
		if table == "orders" {
			row[2] = engine.Cell{Type: engine.CellText, Data: []byte("masked")}
		}
	}
	out := one(t, trial{change: same}, "CREATE UNIQUE INDEX orders_code ON orders (code);", "copy-artefact", "fails on the copy only", "4 rows of orders share code with another")
	if p := out.Database.Probes; len(p) != 1 || p[0].Status != "decisive" || p[0].Violations != 0 || p[0].RowsChecked != 4 {
		t.Errorf("probes %+v", p)
	}
}

func TestWhatComesAfterAFailureIsStillPredicted(t *testing.T) {
	out, err := trial{production: makeDatabase(t, shop), files: map[string]string{
		"41_base.up.sql": "", "42_x.up.sql": "CREATE UNIQUE INDEX u ON users (lower(email));", "43_fine.up.sql": "CREATE INDEX p ON users (plan);",
		"44_y.up.sql": "CREATE UNIQUE INDEX p2 ON users (plan) WHERE age < 0;\nCREATE UNIQUE INDEX p3 ON users (plan) WHERE age > 0;",
	}}.run(t)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"migration-failed main:migration/42_x", "migration-predicted main:migration/44_y"}
	for i, f := range out.Findings {
		if i >= len(want) || f.Rule+" "+f.Address != want[i] {
			t.Fatalf("findings %q, want %q", messages(out.Findings), want)
		}
	}
	var status []string
	for _, m := range out.Database.Migrations {
		status = append(status, m.Version+" "+m.Status)
	}
	if got := strings.Join(status, ", "); got != "42 failed, 43 not_run, 44 not_run" {
		t.Errorf("statuses %s", got)
	}
	if out.After == nil {
		t.Error("the schema after the migrations is known from the empty clone")
	}
}

func TestTheSameMigrationPassesOnStagingsRows(t *testing.T) {
	staging := makeDatabase(t, shop+"DELETE FROM users WHERE id IN (2, 4);")
	script := dropView + rebuild("id INTEGER PRIMARY KEY, email TEXT NOT NULL, plan TEXT, age INTEGER", sameSelect, "CREATE UNIQUE INDEX users_email ON users (lower(email));")
	one(t, trial{production: staging}, script, "")
	one(t, trial{}, script, "migration-failed", "1 row of users has NULL in email")
}

func TestAnExcludedTableIsNeverPassedWhileEmpty(t *testing.T) {
	t.Run("decided by a probe", func(t *testing.T) {
		one(t, trial{excluded: []string{"users"}}, "CREATE UNIQUE INDEX u ON users (lower(email));", "migration-predicted", "2 rows of users share lower(email)")
		one(t, trial{excluded: []string{"orders"}}, "CREATE UNIQUE INDEX u ON orders (code);", "")
	})
	t.Run("else a gap", func(t *testing.T) {
		for _, script := range []string{
			"UPDATE users SET email = NULL WHERE id = 2;\nCREATE UNIQUE INDEX u ON users (lower(email));",
			"UPDATE users SET plan = 'free' WHERE plan IS NULL;",
		} {
			out, err := trial{production: makeDatabase(t, shop), excluded: []string{"users"}, files: map[string]string{"41_a.up.sql": "", "42_x.up.sql": script}}.run(t)
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Findings) > 0 || len(out.Gaps) != 1 || out.Gaps[0].Address != "main:migration/42_x" {
				t.Errorf("%s: findings %q, gaps %q", script, messages(out.Findings), gaps(out))
			}
		}
	})
}

func TestGolangMigrateItselfHasTheLastWord(t *testing.T) {
	// Our session leaves a parameter null; the tool's driver misses its value.
	out, err := trial{production: makeDatabase(t, shop), files: map[string]string{"41_a.up.sql": "", "42_x.up.sql": "CREATE TABLE q (a);\nINSERT INTO q VALUES (?1);"}}.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(gaps(out), "\n"); !strings.HasPrefix(got, "main:migration/42_x: golang-migrate itself fails on an empty clone") {
		t.Errorf("gaps %q", got)
	}
}

func TestDifferentNamesWhatTwoSchemasDoNotShare(t *testing.T) {
	a := db(tab("same@1", "x"), tab("changed@2", "x"), tab("gone@3", "x"), tab("versions@4", "x"))
	b := db(tab("same@9", "x"), tab("changed@2", "x not null"), tab("new@3", "x"), tab("versions@4", "y"))
	if got := joinNames(different(a, b, name("versions"))); got != "changed, gone, new" {
		t.Errorf("got %s", got)
	}
}

func TestATransactionOfItsOwnPassesWithoutTheTools(t *testing.T) {
	one(t, trial{noTxWrap: true}, "BEGIN;\nCREATE TABLE a (x);\nCOMMIT;", "")
}

func TestMasksLearnWhatTheMigrationsDemand(t *testing.T) {
	var got []string
	_, err := trial{production: makeDatabase(t, shop), files: map[string]string{"41_a.up.sql": "",
		"42_x.up.sql": "ALTER TABLE users RENAME COLUMN plan TO tariff;\nCREATE UNIQUE INDEX a ON users (tariff, age) WHERE age > 80;",
		"43_y.up.sql": "CREATE TABLE o (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id));\nINSERT INTO o SELECT id, user_id FROM orders;"},
		build: func(_ context.Context, demands []schema.Obligation) (CopyResult, error) {
			for _, o := range demands {
				got = append(got, fmt.Sprintf("%s %s(%s)", o.Kind, o.Table, strings.Join(o.Columns, ",")))
			}
			return CopyResult{}, errors.New("that is all")
		}}.run(t)
	if err == nil {
		t.Fatal("no error")
	}
	if want := "unique users(plan,age), unique orders(id), foreign key orders(user_id)"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}
