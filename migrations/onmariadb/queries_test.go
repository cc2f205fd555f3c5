package onmariadb

import (
	"context"
	"encoding/json"
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

// rehearseFile rehearses 42_x on a database of the shop with some rows, which the copy has as they are.
func rehearseFile(t *testing.T, server *testservers.MariaServer, database, script string, change func(*migrations.Input)) migrations.Output {
	t.Helper()
	e := mysql.New()
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
	for file, text := range map[string]string{"41_base.up.sql": "SELECT 1", "42_x.up.sql": script} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in := migrations.Input{Scope: "main", Environment: "production", Engine: e, Production: production, Schema: sch,
		Spec: migrations.Spec{Dir: dir}, ScratchBase: target(server, "mysql"), Now: time.Now,
		BuildCopy: func(ctx context.Context, _ []schema.Obligation) (migrations.CopyResult, error) {
			var fill []string
			for _, table := range sch.Tables {
				if table.Name.Name != "schema_migrations" {
					fill = append(fill, "INSERT INTO "+table.Name.Name+" SELECT * FROM "+database+"."+table.Name.Name)
				}
			}
			return filledCopy(ctx, e, sch, target(server, "mysql"), fill...)
		}}
	if change != nil {
		change(&in)
	}
	out, err := migrations.Rehearse(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "zqtoken") {
		t.Errorf("a value is in the output: %s", text)
	}
	return out
}

// TestHotQueriesMeetTheNewSchema: MariaDB logs slow statements with their values, which are not used and not told. One query reads a column that is renamed, one loses
// its index, an INSERT names the column, and others stay as they are.
func TestHotQueriesMeetTheNewSchema(t *testing.T) {
	server := testservers.MariaDB(t)
	database := server.NewDatabase(t)
	server.Exec(t, database, shop+"INSERT INTO users SELECT seq, concat('zqtoken', seq, '@x.example'), 'pro' FROM seq_1_to_20000; CREATE INDEX users_email ON users (email);")
	server.Exec(t, "", "SET GLOBAL log_output = 'TABLE', GLOBAL long_query_time = 0, GLOBAL slow_query_log = ON")
	t.Cleanup(func() {
		server.Exec(t, "", "SET GLOBAL slow_query_log = OFF, GLOBAL long_query_time = 10, GLOBAL log_output = 'FILE'")
	})
	server.Exec(t, database, `SELECT id FROM users WHERE email = 'zqtoken7@x.example'; SELECT id FROM users WHERE email = 'zqtoken8@x.example'; SELECT count(*) FROM users WHERE plan = 'zqtoken';
INSERT INTO users (id, email, plan) VALUES (90001, 'zqtoken', 'pro'); SELECT email FROM users WHERE id = 3 ORDER BY id LIMIT 5; UPDATE users SET email = 'zqtoken-' WHERE id IN (4, 5);`)
	server.Exec(t, "", "SET GLOBAL slow_query_log = OFF")
	server.Exec(t, "", "SET GLOBAL slow_query_log = ON, GLOBAL long_query_time = 10")
	out := rehearseFile(t, server, database, "ALTER TABLE users CHANGE plan tier varchar(20);\nDROP INDEX users_email ON users;", func(in *migrations.Input) { in.Queries = 20 })
	got := map[string]string{}
	for _, p := range out.Database.Plans {
		got[p.Query] = p.Verdict + ": " + p.Before + " | " + p.After
	}
	for query, want := range map[string]string{
		"SELECT id FROM users WHERE email = ?":                     "worse: ref of users by users_email | full scan of users",
		"SELECT count(*) FROM users WHERE plan = ?":                "broken: full scan of users | Unknown column",
		"INSERT INTO users (id, email, plan) VALUES (?, ?, ?)":     "broken: ",
		"SELECT email FROM users WHERE id = ? ORDER BY id LIMIT ?": "alike: const of users by PRIMARY",
		"UPDATE users SET email = ? WHERE id IN (?, ?)":            "alike: range of users by PRIMARY",
	} {
		if !strings.HasPrefix(got[query], want) {
			t.Errorf("%s: %q, want %q", query, got[query], want)
		}
	}
	rules := ""
	for _, f := range out.Findings {
		rules += f.Rule + " "
	}
	if rules != "query-broken query-broken plan-regression " || len(out.Gaps) > 0 {
		t.Errorf("found %s, gaps %+v, plans %+v", rules, out.Gaps, got)
	}
}
