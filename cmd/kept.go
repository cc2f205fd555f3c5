package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/migrations"
)

// keeping says how a copier keeps its copy for later runs (copy.max_age).
type keeping struct {
	keeper engine.Keeper
	dir    string // of engines that live in files
	age    time.Duration
	doubt  bool // what is kept has failed in this run: a new one is made
}

// keptNote is what a kept copy says of itself, beside what it is made of.
type keptNote struct {
	Copy         finding.Copy          `json:"copy"`
	Sanitization *finding.Sanitization `json:"sanitization"`
}

// keeping is nil where copies are not kept. That is a warning where envdiff.yaml asks for it.
func (s *session) keeping(c *config.Config, db string, e engine.Engine) (*keeping, error) {
	spec := c.Databases[db].Copy
	if spec == nil || spec.MaxAge == "" {
		return nil, nil
	}
	age, err := config.Duration(spec.MaxAge)
	if err != nil || age <= 0 {
		return nil, err
	}
	keeper, ok := e.(engine.Keeper)
	if !ok || e.Name() != "sqlite" && c.Databases[db].Scratch == nil {
		s.warn("%s: copy.max_age needs a scratch server: a throw-away one ends with the run, and the copy with it", db)
		return nil, nil
	}
	dir := ""
	if e.Name() == "sqlite" {
		if dir = s.keptDir(); dir == "" {
			s.warn("%s: copy.max_age needs a directory for the copy: set XDG_CACHE_HOME or HOME", db)
			return nil, nil
		}
	}
	return &keeping{keeper: keeper, dir: dir, age: age}, nil
}

// keptDir is this user's own; "" where there is none.
func (s *session) keptDir() string {
	cache, _ := s.world.LookupEnv("XDG_CACHE_HOME")
	if home, _ := s.world.LookupEnv("HOME"); cache == "" && home != "" {
		cache = filepath.Join(home, ".cache")
	}
	if !filepath.IsAbs(cache) {
		return ""
	}
	return filepath.Join(cache, "envdiff", "copies")
}

// expire drops the kept copies whose time is over, whosever they were. What cannot be dropped is a warning.
func (s *session) expire(ctx context.Context, db string, e engine.Engine, base engine.Target, dir string) error {
	keeper, ok := e.(engine.Keeper)
	if !ok || dir == "" && e.Name() == "sqlite" {
		return nil
	}
	kept, err := keeper.Kept(ctx, base, dir)
	for _, k := range kept {
		if s.world.Now().After(k.Until) {
			err = errors.Join(err, e.DropScratch(ctx, k.Target))
		}
	}
	if err != nil && ctx.Err() == nil {
		s.warn("%s: kept copies whose time is over could not be removed: %v", db, err)
		return nil
	}
	return ctx.Err()
}

// keptKey is everything that a copy is made of, but for the rows: while it is the same, a copy is what a new one would be but for its age. What
// the pending migrations demand chooses masks and sampled rows; the version tables' rows change when migrations are applied.
func (cp *copier) keptKey(ctx context.Context, demands []schema.Obligation) (string, error) {
	id, err := cp.source.Identity(ctx)
	if err != nil {
		return "", err
	}
	policy, err := os.ReadFile(cp.policy.File)
	if err != nil {
		return "", err
	}
	sch := *cp.schema
	sch.Tables = append([]schema.Table(nil), sch.Tables...)
	for i := range sch.Tables {
		sch.Tables[i].StorageID, sch.Tables[i].EstimatedRows = "", 0
	}
	sum := sha256.New()
	enc := json.NewEncoder(sum)
	for _, part := range []any{version(), cp.env, cp.db, id.Server, id.Database, sch, policy, cp.key.ID(), cp.storedKey, cp.use, cp.spec.Of, cp.spec.Rows, demands} {
		if err := enc.Encode(part); err != nil {
			return "", err
		}
	}
	for _, name := range cp.versions {
		t, ok := cp.schema.Table(name)
		if !ok {
			continue
		}
		var columns []string
		for _, c := range t.Columns {
			columns = append(columns, c.Name)
		}
		err := cp.source.CopyOut(ctx, engine.Read{Table: name, Columns: columns, OrderBy: columns}, func(r engine.Row) error { return enc.Encode(r) })
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// reuse clones what an earlier run has kept; false where there is nothing.
func (cp *copier) reuse(ctx context.Context, key string, base engine.Target, dir string) (out migrations.CopyResult, ok bool, err error) {
	kept, err := cp.keep.keeper.Kept(ctx, base, cp.keep.dir)
	if err != nil {
		return out, false, err
	}
	start := cp.now()
	for _, k := range kept {
		if k.Key != key || start.Sub(k.MadeAt) > cp.keep.age || k.MadeAt.After(start) {
			continue
		}
		if cp.keep.doubt {
			if err := cp.source.Engine().DropScratch(ctx, k.Target); err != nil {
				return out, false, err
			}
			continue
		}
		var note keptNote
		if json.Unmarshal(k.Note, &note) != nil {
			continue
		}
		clone, err := cp.clone(ctx, k.Target, base, dir)
		if ctx.Err() != nil {
			return out, false, ctx.Err()
		}
		if err != nil {
			cp.warn("%s: the kept copy of %s could not be used, a new one is made: %v", cp.db, k.MadeAt.UTC().Format(time.RFC3339), err)
			continue
		}
		cp.keep.doubt = true // a second copy is only wanted where this one has failed
		out.Target, out.Copy, out.Sanitization = clone, note.Copy, note.Sanitization
		out.Copy.Mode, out.Copy.Seconds = "reused", cp.now().Sub(start).Seconds()
		return out, true, nil
	}
	return out, false, nil
}

func (cp *copier) clone(ctx context.Context, from, base engine.Target, dir string) (engine.Target, error) {
	db, err := cp.source.Engine().Open(ctx, from, engine.Scratch)
	if err != nil {
		return engine.Target{}, err
	}
	clone, err := db.Clone(ctx, base, dir)
	return clone, errors.Join(err, db.Close())
}

// keepCopy keeps a copy that was just built and gives a clone of it to rehearse on. On an error nothing of it is left.
func (cp *copier) keepCopy(ctx context.Context, key string, built migrations.CopyResult, base engine.Target, dir string) (migrations.CopyResult, error) {
	fail := func(err error, left engine.Target) (migrations.CopyResult, error) {
		return built, errors.Join(fmt.Errorf("keep the copy: %w", err), cp.source.Engine().DropScratch(context.WithoutCancel(ctx), left))
	}
	note, err := json.Marshal(keptNote{built.Copy, built.Sanitization})
	if err != nil {
		return fail(err, built.Target)
	}
	made, err := time.Parse(time.RFC3339, built.Copy.MadeAt)
	if err != nil {
		return fail(err, built.Target)
	}
	kept, err := cp.keep.keeper.Keep(ctx, built.Target, cp.keep.dir, engine.Kept{Key: key, MadeAt: made, Until: made.Add(cp.keep.age), Note: note})
	if err != nil {
		return fail(err, kept)
	}
	if built.Target, err = cp.clone(ctx, kept, base, dir); err != nil {
		return fail(err, kept)
	}
	return built, nil
}
