package snapshot

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestMatchGlob(t *testing.T) {
	for _, c := range []struct {
		glob, s string
		want    bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"web:*", "web:package/deb/a#version", true},
		{"web:*", "web2:x", false},
		{"*#version", "web:package/deb/a#version", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "acb", false},
		{"a*a", "a", false},
		{"**", "anything", true},
		{"a**b", "ab", true},
		{"[a]", "a", false},
		{"?", "a", false},
	} {
		if got := MatchGlob(c.glob, c.s); got != c.want {
			t.Errorf("MatchGlob(%q, %q) = %v", c.glob, c.s, got)
		}
	}
}

func TestMatchGlobOfManyStarsIsFast(t *testing.T) {
	glob, s := strings.Repeat("a*", 2000)+"b", strings.Repeat("a", 1<<20)
	start := time.Now()
	if MatchGlob(glob, s) {
		t.Error("matched without a b")
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %s", d)
	}
}

func FuzzMatchGlob(f *testing.F) {
	f.Add("a*b", "axxb")
	f.Add("*:*#*", "web:host/memory#total")
	f.Fuzz(func(t *testing.T, glob, s string) {
		if len(glob) > 60 || len(s) > 200 {
			return
		}
		parts := strings.Split(glob, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		re, err := regexp.Compile(`(?s)^` + strings.Join(parts, ".*") + `$`)
		if err != nil || strings.ToValidUTF8(s, "") != s {
			return
		}
		got := MatchGlob(glob, s)
		if got != re.MatchString(s) {
			t.Errorf("MatchGlob(%q, %q) = %v", glob, s, got)
		}
		if !strings.Contains(s, "*") && GlobsMeet(glob, s) != got {
			t.Errorf("GlobsMeet(%q, %q) = %v", glob, s, !got)
		}
	})
}

func TestGlobsMeet(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"web:*", "*:package/*", true},
		{"web:package/*", "web:config/*", false},
		{"*#version", "web:package/*", true},
		{"web:*#total_bytes", "web:host/memory#*", true},
		{"a*b", "b*a", false},
		{"a*", "*a", true},
		{"*", "", true},
		{"x*", "", false},
	} {
		if got := GlobsMeet(c.a, c.b); got != c.want {
			t.Errorf("GlobsMeet(%q, %q) = %v", c.a, c.b, got)
		}
		if got := GlobsMeet(c.b, c.a); got != c.want {
			t.Errorf("GlobsMeet(%q, %q) = %v", c.b, c.a, got)
		}
	}
}

func TestSelectionSaysWhatNeedNotBeContacted(t *testing.T) {
	kinds := []Kind{{Pattern: "package/*"}, {Pattern: "host/memory#*"}}
	for _, c := range []struct {
		name string
		sel  Selection
		want bool
	}{
		{"everything", Selection{}, true},
		{"another scope", Selection{Only: []string{"main:*"}}, false},
		{"one attribute", Selection{Only: []string{"*#total_bytes"}}, true},
		{"another kind", Selection{Only: []string{"web:config/*"}}, false},
		{"the scope skipped", Selection{Skip: []string{"web:*"}}, false},
		{"one kind skipped", Selection{Skip: []string{"web:package/*"}}, true},
		{"every kind skipped", Selection{Skip: []string{"web:package/*", "web:host/*"}}, false},
		{"part of a kind skipped", Selection{Skip: []string{"web:package/deb/*"}}, true},
	} {
		if got := c.sel.MayTakeAny("web", kinds); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
