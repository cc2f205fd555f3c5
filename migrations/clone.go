package migrations

import (
	"context"
	"fmt"
	"reflect"
	"sort"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// scratch is a database that may be written to.
type scratch struct {
	engine.Target
}

// like is the scratch with sessions as production's are.
func (c scratch) like(e engine.Engine, production *schema.Database) scratch {
	if able, ok := e.(engine.Imitator); ok && production != nil {
		c.Target = able.Imitate(c.Target, production)
	}
	return c
}

// use opens the scratch database and runs fn on one session of it.
func (c scratch) use(ctx context.Context, e engine.Engine, fn func(engine.Session) error) (err error) {
	db, err := e.Open(ctx, c.Target, engine.Scratch)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := db.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return fn(s)
}

// dropTimeout bounds the removal of a scratch database, which goes on when the run itself was cancelled.
const dropTimeout = 30 * time.Second

// drop removes a scratch database; what cannot be removed is a gap, for somebody must.
func (r *rehearsal) drop(t engine.Target) {
	ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
	defer cancel()
	if err := r.in.Engine.DropScratch(ctx, t); err != nil {
		r.gap(snapshot.At(r.in.Scope, "migration", "scratch").String(), "a scratch database could not be removed: "+err.Error(), "remove "+t.Display+" by hand")
	}
}

// emptyClone makes a database with production's schema and no rows but the applied version's.
func (r *rehearsal) emptyClone(ctx context.Context) (scratch, error) {
	e := r.in.Engine
	before, after, err := e.DDL(r.in.Schema)
	if err != nil {
		return scratch{}, fmt.Errorf("write the schema of %s as DDL: %w", r.in.Scope, err)
	}
	target, err := e.CreateScratch(ctx, r.in.ScratchBase, r.in.ScratchDir)
	if err != nil {
		return scratch{}, err
	}
	c := scratch{target}
	err = c.use(ctx, e, func(s engine.Session) error {
		for _, sql := range append(append([]string{}, before...), after...) {
			if _, err := s.Exec(ctx, sql); err != nil {
				return fmt.Errorf("rebuild the schema of %s in a scratch database: %w", r.in.Scope, err)
			}
		}
		return nil
	})
	if err != nil {
		r.drop(target)
		return scratch{}, err
	}
	return c, nil
}

// gapDifferent reports every object that the scratch database has otherwise than
// production: the rehearsal is no proof for it.
func (r *rehearsal) gapDifferent(clone *schema.Database) {
	for _, name := range different(r.in.Schema, clone, schema.Name{}) {
		r.gap(snapshot.Object(r.in.Scope, "table", name.Idents()...).String(), "it could not be rebuilt exactly in the scratch database, so what migrations do to it there proves nothing",
			"try migrations that touch it on a database that was restored from a backup")
	}
}

// different names the tables and views that two schemas do not have alike, storage aside. ignore is left out.
func different(a, b *schema.Database, ignore schema.Name) []schema.Name {
	objects := func(db *schema.Database) map[schema.Name][]any {
		out := map[schema.Name][]any{}
		for _, t := range db.Tables {
			t.StorageID, t.EstimatedRows = "", 0
			out[t.Name] = append(out[t.Name], t)
		}
		for _, v := range db.Views {
			out[v.Name] = append(out[v.Name], v)
		}
		for _, tr := range db.Triggers {
			out[tr.Table] = append(out[tr.Table], tr)
		}
		return out
	}
	left, right := objects(a), objects(b)
	var out []schema.Name
	for name, l := range left {
		if !reflect.DeepEqual(l, right[name]) {
			out = append(out, name)
		}
	}
	for name := range right {
		if _, ok := left[name]; !ok {
			out = append(out, name)
		}
	}
	kept := out[:0]
	for _, name := range out {
		if name != ignore {
			kept = append(kept, name)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].Less(kept[j]) })
	return kept
}
