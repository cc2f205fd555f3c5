package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// scripted is a host collector whose kind is its name.
type scripted struct {
	name  string
	wants func(snapshot.RoleSpec) []transport.Want
	parse func(snapshot.Input) snapshot.Result
}

func (c scripted) Name() string           { return c.name }
func (c scripted) Doc() snapshot.Doc      { return snapshot.Doc{Title: c.name} }
func (c scripted) Kinds() []snapshot.Kind { return []snapshot.Kind{{Pattern: c.name + "/*"}} }
func (c scripted) Wants(spec snapshot.RoleSpec) []transport.Want {
	if c.wants == nil {
		return nil
	}
	return c.wants(spec)
}
func (c scripted) Parse(in snapshot.Input) snapshot.Result { return c.parse(in) }

// one is a result of one fact.
func one(in snapshot.Input, kind, value string) snapshot.Result {
	var r snapshot.Result
	r.Add(snapshot.At(in.Scope, kind, "x"), snapshot.String(value), "")
	return r
}

func good(name string) scripted {
	return scripted{name: name, parse: func(in snapshot.Input) snapshot.Result { return one(in, name, "seen") }}
}

// recorder is a transport that answers each want with its globs, and remembers what it was asked.
type recorder struct {
	opened atomic.Int32
	closed atomic.Int32
	mu     sync.Mutex
	wants  [][]transport.Want
	err    error
	hang   bool
}

func (r *recorder) open(context.Context) (transport.Transport, error) {
	r.opened.Add(1)
	return r, nil
}
func (r *recorder) Fetch(ctx context.Context, wants []transport.Want) (transport.Sections, error) {
	r.mu.Lock()
	r.wants = append(r.wants, wants)
	r.mu.Unlock()
	if r.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s := transport.Sections{}
	for _, w := range wants {
		s[w.ID] = transport.Section{Output: []byte(strings.Join(w.Globs, ","))}
	}
	return s, r.err
}
func (r *recorder) Describe() string { return "recorder" }
func (r *recorder) Close() error     { r.closed.Add(1); return nil }

func plan(t *testing.T, hosts ...snapshot.HostTarget) snapshot.Plan {
	return snapshot.Plan{
		Environment: "production", Hosts: hosts, Redact: snapshot.NewRedactor(keys.New(), nil),
		Now: func() time.Time { return time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC) }, Timeout: 10 * time.Second, TempDir: t.TempDir(),
	}
}

func host(name string, r *recorder, roles ...string) snapshot.HostTarget {
	t := snapshot.HostTarget{Instance: name, Roles: map[string]snapshot.RoleSpec{}, Open: r.open}
	for _, role := range roles {
		t.Roles[role] = snapshot.RoleSpec{}
	}
	return t
}

func capture(t *testing.T, p snapshot.Plan, reg snapshot.Registry) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Capture(context.Background(), p, reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// shown is each line as "address=value on instances".
func shown(s *snapshot.Snapshot) []string {
	var out []string
	for _, l := range s.Lines {
		for _, h := range l.Values {
			out = append(out, l.Address.String()+"="+h.Value.Display()+" on "+strings.Join(h.On, ","))
		}
	}
	return out
}

func gaps(s *snapshot.Snapshot) []string {
	var out []string
	for _, g := range s.Gaps {
		out = append(out, fmt.Sprintf("%s on %s: %s %v", g.Address, g.Instance, g.Reason, g.Covers))
	}
	return out
}

func TestACollectorThatHangsPanicsOrIsSlowIsAGapAndTheRestGoesOn(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	secret := "hunter2"
	p := plan(t, host("web1", &recorder{}, "web"))
	p.Timeout = 50 * time.Millisecond
	s := capture(t, p, snapshot.Registry{Hosts: []snapshot.HostCollector{
		good("package"),
		scripted{name: "hangs", parse: func(snapshot.Input) snapshot.Result { <-release; return snapshot.Result{} }},
		scripted{name: "panics", parse: func(snapshot.Input) snapshot.Result { panic("password is " + secret) }},
		scripted{name: "indexes", parse: func(in snapshot.Input) snapshot.Result { return one(in, "indexes", string(in.Instance[99])) }},
		scripted{name: "wants", wants: func(snapshot.RoleSpec) []transport.Want { panic(secret) }},
		good("config"),
	}})
	want := []string{"web:config/x=seen on web1", "web:package/x=seen on web1"}
	if d := cmp.Diff(want, shown(s)); d != "" {
		t.Error(d)
	}
	wantGaps := []string{
		"web:hangs on web1: collector hangs did not end within 50ms [web:hangs/*]",
		"web:indexes on web1: collector indexes panicked (runtime.boundsError) [web:indexes/*]",
		"web:panics on web1: collector panics panicked (string) [web:panics/*]",
		"web:wants on web1: collector wants panicked (string) [web:wants/*]",
	}
	if d := cmp.Diff(wantGaps, gaps(s)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string][]string{"config/*": nil, "package/*": nil}, s.Manifest.Scopes["web"].Looked); d != "" {
		t.Errorf("looked: %s", d)
	}
}

