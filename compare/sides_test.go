package compare

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

func TestAnEnvironmentHasNoFindingsBesideItself(t *testing.T) {
	for seed := range uint64(10) {
		e := newEstate(seed)
		copied := *e.envs[0]
		copied.name = "copy"
		if r := compareEnvs(t, Options{}, e.envs[0], &copied); len(r.Findings)+len(r.Gaps) > 0 {
			t.Errorf("seed %d: a copy under another name differs: %v %v", seed, lines(r), r.Gaps)
		}
	}
	// With every secret, odd host and parameter in it, an environment differs within itself only.
	staging, production := pair()
	staging.set("web:config/a.ini#password", snapshot.Secret("aa")).set("web:user/deploy#uid", 7, "web2")
	staging.params = map[string]string{"log_host": "log1.stage.example"}
	production.params = map[string]string{"log_host": "log1.prod.example"}
	side := staging.side()
	r, err := Compare(context.Background(), []Side{side, side}, Options{Kinds: productKinds()})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Change != finding.Odd {
			t.Errorf("an environment differs from itself: %s %s", f.Rule, f.Address)
		}
	}
}

func TestUnknownIsNeverAFinding(t *testing.T) {
	stories := []story{
		{"a host that could not be reached", func(s, p *env) {
			p.instances("web", "role", "web3")
			p.gap("web:host/reachable", "web3")
		}, nil, ""},
		{"a package database that could not be read", func(s, p *env) {
			p.unset("web:package/*", "web2").gap("web:package/deb", "web2", "package/deb/*", "conffile/deb/*")
		}, nil, ""},
		{"a gap whose cover names the scope", func(s, p *env) {
			p.unset("main:column/users.name#*").gap("main:column/users.name", "", "main:column/users.name#*", "main:column/users.name")
		}, nil, ""},
		{"a gap on a file covers its keys and its directory", func(s, p *env) { p.unset("web:config/etc/php/php.ini*").gap("web:config/etc/php", "") }, nil, ""},
		{"a gap on a key covers what is below it", func(s, p *env) {
			p.unset("web:config/etc/php/php.ini#opcache.*").gap("web:config/etc/php/php.ini#opcache", "web1").gap("web:config/etc/php/php.ini#opcache", "web2").gap("web:config/etc/php/php.ini#opcache", "web3")
		}, nil, ""},
		{"what was not asked for", func(s, p *env) {
			p.unset("web:service/*")
			p.looked["web"] = []string{"package/*", "config/*", "host/*", "user/*", "sysctl/*"}
		}, nil, ""},
		{"a scope that only one side has", func(s, p *env) { p.instances("db", "role", "db1").set("db:package/deb/postgresql#version", "15") }, nil, ""},
		{"a value beside a gap on another host is still compared", func(s, p *env) {
			p.unset("web:package/*", "web2").gap("web:package/deb", "web2", "package/deb/*").set("web:package/deb/openssl#version", "4.0-1", "web1", "web3")
		}, []string{"package-different medium changed web:package/deb/openssl#version"}, ""},
	}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			if s.name != "a host that could not be reached" {
				s.run(t)
				return
			}
			staging, production := pair()
			s.change(staging, production)
			production.facts["web"]["web3"] = map[string]snapshot.Value{}
			r := compareEnvs(t, Options{}, staging, production)
			if len(r.Findings) > 0 || len(r.Gaps) != 1 {
				t.Errorf("findings %v, gaps %v", lines(r), r.Gaps)
			}
		})
	}
}

