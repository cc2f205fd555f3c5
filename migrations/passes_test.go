package migrations

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/finding"
)

// passed rehearses 42_x with its way back on the shop, and gives the findings and the passes.
func passed(t *testing.T, tr trial) (said []string, did []finding.Pass) {
	t.Helper()
	tr.production = makeDatabase(t, shop)
	out, err := tr.run(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Database.Migrations {
		if m.Status != statusOK {
			t.Errorf("the replay itself: %s is %s", m.Version, m.Status)
		}
	}
	for _, f := range out.Findings {
		said = append(said, f.Rule+" "+f.Address+": "+f.Message)
	}
	return append(said, gaps(out)...), out.Database.Passes
}

func TestTheWayBack(t *testing.T) {
	for _, tt := range []struct {
		name, up, down string
		want           []string // parts of findings and gaps, in order
	}{
		{"a new column", "ALTER TABLE users ADD COLUMN country TEXT;", "ALTER TABLE users DROP COLUMN country;", nil},
		{"a new table with rows", "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO tags VALUES (1, 'zqtoken');", "DROP TABLE tags;", nil},
		{"a renamed column", "ALTER TABLE orders RENAME COLUMN code TO number;", "ALTER TABLE orders RENAME COLUMN number TO code;", nil},
		{"an index", "CREATE INDEX u ON users (plan);", "DROP INDEX u;", nil},
		{"a rebuild there and back", "DROP VIEW paying;\n" + rebuild("id INTEGER PRIMARY KEY, email TEXT, plan TEXT, age INTEGER", sameSelect, "CREATE VIEW paying AS SELECT id FROM users WHERE plan = 'pro';"),
			"DROP VIEW paying;\n" + rebuild(sameColumns, sameSelect, "CREATE VIEW paying AS SELECT id FROM users WHERE plan = 'pro';"), nil},
		{"a column that comes back last, and without its values", "ALTER TABLE orders DROP COLUMN note;", "ALTER TABLE orders ADD COLUMN note TEXT;",
			[]string{"down-loses-data main:migration/42_x: after 000042_x and its way back 1 value of orders.note is NULL now; by statement 1 of 1 (line 1) of 000042_x.up.sql"}},
		{"values that nobody brings back", "UPDATE users SET plan = upper(plan);", "SELECT 1;", []string{"down-loses-data main:migration/42_x: after 000042_x and its way back values of users.plan differ; by statement 1 of 1 (line 1) of 000042_x.up.sql"}},
		{"rows that nobody brings back", "SELECT 1;\nDELETE FROM orders WHERE user_id IS NULL;", "SELECT 1;", []string{"1 row of orders is gone; by statement 2 of 2 (line 2) of 000042_x.up.sql"}},
		{"a way back that loses what was there", "ALTER TABLE orders ADD COLUMN a TEXT;", "ALTER TABLE orders DROP COLUMN a;\nUPDATE orders SET note = NULL;", []string{"1 value of orders.note is NULL now; by statement 2 of 2 (line 2) of 000042_x.down.sql"}},
		{"something is left", "CREATE TABLE a (x);\nCREATE TABLE b (x);", "DROP TABLE b;", []string{"down-incomplete main:migration/42_x: 000042_x and its way back leave another schema: table a is left; so it does not go up again: "}},
		{"too much goes", "CREATE TABLE a (x);", "DROP TABLE a;\nDROP INDEX orders_user;", []string{"leave another schema: index orders.orders_user is gone"}},
		{"it fails", "CREATE TABLE a (x);", "DROP TABLE a;\nDROP TABLE no_such;", []string{"down-failed main:migration/42_x: the way back of 000042_x fails: ", "statement 2 of 2 (line 2)"}},
		{"it reaches out", "CREATE TABLE a (x);", "ATTACH DATABASE 'y.db' AS y;", []string{"main:migration/42_x: its way back is not tried: statement 1 of 1 (line 1) of 000042_x.down.sql reads or writes another file"}},
		{"none that does anything", "CREATE TABLE a (x);", "-- not to be undone\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			said, did := passed(t, trial{down: true, files: map[string]string{"000041_base.up.sql": "", "000042_x.up.sql": tt.up, "000042_x.down.sql": tt.down}})
			text := strings.Join(said, "\n")
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("said %q, want %q", text, want)
				}
			}
			if len(tt.want) == 0 && text != "" || len(said) > 1 {
				t.Errorf("said %q", text)
			}
			if len(did) != 1 || did[0].Name != "down" || did[0].Tried+did[0].Without != 1 {
				t.Errorf("passes %+v", did)
			}
		})
	}
}

