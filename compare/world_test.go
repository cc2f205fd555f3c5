package compare

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/capistrano"
	"github.com/envdiff/envdiff/snapshot/collectd"
	"github.com/envdiff/envdiff/snapshot/config"
	"github.com/envdiff/envdiff/snapshot/database"
	"github.com/envdiff/envdiff/snapshot/effective"
	"github.com/envdiff/envdiff/snapshot/host"
	"github.com/envdiff/envdiff/snapshot/hotquery"
	"github.com/envdiff/envdiff/snapshot/packages"
	"github.com/envdiff/envdiff/snapshot/puppet"
	"github.com/envdiff/envdiff/snapshot/replication"
	"github.com/envdiff/envdiff/snapshot/service"
)

// productKinds are the kinds of the collectors themselves, so that these tests notice
// when a collector's declaration changes.
func productKinds() []snapshot.Kind {
	r := snapshot.Registry{Hosts: []snapshot.HostCollector{host.New(), packages.New(), service.New(), config.New(), effective.New(), capistrano.New(), puppet.New(), collectd.New()},
		Databases: append(database.New(), replication.New(), hotquery.New())}
	return append(r.Kinds(), snapshot.Kind{Pattern: "value/*", Area: finding.AreaEndpoint})
}

// env is an environment under construction: instance → address → value, by scope.
type env struct {
	name   string
	types  map[string]string
	facts  map[string]map[string]map[string]snapshot.Value // scope → instance → address without scope
	at     map[string]string                               // "instance address" → origin
	gaps   []snapshot.Gap
	redact string
	params map[string]string
	host   map[string]map[string]string
	attach map[string]snapshot.Attachment
	looked map[string][]string // scope → globs; none means every product kind
	follow map[string][]string // scope → instances declared as replicas
	maxLag map[string]time.Duration
}

func newEnv(name string) *env {
	return &env{name: name, types: map[string]string{}, facts: map[string]map[string]map[string]snapshot.Value{}, at: map[string]string{},
		redact: "11111111", attach: map[string]snapshot.Attachment{}, looked: map[string][]string{}}
}

// instances declares the instances of a scope.
func (e *env) instances(scope, typ string, names ...string) *env {
	e.types[scope] = typ
	if e.facts[scope] == nil {
		e.facts[scope] = map[string]map[string]snapshot.Value{}
	}
	for _, n := range names {
		e.facts[scope][n] = map[string]snapshot.Value{}
	}
	return e
}

// set gives every instance of the scope a value, or only the named ones. The address is in its printed form.
func (e *env) set(address string, v any, on ...string) *env {
	scope, rest, _ := strings.Cut(address, ":")
	for instance, facts := range e.facts[scope] {
		if len(on) == 0 || slices.Contains(on, instance) {
			facts[rest] = value(v)
		}
	}
	return e
}

// unset removes an address, and everything below it when it ends in a star.
func (e *env) unset(address string, on ...string) *env {
	scope, rest, _ := strings.Cut(address, ":")
	for instance, facts := range e.facts[scope] {
		for a := range facts {
			if (len(on) == 0 || slices.Contains(on, instance)) && snapshot.MatchGlob(rest, a) {
				delete(facts, a)
			}
		}
	}
	return e
}

func (e *env) gap(address, instance string, covers ...string) *env {
	a, err := snapshot.ParseAddress(address)
	if err != nil {
		panic(err)
	}
	e.gaps = append(e.gaps, snapshot.Gap{Address: a, Instance: instance, Reason: "permission denied", Covers: covers})
	return e
}

func value(v any) snapshot.Value {
	switch x := v.(type) {
	case snapshot.Value:
		return x
	case string:
		return snapshot.String(x)
	case int:
		return snapshot.Int(int64(x))
	case float64:
		return snapshot.Float(x)
	case bool:
		return snapshot.Bool(x)
	case []string:
		return snapshot.Strings(false, x...)
	}
	panic(fmt.Sprintf("no value of %T", v))
}

