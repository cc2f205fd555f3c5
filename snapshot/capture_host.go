package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/envdiff/envdiff/internal/transport"
)

// roleWork is one collector's work for one role of a host.
type roleWork struct {
	scope  string
	spec   RoleSpec
	col    HostCollector
	fetch  map[string]string // the collector's section id → the merged one
	result Result
	gap    *Gap
}

// host contacts one machine once, for all its roles and collectors, and asks it a second question where a collector has one.
func (c *capture) host(ctx context.Context, t HostTarget) {
	scopes := slices.Sorted(maps.Keys(t.Roles))
	work := c.hostWork(t, scopes)
	dumps, wants := c.hostDumps(t)
	if len(work)+len(dumps) == 0 {
		return
	}
	more, work := c.merge(t.Instance, work)
	wants = append(more, wants...)
	c.tell(t.Instance, "connect", false, "")
	got, how, detail := bounded(ctx, c.plan.Timeout, func(ctx context.Context) fetched { return fetch(ctx, t, wants) }, fetched.close)
	if how == stopped {
		return
	}
	defer got.close()
	hint := "run envdiff doctor " + c.plan.Environment
	switch {
	case how == panicked:
		got.reason = fmt.Sprintf("the transport panicked (%s)", detail)
	case how != finished || got.late:
		got.reason, hint = fmt.Sprintf("the host did not answer within %s", c.plan.Timeout), "raise --timeout, or look at less with --only"
	}
	c.tell(t.Instance, "connect", true, got.reason)
	c.readDumps(ctx, t.Instance, dumps, got.sections, got.reason, hint)
	if got.reason != "" {
		for _, scope := range scopes {
			c.build.Gap(Gap{
				Address: At(scope, "host", "reachable"), Instance: t.Instance, Reason: got.reason,
				Hint: hint, Covers: []string{scope + ":*"},
			})
		}
		return
	}
	c.parse(ctx, t.Instance, work, got.sections)
	c.askAgain(ctx, t.Instance, got.open, work)
	for _, w := range work {
		if w.gap != nil {
			c.build.Gap(*w.gap)
			continue
		}
		c.build.Add(w.scope, t.Instance, w.result, w.col.Kinds())
	}
}

// hostWork lists the collectors that a selection takes something of, for each role, with those whose facts they read.
func (c *capture) hostWork(t HostTarget, scopes []string) []*roleWork {
	var work []*roleWork
	for _, scope := range scopes {
		c.build.Instance(scope, "role", "", t.Instance)
		var read []string
		asked := false
		for _, col := range c.reg.Hosts {
			if !c.plan.Selection.MayTakeAny(scope, col.Kinds()) || !t.shows(col) {
				continue
			}
			asked = true
			if again, ok := col.(SecondQuestion); ok {
				read = append(read, again.Reads()...)
			}
		}
		for _, col := range c.reg.Hosts {
			if !t.shows(col) {
				continue
			}
			if c.plan.Selection.MayTakeAny(scope, col.Kinds()) || asked && namesHost(col.Kinds()) || slices.Contains(read, col.Name()) {
				work = append(work, &roleWork{scope: scope, spec: t.Roles[scope], col: col})
			}
		}
	}
	return work
}

// shows reports whether a collector can learn something of the host.
func (t HostTarget) shows(col HostCollector) bool {
	return t.Only == nil || slices.Contains(t.Only, col.Name())
}

// fetched is what a host answered, or why it did not.
type fetched struct {
	sections transport.Sections
	open     transport.Transport // for a second question
	reason   string
	late     bool // the deadline passed while it answered
}

func (f fetched) close() {
	if f.open != nil {
		f.open.Close()
	}
}

func fetch(ctx context.Context, t HostTarget, wants []transport.Want) fetched {
	tr, err := t.Open(ctx)
	if err != nil {
		return fetched{reason: err.Error()}
	}
	sections, err := tr.Fetch(ctx, wants)
	if errors.Is(err, context.DeadlineExceeded) {
		return fetched{open: tr, late: true}
	}
	if err != nil {
		return fetched{open: tr, reason: err.Error()}
	}
	return fetched{sections: sections, open: tr}
}

// merge asks all collectors what they want and lets equal wants be one. A collector whose Wants
// panics becomes a gap, and its work is done.
func (c *capture) merge(instance string, work []*roleWork) ([]transport.Want, []*roleWork) {
	var wants []transport.Want
	ids := map[string]string{} // what is wanted → merged id
	taken := map[string]bool{}
	var left []*roleWork
	for _, w := range work {
		var mine []transport.Want
		if panicType := guard(func() { mine = w.col.Wants(w.spec) }); panicType != "" {
			reason, hint := c.reason(w.col.Name(), panicked, panicType)
			c.build.Gap(failedGap(w.scope, instance, w.col, reason, hint))
			continue
		}
		w.fetch = make(map[string]string, len(mine))
		for _, want := range mine {
			own := want.ID
			key := wantKey(want)
			id, ok := ids[key]
			if !ok {
				id = w.col.Name() + "/" + own
				for n := 2; taken[id]; n++ { // another role asks for other files under the same id
					id = w.col.Name() + "/" + own + "@" + w.scope + strconv.Itoa(n)
				}
				taken[id], ids[key] = true, id
				want.ID = id
				wants = append(wants, want)
			}
			w.fetch[own] = id
		}
		left = append(left, w)
	}
	return wants, left
}

// wantKey is equal for wants that one answer serves.
func wantKey(w transport.Want) string {
	w.ID, w.Doc = "", ""
	return fmt.Sprintf("%#v", w)
}

// parse runs all collectors on their sections, each in a goroutine of its own.
func (c *capture) parse(ctx context.Context, instance string, work []*roleWork, all transport.Sections) {
	var wg sync.WaitGroup
	for _, w := range work {
		wg.Go(func() {
			sections := make(transport.Sections, len(w.fetch))
			for own, id := range w.fetch {
				if s, ok := all[id]; ok {
					sections[own] = s
				}
			}
			in := Input{Scope: w.scope, Instance: instance, Spec: w.spec, Sections: sections, Redact: c.plan.Redact}
			name := w.col.Name()
			c.tell(instance, name, false, "")
			r, how, detail := bounded(ctx, c.plan.Timeout, func(context.Context) Result { return w.col.Parse(in) }, nil)
			w.result = r
			errText := ""
			if how != finished {
				reason, hint := c.reason(name, how, detail)
				g := failedGap(w.scope, instance, w.col, reason, hint)
				w.gap, errText = &g, reason
			}
			c.tell(instance, name, true, errText)
		})
	}
	wg.Wait()
}
