package snapshot

import (
	"context"
	"fmt"
	"sync"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// database opens one database and runs its collectors one after the other: they share its one moment.
func (c *capture) database(ctx context.Context, t DatabaseTarget) {
	c.build.Instance(t.Scope, "database", "", t.Instance)
	if t.Replica {
		c.build.Replica(t.Scope, t.Instance)
	}
	var work []DatabaseCollector
	for _, col := range c.reg.Databases {
		if c.plan.Selection.MayTakeAny(t.Scope, col.Kinds()) {
			work = append(work, col)
		}
	}
	if len(work) == 0 {
		return
	}
	c.tell(t.Instance, "connect", false, "")
	db, reason := c.open(ctx, t)
	if ctx.Err() != nil {
		if db != nil {
			db.Close()
		}
		return
	}
	c.tell(t.Instance, "connect", true, reason)
	if reason != "" {
		c.build.Gap(Gap{
			Address: At(t.Scope, "database", "reachable"), Instance: t.Instance, Reason: reason,
			Hint: "run envdiff doctor " + c.plan.Environment, Covers: []string{t.Scope + ":*"},
		})
		return
	}
	c.build.Instance(t.Scope, "database", db.Engine().Name(), t.Instance)
	shared := &sharedSchema{DB: db}
	for i, col := range work {
		if how := c.collect(ctx, t, col, shared); how == overdue || how == stopped {
			// The collector still holds the connection: nothing else can be asked of this database.
			for _, rest := range work[i+1:] {
				reason := fmt.Sprintf("not asked, because collector %s did not end within %s", col.Name(), c.plan.Timeout)
				c.build.Gap(failedGap(t.Scope, t.Instance, rest, reason, "raise --timeout"))
			}
			return
		}
	}
	c.plan.Known.remember(t, shared.got)
	db.Close()
}

// open opens the database under the deadline.
func (c *capture) open(ctx context.Context, t DatabaseTarget) (engine.DB, string) {
	type opened struct {
		db  engine.DB
		err error
	}
	closeLate := func(o opened) {
		if o.db != nil {
			o.db.Close()
		}
	}
	o, how, detail := bounded(ctx, c.plan.Timeout, func(ctx context.Context) opened {
		// The connection outlives its opening, and so must the context that an engine may have bound to it: it ends
		// with the deadline only while Open is at work.
		lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
		stop := context.AfterFunc(ctx, cancel)
		db, err := t.Open(lasting)
		if !stop() && err == nil {
			db.Close()
			err = ctx.Err()
		}
		if err != nil {
			cancel()
			return opened{err: err}
		}
		return opened{db: closing{db, cancel}}
	}, closeLate)
	switch {
	case how == panicked:
		return nil, fmt.Sprintf("the engine panicked (%s)", detail)
	case how != finished:
		return nil, fmt.Sprintf("the database did not answer within %s", c.plan.Timeout)
	case o.err != nil:
		return nil, o.err.Error()
	}
	return o.db, ""
}

// closing ends the context that a connection was opened under when it is closed.
type closing struct {
	engine.DB
	cancel context.CancelFunc
}

// Unwrap is the database itself, see engine.As.
func (c closing) Unwrap() engine.DB { return c.DB }

func (c closing) Close() error {
	defer c.cancel()
	return c.DB.Close()
}

// collect runs one collector. When it does not come back, the database is closed once it does.
func (c *capture) collect(ctx context.Context, t DatabaseTarget, col DatabaseCollector, db *sharedSchema) outcome {
	name := col.Name()
	c.tell(t.Instance, name, false, "")
	stored := &batch{a: c.attach}
	in := DatabaseInput{
		Scope: t.Scope, Instance: t.Instance, Spec: t.Spec, DB: db, Redact: c.plan.Redact, Now: c.plan.Now(), Attach: stored.create, TempDir: c.attach.dir,
		Open: t.Open, Readers: c.plan.Jobs / 4, Unfinished: c.plan.Unfinished,
	}
	r, how, detail := bounded(ctx, c.plan.Timeout, func(ctx context.Context) Result { return col.Collect(ctx, in) },
		func(Result) { db.Close() })
	if how == finished {
		c.build.Add(t.Scope, t.Instance, r, col.Kinds())
		c.tell(t.Instance, name, true, "")
		return how
	}
	stored.abandon()
	reason, hint := c.reason(name, how, detail)
	c.build.Gap(failedGap(t.Scope, t.Instance, col, reason, hint))
	c.tell(t.Instance, name, true, reason)
	return how
}

// sharedSchema asks a database for its schema once, for all collectors. They must not change it.
type sharedSchema struct {
	engine.DB
	mu  sync.Mutex
	got *schema.Database
}

// Unwrap is the database itself, see engine.As.
func (s *sharedSchema) Unwrap() engine.DB { return s.DB }

func (s *sharedSchema) Schema(ctx context.Context) (*schema.Database, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got == nil {
		got, err := s.DB.Schema(ctx)
		if err != nil {
			return nil, err
		}
		s.got = got
	}
	return s.got, nil
}
