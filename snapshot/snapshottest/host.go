package snapshottest

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Fixture is a host to parse: a directory tree, and the answers of commands, which a tree does not give.
type Fixture struct {
	Name    string
	Tree    string
	Spec    snapshot.RoleSpec
	Answers map[string]transport.Section // by want id, instead of the tree's
	Secrets []string                     // texts in the tree that must be in no fact, gap or note
}

// redactKey is the same for all parses of a test run, so that digests are comparable.
var redactKey = keys.New()

func (fx Fixture) sections(t testing.TB, c snapshot.HostCollector) transport.Sections {
	t.Helper()
	tr, err := transport.Root(fx.Tree)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	ss, err := tr.Fetch(context.Background(), c.Wants(fx.Spec))
	if err != nil {
		t.Fatal(err)
	}
	for id, s := range fx.Answers {
		ss[id] = s
	}
	return ss
}

func (fx Fixture) parse(c snapshot.HostCollector, ss transport.Sections) snapshot.Result {
	return c.Parse(snapshot.Input{Scope: scope, Instance: "web1", Spec: fx.Spec, Sections: ss, Redact: snapshot.NewRedactor(redactKey, nil)})
}

// Parse runs a collector once on a fixture.
func Parse(t testing.TB, c snapshot.HostCollector, fx Fixture) snapshot.Result {
	t.Helper()
	return fx.parse(c, fx.sections(t, c))
}

// Host runs the suite on a host collector. Each fixture must yield facts.
func Host(t *testing.T, c snapshot.HostCollector, fixtures ...Fixture) {
	t.Helper()
	if len(fixtures) == 0 {
		t.Fatal("no fixtures: the suite needs at least one host")
	}
	t.Run("declarations", func(t *testing.T) { declares(t, c) })
	t.Run("wants", func(t *testing.T) {
		wants(t, c, snapshot.RoleSpec{})
		for _, fx := range fixtures {
			wants(t, c, fx.Spec)
		}
	})
	for _, fx := range fixtures {
		t.Run(fx.Name, func(t *testing.T) { host(t, c, fx) })
	}
}

func host(t *testing.T, c snapshot.HostCollector, fx Fixture) {
	ss := fx.sections(t, c)
	before := clone(ss)
	whole := fx.parse(c, ss)
	valid(t, c, whole)
	vouched(t, c, whole)
	if len(whole.Facts) == 0 {
		t.Errorf("no facts; gaps %v, notes %v", whole.Gaps, whole.Notes)
	}
	if !reflect.DeepEqual(ss, before) {
		t.Error("Parse changed its sections, which other collectors share")
	}
	for _, secret := range fx.Secrets {
		if strings.Contains(said(whole), secret) {
			t.Errorf("the secret of the fixture is in the result")
		}
	}
	if again := fx.parse(c, clone(ss)); !reflect.DeepEqual(whole, again) {
		t.Error("the same sections gave another result")
	}
	reversed := clone(ss)
	for id := range reversed {
		slices.Reverse(reversed[id].Files)
	}
	if got := fx.parse(c, reversed); !slices.Equal(sorted(whole), sorted(got)) {
		t.Errorf("the order of the files matters:\n%v\n%v", sorted(whole), sorted(got))
	}
	t.Run("nothing fetched", func(t *testing.T) {
		r := fx.parse(c, transport.Sections{})
		valid(t, c, r)
		if len(r.Facts) > 0 {
			t.Errorf("facts from nothing: %v", r.Facts)
		}
		lost(t, c, whole, r)
	})
	for id := range ss {
		t.Run("section "+id, func(t *testing.T) { damagedSection(t, c, fx, ss, id, whole) })
	}
}

// damagedSection parses the fixture with one section damaged in every way that transports
// know, and with its contents cut and garbled.
func damagedSection(t *testing.T, c snapshot.HostCollector, fx Fixture, ss transport.Sections, id string, whole snapshot.Result) {
	for _, p := range []transport.Problem{transport.Denied, transport.TooMany, transport.TooLarge, transport.Failed, transport.Unable} {
		d := clone(ss)
		d[id] = transport.Section{Problem: p, Detail: "by the test"}
		r := fx.parse(c, d)
		valid(t, c, r)
		lost(t, c, whole, r)
	}
	gone := clone(ss)
	gone[id] = transport.Section{Problem: transport.NotFound}
	valid(t, c, fx.parse(c, gone))
	unfetched := clone(ss)
	delete(unfetched, id)
	r := fx.parse(c, unfetched)
	valid(t, c, r)
	lost(t, c, whole, r)

	for _, p := range []transport.Problem{transport.Denied, transport.TooLarge, transport.Outside, transport.Loop, transport.Special, transport.Failed} {
		for i := range ss[id].Files {
			if i > 20 { // a section of many files needs no more
				break
			}
			d := clone(ss)
			f := &d[id].Files[i]
			f.Problem, f.Body, f.Digest = p, nil, ""
			r := fx.parse(c, d)
			valid(t, c, r)
			lost(t, c, whole, r)
			for _, fact := range r.Facts {
				if (fact.Origin == f.Path || strings.HasPrefix(fact.Origin, f.Path+":")) && !slices.Contains(whole.Facts, fact) {
					t.Errorf("%s is a new fact from %s, which could not be read (%s)", fact.Address, f.Path, p)
				}
			}
		}
	}
	for _, cut := range cuts {
		d := clone(ss)
		s := d[id]
		s.Output = cut.of(s.Output)
		for i := range s.Files {
			s.Files[i].Body = cut.of(s.Files[i].Body)
		}
		d[id] = s
		valid(t, c, fx.parse(c, d))
	}
}