func TestAHostThatCannotBeReachedIsOneGapPerRole(t *testing.T) {
	refused := func(context.Context) (transport.Transport, error) { return nil, errors.New("connection refused") }
	silent := &recorder{hang: true}
	p := plan(t, host("web1", &recorder{}, "web"), snapshot.HostTarget{Instance: "web2", Roles: map[string]snapshot.RoleSpec{"web": {}, "db": {}}, Open: refused},
		host("web3", silent, "web"), host("web4", &recorder{err: errors.New("broken pipe")}, "web"))
	p.Timeout = 30 * time.Millisecond
	s := capture(t, p, snapshot.Registry{Hosts: []snapshot.HostCollector{good("package")}})
	if d := cmp.Diff([]string{"web:package/x=seen on web1"}, shown(s)); d != "" {
		t.Error(d)
	}
	got := gaps(s)
	for i, want := range []string{
		"db:host/reachable on web2: connection refused [db:*]", "web:host/reachable on web2: connection refused [web:*]",
		"web:host/reachable on web3: ", "web:host/reachable on web4: broken pipe [web:*]",
	} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Fatalf("want %q in %q", want, got)
		}
	}
	if d := cmp.Diff([]string{"web1", "web2", "web3", "web4"}, s.Manifest.Scopes["web"].Instances); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"web1"}, s.Manifest.Scopes["web"].Looked["package/*"]); d != "" {
		t.Error(d)
	}
	if silent.closed.Load() != 1 {
		t.Error("the transport was not closed")
	}
}

func TestAHostInTwoRolesIsContactedOnceAndEqualWantsAreOne(t *testing.T) {
	files := scripted{
		name: "files",
		wants: func(spec snapshot.RoleSpec) []transport.Want {
			return []transport.Want{{ID: "os", Globs: []string{"/etc/os-release"}, Doc: "why"}, {ID: "config", Globs: spec.Config}}
		},
		parse: func(in snapshot.Input) snapshot.Result { return one(in, "files", string(in.Sections["config"].Output)) },
	}
	also := scripted{
		name: "also",
		wants: func(snapshot.RoleSpec) []transport.Want {
			return []transport.Want{{ID: "release", Globs: []string{"/etc/os-release"}}}
		},
		parse: func(in snapshot.Input) snapshot.Result { return one(in, "also", string(in.Sections["release"].Output)) },
	}
	r := &recorder{}
	h := snapshot.HostTarget{Instance: "box", Open: r.open, Roles: map[string]snapshot.RoleSpec{"web": {Config: []string{"/w"}}, "db": {Config: []string{"/d"}}}}
	s := capture(t, plan(t, h), snapshot.Registry{Hosts: []snapshot.HostCollector{files, also}})
	want := []string{
		"db:also/x=/etc/os-release on box", "db:files/x=/d on box",
		"web:also/x=/etc/os-release on box", "web:files/x=/w on box",
	}
	if d := cmp.Diff(want, shown(s)); d != "" {
		t.Error(d)
	}
	if r.opened.Load() != 1 || len(r.wants) != 1 || len(r.wants[0]) != 3 {
		t.Errorf("opened %d times, asked %v", r.opened.Load(), r.wants)
	}
}

