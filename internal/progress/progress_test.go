package progress

import (
	"bytes"
	"strings"
	"testing"
)

func quoted(s string) string { return strings.ReplaceAll(s, "\x1b", "\\x1b") }

func TestLineIsOneLineAndLeavesNothing(t *testing.T) {
	var out bytes.Buffer
	r := New(&out, Line, 40, quoted)
	r.Start("staging/web1\x1b[2J")
	r.Start("staging/" + strings.Repeat("long", 40))
	r.Done("staging/web1\x1b[2J")
	r.Say("captured %s", "staging")
	r.Close()
	r.Start("late")
	text := out.String()
	if strings.Contains(text, "\x1b[2J") {
		t.Error("an escape code reached the terminal")
	}
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "envdiff: captured staging\n") {
		t.Errorf("%q", text)
	}
	if !strings.HasSuffix(text, "\r\x1b[K") {
		t.Errorf("the line is left standing: %q", text)
	}
	for _, l := range strings.FieldsFunc(strings.ReplaceAll(text, "\x1b[K", ""), func(c rune) bool { return c == 10 || c == 13 }) {
		if n := len([]rune(l)); n > 39 {
			t.Errorf("%d columns: %q", n, l)
		}
	}
}

func TestPlainSaysAndNoneIsSilent(t *testing.T) {
	var plain, none bytes.Buffer
	p, n := New(&plain, Plain, 0, quoted), New(&none, None, 0, quoted)
	for _, r := range []*Reporter{p, n, nil} {
		r.Start("a")
		r.Done("a")
		r.Say("captured %d", 1)
		r.Close()
		r.Close()
	}
	if plain.String() != "envdiff: captured 1\n" || none.Len() != 0 {
		t.Errorf("%q, %q", plain.String(), none.String())
	}
}
