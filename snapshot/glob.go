package snapshot

import (
	"slices"
	"strings"
)

// MatchGlob reports whether s matches glob, in which * stands for any run of bytes, slashes included, and
// everything else for itself. It is the one matcher of address globs: --only, --skip, waivers, ignore, Kind
// patterns. It takes time linear in s and never backtracks.
func MatchGlob(glob, s string) bool {
	head, rest, star := strings.Cut(glob, "*")
	if !star {
		return glob == s
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(s, part)
		}
		// The leftmost place of a middle part leaves the most for those that follow, so no other place has to be tried.
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], more
	}
}

// MatchAny reports whether one of the globs matches s.
func MatchAny(globs []string, s string) bool {
	for _, g := range globs {
		if MatchGlob(g, s) {
			return true
		}
	}
	return false
}

// GlobsMeet reports whether some text matches both globs. Its time is the product of their
// lengths, which are those of names and patterns.
func GlobsMeet(a, b string) bool {
	// reach[j] says that what was taken of a and b[:j] can stand for the same text.
	reach := make([]bool, len(b)+1)
	reach[0] = true
	for j := 0; j < len(b) && b[j] == '*'; j++ {
		reach[j+1] = true
	}
	for i := 0; i < len(a); i++ {
		next := make([]bool, len(b)+1)
		next[0] = reach[0] && a[i] == '*'
		for j := 0; j < len(b); j++ {
			switch {
			case a[i] == '*' || b[j] == '*':
				// A star takes nothing, or one more of what stands opposite.
				next[j+1] = reach[j+1] || next[j]
			default:
				next[j+1] = reach[j] && a[i] == b[j]
			}
		}
		reach = next
	}
	return reach[len(b)]
}

// GlobCovers reports whether wide matches everything that narrow matches. It may say no where the stars of wide
// cover narrow only by a case distinction, which leads to reading too much, never too little.
func GlobCovers(wide, narrow string) bool {
	return MatchGlob(wide, narrow)
}

// Selection is what --only and --skip leave of an environment: globs over whole
// addresses. The zero Selection takes everything.
type Selection struct {
	Only []string `json:"only,omitempty"` // none means all
	Skip []string `json:"skip,omitempty"`
}

// Takes reports whether the address is selected.
func (s Selection) Takes(address string) bool {
	return (len(s.Only) == 0 || MatchAny(s.Only, address)) && !MatchAny(s.Skip, address)
}

// ownNames are the names and addresses of a host itself. They are parameters of its other facts, so they come along
// with any part of it: without them a host's own name in its configuration would look like drift.
var ownNames = []string{"host/name#*", "host/network#*"}

// keeps is Takes for what is stored: also the own names of a host.
func (s Selection) keeps(a Address) bool {
	if s.Takes(a.String()) {
		return true
	}
	_, body, _ := strings.Cut(a.String(), ":")
	return MatchAny(ownNames, body)
}

// namesHost reports a collector that finds a host's own names.
func namesHost(kinds []Kind) bool {
	return slices.ContainsFunc(kinds, func(k Kind) bool { return slices.Contains(ownNames, k.Pattern) })
}

// MayTake reports whether an address that matches glob can be selected: a part of
// which it says no need not be contacted.
func (s Selection) MayTake(glob string) bool {
	for _, skip := range s.Skip {
		if GlobCovers(skip, glob) {
			return false
		}
	}
	if len(s.Only) == 0 {
		return true
	}
	for _, only := range s.Only {
		if GlobsMeet(only, glob) {
			return true
		}
	}
	return false
}

// MayTakeAny is MayTake for the kinds of a collector below a scope.
func (s Selection) MayTakeAny(scope string, kinds []Kind) bool {
	for _, k := range kinds {
		if s.MayTake(scope + ":" + k.Pattern) {
			return true
		}
	}
	return false
}
