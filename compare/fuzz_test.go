package compare

import (
	"context"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// FuzzCompare compares what anybody may have put into a snapshot file: lines of "side instance address value". Nothing
// panics, messages are one line, and an environment beside itself differs within itself at most.
func FuzzCompare(f *testing.F) {
	f.Add("a web1 web:config/f#a.b 1\na web2 web:config/f#a.b 2\nb web1 web:config/f 3", "web1", "a")
	f.Add("a p main:column/t.c#type \"x\"\nb p main:index/t.i#@columns [\"t.c\"]\nb p main:table/t true", "", "")
	f.Add("a p main:rows/t#digest \"x\"\nb p main:rows/t#digest \"y\"\nb p main:rows/t#@columns []", "p", "")
	f.Add("a h web:config/f#s.@order [\"a\",\"b\"]\nb h web:config/f#s.@order [\"b\",\"a\"]\nb h web:config/f#@order 1", "s", "f")
	f.Add("a h web:package/deb/x#version \"1\"\nb h web:package/deb/y#version \"\"\na h web:package/deb/x#conffiles [\"deb/x\"]", "", "")
	f.Add("a h web:profile/t#rows 1\nb h web:profile/t#rows 1\na h web:profile/t.c#nulls 0\nb h web:profile/t.c#nulls 4", "", "")
	f.Fuzz(func(t *testing.T, facts, param, gap string) {
		if len(facts) > 4096 {
			return
		}
		build := map[string]*snapshot.Builder{"a": snapshot.NewBuilder(snapshot.Selection{}), "b": snapshot.NewBuilder(snapshot.Selection{})}
		kinds := productKinds()
		for _, line := range strings.Split(facts, "\n") {
			parts := strings.SplitN(line, " ", 4)
			if len(parts) != 4 || build[parts[0]] == nil {
				continue
			}
			a, err := snapshot.ParseAddress(parts[2])
			if err != nil {
				continue
			}
			v, err := snapshot.ParseValue([]byte(parts[3]))
			if err != nil {
				continue
			}
			b := build[parts[0]]
			b.Instance(a.Scope, "role", "", parts[1])
			var r snapshot.Result
			r.Add(a, v, "/etc/f:1")
			if gap != "" {
				r.Missing(a.Whole(), "gap", "", gap)
			}
			b.Add(a.Scope, parts[1], r, kinds)
		}
		side := func(name string) Side {
			return Side{Name: name, Snapshot: build[name].Finish(snapshot.Manifest{Environment: name}), Params: map[string]string{"p": param + name},
				HostParams: map[string]map[string]string{"web1": {"h": param}}}
		}
		a, b := side("a"), side("b")
		opt := Options{Kinds: kinds, KnownNames: []string{param}}
		for _, sides := range [][]Side{{a, b}, {a, a}, {a, b, a}, {b}} {
			r, err := Compare(context.Background(), sides, opt)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.Findings {
				if strings.ContainsAny(f.Message, "\n\x01\x02") || f.ID == "" || f.Message == "" {
					t.Errorf("not fit to print: %q", f.Message)
				}
				if len(sides) == 2 && sides[0].Name == sides[1].Name && (f.Change == finding.Added || f.Change == finding.Removed) {
					t.Errorf("an environment differs from itself: %s %s", f.Change, f.Address)
				}
			}
		}
	})
}
