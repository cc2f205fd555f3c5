package compare

import "testing"

func TestVersionsAreOrderedByTheirOwnSystem(t *testing.T) {
	for _, c := range []struct {
		ecosystem, a, b string
		compare         int
		step            string
	}{
		{"deb", "1.2.3-1", "1.3.0-1", -1, "a minor release"},
		{"deb", "1:1.0-1", "2.0-1", 1, "an epoch"},
		{"deb", "3.0.11-1~deb12u2", "3.0.11-1~deb12u3", -1, packagingRevision},
		{"deb", "1.0~rc1-1", "1.0-1", -1, "a pre-release or build"},
		{"deb", "2.36-9+deb12u4", "2.36-9+deb12u10", -1, packagingRevision},
		{"deb", "not a version", "1.0", 1, "a major release"},
		{"rpm", "3.0.7-24.el9", "3.0.7-25.el9", -1, packagingRevision},
		{"rpm", "3.0.7-24.el9", "3.2.1-1.el9", -1, "a minor release"},
		{"apk", "1.36.1-r5", "1.36.1-r29", -1, packagingRevision},
		{"apk", "3.1.4-r0", "3.1.10-r0", -1, "a patch release"},
		{"npm", "4.17.9", "4.17.21", -1, "a patch release"},
		{"npm", "5.0.0-rc1", "5.0.0", -1, "a pre-release or build"},
		{"go", "v1.9.0", "v1.10.0", -1, "a minor release"},
		{"gem", "7.0", "7.0", 0, "a pre-release or build"},
	} {
		got := orderVersions(c.ecosystem, c.a, c.b)
		if got.compare != c.compare || got.step != c.step {
			t.Errorf("%s %s and %s: %d by %s, want %d by %s", c.ecosystem, c.a, c.b, got.compare, got.step, c.compare, c.step)
		}
		if back := orderVersions(c.ecosystem, c.b, c.a); back.compare != -c.compare {
			t.Errorf("%s %s and %s: not antisymmetric", c.ecosystem, c.a, c.b)
		}
	}
}

// FuzzOrderVersions feeds versions from a package database, which anybody may have written.
func FuzzOrderVersions(f *testing.F) {
	f.Add("deb", "1:1.2-3", "2")
	f.Add("rpm", "^~", "1^")
	f.Add("apk", "1.2_rc-r0", "-")
	f.Fuzz(func(t *testing.T, ecosystem, a, b string) {
		if len(a)+len(b) > 500 {
			return
		}
		there, back := orderVersions(ecosystem, a, b), orderVersions(ecosystem, b, a)
		if there.step != back.step {
			t.Fatalf("%q %q: %q there, %q back", a, b, there.step, back.step)
		}
	})
}
