package ci

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
)

// night is a report of one night with findings at these addresses.
func night(gaps int, addresses ...string) *Report {
	r := &Report{Command: "compare", Environments: []Environment{{Name: "staging@latest"}, {Name: "production"}}}
	for _, a := range addresses {
		f := finding.Finding{Rule: "config-value", Severity: finding.High, Area: finding.AreaConfig, Address: a, Change: finding.Changed}
		f.Seal([]string{"staging", "production"})
		r.Findings = append(r.Findings, f)
	}
	for range gaps {
		r.Gaps = append(r.Gaps, finding.Gap{Environment: "production", Address: "db:host/reachable"})
	}
	Judge(r, Policy{FailOn: Threshold{level: finding.High}, Now: day})
	return r
}

func TestHistoryRemembersWhatCameAndWent(t *testing.T) {
	var file bytes.Buffer
	nights := []*Report{night(0, "web:config/a"), night(0, "web:config/a", "db:config/b"), night(1), night(0, "db:config/b"), night(0, "db:config/b", "web:config/a")}
	for i, r := range nights {
		h, err := ReadHistory(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Next(r, day.AddDate(0, 0, i)).Append(&file); err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			file.WriteString(`{"at":"2026-11-04T02:00:00Z","command":"comp`) // a kill
		}
	}
	h, err := ReadHistory(bytes.NewReader(file.Bytes()))
	if err != nil || len(h.Runs) != 5 {
		t.Fatalf("%d runs, %v", len(h.Runs), err)
	}
	lives := map[string]Life{}
	for _, l := range h.Lives() {
		lives[l.Address] = l
	}
	at := func(n int) time.Time { return day.AddDate(0, 0, n) }
	for address, want := range map[string]Life{
		"web:config/a": {First: at(4), Last: at(4), Before: at(3), Open: true}, // it went and came back
		"db:config/b":  {First: at(1), Last: at(4), Before: at(0), Open: true}, // what was not looked at was not gone
	} {
		got := lives[address]
		if !got.First.Equal(want.First) || !got.Last.Equal(want.Last) || !got.Before.Equal(want.Before) || got.Open != want.Open {
			t.Errorf("%s: %+v, want %+v", address, got, want)
		}
	}
	for _, s := range h.Scopes() {
		if s.Scope == "web" && (s.Open != 1 || s.Came != 2 || s.Went != 1 || len(s.Course) != 5 || s.Course[3] != 0) {
			t.Errorf("web: %+v", s)
		}
	}
	if trend := h.Trend("compare staging production"); len(trend) != 5 || trend[1].Counts.High != 2 {
		t.Errorf("the trend is %+v", trend)
	}
	var feed strings.Builder
	if err := h.Feed().Write(&feed); err != nil || strings.Count(feed.String(), "<entry>") != 4 {
		t.Errorf("%v: %s", err, feed.String())
	}
}

func FuzzReadHistory(f *testing.F) {
	f.Add([]byte("\n{}\n{\"new\":null}\n{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := ReadHistory(bytes.NewReader(b)); err == nil {
			h.Lives()
			h.Scopes()
			h.Feed()
		}
	})
}
