// Package snapshottest is the conformance suite of collectors: what capture and compare rely on, checked for each
// collector with its own fixtures. A collector's test calls Host or Database, and Fuzz from its fuzz test.
package snapshottest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/snapshot"
)

// scope is the role or database that fixtures are captured as.
const scope = "web"

var collectorName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// declares checks what a collector says of itself.
func declares(t *testing.T, c snapshot.Collector) {
	t.Helper()
	if !collectorName.MatchString(c.Name()) {
		t.Errorf("the name %q is no folder's", c.Name())
	}
	doc := c.Doc()
	if doc.Title == "" || doc.Text == "" || len(doc.Attributes) == 0 {
		t.Errorf("Doc lacks a title, a text or the attributes: %+v", doc)
	}
	if len(c.Kinds()) == 0 {
		t.Error("no kinds are declared")
	}
	seen := map[string]bool{}
	for _, k := range c.Kinds() {
		switch {
		case k.Pattern == "" || strings.HasPrefix(k.Pattern, "*") || strings.Contains(k.Pattern, ":"):
			t.Errorf("kind pattern %q does not begin with a kind", k.Pattern)
		case seen[k.Pattern]:
			t.Errorf("kind %q is declared twice", k.Pattern)
		case k.Area == "" || k.Doc == "":
			t.Errorf("kind %q lacks an area or a doc", k.Pattern)
		}
		seen[k.Pattern] = true
	}
}

// body is an address without its scope: what kinds, Looked and Covers match.
func body(a snapshot.Address) string { return strings.TrimPrefix(a.String(), a.Scope+":") }

// valid checks everything in a result that does not depend on what was read.
func valid(t *testing.T, c snapshot.Collector, r snapshot.Result) {
	t.Helper()
	kinds := c.Kinds()
	seen := make(map[string]bool, len(r.Facts))
	for _, f := range r.Facts {
		text := f.Address.String()
		if back, err := snapshot.ParseAddress(text); err != nil || back != f.Address {
			t.Errorf("address %q does not read back: %v", text, err)
		}
		if f.Address.Scope != scope {
			t.Errorf("%s: the scope is not the one that was asked for", text)
		}
		if !slices.ContainsFunc(kinds, func(k snapshot.Kind) bool { return snapshot.MatchGlob(k.Pattern, body(f.Address)) }) {
			t.Errorf("%s matches none of the collector's kinds", text)
		}
		if seen[text] {
			t.Errorf("%s is given twice", text)
		}
		seen[text] = true
		if v, err := snapshot.ParseValue([]byte(f.Value.JSON())); err != nil || v != f.Value {
			t.Errorf("%s: the value %s does not read back: %v", text, f.Value.JSON(), err)
		}
	}
	for _, g := range r.Gaps {
		if g.Reason == "" || g.Hint == "" {
			t.Errorf("gap %s lacks a reason or a hint: %+v", g.Address, g)
		}
		if g.Address.Scope != scope || g.Address.Kind == "" {
			t.Errorf("gap %+v has no address of this scope", g)
		}
	}
	for _, n := range r.Notes {
		if n.Scope != scope || n.Kind == "" || n.Count < 1 {
			t.Errorf("coverage note %+v lacks its scope, kind or count", n)
		}
	}
	for _, glob := range r.Looked {
		if strings.Contains(glob, ":") || glob == "" {
			t.Errorf("looked %q is no glob over addresses without scope", glob)
		}
	}
}

// vouched checks that what a whole, readable fixture holds was looked at, attributes and objects: else compare could
// never say that it is missing elsewhere.
func vouched(t *testing.T, c snapshot.Collector, r snapshot.Result) {
	t.Helper()
	for _, f := range r.Facts {
		if kindOf(c, f.Address).Axis == snapshot.Context {
			continue
		}
		if !assured(c, r, f.Address) {
			t.Errorf("%s is a fact of what was not looked at (%q)", f.Address, r.Looked)
		}
		if object := f.Address.Whole(); r.Looked != nil && !snapshot.MatchAny(r.Looked, body(object)) && !snapshot.MatchAny(r.Looked, body(object)+"#") {
			t.Errorf("%s is an object that was not looked at (%q): a glob over some attributes needs OBJECT# beside it", object, r.Looked)
		}
	}
}

// kindOf is the kind of an address: the first whose pattern matches.
func kindOf(c snapshot.Collector, a snapshot.Address) snapshot.Kind {
	for _, k := range c.Kinds() {
		if snapshot.MatchGlob(k.Pattern, body(a)) {
			return k
		}
	}
	return snapshot.Kind{}
}

// assured reports whether the result vouches for the absence of an address: compare would call it missing.
func assured(c snapshot.Collector, r snapshot.Result, a snapshot.Address) bool {
	looked := r.Looked
	if looked == nil {
		for _, k := range c.Kinds() {
			looked = append(looked, k.Pattern)
		}
	}
	if !snapshot.MatchAny(looked, body(a)) {
		return false
	}
	for _, g := range r.Gaps {
		covers := g.Covers
		if len(covers) == 0 {
			b := body(g.Address)
			covers = []string{b, b + "#*", b + "/*", b + ".*"}
		}
		for _, glob := range covers {
			if snapshot.MatchGlob(strings.TrimPrefix(glob, scope+":"), body(a)) {
				return false
			}
		}
	}
	return true
}

// said is everything in a result that could hold a secret: facts, gaps and notes.
func said(r snapshot.Result) string {
	var b strings.Builder
	for _, f := range r.Facts {
		b.WriteString(f.Address.String() + " " + f.Value.JSON() + " " + f.Origin + "\n")
	}
	for _, g := range r.Gaps {
		b.WriteString(g.Address.String() + " " + g.Reason + " " + g.Hint + " " + strings.Join(g.Covers, " ") + "\n")
	}
	for _, n := range r.Notes {
		b.WriteString(n.Kind + " " + n.Detail + "\n")
	}
	return b.String()
}
