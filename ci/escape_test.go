package ci

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzTerminal(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31m", "a\u202eb", "\xff\xfe", "日本", "\u200b", "tab\tnl\n", "\u009b31m", "\U000e0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Terminal(s)
		if !utf8.ValidString(out) {
			t.Fatalf("%q is not UTF-8", out)
		}
		for _, r := range out {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
				t.Fatalf("%q lets %U through", s, r)
			}
		}
		if Terminal(out) != out {
			t.Fatalf("escaping %q again changes it", out)
		}
	})
}

func FuzzMarkdownCode(f *testing.F) {
	for _, s := range []string{"", "`", "``a``", "a|b", " x ", "@team #1 <b>", "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := MarkdownCode(s)
		fence := out[:len(out)-len(strings.TrimLeft(out, "`"))]
		inner := strings.TrimSuffix(strings.TrimPrefix(out, fence), fence)
		if fence == "" || !strings.HasSuffix(out, fence) || strings.Contains(inner, fence) {
			t.Fatalf("%q does not hold its fence", out)
		}
		if strings.Contains(strings.ReplaceAll(inner, `\|`, ""), "|") || strings.ContainsAny(out, "\r\n") {
			t.Fatalf("%q breaks a table row", out)
		}
	})
}

func FuzzMarkdownText(f *testing.F) {
	for _, s := range []string{"", "<b>", "[a](b)", "@team", "#1", "a|b", "https://x.example", "&amp;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := MarkdownText(s)
		rest := out
		for _, r := range "0123456789" {
			rest = strings.ReplaceAll(rest, string(r), "")
		}
		rest = strings.ReplaceAll(rest, "&#;", "")
		if strings.ContainsAny(rest, "<>[]|@#`*_&") || strings.ContainsAny(out, "\r\n") {
			t.Fatalf("%q is not inert: %q", s, out)
		}
	})
}

func TestWrapKeepsEveryCharacter(t *testing.T) {
	for _, s := range []string{"", "short", strings.Repeat("x", 200), "a " + strings.Repeat("日本", 60) + " b", "one two  three"} {
		lines := wrap(s, 40)
		for _, l := range lines {
			if columns(l) > 40 {
				t.Errorf("%q is %d columns wide", l, columns(l))
			}
		}
		if strings.ReplaceAll(strings.Join(lines, ""), " ", "") != strings.ReplaceAll(s, " ", "") {
			t.Errorf("wrapping %q lost text: %q", s, lines)
		}
	}
}
