package compare

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSanitisedRowsThatAreTooOldAreStale(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, captured string
		limit          time.Duration
		findings, gaps int
	}{
		{"young", "2026-11-19T12:00:00Z", 36 * time.Hour, 0, 0},
		{"old", "2026-11-17T12:00:00Z", 36 * time.Hour, 1, 0},
		{"old, and nobody minds", "2026-11-17T12:00:00Z", 0, 0, 0},
		{"nobody knows", "", 36 * time.Hour, 0, 1},
	} {
		staging, production := pair()
		if c.captured != "" {
			staging.set("main:data/age#captured_at", c.captured)
		}
		a, b := staging.side(), production.side()
		a.MaxDataAge = c.limit
		a.Snapshot.Manifest.CapturedAt = at
		r := compareSides(t, a, b)
		stale := slices.DeleteFunc(lines(r), func(l string) bool { return !strings.HasPrefix(l, "data-stale") })
		if len(stale) != c.findings || len(r.Gaps) != c.gaps {
			t.Errorf("%s: %q, gaps %+v", c.name, stale, r.Gaps)
		}
		for _, f := range r.Findings {
			if f.Rule == "data-stale" && (f.Message != "the rows of main in staging are of 2026-11-17T12:00:00Z: 3 days old, and at most 36 hours are allowed" || f.Address != "main:data/age") {
				t.Errorf("%s: %s %q", c.name, f.Address, f.Message)
			}
		}
	}
}
