package compare

import (
	"slices"
	"testing"
)

func TestListsSayWhatTheyGainedAndLost(t *testing.T) {
	for _, c := range []struct {
		name         string
		from, to     []string
		gained, lost []string
	}{
		{"one more", []string{"a", "b"}, []string{"a", "x", "b"}, []string{"x"}, nil},
		{"one fewer", []string{"a", "b"}, []string{"b"}, nil, []string{"a"}},
		{"replaced", []string{"a", "b"}, []string{"a", "c"}, []string{"c"}, []string{"b"}},
		{"repeated", []string{"a"}, []string{"a", "a"}, []string{"a"}, nil},
		{"repeated less", []string{"a", "a", "a"}, []string{"a"}, nil, []string{"a"}},
		{"another order", []string{"a", "b"}, []string{"b", "a"}, nil, nil},
		{"from nothing", nil, []string{"a"}, []string{"a"}, nil},
	} {
		gained, lost, ok := listChanges(c.from, c.to)
		if !ok || !slices.Equal(gained, c.gained) || !slices.Equal(lost, c.lost) {
			t.Errorf("%s: gained %q, lost %q, %v", c.name, gained, lost, ok)
		}
	}
}

func TestStructuralComparisonDoesNotPanic(t *testing.T) {
	type hidden struct{ unexported int }
	if _, ok := structural(hidden{1}, hidden{2}); ok {
		t.Error("go-cmp compared unexported fields: this test no longer shows that its panics are caught")
	}
	changes, ok := contentChanges([]string{"a=1", "b=2", "c=3"}, []string{"a=1", "b=9", "d=4"})
	if !ok || len(changes) != 3 {
		t.Fatalf("changes %+v", changes)
	}
	if b := changes[0]; b.path != "b" || b.from != "2" || b.to != "9" || b.added || b.removed {
		t.Errorf("a changed key is %+v", b)
	}
	if !changes[1].removed || !changes[2].added {
		t.Errorf("a removed and an added key are %+v", changes[1:])
	}
}
