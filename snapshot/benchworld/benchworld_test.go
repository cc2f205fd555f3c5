package benchworld

import (
	"testing"

	"github.com/envdiff/envdiff/snapshot"
)

// TestSnapshotsDrift counts what the benchmarks are about: a world without drift would be compared in no time.
func TestSnapshotsDrift(t *testing.T) {
	const hosts, facts, drift = 4, 1000, 10
	a, b := Snapshots(hosts, facts, drift)
	if len(a.Lines) != facts || len(b.Lines) != facts {
		t.Fatalf("%d and %d addresses, want %d", len(a.Lines), len(b.Lines), facts)
	}
	across, odd, own := 0, 0, 0
	for i := range a.Lines {
		switch x, y := a.Lines[i].Values, b.Lines[i].Values; {
		case len(x) == hosts && len(y) == hosts:
			own++
		case len(x) == 1 && len(y) == 2:
			odd++
		case len(x) == 1 && x[0].Value != y[0].Value:
			across++
		}
	}
	if across != drift || odd != drift || own != facts/100 {
		t.Errorf("%d addresses differ across, %d on one host, %d on every host; want %d, %d, %d", across, odd, own, drift, drift, facts/100)
	}
}

// TestEveryFactHasAKind: an address that no kind covers would be compared by the
// fallback, which the product never does.
func TestEveryFactHasAKind(t *testing.T) {
	for _, l := range Environment("staging", 2, 200, 0).Lines {
		body := l.Address.String()[len(Scope)+1:]
		covered := false
		for _, k := range Kinds() {
			covered = covered || snapshot.MatchGlob(k.Pattern, body)
		}
		if !covered {
			t.Errorf("%s is of no kind", l.Address)
		}
	}
}
