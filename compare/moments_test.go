package compare

import (
	"testing"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/snapshot"
)

// production@2026-11-01 beside production asks what changed since: what was odd then and is odd now did not.
func TestOneEnvironmentAtTwoMomentsShowsWhatChanged(t *testing.T) {
	kinds := []snapshot.Kind{{Pattern: "host/memory#*", Area: "host", Axis: snapshot.Within}, {Pattern: "config/*", Area: "config"}}
	key := keys.New()
	moment := func(name, environment, workers string) Side {
		b := snapshot.NewBuilder(snapshot.Selection{})
		for instance, memory := range map[string]int64{"web1": 16 << 30, "web2": 16 << 30, "web3": 8 << 30} {
			b.Instance("web", "role", "", instance)
			var res snapshot.Result
			res.Add(snapshot.At("web", "host", "memory").Attr("total_bytes"), snapshot.Int(memory), "")
			res.Add(snapshot.At("web", "config", "etc/app.ini").Path("app", "workers"), snapshot.String(workers), "")
			b.Add("web", instance, res, kinds)
		}
		return Side{Name: name, Snapshot: b.Finish(snapshot.Manifest{Environment: environment, RedactKey: key.ID()})}
	}
	for _, c := range []struct {
		name string
		a, b Side
		want []string
	}{
		{"nothing changed", moment("production@latest", "production", "4"), moment("production", "production", "4"), nil},
		{"named alike", moment("production", "production", "4"), moment("production", "production", "4"), nil},
		{"a value changed", moment("production@latest", "production", "4"), moment("production", "production", "8"),
			[]string{"web:config/etc/app.ini#app.workers"}},
		{"two environments keep what is odd in each", moment("staging", "staging", "4"), moment("production", "production", "4"),
			[]string{"web:host/memory#total_bytes", "web:host/memory#total_bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := Compare(t.Context(), []Side{c.a, c.b}, Options{Kinds: kinds})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range res.Findings {
				got = append(got, f.Address)
			}
			if len(got) != len(c.want) {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("%q, want %q", got, c.want)
				}
			}
		})
	}
}
