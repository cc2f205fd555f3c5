package cmd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
)

const (
	// paceEvery is how often replicas are asked how far behind they are while rows are copied.
	paceEvery = 5 * time.Second
	// paceLimit is how long a copy is held back in all: the moment of the source is kept open meanwhile, which costs it, too.
	paceLimit = 10 * time.Minute
	// paceLag is the limit of a replica whose database has no max_lag.
	paceLag = 5 * time.Minute
)

// pacer holds a copy back while a declared replica, of where the rows come from or go to, is further behind than its max_lag.
type pacer struct {
	s     *session
	e     engine.Engine
	nodes []pacedNode

	mutex  sync.Mutex
	behind string // which replica holds the copy back; "" is none
	held   time.Duration
	lagged map[string]bool // those that did
}

type pacedNode struct {
	name   string
	target engine.Target
	limit  time.Duration
}

// pacer knows the replicas of both sides; nil where none is declared.
func (f *feed) pacer(t *destination) *pacer {
	p := &pacer{s: f.s, e: f.source.Engine(), lagged: map[string]bool{}}
	for _, env := range []string{f.env, t.env} {
		loc := f.c.Environments[env].Databases[f.db]
		limit, err := config.Duration(loc.MaxLag)
		if err != nil || loc.MaxLag == "" {
			limit = paceLag
		}
		for _, instance := range slices.Sorted(maps.Keys(loc.Replicas)) {
			if f.stored && env == f.env {
				continue // nothing is read from there
			}
			target, err := f.s.target(f.c, env, f.db, instance, loc.Replicas[instance])
			if err != nil || target.Engine != p.e.Name() {
				continue
			}
			p.nodes = append(p.nodes, pacedNode{fmt.Sprintf("replica %s of %s", instance, env), target, limit})
		}
	}
	if len(p.nodes) == 0 {
		return nil
	}
	return p
}

// run looks at once, and then now and then until its context ends.
func (p *pacer) run(ctx context.Context) {
	p.look(ctx)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(paceEvery):
				p.look(ctx)
			}
		}
	}()
}

func (p *pacer) look(ctx context.Context) {
	behind := ""
	for _, n := range p.nodes {
		// A replica that cannot be asked holds nothing back: it does not get better by waiting.
		if lag, err := p.lag(ctx, n.target); err == nil && lag > n.limit {
			behind = n.name
		}
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.behind != "" {
		p.held += paceEvery
	}
	if p.behind = behind; behind != "" {
		p.lagged[behind] = true
	}
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

// pace waits while a replica is behind.
func (p *pacer) pace(ctx context.Context) error {
	for {
		p.mutex.Lock()
		wait := p.behind != "" && p.held < paceLimit
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
func (p *pacer) told(db, env string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.held == 0 {
		return
	}
	names := slices.Sorted(maps.Keys(p.lagged))
	text := fmt.Sprintf("%s of %s: the copy was held back for %s because of the lag of %s", db, env, p.held, listed(names))
	if p.held >= paceLimit {
		text += "; it went on then: no copy waits for longer"
	}
	p.s.warn("%s", text)
}
