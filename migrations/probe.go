package migrations

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Answer is what production said about a demand.
type Answer struct {
	Demand     *Demand
	SQL        string // as asked; "" when it was not
	Violations int64
	Checked    int64
	At         time.Time
	Stored     bool // by the profile of a stored snapshot
	// Err is why there is no answer; the demand is then unproved.
	Err error
}

// decisive reports whether the answer settles the matter.
func (a *Answer) decisive() bool { return a.Err == nil && a.Demand.Status == Decisive }

// querier is a database or a session.
type querier interface {
	Query(ctx context.Context, sql string, fn func(engine.Row) error) error
}

// count asks how many rows break an obligation.
func count(ctx context.Context, e engine.Engine, q querier, o schema.Obligation, rel schema.Relation) (sql string, violations, checked int64, err error) {
	sql, err = e.Probe(o, rel)
	if err != nil {
		return "", 0, 0, err
	}
	got := 0
	err = q.Query(ctx, sql, func(r engine.Row) error {
		got++
		if len(r) != 2 {
			return fmt.Errorf("the probe gave %d columns instead of two", len(r))
		}
		var err error
		if violations, err = integer(r[0]); err != nil {
			return err
		}
		checked, err = integer(r[1])
		return err
	})
	if err == nil && got != 1 {
		err = fmt.Errorf("the probe gave %d rows instead of one", got)
	}
	return sql, violations, checked, err
}

// integer reads a count; a sum over no rows is null.
func integer(c engine.Cell) (int64, error) {
	if c.Type == engine.CellNull {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(c.Data), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the probe gave something else than a count")
	}
	return n, nil
}

// probe asks production about every demand, one after another in the one read-only session that sees
// one moment. The error is the context's.
func (r *rehearsal) probe(ctx context.Context) error {
	if r.in.Stored != nil {
		r.askStored()
		return nil
	}
	demands := r.plan.demands()
	for i, d := range demands {
		a := &Answer{Demand: d, At: r.in.Now()}
		r.answers[d] = a
		if d.Status == Unproved {
			continue
		}
		r.progress("probe production", i+1, len(demands))
		a.SQL, a.Violations, a.Checked, a.Err = count(ctx, r.in.Engine, r.in.Production, d.Obligation, d.On)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if a.Err != nil {
			d.Status, a.Violations, a.Checked = Unproved, 0, 0
		}
	}
	return nil
}
