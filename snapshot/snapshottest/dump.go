package snapshottest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/snapshot"
)

// DumpFixture is a text to parse.
type DumpFixture struct {
	Name    string
	Spec    snapshot.DumpSpec
	Dump    snapshot.Dump
	Secrets []string // texts in it that must be in no fact, gap or note
}

func (fx DumpFixture) parse(c snapshot.DumpCollector, text []byte) snapshot.Result {
	return c.Parse(snapshot.DumpInput{Scope: scope, Instance: "web1", Spec: fx.Spec, Dump: snapshot.Dump{Text: text, MediaType: fx.Dump.MediaType},
		Redact: snapshot.NewRedactor(redactKey, nil)})
}

// ParseDump parses a fixture once and returns its facts as texts, sorted, and its gaps.
func ParseDump(t testing.TB, c snapshot.DumpCollector, fx DumpFixture) (facts, gaps []string) {
	t.Helper()
	r := fx.parse(c, fx.Dump.Text)
	for _, g := range r.Gaps {
		gaps = append(gaps, fmt.Sprintf("%s: %s", g.Address, g.Reason))
	}
	return sorted(r), gaps
}

// Dump runs the suite on a dump collector. Each fixture must yield facts.
func Dump(t *testing.T, c snapshot.DumpCollector, fixtures ...DumpFixture) {
	t.Helper()
	t.Run("declarations", func(t *testing.T) { declares(t, c) })
	for _, fx := range fixtures {
		t.Run(fx.Name, func(t *testing.T) {
			whole := fx.parse(c, fx.Dump.Text)
			valid(t, c, whole)
			vouched(t, c, whole)
			if len(whole.Facts) == 0 {
				t.Errorf("no facts; gaps %v", whole.Gaps)
			}
			for _, f := range whole.Facts {
				if !slices.ContainsFunc(c.Covers(fx.Spec), func(g string) bool { return snapshot.MatchGlob(g, body(f.Address)) }) {
					t.Errorf("%s is not among what the collector says that it covers", f.Address)
				}
			}
			for _, secret := range fx.Secrets {
				if !strings.Contains(string(fx.Dump.Text), secret) {
					t.Errorf("the fixture does not hold its secret %q", secret)
				}
				if strings.Contains(said(whole), secret) {
					t.Errorf("the secret of the fixture is in the result")
				}
			}
			if again := fx.parse(c, slices.Clone(fx.Dump.Text)); !slices.Equal(sorted(whole), sorted(again)) {
				t.Error("the same text gave another result")
			}
			for _, cut := range cuts {
				valid(t, c, fx.parse(c, cut.of(slices.Clone(fx.Dump.Text))))
			}
		})
	}
}

// FuzzDump replaces the text of the fixtures by arbitrary bytes.
func FuzzDump(f *testing.F, c snapshot.DumpCollector, fixtures ...DumpFixture) {
	f.Helper()
	for i, fx := range fixtures {
		f.Add(i, fx.Dump.Text)
	}
	f.Fuzz(func(t *testing.T, i int, text []byte) {
		valid(t, c, fixtures[uint(i)%uint(len(fixtures))].parse(c, text))
	})
}
