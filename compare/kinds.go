package compare

import (
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// kindTable finds the Kind of an address: the first whose pattern matches.
type kindTable struct {
	kinds    []snapshot.Kind
	prefixes []string // up to the first star: most patterns are ruled out by it
	fallback snapshot.Kind
}

func newKindTable(kinds []snapshot.Kind) *kindTable {
	t := &kindTable{kinds: kinds, prefixes: make([]string, len(kinds))}
	for i, k := range kinds {
		t.prefixes[i], _, _ = strings.Cut(k.Pattern, "*")
	}
	return t
}

// of returns the kind of kind/name#attribute. What no collector declared is compared both ways.
func (t *kindTable) of(body string) *snapshot.Kind {
	for i, p := range t.prefixes {
		if strings.HasPrefix(body, p) && snapshot.MatchGlob(t.kinds[i].Pattern, body) {
			return &t.kinds[i]
		}
	}
	return &t.fallback
}
