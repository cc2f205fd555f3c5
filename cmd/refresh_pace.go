package cmd

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/snapshot"
)

const (
	// paceEvery is how often servers are asked how busy they are while rows are copied, and lagEvery how often replicas how far they are behind: each over a
	// connection of its own.
	paceEvery = time.Second
	lagEvery  = 5 * time.Second
	// paceLimit is how long a copy is held back in all: the moment of the source is kept open meanwhile, which costs it, too.
	paceLimit = 10 * time.Minute
	// paceLag is the limit of a replica whose database has no max_lag.
	paceLag = 5 * time.Minute
)

// pacer holds a copy back while a server that rows come from or go to is busier than its max_load, or a replica of it further behind than its max_lag.
type pacer struct {
	e       engine.Engine
	nodes   []pacedNode
	servers []*pacedServer

	mutex   sync.Mutex
	why     string // what holds the copy back; "" is nothing
	held    time.Duration
	reasons map[string]bool // what did
}

// pacedNode is a declared replica.
type pacedNode struct {
	name   string
	target engine.Target
	limit  time.Duration
}

// pacedServer is one whose load is looked at.
type pacedServer struct {
	env    string
	target engine.Target
	limit  snapshot.LoadLimit
	own    int // statements of this copy that may run on it
	db     engine.DB
}

// pacer knows the limits of both sides; nil where there are none.
func (f *feed) pacer(t *destination) *pacer {
	p := &pacer{e: f.source.Engine(), reasons: map[string]bool{}}
	own := min(f.s.opt.jobs, copyWorkers)
	if t.server == f.identity.Server && !f.stored {
		own *= 2
	}
	for _, env := range []string{f.env, t.env} {
		if f.stored && env == f.env {
			continue // nothing is read from there
		}
		loc := f.c.Environments[env].Databases[f.db]
		if limit := loadLimit(f.c.Environments[env], loc); !limit.None() {
			if target, err := f.s.target(f.c, env, f.db, "primary", loc.URL); err == nil && target.Engine == p.e.Name() {
				p.servers = append(p.servers, &pacedServer{env: env, target: target, limit: limit, own: own})
			}
		}
		lag, err := config.Duration(loc.MaxLag)
		if err != nil || loc.MaxLag == "" {
			lag = paceLag
		}
		for _, instance := range slices.Sorted(maps.Keys(loc.Replicas)) {
			target, err := f.s.target(f.c, env, f.db, instance, loc.Replicas[instance])
			if err != nil || target.Engine != p.e.Name() {
				continue
			}
			p.nodes = append(p.nodes, pacedNode{fmt.Sprintf("replica %s of %s", instance, env), target, lag})
		}
	}
	if len(p.nodes)+len(p.servers) == 0 {
		return nil
	}
	return p
}

// run looks at once, and then now and then until its context ends or halt is called, after which it has no connection any more.
func (p *pacer) run(ctx context.Context) (halt func()) {
	ctx, cancel := context.WithCancel(ctx)
	behind := p.behind(ctx)
	p.hold(cmp.Or(p.busy(ctx), behind), 0)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer p.close()
		last := time.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(paceEvery):
			}
			if time.Since(last) >= lagEvery {
				behind, last = p.behind(ctx), time.Now()
			}
			p.hold(cmp.Or(p.busy(ctx), behind), paceEvery)
		}
	}()
	return func() { cancel(); <-ended }
}

// hold notes what holds the copy back from now on, and for how long the last reason did.
func (p *pacer) hold(why string, since time.Duration) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.why != "" {
		p.held += since
	}
	if p.why = why; why != "" {
		p.reasons[why] = true
	}
}

// busy names a server that has too much to do. One that cannot be asked holds nothing back.
func (p *pacer) busy(ctx context.Context) string {
	for _, s := range p.servers {
		load, err := s.load(ctx, p.e)
		switch {
		case err != nil:
		case s.limit.Running > 0 && load.Running-s.own > s.limit.Running:
			return fmt.Sprintf("more statements on the server of %s than its max_load of %d", s.env, s.limit.Running)
		case s.limit.Lag > 0 && load.Lag > s.limit.Lag:
			return fmt.Sprintf("the lag of a replica of %s", s.env)
		}
	}
	return ""
}

func (s *pacedServer) load(ctx context.Context, e engine.Engine) (load engine.Load, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if s.db == nil {
		if s.db, err = e.Open(ctx, s.target, engine.ReadOnly); err != nil {
			s.db = nil
			return load, err
		}
	}
	gauge, ok := engine.As[engine.Gauge](s.db)
	if !ok {
		return load, nil
	}
	if load, err = gauge.Load(ctx); err != nil {
		s.close() // asked anew over another connection: a target's database may have been renamed, a server started again
	}
	return load, err
}

func (s *pacedServer) close() {
	if s.db != nil {
		s.db.Close()
		s.db = nil
	}
}

func (p *pacer) close() {
	for _, s := range p.servers {
		s.close()
	}
}

// behind names a declared replica that is too far behind.
func (p *pacer) behind(ctx context.Context) string {
	for _, n := range p.nodes {
		// A replica that cannot be asked holds nothing back: it does not get better by waiting.
		if lag, err := p.lag(ctx, n.target); err == nil && lag > n.limit {
			return "the lag of " + n.name
		}
	}
	return ""
}

// lag is how far a replica is behind against its intention.
func (p *pacer) lag(ctx context.Context, t engine.Target) (most time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	db, err := p.e.Open(ctx, t, engine.ReadOnly)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	r, ok := engine.As[engine.Replicator](db)
	if !ok {
		return 0, nil
	}
	state, err := r.Replication(ctx)
	for _, source := range state.Sources {
		if source.Lag != nil {
			most = max(most, *source.Lag-source.Delay)
		}
	}
	return most, err
}

// pace waits while something holds the copy back.
func (p *pacer) pace(ctx context.Context) error {
	for {
		p.mutex.Lock()
		wait := p.why != "" && p.held < paceLimit
		p.mutex.Unlock()
		if !wait {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// told says that a copy was held back.
func (p *pacer) told(s *session, db, env string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.held == 0 {
		return
	}
	text := fmt.Sprintf("%s of %s: the copy was held back for %s because of %s", db, env, p.held, strings.Join(slices.Sorted(maps.Keys(p.reasons)), " and "))
	if p.held >= paceLimit {
		text += "; it went on then: no copy waits for longer"
	}
	s.warn("%s", text)
}
