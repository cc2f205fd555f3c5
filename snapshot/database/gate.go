package database

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/snapshot"
)

const (
	// lookEvery is how often the load is looked at.
	lookEvery = time.Second
	// maxHold is how long a reader takes nothing off its connection in one go: servers give one up that they cannot write to (MySQL after the 600 seconds
	// that the session asks for). Then some rows pass, more than what is on the way.
	maxHold   = 4 * time.Minute
	heldBurst = 100_000
)

// gate stops the readers of a server that is busier than it may be. A reader that takes no rows is one that the server soon waits for: its statement
// costs nothing meanwhile, and goes on where it stood, at the same moment.
type gate struct {
	limit   snapshot.LoadLimit
	readers int
	gauge   engine.Gauge
	done    func()

	shut  atomic.Bool
	burst atomic.Int64 // rows that pass nevertheless
	mu    sync.Mutex
	open  chan struct{} // closed when the gate opens
	why   string        // of the last time that it shut
	shuts int           // looks that found the server busy
}

// newGate looks at the load over a connection of its own, from now on until close. Without a limit, or where the load cannot be looked at, it is nil and open.
func newGate(ctx context.Context, in snapshot.DatabaseInput, readers int) *gate {
	if in.Spec.Load.None() || in.Open == nil {
		return nil
	}
	db, err := in.Open(ctx)
	if err != nil {
		return nil
	}
	gauge, ok := engine.As[engine.Gauge](db)
	if !ok {
		db.Close()
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	g := &gate{limit: in.Spec.Load, readers: readers, gauge: gauge, open: make(chan struct{})}
	g.look(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		every := time.NewTicker(lookEvery)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
				g.look(ctx)
			}
		}
	})
	g.done = func() {
		cancel()
		watching.Wait()
		g.set("")
		db.Close()
	}
	return g
}

// close ends the looking and opens the gate.
func (g *gate) close() {
	if g != nil {
		g.done()
	}
}

// look opens or shuts the gate by what the server does now. What cannot be seen holds nobody.
func (g *gate) look(ctx context.Context) {
	load, err := g.gauge.Load(ctx)
	switch {
	case err != nil:
		g.set("")
	case g.limit.Running > 0 && load.Running-g.readers > g.limit.Running:
		g.set(fmt.Sprintf("%d statements ran (max_load %d)", load.Running-g.readers, g.limit.Running))
	case g.limit.Lag > 0 && load.Lag > g.limit.Lag:
		g.set(fmt.Sprintf("a replica was %s behind (max_lag %s)", load.Lag.Round(time.Second), g.limit.Lag))
	default:
		g.set("")
	}
}

// set shuts the gate for a reason, or opens it where there is none.
func (g *gate) set(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.shut.Load()
	switch {
	case why != "" && !was:
		g.open = make(chan struct{})
	case why == "" && was:
		close(g.open)
	}
	if why != "" {
		g.why = why
		g.shuts++
	}
	g.shut.Store(why != "")
}

// pass waits while the gate is shut.
func (g *gate) pass(ctx context.Context) error {
	if g == nil || !g.shut.Load() || g.burst.Load() > 0 && g.burst.Add(-1) >= 0 {
		return nil
	}
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	hold := time.NewTimer(maxHold)
	defer hold.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-open:
	case <-hold.C:
		g.burst.Store(heldBurst)
	}
	return nil
}

// said is what a table's gap says of waiting: "" where there was none.
func (g *gate) said() string {
	if g == nil {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shuts == 0 {
		return ""
	}
	return fmt.Sprintf("; reading paused for about %s, as %s", time.Duration(g.shuts)*lookEvery, g.why)
}
