package onpostgres

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/migrations"
)

// TestTheWayBackAndASecondRun are tried on clones of the copy, and what does both well is not spoken of.
func TestTheWayBackAndASecondRun(t *testing.T) {
	server, e := testservers.Postgres(t), postgres.New()
	base := target(t, server.DSN("postgres"))
	for _, tt := range []struct {
		name, up, down string
		want           []string
	}{
		{"both well", "ALTER TABLE users ADD COLUMN IF NOT EXISTS country text;\nCREATE INDEX IF NOT EXISTS users_plan ON users (plan);\nCREATE OR REPLACE VIEW pros AS SELECT id FROM users WHERE plan = 'pro';\nALTER TABLE users ALTER COLUMN age TYPE bigint;",
			"ALTER TABLE users ALTER COLUMN age TYPE integer;\nDROP VIEW IF EXISTS pros;\nDROP INDEX IF EXISTS users_plan;\nALTER TABLE users DROP COLUMN IF EXISTS country;", nil},
		{"alone in its file", "CREATE INDEX CONCURRENTLY IF NOT EXISTS users_plan ON users (plan);", "DROP INDEX CONCURRENTLY IF EXISTS users_plan;", nil},
		{"a label that stays", "CREATE TYPE tier AS ENUM ('a');\nCREATE TABLE tiers (t tier);", "DROP TABLE tiers;", []string{
			"down-incomplete main:migration/42_x: 42_x and its way back leave another schema: enum tier is left; so it does not go up again: ", "not-repeatable main:migration/42_x: a second run of 42_x fails: "}},
		{"a column that the way back does not fill", "ALTER TABLE orders DROP COLUMN code;", "ALTER TABLE orders ADD COLUMN code text NOT NULL DEFAULT '';", []string{
			"down-incomplete main:migration/42_x: 42_x and its way back leave another schema: column orders.code differs", "down-loses-data main:migration/42_x: after 42_x and its way back values of orders.code differ; by statement 1 of 1 (line 1) of 42_x.up.sql", "not-repeatable"}},
		{"rows that go with others", "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE NOT VALID;\nDELETE FROM users WHERE id = 1;", "ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;\nINSERT INTO users SELECT 1, 'zqtoken-a@x.example', 'pro', 30;", []string{
			"down-loses-data main:migration/42_x: after 42_x and its way back 1 row of orders is gone", "not-repeatable"}},
		{"an index without a name", "CREATE INDEX ON users (plan);", "DROP INDEX users_plan_idx;", []string{"not-repeatable main:migration/42_x: a second run of 42_x passes and changes more: index users.users_plan_idx1 is left"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			production, sch := production(ctx, t, e)
			dir := t.TempDir()
			for file, text := range map[string]string{"41_base.up.sql": "SELECT 1", "42_x.up.sql": tt.up, "42_x.down.sql": tt.down} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out, err := migrations.Rehearse(ctx, migrations.Input{Scope: "main", Environment: "production", Engine: e, Production: production, Schema: sch,
				Spec: migrations.Spec{Dir: dir}, ScratchBase: base, Now: time.Now, Down: true, Twice: true,
				BuildCopy: func(ctx context.Context, _ []schema.Obligation) (migrations.CopyResult, error) {
					return copyFaithfully(ctx, e, production, sch, base)
				}})
			if err != nil {
				t.Fatal(err)
			}
			text := gapsOf(out.Gaps)
			for _, f := range out.Findings {
				text += "\n" + f.Rule + " " + f.Address + ": " + f.Message
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("said %q, want %q", text, want)
				}
			}
			if n := len(out.Findings) + len(out.Gaps); n != len(tt.want) {
				t.Errorf("said %q", text)
			}
			if strings.Contains(text, planted) {
				t.Error("a value is in the output")
			}
			if len(out.Database.Passes) != 2 {
				t.Errorf("passes %+v", out.Database.Passes)
			}
		})
	}
}