func TestGapsCoverageAndWarningsAreTheSides(t *testing.T) {
	staging, production := pair()
	staging.gap("web:package/deb", "web1").gap("web:package/deb", "web1").gap("web:package/deb", "web2")
	production.instances("db", "role", "db1")
	a, b := staging.side(), production.side()
	a.Snapshot.Gaps = append(a.Snapshot.Gaps, a.Snapshot.Gaps...)
	b.Snapshot.Notes = append(b.Snapshot.Notes, snapshot.Note{Scope: "main", Kind: "virtual table", Count: 2}, snapshot.Note{Scope: "web", Kind: "virtual table", Count: 1})
	r, err := Compare(context.Background(), []Side{a, b}, Options{Kinds: productKinds()})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Gaps) != 2 || r.Gaps[0].Instance != "web1" || r.Gaps[0].Environment != "staging" || r.Gaps[0].Reason != "permission denied" {
		t.Errorf("gaps are not reported once each: %+v", r.Gaps)
	}
	if !slices.Contains(r.Coverage, finding.Coverage{Environment: "production", Kind: "virtual table", Count: 3}) {
		t.Errorf("notes are not summed by kind: %+v", r.Coverage)
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "db is only in production") {
		t.Errorf("warnings: %q", r.Warnings)
	}
	a.Snapshot.Manifest.Selection, b.Snapshot.Manifest.Selection = snapshot.Selection{Only: []string{"web:*"}}, snapshot.Selection{Only: []string{"web:*"}}
	if r, err = Compare(context.Background(), []Side{a, b}, Options{Kinds: productKinds()}); err != nil || len(r.Warnings) != 0 {
		t.Errorf("warnings of a scope that --only leaves out: %q, %v", r.Warnings, err)
	}
}

func TestOneEnvironmentIsComparedWithinItself(t *testing.T) {
	_, production := pair()
	production.set("web:host/memory#total_bytes", 8<<30, "web3").set("web:config/etc/php/php.ini#PHP.memory_limit", "521M", "web3")
	r := compareEnvs(t, Options{}, production)
	want := []string{"memory-odd high odd web:host/memory#total_bytes", "typo high odd web:config/etc/php/php.ini#PHP.memory_limit"}
	if got := lines(r); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	f := r.Findings[0]
	if len(f.Values) != 2 || !slices.Equal(f.Values[0].Instances, []string{"web1", "web2"}) || !slices.Equal(f.Values[1].Instances, []string{"web3"}) {
		t.Errorf("values do not group the instances: %+v", f.Values)
	}
}

func TestInATieNobodyIsOdd(t *testing.T) {
	_, production := pair()
	production.unset("web:*").instances("web", "role", "web4")
	production.facts["web"]["web4"] = map[string]snapshot.Value{}
	const at = "web:config/a.ini#mode"
	production.set(at, "alpha", "web1", "web2").set(at, "omega", "web3", "web4")
	r := compareEnvs(t, Options{}, production)
	if got := lines(r); len(got) != 1 || !strings.HasPrefix(got[0], "config-value high odd") {
		t.Fatalf("got %q", got)
	}
	if want := "a.ini mode: web1 and web2 have alpha, web3 and web4 have omega"; r.Findings[0].Message != want {
		t.Errorf("message %q, want %q", r.Findings[0].Message, want)
	}
}

func TestAMatrixIsOneFindingWithEveryEnvironmentsValue(t *testing.T) {
	const at = "web:config/etc/php/php.ini#PHP.memory_limit"
	staging, production := pair()
	uat, _ := pair()
	uat.name = "uat"
	production.set(at, "256M")
	r := compareEnvs(t, Options{}, uat, staging, production)
	if got := lines(r); !slices.Equal(got, []string{"config-value high changed " + at}) {
		t.Fatalf("got %q", got)
	}
	var values []string
	for _, v := range r.Findings[0].Values {
		values = append(values, v.Environment+"="+string(v.Value))
	}
	if want := []string{`uat="512M"`, `staging="512M"`, `production="256M"`}; !slices.Equal(values, want) {
		t.Errorf("values %q, want %q", values, want)
	}

	uat.unset("web:package/deb/openssl#*")
	r = compareEnvs(t, Options{}, uat, staging, production)
	if got := lines(r); !slices.Contains(got, "package-missing medium added web:package/deb/openssl") {
		t.Errorf("present and absent do not split: %q", got)
	}

	uat.gap("web:package/deb", "", "package/deb/*")
	staging.set("web:package/deb/openssl#version", "2.0-1")
	r = compareEnvs(t, Options{}, uat, staging, production)
	for _, f := range r.Findings {
		if f.Rule == "package-different" && f.Values[0].State != finding.Unknown {
			t.Errorf("an environment that was not looked at is not unknown: %+v", f.Values)
		}
	}
}

