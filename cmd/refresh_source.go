package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine/rowfile"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/sanitize"
	"github.com/envdiff/envdiff/snapshot"
)

// spring is where a refresh's rows come from: an environment, or a snapshot of one that has rows.
type spring struct {
	s      *session
	c      *config.Config
	given  string // on the command line
	env    string
	source string // live, store or file
	snap   *snapshot.Snapshot
	dbs    []string
}

func (s *session) spring(ctx context.Context, c *config.Config, given string) (*spring, error) {
	p := &spring{s: s, c: c, given: given, env: given, source: "live"}
	if _, ok := c.Environments[given]; ok {
		p.dbs = s.refreshed(c, given)
		return p, p.some()
	}
	ref, err := snapshot.ParseRef(given)
	if err != nil || ref.Live() {
		return nil, s.unknownEnvironment(c, given)
	}
	if p.snap, p.source, err = s.readStored(ctx, c, ref); err != nil {
		return nil, err
	}
	p.env = p.snap.Manifest.Environment
	stored := storedDatabases(p.snap)
	if len(stored) == 0 {
		return p, hinted(fmt.Errorf("%s has no rows", given), "envdiff snapshot %s --rows stores them", p.env)
	}
	for _, db := range stored {
		if s.selection().MayTake(db + ":*") {
			p.dbs = append(p.dbs, db)
		}
	}
	return p, p.some()
}

func (p *spring) some() error {
	if len(p.dbs) == 0 {
		return fmt.Errorf("%s has no database that is selected", p.given)
	}
	return nil
}

func (p *spring) close() {
	if p != nil && p.snap != nil {
		p.snap.Close()
	}
}

// copier opens one database and checks what its copy needs; moment is what its rows show.
func (p *spring) copier(ctx context.Context, db string) (cp *copier, moment time.Time, err error) {
	if p.snap != nil {
		return p.stored(ctx, db)
	}
	source, err := p.s.openReadOnly(ctx, p.c, p.env, db, "primary", p.c.Environments[p.env].Databases[db].URL)
	if err != nil {
		return nil, moment, hinted(fmt.Errorf("%s of %s: %w", db, p.env, err), "envdiff doctor %s", p.env)
	}
	moment = p.s.world.Now()
	if cp, err = p.s.newCopier(ctx, p.c, p.env, db, source, sanitize.Keepable); err != nil {
		return nil, moment, errors.Join(err, source.Close())
	}
	return cp, moment, nil
}

// stored needs no key: the rows have their pseudonyms.
func (p *spring) stored(ctx context.Context, db string) (*copier, time.Time, error) {
	rows, err := rowfile.Open(p.s.world.Engines, storedFiles{p.snap, db})
	if err != nil {
		return nil, time.Time{}, err
	}
	index := rows.Index()
	policy, err := p.s.policy(p.c, db)
	if errors.Is(err, sanitize.ErrNoPolicy) {
		return nil, time.Time{}, hinted(fmt.Errorf("there is no sanitising policy %s, which says what the target keeps and what is run afterwards", policyPath(p.c, db)), "take the one that the rows were stored by")
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	columns := map[schema.Name][]string{}
	for _, t := range index.Tables {
		columns[schema.Name{Schema: t.Schema, Name: t.Name}] = t.Columns
	}
	versions := versionTables(p.c, db)
	return &copier{now: p.s.world.Now, warn: p.s.warn, env: p.env, db: db, source: rows, schema: index.Schema, policy: policy.Stored(index.Schema, columns, versions...),
		key: keys.New(), use: sanitize.Keepable, versions: versions, storedKey: index.Key}, index.CapturedAt, nil
}

// wants checks the targets' names: what the configuration alone can tell.
func (p *spring) wants(to []string) error {
	seen := map[string]bool{p.given: true}
	for _, env := range to {
		e, ok := p.c.Environments[env]
		switch {
		case !ok:
			return p.s.unknownEnvironment(p.c, env)
		case seen[env]:
			return fmt.Errorf("%s is named twice: an environment is not refreshed from itself", env)
		case e.Protected:
			return hinted(fmt.Errorf("%s is protected: nothing is ever written there", env), "name an environment that may be replaced")
		}
		seen[env] = true
		i := slices.IndexFunc(p.dbs, func(db string) bool { _, ok := e.Databases[db]; return !ok })
		if i >= 0 {
			return hinted(fmt.Errorf("%s has no database %s", env, p.dbs[i]), "leave it out with --skip '%s:*', or name its URL under environments.%s.databases", p.dbs[i], env)
		}
	}
	return nil
}