// naming finds a host's own name and something else.
type naming struct{ scripted }

func (naming) Kinds() []snapshot.Kind {
	return []snapshot.Kind{{Pattern: "host/name#*", Axis: snapshot.Context}, {Pattern: "host/os#*"}}
}

func TestAHostsOwnNamesComeWithEveryPartOfIt(t *testing.T) {
	host1 := scripted{name: "host", parse: func(in snapshot.Input) snapshot.Result {
		r := one(in, "host", "os")
		r.Add(snapshot.At(in.Scope, "host", "name").Attr("hostname"), snapshot.String("web1"), "")
		return r
	}}
	reg := snapshot.Registry{Hosts: []snapshot.HostCollector{naming{host1}, good("config")}}
	for _, c := range []struct {
		sel  snapshot.Selection
		want []string
	}{
		{snapshot.Selection{Only: []string{"web:config/*"}}, []string{"web:config/x=seen on web1", "web:host/name#hostname=web1 on web1"}},
		{snapshot.Selection{Skip: []string{"web:host/*"}}, []string{"web:config/x=seen on web1", "web:host/name#hostname=web1 on web1"}},
		{snapshot.Selection{Skip: []string{"web:*"}}, nil},
	} {
		p := plan(t, host("web1", &recorder{}, "web"))
		p.Selection = c.sel
		if d := cmp.Diff(c.want, shown(capture(t, p, reg))); d != "" {
			t.Errorf("%+v: %s", c.sel, d)
		}
	}
}

func TestOnlyAndSkipLeaveOutWhatNoAddressCanMatch(t *testing.T) {
	reg := snapshot.Registry{Hosts: []snapshot.HostCollector{good("package"), good("config")}}
	for _, c := range []struct {
		name      string
		sel       snapshot.Selection
		contacted bool
		want      []string
	}{
		{"everything", snapshot.Selection{}, true, []string{"web:config/x=seen on web1", "web:package/x=seen on web1"}},
		{"another part", snapshot.Selection{Only: []string{"main:*"}}, false, nil},
		{"one kind", snapshot.Selection{Only: []string{"*:package/*"}}, true, []string{"web:package/x=seen on web1"}},
		{"one kind less", snapshot.Selection{Skip: []string{"web:package/*"}}, true, []string{"web:config/x=seen on web1"}},
		{"one address", snapshot.Selection{Only: []string{"web:config/y"}}, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{}
			p := plan(t, host("web1", r, "web"))
			p.Selection = c.sel
			s := capture(t, p, reg)
			if d := cmp.Diff(c.want, shown(s)); d != "" {
				t.Error(d)
			}
			if (r.opened.Load() > 0) != c.contacted {
				t.Errorf("contacted: %d", r.opened.Load())
			}
		})
	}
}

