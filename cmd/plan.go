package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/sanitize"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/all"
)

// engines is the registry of database engines.
func engines() map[string]engine.Engine {
	return map[string]engine.Engine{
		"sqlite":   sqlite.New(),
		"postgres": postgres.New(),
		"mysql":    mysql.New(),
	}
}

func collectors() snapshot.Registry { return all.Collectors() }

// plan says what to capture of an environment of envdiff.yaml.
func (s *session) plan(c *config.Config, name string, redact *snapshot.Redactor) (snapshot.Plan, error) {
	env, ok := c.Environments[name]
	if !ok {
		return snapshot.Plan{}, s.unknownEnvironment(c, name)
	}
	temp, err := s.scratch()
	if err != nil {
		return snapshot.Plan{}, err
	}
	p := snapshot.Plan{
		Environment: name, Protected: env.Protected, Version: version(), Redact: redact, Now: s.world.Now,
		Timeout: s.opt.timeout, Jobs: s.opt.jobs, Selection: s.selection(), TempDir: temp, Known: &snapshot.KnownTables{}, Unfinished: s.unfinished(c, name),
		Progress: func(e snapshot.Event) {
			if e.Done {
				s.progress.Done(e.Environment + "/" + e.Instance)
			} else {
				s.progress.Start(e.Environment + "/" + e.Instance)
			}
		},
	}
	if p.Hosts, err = s.hosts(c, name); err != nil {
		return p, err
	}
	p.Dumps = append(s.endpoints(c, name), s.programs(c, name)...)
	p.Databases, err = s.databases(c, name)
	return p, err
}

// hosts lists the machines of an environment, each once, with all roles that it has.
func (s *session) hosts(c *config.Config, name string) ([]snapshot.HostTarget, error) {
	env := c.Environments[name]
	nodes := s.nodes(env)
	byURL := map[string]int{}
	var targets []snapshot.HostTarget
	for _, role := range slices.Sorted(maps.Keys(env.Hosts)) {
		spec := c.Roles[role]
		for _, h := range env.Hosts[role] {
			purpose := fmt.Sprintf("the host %s of %s", h.Instance(), name)
			open := s.hostOpener(c, h, purpose)
			key := h.Instance() + "\x00" + string(h.URL)
			i, again := byURL[key]
			if !again {
				i = len(targets)
				byURL[key] = i
				targets = append(targets, snapshot.HostTarget{Instance: h.Instance(), Roles: map[string]snapshot.RoleSpec{}, Open: open, Only: known(h)})
			}
			targets[i].Roles[role] = snapshot.RoleSpec{Packages: spec.Packages, Config: spec.Config, Services: spec.Services, SBOM: spec.SBOM, Deployments: spec.Deployments, Nodes: nodes, Environment: name}
			targets[i].Dumps = append(targets[i].Dumps, s.endpointsVia(c, name, role)...)
			targets[i].Dumps = append(targets[i].Dumps, programsOn(c, name, role)...)
		}
	}
	return targets, nil
}

// hostOpener opens a host when capture asks for it: a variable that is unset is then a gap of this host alone.
func (s *session) hostOpener(c *config.Config, h config.Host, purpose string) func(context.Context) (transport.Transport, error) {
	return func(context.Context) (transport.Transport, error) {
		u, err := h.URL.Expand(s.lookup, purpose)
		if err != nil {
			return nil, err
		}
		switch {
		case u == "local:":
			return transport.Local(), nil
		case strings.HasPrefix(u, "root:"):
			return transport.Root(c.Path(strings.TrimPrefix(u, "root:")))
		case strings.HasPrefix(u, "ssh://"):
			o, err := transport.ParseSSH(u)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", purpose, err)
			}
			o.Sudo, o.Jumps, o.Now = h.Sudo, &s.jumps, s.world.Now
			return transport.SSH(o)
		}
		if t, err := s.catalogued(c, u); t != nil || err != nil {
			return t, err
		}
		return nil, errors.New("the host's URL is none of root:DIR, local:, ssh://HOST, puppet:DIR?node=NODE and puppetdb:URL")
	}
}

