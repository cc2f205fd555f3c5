package mysql

import (
	"strings"
	"testing"
)

func TestSlowLogIsReadFromATableAlone(t *testing.T) {
	for _, c := range []struct {
		name string
		log  slowLog
		want string
	}{
		{"a table", slowLog{on: true, output: "TABLE"}, ""},
		{"both", slowLog{on: true, output: "FILE,TABLE"}, ""},
		{"a file", slowLog{on: true, output: "FILE"}, "goes to a file"},
		{"NONE wins", slowLog{on: true, output: "NONE,TABLE"}, "nowhere"},
		{"off", slowLog{output: "TABLE"}, "off"},
	} {
		if got := c.log.unread(); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestLoggedStatementsWhoseLiteralsMayEndElsewhereAreUnclear(t *testing.T) {
	for text, want := range map[string]bool{
		`SELECT 'it''s' FROM t -- \`:              false,
		`SELECT '\n' FROM t`:                      false,
		`SELECT 'C:\' FROM t WHERE a = 'secret'`:  true, // under NO_BACKSLASH_ESCAPES
		`SELECT "C:\" FROM t WHERE a = "secret"`:  true,
		"SELECT /*!50000 'a */ secret' */ FROM t": true,
		"SELECT /*M! 'a */ secret' */ FROM t":     true,
		strings.Repeat("é", slowText):             false,
		strings.Repeat("é", slowText+1):           true,
	} {
		if got := unclear(text); got != want {
			t.Errorf("%.60s: %t", text, got)
		}
	}
}

func TestMySQLsSlowLogHasNoRowsAffected(t *testing.T) {
	if sql := newServer("8.4.3").slowQuery(); strings.Contains(sql, "rows_affected") {
		t.Error(sql)
	}
	if sql := newServer("10.11.6-MariaDB").slowQuery(); !strings.Contains(sql, "rows_affected") {
		t.Error(sql)
	}
}
