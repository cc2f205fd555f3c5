package compare

import (
	"testing"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/snapshot"
)

// Files of unknown formats are digests: equal under one key, and a gap rather than drift under two.
func TestContentUnderDifferentKeysIsNotComparable(t *testing.T) {
	kinds := []snapshot.Kind{{Pattern: "config/*", Area: "config"}}
	side := func(name string, key keys.Key, text string) Side {
		r := snapshot.NewRedactor(key, nil)
		b := snapshot.NewBuilder(snapshot.Selection{})
		b.Instance("web", "role", "", "web1")
		a := snapshot.At("web", "config", "etc/app/x.weird")
		var res snapshot.Result
		res.Add(a, snapshot.Bool(true), "")
		res.Add(a.Attr("@digest"), r.Content([]byte(text)), "")
		b.Add("web", "web1", res, kinds)
		return Side{Name: name, Snapshot: b.Finish(snapshot.Manifest{Environment: name, RedactKey: key.ID()})}
	}
	one, two := keys.New(), keys.New()
	for _, c := range []struct {
		name           string
		a, b           Side
		findings, gaps int
	}{
		{"same key, same content", side("a", one, "x"), side("b", one, "x"), 0, 0},
		{"same key, other content", side("a", one, "x"), side("b", one, "y"), 1, 0},
		{"other key, same content", side("a", one, "x"), side("b", two, "x"), 0, 1},
		{"other key, other content", side("a", one, "x"), side("b", two, "y"), 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := Compare(t.Context(), []Side{c.a, c.b}, Options{Kinds: kinds})
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Findings) != c.findings || len(res.Gaps) != c.gaps {
				t.Errorf("%d findings and %d gaps, want %d and %d: %+v", len(res.Findings), len(res.Gaps), c.findings, c.gaps, res)
			}
		})
	}
}