func TestCancelledCaptureReturnsPromptlyAndLeavesNothing(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithCancel(context.Background())
	started := make(chan struct{}, 1)
	p := plan(t, host("web1", &recorder{hang: true}, "web"), host("web2", &recorder{}, "web"))
	p.Timeout = time.Minute
	go func() { <-started; cancel() }()
	begin := time.Now()
	_, err := snapshot.Capture(ctx, p, snapshot.Registry{Hosts: []snapshot.HostCollector{scripted{name: "hangs", parse: func(snapshot.Input) snapshot.Result {
		started <- struct{}{}
		<-release
		return snapshot.Result{}
	}}}})
	if !errors.Is(err, context.Canceled) || time.Since(begin) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
	if left, _ := os.ReadDir(p.TempDir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNoMoreThanJobsInstancesAtOnceAndNoGoroutineStays(t *testing.T) {
	before := runtime.NumGoroutine()
	var now, most atomic.Int32
	slow := scripted{name: "slow", parse: func(in snapshot.Input) snapshot.Result {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(2 * time.Millisecond)
		now.Add(-1)
		return one(in, "slow", "seen")
	}}
	p := plan(t)
	p.Jobs = 3
	for i := range 30 {
		p.Hosts = append(p.Hosts, host(fmt.Sprintf("web%02d", i), &recorder{}, "web"))
	}
	s := capture(t, p, snapshot.Registry{Hosts: []snapshot.HostCollector{slow}})
	if len(s.Lines) != 1 || len(s.Lines[0].Values[0].On) != 30 {
		t.Errorf("%v", shown(s))
	}
	if most.Load() > 3 {
		t.Errorf("%d at once", most.Load())
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d goroutines, before %d", runtime.NumGoroutine(), before)
}

func TestADatabaseThatCannotBeOpenedIsAGap(t *testing.T) {
	p := plan(t)
	p.Databases = []snapshot.DatabaseTarget{{Scope: "main", Instance: "primary", Open: func(context.Context) (engine.DB, error) {
		return nil, errors.New("no such file")
	}}}
	s := capture(t, p, snapshot.Registry{Databases: []snapshot.DatabaseCollector{databaseCollector{}}})
	if d := cmp.Diff([]string{"main:database/reachable on primary: no such file [main:*]"}, gaps(s)); d != "" {
		t.Error(d)
	}
	if s.Manifest.Scopes["main"].Type != "database" {
		t.Errorf("%+v", s.Manifest.Scopes)
	}
}

type databaseCollector struct{}

func (databaseCollector) Name() string           { return "schema" }
func (databaseCollector) Doc() snapshot.Doc      { return snapshot.Doc{} }
func (databaseCollector) Kinds() []snapshot.Kind { return []snapshot.Kind{{Pattern: "table/*"}} }
func (databaseCollector) Collect(context.Context, snapshot.DatabaseInput) snapshot.Result {
	return snapshot.Result{}
}

func TestAnAddressFoundTwiceKeepsTheFirstValueAndSaysSo(t *testing.T) {
	twice := scripted{name: "twice", parse: func(in snapshot.Input) snapshot.Result {
		r := one(in, "twice", "first")
		r.Add(snapshot.At(in.Scope, "twice", "x"), snapshot.String("second"), "")
		return r
	}}
	s := capture(t, plan(t, host("web1", &recorder{}, "web")), snapshot.Registry{Hosts: []snapshot.HostCollector{twice}})
	if d := cmp.Diff([]string{"web:twice/x=first on web1"}, shown(s)); d != "" {
		t.Error(d)
	}
	if len(s.Notes) != 1 || s.Notes[0].Count != 1 || !strings.Contains(s.Notes[0].Kind, "twice") {
		t.Errorf("%+v", s.Notes)
	}
}

func TestAFactWithAMalformedAddressIsAGapAndTheSnapshotStaysReadable(t *testing.T) {
	bad := scripted{name: "bad", parse: func(in snapshot.Input) snapshot.Result {
		r := one(in, "bad", "seen")
		r.Add(snapshot.Address{Scope: in.Scope, Kind: "bad", Name: "\xff"}, snapshot.Null(), "")
		r.Add(snapshot.Address{Scope: in.Scope, Kind: "bad", Name: "a#b", Attribute: "c"}, snapshot.Null(), "")
		r.Add(snapshot.Address{Scope: "other", Kind: "bad", Name: "x"}, snapshot.Null(), "")
		return r
	}}
	s := capture(t, plan(t, host("web1", &recorder{}, "web")), snapshot.Registry{Hosts: []snapshot.HostCollector{bad}})
	if len(s.Gaps) != 2 || len(s.Lines) != 1 {
		t.Errorf("%v %v", gaps(s), shown(s))
	}
	path := filepath.Join(t.TempDir(), "s")
	if err := snapshot.Write(path, s); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Read(path); err != nil {
		t.Error(err)
	}
}
