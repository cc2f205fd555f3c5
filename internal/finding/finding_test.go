package finding

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestIDIsStable holds one id to its literal value: baselines of earlier versions hold it.
func TestIDIsStable(t *testing.T) {
	const want = "a9dacc4e5c68384c"
	if got := ID("config-value", "web:config/etc/app.ini#memory", Changed, []string{"staging", "production"}); got != want {
		t.Errorf("the id changed from %s to %s: every baseline would be worthless", want, got)
	}
}

func TestIDsTellFindingsApart(t *testing.T) {
	base := []string{"config-value", "web:config/app#a", string(Changed), "staging,production"}
	id := func(p []string) string { return ID(p[0], p[1], Change(p[2]), strings.Split(p[3], ",")) }
	for i, other := range []string{"config-missing", "web:config/app#b", string(Odd), "staging,canary"} {
		p := append([]string(nil), base...)
		p[i] = other
		if id(p) == id(base) {
			t.Errorf("%q in place of %q gives the same id", other, base[i])
		}
	}
	for _, same := range []string{"production,staging", "staging@2026-11-01,production@latest"} {
		if p := []string{base[0], base[1], base[2], same}; id(p) != id(base) {
			t.Errorf("the environments %s give another id than %s", same, base[3])
		}
	}
}

// TestIDsRevealNothing: the id stays the same whatever the values and instances are, so that a
// committed baseline tells nothing of them.
func TestIDsRevealNothing(t *testing.T) {
	f := Finding{Rule: "typo", Address: "web:config/app#host", Change: Odd, Message: "db1.prdo.example looks like db1.prod.example",
		Values: []Side{{Environment: "production", State: Present, Value: json.RawMessage(`"db1.prdo.example"`), Instances: []string{"web2"}}}}
	bare := Finding{Rule: f.Rule, Address: f.Address, Change: f.Change}
	f.Seal([]string{"production"})
	bare.Seal([]string{"production"})
	if f.ID != bare.ID {
		t.Error("the id depends on values, instances or the message")
	}
}

func TestSealFillsWhatFollowsFromTheRule(t *testing.T) {
	f := Finding{Rule: "typo", Values: []Side{{Environment: "production", State: Absent}}}
	f.Seal([]string{"production"})
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if f.Why == "" || f.Hint == "" || len(f.ID) != 16 {
		t.Errorf("sealed: why %q, hint %q, id %q", f.Why, f.Hint, f.ID)
	}
	for _, list := range []string{`"related":[]`, `"origin":[]`, `"instances":[]`} {
		if !strings.Contains(string(text), list) {
			t.Errorf("%s is not in %s: the format has no null lists", list, text)
		}
	}
	own := Finding{Rule: "typo", Hint: "ask the network team"}
	own.Seal(nil)
	if own.Hint != "ask the network team" {
		t.Errorf("the finding's own hint became %q", own.Hint)
	}
}

func TestSortPutsTheWorstFirst(t *testing.T) {
	fs := []Finding{{Severity: Low, Address: "a"}, {Severity: High, Address: "b", Rule: "y"}, {Severity: High, Address: "b", Rule: "x"}, {Severity: High, Address: "a"}}
	Sort(fs)
	var got []string
	for _, f := range fs {
		got = append(got, f.Severity.String()+" "+f.Address+f.Rule)
	}
	if want := "high a, high bx, high by, low a"; strings.Join(got, ", ") != want {
		t.Errorf("order %s, want %s", strings.Join(got, ", "), want)
	}
}

func TestSeverity(t *testing.T) {
	for _, s := range append(Severities(), Off) {
		var back Severity
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &back); err != nil || back != s {
			t.Errorf("%s is read back as %s (%v)", text, back, err)
		}
	}
	for s, lower := range map[Severity]Severity{Critical: High, Low: Info, Info: Info, Off: Off} {
		if s.Lower() != lower {
			t.Errorf("one below %s is %s, want %s", s, s.Lower(), lower)
		}
	}
	if _, err := ParseSeverity("High"); err == nil || !strings.Contains(err.Error(), "use critical, high") {
		t.Errorf("High: %v, want an error that lists the names", err)
	}
}