// catalogued opens a host of which nothing but Puppet's catalogue is looked at; nil for other hosts.
func (s *session) catalogued(c *config.Config, u string) (transport.Transport, error) {
	path := func(p string) string {
		if p == "" {
			return ""
		}
		return c.Path(p)
	}
	switch {
	case strings.HasPrefix(u, "puppetdb:"):
		o, err := transport.ParsePuppetDB(u)
		if err != nil {
			return nil, err
		}
		o.Certificate, o.Key, o.Authority = path(o.Certificate), path(o.Key), path(o.Authority)
		return transport.PuppetDB(o)
	case strings.HasPrefix(u, "puppet:"):
		o, err := transport.ParseCompile(u)
		if err != nil {
			return nil, err
		}
		if o.TempDir, err = s.scratch(); err != nil {
			return nil, err
		}
		o.Environment, o.Facts = path(o.Environment), path(o.Facts)
		return transport.Compile(o)
	}
	return nil, nil
}

// known says which collectors can learn something of a host: of one that is known by its catalogue alone only Puppet's.
func known(h config.Host) []string {
	if strings.HasPrefix(string(h.URL), "puppet:") || strings.HasPrefix(string(h.URL), "puppetdb:") {
		return []string{"puppet"}
	}
	return nil
}

// databases lists the databases of an environment with their replicas and shards.
func (s *session) databases(c *config.Config, name string) ([]snapshot.DatabaseTarget, error) {
	env := c.Environments[name]
	var targets []snapshot.DatabaseTarget
	for _, db := range slices.Sorted(maps.Keys(env.Databases)) {
		loc := env.Databases[db]
		spec, err := s.databaseSpec(c, db, env.Protected)
		if err != nil {
			return nil, err
		}
		add := func(instance string, u config.Text, spec snapshot.DatabaseSpec, replica bool) {
			targets = append(targets, snapshot.DatabaseTarget{Scope: db, Instance: instance, Replica: replica, Spec: spec,
				Open: func(ctx context.Context) (engine.DB, error) { return s.openReadOnly(ctx, c, name, db, instance, u) }})
		}
		spec.Load = loadLimit(env, loc)
		first := spec
		first.Monitor = loc.MMM // one instance asks for all
		add("primary", loc.URL, first, false)
		for _, instance := range slices.Sorted(maps.Keys(loc.Replicas)) {
			add(instance, loc.Replicas[instance], spec, true)
		}
		for _, instance := range slices.Sorted(maps.Keys(loc.Shards)) {
			add(instance, loc.Shards[instance], spec, false)
		}
	}
	return targets, nil
}

// The limits of load while rows are read, where envdiff.yaml has none: that of statements in protected environments alone.
const (
	defaultMaxLoad = 25
	defaultMaxLag  = 5 * time.Minute
)

func loadLimit(env config.Environment, loc config.DatabaseLocation) snapshot.LoadLimit {
	var l snapshot.LoadLimit
	if env.Protected {
		l = snapshot.LoadLimit{Running: defaultMaxLoad, Lag: defaultMaxLag}
	}
	if loc.MaxLoad != nil {
		l.Running = *loc.MaxLoad
	}
	if lag, err := config.Duration(loc.MaxLag); err == nil && loc.MaxLag != "" { // checked when the file was read
		l.Lag = lag
	}
	return l
}

