package cmd

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
)

// scratchPlace is where copies are built: the configured server, or a private directory for engines that live in files. A server that holds a
// protected environment's database is refused unless envdiff.yaml says that it is meant.
func (s *session) scratchPlace(ctx context.Context, c *config.Config, env, db string, e engine.Engine) (engine.Target, string, error) {
	dir, err := s.scratch()
	if err != nil {
		return engine.Target{}, "", err
	}
	scratch := c.Databases[db].Scratch
	if e.Name() == "sqlite" && scratch == nil {
		return engine.Target{Engine: "sqlite"}, dir, nil
	}
	if scratch == nil {
		return engine.Target{}, "", hinted(fmt.Errorf("databases.%s.scratch is not configured: copies of a %s database need a server to stand on", db, e.Name()),
			"databases: {%s: {scratch: \"${SCRATCH_DATABASE_URL}\"}}", db)
	}
	t, err := s.target(c, env, db, "scratch", scratch.URL)
	if err != nil {
		return engine.Target{}, "", err
	}
	if t.Engine != e.Name() {
		return engine.Target{}, "", fmt.Errorf("databases.%s.scratch is a %s database, and %s is a %s one", db, t.Engine, env, e.Name())
	}
	if t.Engine == "sqlite" || scratch.Shared {
		return t, dir, nil
	}
	owner, err := s.protectedOn(ctx, c, t, e)
	if err != nil {
		return engine.Target{}, "", err
	}
	if owner != "" {
		return engine.Target{}, "", hinted(fmt.Errorf("databases.%s.scratch is on the server of %s, which is protected: nothing is written there", db, owner),
			"name another server; if copies on this one are meant: scratch: {url: …, shared: true}")
	}
	return t, dir, nil
}

// askTimeout bounds asking one protected database who it is, when it is not the one that is rehearsed.
const askTimeout = 10 * time.Second

// protectedOn names the first database of a protected environment that stands on the server of t, "" for none. Servers are recognised by what
// they say of themselves, because one server has many names; one that cannot be asked by its address, with a warning.
func (s *session) protectedOn(ctx context.Context, c *config.Config, t engine.Target, e engine.Engine) (string, error) {
	scratch, err := s.identity(ctx, t, e)
	if err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environments)) {
		if !c.Environments[name].Protected {
			continue
		}
		for _, db := range slices.Sorted(maps.Keys(c.Environments[name].Databases)) {
			loc := c.Environments[name].Databases[db]
			for _, u := range append([]config.Text{loc.URL}, texts(loc.Replicas, loc.Shards)...) {
				owner := fmt.Sprintf("the database %s of %s", db, name)
				protected, err := s.target(c, name, db, "primary", u)
				if err != nil {
					s.warn("%s could not be told apart from the scratch server: %v", owner, err)
					continue
				}
				if protected.Engine != t.Engine {
					continue
				}
				if sameAddress(protected, t) {
					return owner, nil
				}
				id, err := s.identity(ctx, protected, e)
				switch {
				case ctx.Err() != nil:
					return "", ctx.Err()
				case err != nil:
					s.warn("%s could not be told apart from the scratch server but by its address: %v", owner, err)
				case id.Server == scratch.Server:
					return owner, nil
				}
			}
		}
	}
	return "", nil
}

// identity asks a database, read-only, who it is.
func (s *session) identity(ctx context.Context, t engine.Target, e engine.Engine) (engine.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	db, err := e.Open(ctx, t, engine.ReadOnly)
	if err != nil {
		return engine.Identity{}, err
	}
	defer db.Close()
	return db.Identity(ctx)
}

// sameAddress compares host and port as written; targets display them.
func sameAddress(a, b engine.Target) bool {
	u, err1 := url.Parse(a.Display)
	v, err2 := url.Parse(b.Display)
	return err1 == nil && err2 == nil && u.Host != "" && u.Host == v.Host
}
