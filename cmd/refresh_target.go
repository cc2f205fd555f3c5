package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/migrations"
	"github.com/envdiff/envdiff/sanitize"
)

// destination looks at a target and refuses it unless it may be replaced.
func (f *feed) destination(ctx context.Context, env string) (*destination, error) {
	target, err := f.s.target(f.c, env, f.db, "primary", f.c.Environments[env].Databases[f.db].URL)
	if err != nil {
		return nil, err
	}
	e := f.source.Engine()
	if target.Engine != e.Name() {
		return nil, fmt.Errorf("it is a %s database, and the source is a %s one", target.Engine, e.Name())
	}
	if _, ok := e.(engine.Refresher); !ok {
		return nil, fmt.Errorf("%s databases are not refreshed by this version", e.Name())
	}
	t := &destination{env: env, target: target}
	if err := f.s.notProtectedAddress(f.c, target); err != nil {
		return nil, err
	}
	if t.exists, err = f.s.there(target); err != nil || !t.exists {
		return t, err
	}
	old, err := e.Open(ctx, target, engine.ReadOnly)
	if err != nil {
		return nil, err
	}
	defer old.Close()
	id, err := old.Identity(ctx)
	if err != nil {
		return nil, err
	}
	t.server = id.Server
	if id.Server == f.identity.Server && id.Database == f.identity.Database {
		return nil, errors.New("it is the database that the rows come from")
	}
	if id.Replica {
		return nil, errors.New("it is a replica: refresh its primary")
	}
	if err := f.s.notProtected(ctx, f.c, target, id, e); err != nil {
		return nil, err
	}
	if t.standing, err = old.Schema(ctx); err != nil {
		return nil, err
	}
	return t, replaceable(ctx, old, t.standing)
}

// there reports whether a target exists; only a file may not.
func (s *session) there(t engine.Target) (bool, error) {
	if t.Path == "" {
		return true, nil
	}
	_, err := os.Stat(t.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// replaceable refuses a database that holds something and is not of an earlier refresh.
func replaceable(ctx context.Context, db engine.DB, standing *schema.Database) error {
	if len(standing.Tables)+len(standing.Views)+len(standing.Routines) == 0 {
		return nil
	}
	marker, ok := engine.As[engine.Marker](db)
	if !ok {
		return errors.New("it is not empty, and this engine has no marks")
	}
	mark, err := marker.Mark(ctx)
	if err != nil {
		return err
	}
	if mark == nil {
		return hinted(errors.New("it is not empty and was not made by envdiff: its data would be lost"), "if it may go, empty it once: drop the database and make it again, or name another one")
	}
	return nil
}

// notProtected refuses a database that is a protected environment's, whatever it is called here.
func (s *session) notProtected(ctx context.Context, c *config.Config, t engine.Target, id engine.Identity, e engine.Engine) error {
	for _, owner := range protectedLocations(c) {
		protected, err := s.target(c, owner.env, owner.db, "primary", owner.url)
		if err != nil || protected.Engine != t.Engine {
			continue // an address that this machine does not know: notProtectedAddress has compared what is known
		}
		if there, err := s.there(protected); err != nil || !there {
			continue
		}
		other, err := s.identity(ctx, protected, e)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.warn("%s could not be told apart from %s but by its address: %v", owner, t, err)
			continue
		}
		if other.Server == id.Server && other.Database == id.Database {
			return hinted(fmt.Errorf("it is %s, which is protected: nothing is ever written there", owner), "name another database")
		}
	}
	return nil
}

// notProtectedAddress compares what the URLs say, also of databases that cannot be asked.
func (s *session) notProtectedAddress(c *config.Config, t engine.Target) error {
	for _, owner := range protectedLocations(c) {
		protected, err := s.target(c, owner.env, owner.db, "primary", owner.url)
		if err == nil && protected.Engine == t.Engine && sameDatabase(protected, t) {
			return hinted(fmt.Errorf("it is %s, which is protected: nothing is ever written there", owner), "name another database")
		}
	}
	return nil
}

func sameDatabase(a, b engine.Target) bool {
	if a.Path != "" || b.Path != "" {
		return a.Path == b.Path
	}
	u, err1 := url.Parse(a.Display)
	v, err2 := url.Parse(b.Display)
	return err1 == nil && err2 == nil && u.Host == v.Host && u.Path == v.Path
}

// copyWorkers is how many tables are copied at once: the servers have other work, too.
const copyWorkers = 4

// fill runs one refresh under the target's lock.
func (f *feed) fill(ctx context.Context, t *destination, result *finding.RefreshedTarget) (done *sanitize.Refreshed, findings []finding.Finding, err error) {
	e := f.source.Engine()
	locked, err := e.(engine.Refresher).BeginRefresh(ctx, t.target, f.s.opt.resume)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, locked.Close(context.WithoutCancel(ctx))) }()
	advance, demands, err := f.ahead(ctx, t, locked)
	if err != nil {
		return nil, nil, err
	}
	plan, err := f.plan(demands)
	if err != nil {
		return nil, nil, err
	}
	sample, err := f.sample(demands)
	if err != nil {
		return nil, nil, err
	}
	for _, text := range plan.Warnings {
		f.warn("%s: %s", f.db, text)
	}
	in := sanitize.Refreshing{Source: f.source, Schema: f.schema, Plan: plan, Key: f.key, Target: locked, Standing: t.standing, Now: f.now,
		Copy: sanitize.CopyOptions{Sample: sample, Workers: min(f.s.opt.jobs, copyWorkers), Note: func(text string) { f.warn("%s: %s", f.db, text) }},
		Mark: engine.Mark{CapturedAt: f.moment, Source: f.env, Key: f.keyID(), Version: version()}, Stored: f.stored, Snapshot: f.snapshot, Resume: f.s.opt.resume}
	if t.exists {
		in.Old = func(ctx context.Context) (engine.DB, error) { return e.Open(ctx, t.target, engine.ReadOnly) }
	}
	if advance != nil {
		plan.Leave(advance.Spec.VersionTable())
		in.Migrate = func(ctx context.Context, stage engine.Target) (err error) {
			findings, err = advance.Run(ctx, stage)
			return err
		}
	}
	if p := f.pacer(t); p != nil {
		halt := p.run(ctx)
		in.Copy.Pace = p.pace
		in.Step = func(what string) {
			if what == "swap" {
				halt() // its own session in the target is nobody's to be told of
			}
		}
		defer func() { halt(); p.told(f.s, f.db, t.env) }()
	}
	done, err = sanitize.Refresh(ctx, in)
	if err != nil && len(findings) == 0 && ctx.Err() == nil && f.scans.stale(sample) {
		done, err = sanitize.Refresh(ctx, in)
	}
	if err != nil {
		return done, findings, err
	}
	f.keepScans()
	result.Status = "swapped"
	if advance != nil {
		result.Migrations = advance.Versions()
	}
	return done, nil, nil
}

