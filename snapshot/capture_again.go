package snapshot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/envdiff/envdiff/internal/transport"
)

// again is one collector's second question for one role.
type again struct {
	*roleWork
	col   SecondQuestion
	in    Input
	known []Fact
	ids   map[string]string // the merged section id → the collector's
}

// askAgain puts the second questions of all collectors to the host as one, over the connection that is there. What it brings is
// added to the results; what does not come is a gap of the collectors that asked.
func (c *capture) askAgain(ctx context.Context, instance string, tr transport.Transport, work []*roleWork) {
	questions, wants := c.secondQuestions(instance, work)
	if len(wants) == 0 || ctx.Err() != nil {
		return
	}
	type answer struct {
		sections transport.Sections
		err      error
	}
	got, how, _ := bounded(ctx, c.plan.Timeout, func(ctx context.Context) answer {
		s, err := tr.Fetch(ctx, wants)
		return answer{s, err}
	}, nil)
	reason := ""
	switch {
	case how != finished:
		reason = fmt.Sprintf("the host did not answer the second question within %s", c.plan.Timeout)
	case got.err != nil:
		reason = "the second question: " + got.err.Error()
	}
	for _, q := range questions {
		if reason == "" {
			q.learn(c, got.sections)
			continue
		}
		q.add(Result{Gaps: []Gap{failedGap(q.scope, instance, q.col, reason, "raise --timeout, or skip this part with --skip")}, Looked: []string{}})
	}
}

// secondQuestions asks every collector that has one.
func (c *capture) secondQuestions(instance string, work []*roleWork) ([]*again, []transport.Want) {
	var questions []*again
	var wants []transport.Want
	for _, w := range work {
		col, ok := w.col.(SecondQuestion)
		if !ok || w.gap != nil {
			continue
		}
		q := &again{roleWork: w, col: col, ids: map[string]string{}, in: Input{Scope: w.scope, Instance: instance, Spec: w.spec, Redact: c.plan.Redact}}
		for _, other := range work {
			if other.scope == w.scope && slices.Contains(col.Reads(), other.col.Name()) {
				q.known = append(q.known, other.result.Facts...)
			}
		}
		var mine []transport.Want
		if panicType := guard(func() { mine = col.Ask(q.in, q.known) }); panicType != "" {
			q.panicked(c, panicType)
			continue
		}
		for _, want := range mine {
			id := "again/" + strconv.Itoa(len(wants))
			q.ids[id] = want.ID
			want.ID = id
			wants = append(wants, want)
		}
		if len(mine) > 0 {
			questions = append(questions, q)
		}
	}
	return questions, wants
}

// learn adds what the answers to one collector say.
func (q *again) learn(c *capture, all transport.Sections) {
	q.in.Sections = transport.Sections{}
	for _, id := range slices.Sorted(maps.Keys(q.ids)) {
		if s, ok := all[id]; ok {
			q.in.Sections[q.ids[id]] = s
		}
	}
	var r Result
	if panicType := guard(func() { r = q.col.Learn(q.in, q.known) }); panicType != "" {
		q.panicked(c, panicType)
		return
	}
	q.add(r)
}

// add joins a result to that of the first question.
func (q *again) add(r Result) {
	q.result.Facts = append(q.result.Facts, r.Facts...)
	q.result.Gaps = append(q.result.Gaps, r.Gaps...)
	q.result.Notes = append(q.result.Notes, r.Notes...)
	if q.result.Looked != nil || r.Looked != nil {
		q.result.Looked = append(append([]string{}, q.result.Looked...), r.Looked...)
	}
}

func (q *again) panicked(c *capture, panicType string) {
	reason, hint := c.reason(q.col.Name(), panicked, panicType)
	q.add(Result{Gaps: []Gap{failedGap(q.scope, q.in.Instance, q.col, reason, hint)}, Looked: []string{}})
}

// guard runs f and returns the type of a panic, "" for none.
func guard(f func()) (panicType string) {
	defer func() {
		if p := recover(); p != nil {
			panicType = fmt.Sprintf("%T", p)
		}
	}()
	f()
	return ""
}