func TestWaysBackOfSeveralMigrations(t *testing.T) {
	said, did := passed(t, trial{down: true, files: map[string]string{"41_base.up.sql": "", "42_x.up.sql": "CREATE TABLE a (x);", "42_x.down.sql": "DROP TABLE no_such;",
		"43_y.up.sql": "ALTER TABLE a ADD COLUMN y;", "44_z.up.sql": "CREATE TABLE c (x);", "44_z.down.sql": "SELECT 1;", "45_w.up.sql": "CREATE TABLE d (x);", "45_w.down.sql": "DROP TABLE d;"}})
	for i, want := range []string{"down-failed main:migration/42_x", "down-incomplete main:migration/44_z", "main:migration/45_w: the way back is not tried: 44_z left the clone half-way"} {
		if i >= len(said) || !strings.HasPrefix(said[i], want) {
			t.Errorf("said %q, want %q", said, want)
		}
	}
	if len(did) != 1 || did[0].Tried != 2 || did[0].Without != 1 {
		t.Errorf("passes %+v", did)
	}
}

func TestWaysBackOfOtherTools(t *testing.T) {
	const up, down = "CREATE TABLE a (x);\n", "DROP TABLE no_such;\n"
	for tool, files := range map[string]map[string]string{
		"goose":       {"42_x.sql": "-- +goose Up\n" + up + "-- +goose Down\n" + down},
		"dbmate":      {"42_x.sql": "-- migrate:up\n" + up + "-- migrate:down\n" + down},
		"sql-migrate": {"42_x.sql": "-- +migrate Up\n" + up + "-- +migrate Down\n" + down},
		"diesel":      {"42_x/up.sql": up, "42_x/down.sql": down},
		"sqlx":        {"42_x.up.sql": up, "42_x.down.sql": down},
		"liquibase":   {"x.sql": "--liquibase formatted sql\n--changeset ann:42\n" + up + "--rollback " + down},
	} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			tr := trial{down: true, twice: true, spec: Spec{Tool: tool}, files: files, production: makeDatabase(t, "CREATE TABLE users (id INTEGER PRIMARY KEY);")}
			out, err := tr.run(t)
			if err != nil {
				t.Fatal(err)
			}
			rules := ""
			for _, f := range out.Findings {
				rules += f.Rule + " "
			}
			if rules != "down-failed not-repeatable " {
				t.Errorf("found %s: %q", rules, messages(out.Findings))
			}
		})
	}
}

func TestASecondRun(t *testing.T) {
	for _, tt := range []struct{ name, up, want string }{
		{"it says if not exists", "CREATE TABLE IF NOT EXISTS tags (id INTEGER PRIMARY KEY, name TEXT);\nCREATE INDEX IF NOT EXISTS tags_name ON tags (name);\nINSERT OR IGNORE INTO tags VALUES (1, 'zqtoken');", ""},
		{"a backfill of what is not filled", "UPDATE users SET plan = 'free' WHERE plan IS NULL;", ""},
		{"it does not", "SELECT 1;\nCREATE TABLE tags (id INTEGER PRIMARY KEY);", "not-repeatable main:migration/42_x: a second run of 000042_x fails: table tags already exists; statement 2 of 2 (line 2)"},
		{"it counts again", "UPDATE users SET age = age + 1;", "a second run of 000042_x passes and changes more: values of users.age differ; statement 1 of 1 (line 1)"},
		{"it adds again", "CREATE TABLE IF NOT EXISTS tags (name TEXT);\nINSERT INTO tags VALUES ('zqtoken'), ('b');", "2 rows of tags are more than before; statement 2 of 2 (line 2)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			said, did := passed(t, trial{twice: true, files: map[string]string{"000041_base.up.sql": "", "000042_x.up.sql": tt.up}})
			if text := strings.Join(said, "\n"); !strings.Contains(text, tt.want) || (tt.want == "") != (text == "") {
				t.Errorf("said %q, want %q", text, tt.want)
			}
			if len(did) != 1 || did[0].Name != "twice" || did[0].Tried != 1 {
				t.Errorf("passes %+v", did)
			}
		})
	}
}
