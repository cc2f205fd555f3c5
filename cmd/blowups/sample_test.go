package blowups

import (
	"strings"
	"testing"
)

// TestASampleThatLacksWhatAStatementJoins fails on rows that production has: no declared key tells the sample to take them along, and production, asked by the query itself,
// has what the copy lacks.
func TestASampleThatLacksWhatAStatementJoins(t *testing.T) {
	scripts, _ := bases(t)
	e := sqliteEstate(t, scripts["sqlite"])
	e.shared = &shared{owner: t, made: map[string]*production{}}
	s := story{engine: "sqlite", name: "undeclared join", up: []string{"CREATE TABLE mails (order_id INTEGER PRIMARY KEY, email TEXT NOT NULL)",
		"INSERT INTO mails SELECT o.id, (SELECT u.email FROM users u WHERE u.id = o.user_id) FROM orders o"}}
	for percent, want := range map[float64]string{1: "copy-artefact: 2_case fails on the copy only: ", 100: ""} {
		out := e.rehearse(t, s, percent)
		if said := strings.Join(out.alarms, "; "); out.detected || !strings.HasPrefix(said, want) || (said == "") != (want == "") || strings.Contains(said, planted) {
			t.Errorf("%g %%: %q, want %q", percent, said, want)
		}
	}
}