// keyID is of the key that the pseudonyms are made with.
func (cp *copier) keyID() string {
	if cp.storedKey != "" {
		return cp.storedKey
	}
	return cp.key.ID()
}

// ahead finds out by which migrations the target is ahead of the source, and what the pending ones demand of the rows.
func (f *feed) ahead(ctx context.Context, t *destination, locked engine.Refresh) (*migrations.Advance, []schema.Obligation, error) {
	m := f.c.Databases[f.db].Migrations
	if m == nil || m.Command != "" {
		return nil, nil, nil
	}
	spec := migrationsSpec(f.c, f.db)
	from, err := migrations.ReadApplied(ctx, f.source, f.schema, spec)
	if err != nil {
		return nil, nil, err
	}
	dir, err := f.s.scratch()
	if err != nil {
		return nil, nil, err
	}
	e := f.source.Engine()
	if t.target.Path == "" {
		e = beside{e, locked}
	}
	demands, err := migrations.Demands(ctx, migrations.Input{Scope: f.db, Environment: f.env, Environments: f.args, Engine: e, Production: f.source,
		Schema: f.schema, Spec: spec, ScratchBase: t.target, ScratchDir: dir, Now: f.now})
	if err != nil || t.standing == nil {
		return nil, demands, err
	}
	at, err := f.applied(ctx, t, spec)
	if err != nil {
		return nil, nil, err
	}
	a := &migrations.Advance{Scope: f.db, Environment: t.env, Environments: f.args, Engine: f.source.Engine(), Spec: spec, Schema: f.schema, From: from, To: at, Now: f.now}
	needed, err := a.Needed()
	if err != nil || !needed {
		return nil, demands, err
	}
	return a, demands, nil
}

// beside is an engine that makes its scratch databases beside a refresh's stage, so that the next refresh clears a killed one's away.
type beside struct {
	engine.Engine
	locked engine.Refresh
}

func (b beside) CreateScratch(ctx context.Context, _ engine.Target, _ string) (engine.Target, error) {
	if r, ok := b.locked.(engine.Resumer); ok {
		return r.Beside(ctx)
	}
	return b.locked.Stage(ctx)
}

func (f *feed) applied(ctx context.Context, t *destination, spec migrations.Spec) (migrations.Applied, error) {
	old, err := f.source.Engine().Open(ctx, t.target, engine.ReadOnly)
	if err != nil {
		return migrations.Applied{}, err
	}
	defer old.Close()
	return migrations.ReadApplied(ctx, old, t.standing, spec)
}