func (s *session) databaseSpec(c *config.Config, db string, protected bool) (snapshot.DatabaseSpec, error) {
	d := c.Databases[db]
	exact, err := s.exact(c, db)
	if err != nil {
		return snapshot.DatabaseSpec{}, err
	}
	spec := snapshot.DatabaseSpec{Exact: exact, Lenient: s.lenient(c, db), Ignore: d.Ignore, Profile: snapshot.GradeUsual, Protected: protected}
	if d.Profile != "" {
		spec.Profile = snapshot.Grade(d.Profile)
	}
	policy, err := s.policy(c, db)
	if errors.Is(err, sanitize.ErrNoPolicy) {
		return spec, nil
	}
	if err != nil {
		return spec, err
	}
	spec.Keep = func(table, column string) bool {
		t, ok := policy.Table(table)
		if !ok {
			return false
		}
		col, ok := t.Column(snapshot.Unescape(column))
		return ok && col.Action == sanitize.Keep
	}
	for _, r := range policy.References {
		spec.References = append(spec.References, snapshot.Reference{Table: r.From.Table, Column: r.From.Column, RefTable: r.To.Table, RefColumn: r.To.Column, When: r.When})
	}
	spec.Leaves = func(table, column string) []string {
		t, ok := policy.Table(table)
		if !ok {
			return nil
		}
		return t.Leaves(snapshot.Unescape(column))
	}
	return spec, nil
}

// policyPath is where a database's policy stands.
func policyPath(c *config.Config, db string) string {
	if p := c.Databases[db].Sanitize; p != "" {
		return c.Path(p)
	}
	return c.Path("sanitize.yaml")
}

// policy reads a database's sanitising policy; sanitize.ErrNoPolicy when there is none.
func (s *session) policy(c *config.Config, db string) (*sanitize.Policy, error) {
	return sanitize.ReadPolicy(policyPath(c, db))
}

// target resolves a database's URL.
func (s *session) target(c *config.Config, env, db, instance string, u config.Text) (engine.Target, error) {
	purpose := fmt.Sprintf("the database %s of %s", db, env)
	if instance != "primary" {
		purpose = fmt.Sprintf("%s of the database %s of %s", instance, db, env)
	}
	raw, err := u.Expand(s.lookup, purpose)
	if err != nil {
		return engine.Target{}, err
	}
	t, err := config.ParseDatabaseURL(raw, c.Dir())
	if err != nil {
		return t, fmt.Errorf("%s: %w", purpose, err)
	}
	return t, nil
}

func (s *session) openReadOnly(ctx context.Context, c *config.Config, env, db, instance string, u config.Text) (engine.DB, error) {
	t, err := s.target(c, env, db, instance, u)
	if err != nil {
		return nil, err
	}
	e, ok := s.world.Engines[t.Engine]
	if !ok {
		return nil, fmt.Errorf("%s databases cannot be read by this version", t.Engine)
	}
	return e.Open(ctx, t, engine.ReadOnly)
}

// knownNames are the hosts of the configuration: a value that is nearly one of them is a typo.
func knownNames(c *config.Config) []string {
	names := map[string]bool{}
	for _, env := range c.Environments {
		for _, v := range env.Params {
			names[v] = true
		}
		for _, hosts := range env.Hosts {
			for _, h := range hosts {
				names[h.Instance()] = true
				for _, v := range h.Params {
					names[v] = true
				}
			}
		}
		for _, loc := range env.Databases {
			for _, u := range append([]config.Text{loc.URL}, texts(loc.Replicas, loc.Shards)...) {
				if host := urlHost(string(u)); host != "" {
					names[host] = true
				}
			}
		}
		for _, loc := range env.Endpoints {
			for _, u := range append([]config.Text{loc.URL}, texts(loc.Replicas)...) {
				if host := urlHost(string(u)); host != "" {
					names[host] = true
				}
			}
		}
	}
	out := make([]string, 0, len(names))
	for n := range names {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

func texts(sets ...map[string]config.Text) []config.Text {
	var out []config.Text
	for _, m := range sets {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			out = append(out, m[k])
		}
	}
	return out
}

func urlHost(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || filepath.IsAbs(raw) {
		return ""
	}
	return u.Hostname()
}
