package ci

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // queries are pasted into it

	"github.com/envdiff/envdiff/internal/finding"
)

// withQueries is a report of one finding with these queries.
func withQueries(t *testing.T, queries ...string) *Report {
	t.Helper()
	f := finding.Finding{Rule: "migration-failed", Address: "main:migration/42_x", Change: finding.Failed, Severity: finding.Critical, Area: finding.AreaMigration,
		Message: "42_x fails", Hint: "correct the rows"}
	for i, q := range queries {
		f.Queries = append(f.Queries, finding.Query{Finds: fmt.Sprintf("%d rows of lines break a check", i+1), SQL: q})
	}
	f.Seal([]string{"production"})
	r := &Report{Format: Format, Command: "rehearse", Environments: []Environment{{"production", "live", day, 1, ""}}, Findings: []finding.Finding{f}}
	Judge(r, Policy{Now: day, FailOn: Threshold{level: finding.High}})
	return r
}

// pasted is what somebody copies from a table: whole lines, from the first that begins a statement to the one that ends it.
func pasted(table string) string {
	var lines []string
	for _, l := range strings.Split(table, "\n") {
		if strings.HasPrefix(strings.TrimSpace(l), "SELECT") || lines != nil {
			lines = append(lines, l)
			if strings.HasSuffix(l, ";") {
				break
			}
		}
	}
	return strings.Join(lines, "\n")
}

func TestAQueryCanBePastedFromTheTableAtAnyWidth(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE "order  lines" ("the  id" INTEGER, [paid at] TEXT);
		INSERT INTO "order  lines" VALUES (1, 'on hold for  review'), (2, 'on hold for review'), (3, 'it''s so'), (4, 'a "b  c" \'), (5, 'x;')`); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		`SELECT "the  id" FROM "order  lines" WHERE NOT ([paid at] IN ('on hold for review', 'it''s so', 'a "b  c" \', 'x;'))`: "1",
		"SELECT `the  id` FROM `order  lines` WHERE \"paid at\" = 'it''s so' OR \"paid at\" = 'a \"b  c\" \\' ORDER BY 1":      "3 4",
	} {
		for width := 30; width <= 160; width += 5 {
			var out bytes.Buffer
			if err := writeTable(&out, withQueries(t, query), Style{Width: width}); err != nil {
				t.Fatal(err)
			}
			var got []string
			rows, err := db.QueryContext(context.Background(), pasted(out.String()))
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			for rows.Next() {
				var id string
				if err := rows.Scan(&id); err != nil {
					t.Fatal(err)
				}
				got = append(got, id)
			}
			rows.Close()
			if strings.Join(got, " ") != want {
				t.Errorf("width %d finds %v, want %s:\n%s", width, got, want, out.String())
			}
		}
		var out bytes.Buffer
		if err := writeMarkdown(&out, withQueries(t, query), Style{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "sql\n"+query+";\n```") {
			t.Errorf("Markdown has not the query as it is:\n%s", out.String())
		}
	}
}

func TestAQueryThatATerminalWouldAlterIsNotShown(t *testing.T) {
	for _, query := range []string{"SELECT 'a\nb'", "SELECT '\x1b[2J'", "SELECT '\u202e'", "SELECT '\u200b'"} {
		for name, write := range map[string]func(*bytes.Buffer) error{
			"table":    func(b *bytes.Buffer) error { return writeTable(b, withQueries(t, query), Style{}) },
			"markdown": func(b *bytes.Buffer) error { return writeMarkdown(b, withQueries(t, query), Style{}) },
		} {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "SELECT") || strings.ContainsAny(out.String(), "\x1b\u202e\u200b") {
				t.Errorf("%s shows %q:\n%s", name, query, out.String())
			}
		}
	}
}

func TestSeveralQueriesSayWhatTheyFind(t *testing.T) {
	queries := []string{"SELECT 1", "SELECT 2", "SELECT 3", "SELECT 4", "SELECT 5"}
	var table, markdown bytes.Buffer
	if err := writeTable(&table, withQueries(t, queries...), Style{}); err != nil {
		t.Fatal(err)
	}
	if err := writeMarkdown(&markdown, withQueries(t, queries...), Style{}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"table": table.String(), "markdown": markdown.String()} {
		for _, want := range []string{"1 rows of lines break a check; find them with", "3 rows of lines break a check; find them with", "SELECT 3;", "and 2 more: see the report"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, text)
			}
		}
		if strings.Contains(text, "SELECT 4") {
			t.Errorf("%s shows a fourth query", name)
		}
	}
	if lines := QueryLines(withQueries(t, queries...).Findings[0].Queries, 80); !slices.Contains(lines, "  SELECT 5;") {
		t.Errorf("explain shows all queries, not %q", lines)
	}
}

func TestADatabaseThatWasNotReplayedSaysSo(t *testing.T) {
	r := withQueries(t)
	r.Rehearsal = &finding.Rehearsal{Databases: []finding.RehearsedDatabase{{Name: "main", Engine: "sqlite", AppliedVersion: "3", Pending: []string{"4"}}}}
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return writeTable(b, r, Style{}) },
		func(b *bytes.Buffer) error { return writeMarkdown(b, r, Style{}) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "at version 3, 1 pending, not replayed\n") {
			t.Error(out.String())
		}
	}
}

// FuzzSQLLines wants every text back when its lines are joined by the spaces that they were broken at, and no line to be broken inside quotes.
func FuzzSQLLines(f *testing.F) {
	for _, s := range []string{"SELECT 'a b', \"c d\"", "a [b c] d", `'it\'s so' x`, "'", "``", "  ", "a  b", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lines, ok := sqlLines(s, 10)
		if !ok {
			return
		}
		if got := strings.Join(lines, " "); got != s+";" {
			t.Fatalf("%q became %q", s, got)
		}
		for i := range lines[:len(lines)-1] {
			if head := strings.Join(lines[:i+1], " "); strings.Count(head, "'")%2 == 1 && !strings.ContainsAny(head, "\"`[\\") {
				t.Fatalf("%q is broken inside a literal: %q", s, lines)
			}
		}
	})
}
