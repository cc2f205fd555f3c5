package onmariadb

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/migrations"
)

// TestTheWayBackAndASecondRun are tried on clones of the copy. MariaDB undoes nothing of a file that fails, so what comes behind it is not known.
func TestTheWayBackAndASecondRun(t *testing.T) {
	server, e := testservers.MariaDB(t), mysql.New()
	const next = "CREATE TABLE IF NOT EXISTS later (id int PRIMARY KEY)"
	for _, tt := range []struct {
		name, up, down string
		want           []string
	}{
		{"both well", "ALTER TABLE users ADD COLUMN IF NOT EXISTS country char(2);\nCREATE INDEX IF NOT EXISTS users_plan ON users (plan);", "DROP INDEX IF EXISTS users_plan ON users;\nALTER TABLE users DROP COLUMN IF EXISTS country;", nil},
		{"a column that the way back does not fill", "ALTER TABLE users DROP COLUMN IF EXISTS plan;", "ALTER TABLE users ADD COLUMN plan varchar(20);", []string{
			"down-loses-data main:migration/42_x: after 42_x and its way back 3 values of users.plan are NULL now; by statement 1 of 1 (line 1) of 42_x.up.sql"}},
		{"a way back that stops half-way", "ALTER TABLE users ADD COLUMN IF NOT EXISTS country char(2);", "ALTER TABLE users DROP COLUMN country;\nDROP TABLE no_such;", []string{
			"down-failed main:migration/42_x: the way back of 42_x fails: ", "main:migration/43_y: the way back is not tried: 42_x left the clone half-way"}},
		{"a second run that stops half-way", "INSERT INTO users (id) VALUES (9) ON DUPLICATE KEY UPDATE plan = plan;\nALTER TABLE users ADD COLUMN country char(2);", "ALTER TABLE users DROP COLUMN country;\nDELETE FROM users WHERE id = 9;", []string{
			"not-repeatable main:migration/42_x: a second run of 42_x fails: ", "main:migration/43_y: a second run is not tried: 42_x left the clone half-way"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			database := server.NewDatabase(t)
			server.Exec(t, database, shop+"INSERT INTO users VALUES (1, 'zqtoken', 'pro'), (2, NULL, 'free'), (3, 'zqtoken2', 'pro');")
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			production, err := e.Open(ctx, target(server, database), engine.ReadOnly)
			if err != nil {
				t.Fatal(err)
			}
			defer production.Close()
			sch, err := production.Schema(ctx)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for file, text := range map[string]string{"41_base.up.sql": "SELECT 1", "42_x.up.sql": tt.up, "42_x.down.sql": tt.down, "43_y.up.sql": next, "43_y.down.sql": "DROP TABLE later"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out, err := migrations.Rehearse(ctx, migrations.Input{Scope: "main", Environment: "production", Engine: e, Production: production, Schema: sch,
				Spec: migrations.Spec{Dir: dir}, ScratchBase: target(server, "mysql"), Now: time.Now, Down: true, Twice: true,
				BuildCopy: func(ctx context.Context, _ []schema.Obligation) (migrations.CopyResult, error) {
					return filledCopy(ctx, e, sch, target(server, "mysql"), "INSERT INTO users SELECT * FROM "+database+".users")
				}})
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, g := range out.Gaps {
				text += g.Address + ": " + g.Reason + "\n"
			}
			for _, f := range out.Findings {
				text += f.Rule + " " + f.Address + ": " + f.Message + "\n"
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("said %q, want %q", text, want)
				}
			}
			if n := len(out.Findings) + len(out.Gaps); n != len(tt.want) || strings.Contains(text, "zqtoken") {
				t.Errorf("said %q", text)
			}
		})
	}
}
