package compare

import (
	"strings"
	"testing"
)

// Each list is in ascending order; what stands in one entry, separated by blanks, is equal.
var ascending = map[string][]string{
	// The first is PEP 440's own summary of permitted suffixes and their order, with its normal forms.
	"pip": {"1.0.dev456", "1.0a1 1.0.alpha.1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456",
		"1.0rc1 1.0c1 1.0-preview1", "1.0 1 1.0.0 v1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456 1.0-456", "1.0.15", "1.1.dev1", "1.10", "1!0.5"},
	// semver.org, 11.
	"npm": {"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0 1.0.0+build", "2.0.0", "2.1.0", "2.1.1", "2.10.0"},
	"go":  {"v0.0.0-20240101000000-abcdef", "v0.0.0-20250101000000-000000", "v0.1.0", "v1.2.3-0.20250101000000-abcdef", "v1.2.3", "v2.0.0+incompatible"},
	"gem": {"0.9", "1.0.a", "1.0.b1", "1.0.rc1", "1.0.rc2", "1.0 1 1.0.0", "1.0.1", "1.2", "1.10", "2.0.0.pre1", "2.0.0"},
	"jar": {"1.0-alpha1", "1.0-beta2", "1.0-m3", "1.0-rc1", "1.0-SNAPSHOT", "1.0 1 1.0.0 1.0-ga 1.0.Final", "1.0-sp1", "1.0-jre", "1.0.1", "1.2", "1.10", "2.0"},
}

func TestVersionsOfProgrammingLanguages(t *testing.T) {
	for ecosystem, list := range ascending {
		for i, entry := range list {
			for j, other := range list {
				for _, a := range strings.Fields(entry) {
					for _, b := range strings.Fields(other) {
						if got, ok := orderings[ecosystem](a, b); !ok || got != sign(i-j) {
							t.Errorf("%s: %s against %s is %d (%v), not %d", ecosystem, a, b, got, ok, sign(i-j))
						}
					}
				}
			}
		}
	}
}

func FuzzLanguageVersions(f *testing.F) {
	for _, list := range ascending {
		f.Add(list[0], list[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for name, order := range orderings {
			x, okX := order(a, b)
			y, okY := order(b, a)
			if okX != okY || x != -y {
				t.Errorf("%s: %q against %q is %d, the other way round %d", name, a, b, x, y)
			}
			if same, ok := order(a, a); ok && same != 0 {
				t.Errorf("%s: %q is not equal to itself", name, a)
			}
		}
	})
}