// side builds the snapshot with the product's own builder.
func (e *env) side() Side {
	kinds := productKinds()
	b := snapshot.NewBuilder(snapshot.Selection{})
	for _, scope := range slices.Sorted(maps.Keys(e.facts)) {
		for _, instance := range slices.Sorted(maps.Keys(e.facts[scope])) {
			b.Instance(scope, e.types[scope], "", instance)
			r := snapshot.Result{Looked: e.looked[scope]}
			for _, rest := range slices.Sorted(maps.Keys(e.facts[scope][instance])) {
				a, err := snapshot.ParseAddress(scope + ":" + rest)
				if err != nil {
					panic(err)
				}
				origin := e.at[instance+" "+rest]
				if file, _, ok := strings.Cut(strings.TrimPrefix(rest, "config/"), "#"); ok && origin == "" && strings.HasPrefix(rest, "config/") {
					origin = "/" + file + ":7"
				}
				r.Add(a, e.facts[scope][instance][rest], origin)
			}
			b.Add(scope, instance, r, kinds)
		}
	}
	for scope, replicas := range e.follow {
		for _, instance := range replicas {
			b.Replica(scope, instance)
		}
	}
	for _, g := range e.gaps {
		b.Gap(g)
	}
	s := b.Finish(snapshot.Manifest{Environment: e.name, CapturedAt: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC), Version: "test", RedactKey: e.redact})
	s.Attachments = e.attach
	return Side{Name: e.name, Snapshot: s, Params: e.params, HostParams: e.host, MaxLag: e.maxLag}
}

func compareEnvs(t testing.TB, opt Options, envs ...*env) Result {
	t.Helper()
	if opt.Kinds == nil {
		opt.Kinds = productKinds()
	}
	var sides []Side
	for _, e := range envs {
		sides = append(sides, e.side())
	}
	r, err := Compare(context.Background(), sides, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines are findings as the stories below write them: rule, severity, change and address.
func lines(r Result) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s %s %s %s", f.Rule, f.Severity, f.Change, f.Address))
	}
	sort.Strings(out)
	return out
}

// pair is staging and production with the same three web hosts and one database, equal in everything.
func pair() (staging, production *env) {
	make := func(name string) *env {
		e := newEnv(name)
		e.instances("web", "role", "web1", "web2", "web3")
		e.instances("main", "database", "primary")
		e.set("web:package/deb/nginx#version", "1.22.1-9")
		e.set("web:package/deb/nginx#conffiles", []string{"etc/nginx/nginx.conf", "etc/nginx/mime.types"})
		e.set("web:package/deb/openssl#version", "3.0.11-1")
		e.set("web:config/etc/nginx/nginx.conf", true)
		e.set("web:config/etc/nginx/nginx.conf#worker_processes", 4)
		e.set("web:config/etc/php/php.ini", true)
		e.set("web:config/etc/php/php.ini#PHP.memory_limit", "512M")
		e.set("web:config/etc/php/php.ini#PHP.max_execution_time", 30)
		e.set("web:config/etc/php/php.ini#opcache.enable", true)
		e.set("web:config/etc/php/php.ini#opcache.memory_consumption", 128)
		e.set("web:service/nginx#enabled", true)
		e.set("web:host/memory#total_bytes", 16<<30)
		e.set("web:host/os#version", "12")
		e.set("web:user/deploy#uid", 1000)
		e.set("web:sysctl/net.core.somaxconn#value", 4096)
		e.set("main:table/users", true)
		e.set("main:table/users#column_order", []string{"id", "email", "name"})
		for _, c := range []string{"id", "email", "name"} {
			e.set("main:column/users."+c+"#type", "text")
			e.set("main:column/users."+c+"#nullable", c != "id")
		}
		e.set("main:index/users.users_email#columns", []string{"email"})
		e.set("main:index/users.users_email#@columns", []string{"users.email"})
		e.set("main:index/users.users_email#unique", true)
		e.set("main:setting/foreign_keys#value", "on")
		e.set("main:setting/foreign_keys#@behaviour", true)
		e.set("main:setting/cache_size#value", "2000")
		return e
	}
	return make("staging"), make("production")
}
