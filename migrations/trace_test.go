package migrations

import (
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
)

// observedRun makes a rehearsal of one migration whose statements each took so many milliseconds on a copy of 10,000 of
// 1,000,000 rows of users.
func observedRun(t *testing.T, mode string, statements []string, milliseconds []int, traces []engine.Trace, wrapped bool) *rehearsal {
	t.Helper()
	users := schema.Name{Name: "users"}
	r := &rehearsal{in: Input{Scope: "main", Environment: "production", Environments: []string{"production"}, Engine: postgres.New(),
		Schema: &schema.Database{Tables: []schema.Table{{Name: users, EstimatedRows: 1_000_000}}}}}
	r.copy.Copy.Mode, r.copy.Copy.Sampled = mode, mode == "sample"
	copied := int64(10_000)
	if mode == "full" {
		copied = 1_000_000
	}
	r.out.Sanitization = &finding.Sanitization{Tables: []finding.SanitizedTable{{Table: "users", Rows: copied}}}
	m := &planned{Migration: Migration{Version: "42", Name: "x", Up: "42_x.up.sql"}}
	result := &finding.RehearsedMigration{}
	var list []observed
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for i, text := range statements {
		st := plannedStatement{Statement: engine.Statement{Text: text, Line: i + 1}}
		m.statements = append(m.statements, st)
		result.Statements = append(result.Statements, finding.Statement{SQL: text})
		end := at.Add(time.Duration(milliseconds[i]) * time.Millisecond)
		list = append(list, observed{statement: i, began: at, ended: end, trace: traces[i], growth: r.growthOf(st, traces[i])})
		at = end
	}
	r.describe(m, result, list, at, wrapped)
	r.out.Database.Migrations = []finding.RehearsedMigration{*result}
	return r
}

func TestLongLocksAndLargeRewritesAtProductionsSize(t *testing.T) {
	users := schema.Name{Name: "users"}
	lock := engine.TableLock{Table: users, Mode: "AccessExclusiveLock", Blocks: engine.BlocksReadsAndWrites}
	rewrite := engine.Trace{Locks: []engine.TableLock{lock}, Scans: []schema.Name{users}, Rewrites: []engine.Rewrite{{Table: users, Bytes: 20_000_000}}}
	for _, tt := range []struct {
		name, mode   string
		statements   []string
		milliseconds []int
		traces       []engine.Trace
		wrapped      bool
		want         []string
	}{
		{"a quick change of the catalogue", "sample", []string{"ALTER TABLE users ADD c int"}, []int{5}, []engine.Trace{{Locks: []engine.TableLock{lock}}}, false, nil},
		{"a rewrite that is quick on the sample", "sample", []string{"ALTER TABLE users ALTER a TYPE bigint"}, []int{50}, []engine.Trace{rewrite}, false,
			[]string{"lock-long: 42_x blocks reads and writes of users for about 5.0 s at production's size (AccessExclusiveLock); statement 1 of 1 (line 1); from 0.1 s on the copy, 10,000 of 1,000,000 rows of users copied",
				"rewrite: 42_x writes all of users anew, about 2.0 GB at production's size; statement 1 of 1 (line 1); from 0.1 s on the copy, 10,000 of 1,000,000 rows of users copied"}},
		{"the same on all rows", "full", []string{"ALTER TABLE users ALTER a TYPE bigint"}, []int{50}, []engine.Trace{rewrite}, false, nil},
		{"a lock that is held while later statements work", "full", []string{"ALTER TABLE users ADD c int", "UPDATE users SET c = 1"}, []int{5, 1200},
			[]engine.Trace{{Locks: []engine.TableLock{lock}}, {Scans: []schema.Name{users}}}, true, []string{"lock-long: 42_x blocks reads and writes of users for about 1.2 s at production's size (AccessExclusiveLock); statement 1 of 2 (line 1)"}},
		{"the same with a transaction for each", "full", []string{"ALTER TABLE users ADD c int", "UPDATE users SET c = 1"}, []int{5, 1200},
			[]engine.Trace{{Locks: []engine.TableLock{lock}}, {Scans: []schema.Name{users}}}, false, nil},
	} {
		r := observedRun(t, tt.mode, tt.statements, tt.milliseconds, tt.traces, tt.wrapped)
		var got []string
		for _, f := range r.out.Findings {
			got = append(got, f.Rule+": "+f.Message)
			if f.Hint == "" {
				t.Errorf("%s: %s has no hint", tt.name, f.Rule)
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: %q", tt.name, got)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s:\n%s\nwant\n%s", tt.name, got[i], tt.want[i])
			}
		}
	}
}

func TestSaferForms(t *testing.T) {
	for sql, engineName := range map[string]string{
		"CREATE INDEX users_a\n ON users (a)": "postgres", "alter table users alter column a type bigint": "postgres",
		"UPDATE users SET a = 1": "sqlite", "ALTER TABLE users MODIFY a bigint": "mysql",
	} {
		if saferForm(engineName, sql) == "" {
			t.Errorf("no safer form of %q", sql)
		}
	}
	if s := saferForm("sqlite", "CREATE INDEX a ON b (c)"); s != "" {
		t.Errorf("SQLite has no concurrent indexes: %s", s)
	}
}