func TestSwappingTheSidesSwapsAddedAndRemoved(t *testing.T) {
	swap := map[finding.Change]finding.Change{finding.Added: finding.Removed, finding.Removed: finding.Added}
	for seed := range uint64(60) {
		e := newEstate(seed)
		e.plantMany(12)
		there := compareEnvs(t, Options{}, e.envs[0], e.envs[1])
		back := compareEnvs(t, Options{}, e.envs[1], e.envs[0])
		key := func(f finding.Finding, c finding.Change) string {
			at := []string{f.Address}
			at = append(at, f.Related...) // which of two spellings is the suspect may depend on the order
			slices.Sort(at)
			return fmt.Sprint(c, at)
		}
		var a, b []string
		for _, f := range there.Findings {
			c := f.Change
			if other, ok := swap[c]; ok {
				c = other
			}
			a = append(a, key(f, c))
		}
		for _, f := range back.Findings {
			b = append(b, key(f, f.Change))
		}
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Fatalf("seed %d: there %q, back %q", seed, a, b)
		}
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	e := newEstate(7)
	e.plantMany(20)
	first, err := json.Marshal(compareEnvs(t, Options{}, e.envs[0], e.envs[1]))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := json.Marshal(compareEnvs(t, Options{}, e.envs[0], e.envs[1]))
		if err != nil || string(again) != string(first) {
			t.Fatal("two comparisons of the same snapshots differ")
		}
	}
}

func TestSeveritiesAreThePolicys(t *testing.T) {
	staging, production := pair()
	production.set("web:config/etc/php/php.ini#PHP.memory_limit", "521M", "web3").unset("web:sysctl/*")
	staging.unset("web:package/deb/openssl#*")
	r := compareEnvs(t, Options{Severities: map[string]finding.Severity{"typo": finding.Off, "sysctl": finding.Off, "package-missing": finding.Critical}}, staging, production)
	want := []string{"config-value high odd web:config/etc/php/php.ini#PHP.memory_limit", "package-missing high added web:package/deb/openssl"}
	if got := lines(r); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, f := range r.Findings {
		if f.Lowered != (f.Rule == "package-missing") {
			t.Errorf("%s: lowered is %v", f.Rule, f.Lowered)
		}
	}
}

func TestSecretsUnderDifferentKeysAreAGap(t *testing.T) {
	staging, production := pair()
	production.redact = "22222222"
	staging.set("web:config/a.ini#password", snapshot.Secret("aa")).set("web:config/b.ini#password", snapshot.Secret("aa"))
	production.set("web:config/a.ini#password", snapshot.Secret("aa")).set("web:config/b.ini#password", snapshot.Secret("bb"))
	for _, e := range []*env{staging, production} {
		e.set("main:rows/countries#digest", e.name).set("main:rows/countries#count", 3)
	}
	r := compareEnvs(t, Options{}, staging, production)
	if len(r.Findings) > 0 || len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Reason, "different keys") {
		t.Errorf("findings %q, gaps %+v", lines(r), r.Gaps)
	}
}

func TestAnInterruptedComparisonStops(t *testing.T) {
	staging, production := pair()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Compare(ctx, []Side{staging.side(), production.side()}, Options{}); err == nil {
		t.Error("a cancelled comparison returned findings")
	}
	if _, err := Compare(context.Background(), nil, Options{}); err == nil {
		t.Error("nothing was compared without an error")
	}
}

func TestAPendingColumnsTraitWeighsMore(t *testing.T) {
	staging, production := pair()
	for _, e := range []*env{staging, production} {
		e.set("main:profile/users#rows", 10).set("main:profile/users.email#@kept", []string{"null"}).set("main:profile/users.email#nulls", len(e.name)-len("staging"))
	}
	r := compareEnvs(t, Options{Pending: func(scope, column string) bool { return scope == "main" && column == "users.email" }}, staging, production)
	if got := lines(r); !slices.Equal(got, []string{"data-one-sided-pending high changed main:profile/users.email#nulls"}) {
		t.Errorf("got %q", got)
	}
}

func TestASnapshotThatListsNoScopeIsSaidSo(t *testing.T) {
	staging, production := pair()
	a, b := staging.side(), production.side()
	delete(b.Snapshot.Manifest.Scopes, "web")
	r, err := Compare(context.Background(), []Side{a, b}, Options{Kinds: productKinds()})
	if err != nil || len(r.Findings) > 0 || len(r.Warnings) != 2 {
		t.Errorf("findings %q, warnings %q, %v", lines(r), r.Warnings, err)
	}
}
