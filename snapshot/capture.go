package snapshot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// The defaults of a Plan.
const (
	defaultTimeout = 60 * time.Second
	defaultJobs    = 8
	// grace is how long a collector may take to hand over what it has after its deadline.
	grace = 2 * time.Second
)

// Capture observes everything that the plan asks for: hosts, databases and endpoints at once, each collector on each instance
// under a deadline. What cannot be observed is a gap, and the rest goes on; an error means that there is no snapshot,
// because ctx ended or the plan cannot be carried out. The caller closes the snapshot.
func Capture(ctx context.Context, plan Plan, reg Registry) (*Snapshot, error) {
	if plan.Redact == nil || plan.Now == nil {
		return nil, errors.New("capture: the plan has no redactor or clock")
	}
	if plan.Timeout <= 0 {
		plan.Timeout = defaultTimeout
	}
	if plan.Jobs <= 0 {
		plan.Jobs = defaultJobs
	}
	temp, err := os.MkdirTemp(plan.TempDir, "envdiff-capture-*") // 0700
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	c := &capture{plan: plan, reg: reg, build: NewBuilder(plan.Selection), attach: newAttachments(temp)}
	c.started = plan.Now()
	c.run(ctx)
	if err := ctx.Err(); err != nil {
		c.attach.close()
		return nil, err
	}
	s := c.build.Finish(Manifest{
		Environment: plan.Environment, CapturedAt: c.started.UTC(), Version: plan.Version, RedactKey: plan.Redact.KeyID(),
	})
	s.Attachments = c.attach.kept()
	s.closers = append(s.closers, c.attach.close)
	return s, nil
}

// capture is one run of Capture.
type capture struct {
	plan    Plan
	reg     Registry
	build   *Builder
	attach  *attachments
	started time.Time
}

// run works through all instances, at most plan.Jobs at once.
func (c *capture) run(ctx context.Context) {
	slots := make(chan struct{}, c.plan.Jobs)
	var wg sync.WaitGroup
	each := func(work func()) {
		wg.Go(func() {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
				if ctx.Err() == nil {
					work()
				}
			case <-ctx.Done():
			}
		})
	}
	for _, t := range c.plan.Hosts {
		each(func() { c.host(ctx, t) })
	}
	for _, t := range c.plan.Databases {
		each(func() { c.database(ctx, t) })
	}
	for _, t := range c.plan.Dumps {
		each(func() { c.dump(ctx, t) })
	}
	wg.Wait()
}

// tell reports a step.
func (c *capture) tell(instance, what string, done bool, err string) {
	if c.plan.Progress != nil {
		c.plan.Progress(Event{Environment: c.plan.Environment, Instance: instance, What: what, Done: done, Err: err})
	}
}

// outcome says how bounded work ended.
type outcome int

const (
	finished outcome = iota
	panicked
	overdue // it did not come back after its deadline
	stopped // the whole capture was cancelled
)

// bounded runs work in a goroutine of its own until it returns, panics or overstays timeout and grace. After overdue
// and stopped the goroutine goes on by itself; late is then called with its value, so that what it opened is closed.
// The text of a panic may hold data: only its type is told.
func bounded[T any](ctx context.Context, timeout time.Duration, work func(context.Context) T, late func(T)) (value T, how outcome, detail string) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	type result struct {
		value T
		panic string
	}
	done := make(chan result, 1)
	go func() {
		defer cancel()
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.panic = fmt.Sprintf("%T", p)
			}
			done <- r
		}()
		r.value = work(ctx)
	}()
	abandon := func(how outcome) (T, outcome, string) {
		if late != nil {
			go func() {
				if r := <-done; r.panic == "" {
					late(r.value)
				}
			}()
		}
		var none T
		return none, how, ""
	}
	ended := func(r result) (T, outcome, string) {
		if r.panic != "" {
			return r.value, panicked, r.panic
		}
		return r.value, finished, ""
	}
	select {
	case r := <-done:
		return ended(r)
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		// Either the goroutine just ended and cancelled its own context, or the whole capture did.
		select {
		case r := <-done:
			return ended(r)
		case <-time.After(grace / 8):
			return abandon(stopped)
		}
	}
	select {
	case r := <-done:
		return ended(r)
	case <-time.After(min(grace, timeout)):
		return abandon(overdue)
	}
}

// reason puts an outcome that is no result into words for a gap.
func (c *capture) reason(name string, how outcome, detail string) (reason, hint string) {
	switch how {
	case panicked:
		return fmt.Sprintf("collector %s panicked (%s)", name, detail), "this is a defect of envdiff: please report it with the output of envdiff doctor"
	case overdue:
		return fmt.Sprintf("collector %s did not end within %s", name, c.plan.Timeout), "raise --timeout, or skip this part with --skip"
	}
	return "the capture was interrupted", ""
}

// failedGap says that a collector's kinds are unknown on an instance.
func failedGap(scope, instance string, col Collector, reason, hint string) Gap {
	kinds := col.Kinds()
	g := Gap{Address: Address{Scope: scope, Kind: col.Name()}, Instance: instance, Reason: reason, Hint: hint}
	for i, k := range kinds {
		if i == 0 {
			g.Address.Kind = kindOf(k.Pattern, col.Name())
		}
		g.Covers = append(g.Covers, scope+":"+k.Pattern)
	}
	return g
}

// kindOf is the literal kind that a pattern starts with.
func kindOf(pattern, otherwise string) string {
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '/', '#':
			return pattern[:i]
		case '*':
			return otherwise
		}
	}
	return pattern
}
