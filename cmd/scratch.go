package cmd

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/throwaway"
)

// scratchPlace is where copies are built: the configured server; else a private directory for engines that live in files, and for
// others a throw-away server of the same version from this machine's own binaries. A server that holds a protected environment's
// database is refused unless envdiff.yaml says that it is meant.
func (s *session) scratchPlace(ctx context.Context, c *config.Config, env, db string, e engine.Engine, version string) (engine.Target, string, error) {
	dir, err := s.scratch()
	if err != nil {
		return engine.Target{}, "", err
	}
	scratch := c.Databases[db].Scratch
	if e.Name() == "sqlite" && scratch == nil {
		return engine.Target{Engine: "sqlite"}, dir, s.expire(ctx, db, e, engine.Target{}, s.keptDir())
	}
	if scratch == nil {
		t, err := s.throwaway(ctx, dir, e.Name(), version)
		if err != nil && ctx.Err() == nil {
			err = hinted(fmt.Errorf("databases.%s.scratch is not configured, and %w", db, err), "databases: {%s: {scratch: \"${SCRATCH_DATABASE_URL}\"}}", db)
		}
		return t, dir, err
	}
	t, err := s.target(c, env, db, "scratch", scratch.URL)
	if err != nil {
		return engine.Target{}, "", err
	}
	if t.Engine != e.Name() {
		return engine.Target{}, "", fmt.Errorf("databases.%s.scratch is a %s database, and %s is a %s one", db, t.Engine, env, e.Name())
	}
	if t.Engine == "sqlite" {
		return t, dir, s.expire(ctx, db, e, t, s.keptDir())
	}
	if err := s.refuseProtected(ctx, c, db, t, e); err != nil {
		return engine.Target{}, "", err
	}
	if t, err = s.occupy(ctx, db, t, e); err == nil {
		err = s.expire(ctx, db, e, t, "")
	}
	return t, dir, err
}

// refuseProtected is the error about a scratch on a protected environment's server where that is not said to be meant.
func (s *session) refuseProtected(ctx context.Context, c *config.Config, db string, t engine.Target, e engine.Engine) error {
	if c.Databases[db].Scratch.Shared {
		return nil
	}
	owner, err := s.protectedOn(ctx, c, t, e)
	if err != nil {
		return err
	}
	if owner != "" {
		return hinted(fmt.Errorf("databases.%s.scratch is on the server of %s, which is protected: nothing is written there", db, owner),
			"name another server; if copies on this one are meant: scratch: {url: …, shared: true}")
	}
	return nil
}

// throwaway starts this run's own server of an engine and version, once; it ends with the session.
func (s *session) throwaway(ctx context.Context, dir, engineName, version string) (engine.Target, error) {
	key := engineName + " " + version
	if server := s.servers[key]; server != nil {
		return server.Target, nil
	}
	s.progress.Start("starting a throw-away server")
	defer s.progress.Done("starting a throw-away server")
	var server *throwaway.Server
	var err error
	if engineName == "postgres" {
		major, _, _ := strings.Cut(version, ".")
		number, _ := strconv.Atoi(major) // 0, a version that is not told, is the newest
		server, err = throwaway.Postgres(ctx, dir, number)
	} else {
		server, err = throwaway.MariaDB(ctx, dir, version)
	}
	if err != nil {
		return engine.Target{}, err
	}
	if s.servers == nil {
		s.servers = map[string]*throwaway.Server{}
	}
	s.servers[key] = server
	return server.Target, nil
}

// giveRoles lets a throw-away server have the roles that production's grants and policies name, and migrations with them.
func (s *session) giveRoles(ctx context.Context, c *config.Config, db string, source engine.DB, base engine.Target) error {
	maker, makes := source.Engine().(engine.RoleMaker)
	lister, lists := engine.As[engine.RoleLister](source)
	if c.Databases[db].Scratch != nil || !makes || !lists {
		return nil
	}
	names, err := lister.Roles(ctx)
	if err != nil {
		return err
	}
	return maker.MakeRoles(ctx, base, names)
}

// askTimeout bounds asking one protected database who it is, when it is not the one that is rehearsed.
const askTimeout = 10 * time.Second

// location is one declared database server: the primary, a replica or a shard.
type location struct {
	env, db string
	url     config.Text
}

func (l location) String() string { return fmt.Sprintf("the database %s of %s", l.db, l.env) }

// protectedLocations are the servers of all protected environments.
func protectedLocations(c *config.Config) []location {
	var out []location
	for _, env := range slices.Sorted(maps.Keys(c.Environments)) {
		if !c.Environments[env].Protected {
			continue
		}
		for _, db := range slices.Sorted(maps.Keys(c.Environments[env].Databases)) {
			loc := c.Environments[env].Databases[db]
			for _, u := range append([]config.Text{loc.URL}, texts(loc.Replicas, loc.Shards)...) {
				out = append(out, location{env, db, u})
			}
		}
	}
	return out
}

// protectedOn names the first database of a protected environment that stands on the server of t, "" for
// none. Servers are recognised by what they say of themselves, because one server has many names; one that
// cannot be asked by its address, with a warning.
func (s *session) protectedOn(ctx context.Context, c *config.Config, t engine.Target, e engine.Engine) (string, error) {
	scratch, err := s.identity(ctx, t, e)
	if err != nil {
		return "", err
	}
	for _, owner := range protectedLocations(c) {
		same, err := s.standsOn(ctx, c, owner, t, scratch, e)
		if err != nil {
			return "", err
		}
		if same {
			return owner.String(), nil
		}
	}
	return "", nil
}

// standsOn reports whether a protected database is on the scratch's server. What cannot be told is a warning.
func (s *session) standsOn(ctx context.Context, c *config.Config, owner location, t engine.Target, scratch engine.Identity, e engine.Engine) (bool, error) {
	protected, err := s.target(c, owner.env, owner.db, "primary", owner.url)
	if err != nil {
		s.warn("%s could not be told apart from the scratch server: %v", owner, err)
		return false, nil
	}
	if protected.Engine != t.Engine {
		return false, nil
	}
	if sameAddress(protected, t) {
		return true, nil
	}
	id, err := s.identity(ctx, protected, e)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		s.warn("%s could not be told apart from the scratch server but by its address: %v", owner, err)
		return false, nil
	}
	return id.Server == scratch.Server, nil
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