// lost checks that what is not found any more is not reported as absent.
func lost(t *testing.T, c snapshot.HostCollector, whole, r snapshot.Result) {
	t.Helper()
	have := make(map[snapshot.Address]bool, len(r.Facts))
	for _, f := range r.Facts {
		have[f.Address] = true
	}
	for _, f := range whole.Facts {
		if !have[f.Address] && assured(c, r, f.Address) {
			t.Errorf("%s could not be read and would be reported as absent: no gap covers it, and it counts as looked at", f.Address)
			return
		}
	}
}

// cuts are ways to damage content.
var cuts = []struct {
	name string
	of   func([]byte) []byte
}{
	{"empty", func([]byte) []byte { return nil }},
	{"a third", func(b []byte) []byte { return b[:len(b)/3] }},
	{"all but the last bytes", func(b []byte) []byte { return b[:max(0, len(b)-3)] }},
	{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }},
	{"high bytes", func(b []byte) []byte { return bytes.Repeat([]byte{0xff, '\n'}, len(b)/2+1) }},
	{"no line ends", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte(" ")) }},
	{"twice", func(b []byte) []byte { return append(slices.Clone(b), b...) }},
	{"escape codes", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("e"), []byte("\x1b[31m")) }},
	{"carriage returns", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }},
	{"a long line", func(b []byte) []byte { return append(bytes.Repeat([]byte("x"), 1<<16), b...) }},
}

// wants checks the declared sections.
func wants(t *testing.T, c snapshot.HostCollector, spec snapshot.RoleSpec) {
	t.Helper()
	ws := c.Wants(spec)
	if !reflect.DeepEqual(ws, c.Wants(spec)) {
		t.Error("Wants differs from call to call")
	}
	seen := map[string]bool{}
	for _, w := range ws {
		if w.ID == "" || seen[w.ID] {
			t.Errorf("want id %q is empty or not unique", w.ID)
		}
		seen[w.ID] = true
		if w.Doc == "" {
			t.Errorf("want %q does not say why", w.ID)
		}
		if (len(w.Globs) == 0) == (len(w.Command) == 0) {
			t.Errorf("want %q asks for neither files nor a command, or for both", w.ID)
		}
		for _, g := range w.Globs {
			if !strings.HasPrefix(g, "/") {
				t.Errorf("want %q: glob %q is not absolute", w.ID, g)
			}
		}
	}
}

// Fuzz replaces the content of one file or answer of the fixtures by arbitrary bytes: Parse must not
// panic, and what it gives must be valid.
func Fuzz(f *testing.F, c snapshot.HostCollector, fixtures ...Fixture) {
	f.Helper()
	type place struct {
		fixture int
		id      string
		file    int // -1: the answer of a command
	}
	var places []place
	var all []transport.Sections
	for i, fx := range fixtures {
		ss := fx.sections(f, c)
		all = append(all, ss)
		for _, w := range c.Wants(fx.Spec) {
			s := ss[w.ID]
			for j := range min(len(s.Files), 5) {
				if s.Files[j].Body != nil {
					f.Add(len(places), s.Files[j].Body)
					places = append(places, place{i, w.ID, j})
				}
			}
			if len(s.Output) > 0 {
				f.Add(len(places), s.Output)
				places = append(places, place{i, w.ID, -1})
			}
		}
	}
	if len(places) == 0 {
		f.Fatal("the fixtures hold nothing to replace")
	}
	f.Fuzz(func(t *testing.T, at int, data []byte) {
		p := places[uint(at)%uint(len(places))]
		ss := clone(all[p.fixture])
		s := ss[p.id]
		if p.file < 0 {
			s.Output = data
		} else {
			s.Files[p.file].Body = data
		}
		ss[p.id] = s
		valid(t, c, fixtures[p.fixture].parse(c, ss))
	})
}

// clone copies sections down to the files; contents are shared.
func clone(ss transport.Sections) transport.Sections {
	out := make(transport.Sections, len(ss))
	for id, s := range ss {
		s.Files = slices.Clone(s.Files)
		out[id] = s
	}
	return out
}

// sorted are the facts as texts, in the order of their addresses.
func sorted(r snapshot.Result) []string {
	var out []string
	for _, f := range r.Facts {
		out = append(out, fmt.Sprintf("%s = %s", f.Address, f.Value.JSON()))
	}
	slices.Sort(out)
	return out
}
