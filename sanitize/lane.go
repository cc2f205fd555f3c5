package sanitize

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/envdiff/envdiff/internal/engine"
)

// A lane is one pair of connections with everything that is not safe for concurrent use. Tables are spread over the lanes, large ones first; what comes
// out does not depend on which lane took what.
type lane struct {
	*copier
	src, dst engine.DB
	masks    map[string]*column
	leaks    *leakLane
}

func (c *copier) newLane(src, dst engine.DB) *lane {
	return &lane{copier: c, src: src, dst: dst, masks: map[string]*column{}, leaks: c.leaks.lane()}
}

// lanes opens as many as there are workers and the source can share its moment with. The first one uses the caller's connections.
func (c *copier) lanes(ctx context.Context) (lanes []*lane, done func() error, err error) {
	lanes = []*lane{c.newLane(c.src, c.dst)}
	var awake []func()
	done = func() error {
		for _, stop := range awake {
			stop()
		}
		var err error
		for _, l := range lanes[1:] {
			err = errors.Join(err, l.src.Close(), l.dst.Close())
		}
		return err
	}
	awake = append(awake, Awake(ctx, AwakeEvery, c.src))
	sharer, ok := engine.As[engine.Sharer](c.src)
	if !ok || c.opt.OpenCopy == nil || c.selection.tables != nil {
		return lanes, done, nil // choosing rows of a sample keeps state
	}
	for len(lanes) < c.opt.Workers {
		src, err := sharer.Share(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return lanes, done, err
			}
			return lanes, done, nil // one connection does it, too
		}
		dst, err := c.opt.OpenCopy(ctx)
		if err != nil {
			return lanes, done, errors.Join(err, src.Close())
		}
		awake = append(awake, Awake(ctx, AwakeEvery, src))
		lanes = append(lanes, c.newLane(src, dst))
	}
	return lanes, done, nil
}

// spread runs one function per table over the lanes, large tables first, and stops at the first error.
func (c *copier) spread(ctx context.Context, lanes []*lane, tables []*TablePlan, do func(ctx context.Context, l *lane, t *TablePlan) error) error {
	size := func(t *TablePlan) int64 {
		if s, ok := c.sch.Table(t.Table); ok {
			return s.EstimatedRows * int64(1+len(t.Columns))
		}
		return 0
	}
	queue := slices.Clone(tables)
	slices.SortStableFunc(queue, func(a, b *TablePlan) int { return cmp.Compare(size(b), size(a)) })
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mutex sync.Mutex
	next := func() *TablePlan {
		mutex.Lock()
		defer mutex.Unlock()
		if len(queue) == 0 || ctx.Err() != nil {
			return nil
		}
		t := queue[0]
		queue = queue[1:]
		return t
	}
	var wait sync.WaitGroup
	for _, l := range lanes {
		wait.Go(func() {
			for t := next(); t != nil; t = next() {
				if err := do(ctx, l, t); err != nil {
					cancel(fmt.Errorf("%s: %w", TableKey(t.Table), err))
					return
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}
