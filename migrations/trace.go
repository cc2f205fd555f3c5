package migrations

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// Long locks and large rewrites are findings above these limits, at production's size.
const (
	longLock     = 1.0 // seconds
	largeRewrite = 1e9 // bytes
)

// observed is one statement's run on the copy.
type observed struct {
	statement    int
	began, ended time.Time
	trace        engine.Trace
	growth       growth
}

func (o observed) seconds() float64 { return o.ended.Sub(o.began).Seconds() }

// growth is how much more production has of what a statement works through.
type growth struct {
	factor  float64 // 1 for statements whose work does not depend on rows, or where the copy has them all
	sort    float64 // how much more a sort takes beyond that: n log n
	known   bool
	derived string // how, for people; "" without work over rows
	// most is the longest that so many rows can take, in seconds, where so few were copied that what was measured is mostly
	// what a statement costs without any; 0 is no such limit.
	most float64
}

// A copy of fewer rows than fewRows says little of a row's cost, which is then taken to be at most costlyRow seconds.
const (
	fewRows   = 2000
	costlyRow = 100e-6
)

// at is a duration on the copy, in production.
func (g growth) at(seconds float64) float64 {
	grown := seconds * g.factor
	if g.most > 0 {
		grown = min(grown, seconds+g.most)
	}
	return grown
}

// run executes a statement, traced where the engine can.
func (t *transaction) run(ctx context.Context, sql string) (int64, engine.Trace, error) {
	if tracer, ok := t.s.(engine.Tracer); ok {
		return tracer.Traced(ctx, sql)
	}
	rows, err := t.s.Exec(ctx, sql)
	return rows, engine.Trace{}, err
}

// growthOf compares the tables that a statement works through in production and on the copy.
func (r *rehearsal) growthOf(st plannedStatement, t engine.Trace) growth {
	g := growth{factor: 1, sort: 1, known: true}
	var tables []schema.Name
	tables = append(append(tables, t.Scans...), st.touched...)
	for _, x := range t.Rewrites {
		tables = append(tables, x.Table)
	}
	for _, name := range sortedNames(tables) {
		rows, copied, ok := r.sizes(name)
		switch {
		case !ok:
			g.known = false
		case !r.copy.Copy.Sampled || copied >= rows:
			if g.derived == "" {
				g.derived = "all " + plural(rows, "row") + " of " + name.String() + " copied"
			}
		default:
			factor := float64(rows) / float64(max(copied, 1))
			if factor > g.factor {
				if g.most = 0; copied < fewRows {
					g.most = float64(rows) * costlyRow
				}
				g.factor, g.derived = factor, fmt.Sprintf("%s of %s rows of %s copied", grouped(copied), grouped(rows), name)
				if len(t.Builds) > 0 {
					g.sort = math.Log2(float64(rows)+2) / math.Log2(float64(copied)+2)
				}
			}
		}
	}
	return g
}

// sizes are a table's rows in production, as its catalogue estimates them or a probe counted them, and on the copy.
func (r *rehearsal) sizes(name schema.Name) (rows, copied int64, ok bool) {
	if r.out.Sanitization == nil {
		return 0, 0, false
	}
	t, found := r.in.Schema.Table(name)
	if !found {
		return 0, 0, true // the migrations made it: its rows are none, or grow with what they come from
	}
	for _, c := range r.out.Sanitization.Tables {
		if c.Table == snapshot.Ident(name.Idents()...) {
			copied = c.Rows
		}
	}
	rows = t.EstimatedRows
	for _, a := range r.answers {
		if a.Err == nil && len(a.Demand.From) == 1 && a.Demand.From[0] == name && a.Demand.On.Query == "" {
			rows = max(rows, a.Checked)
		}
	}
	return max(rows, copied), copied, rows >= 0 || !r.copy.Copy.Sampled
}

// production is the range of a statement's duration there: half to twice what its rows suggest.
func (o observed) production() []float64 {
	if !o.growth.known {
		return []float64{}
	}
	s := o.growth.at(o.seconds())
	return []float64{s / 2, s * 2 * o.growth.sort}
}

// describe writes what was observed into the report's statements. A lock is held until its transaction ends.
func (r *rehearsal) describe(m *planned, result *finding.RehearsedMigration, list []observed, end time.Time, wrapped bool) {
	for _, o := range list {
		s := &result.Statements[o.statement]
		s.WALBytes, s.Log, s.DiskBytes, s.Algorithm, s.Builds, s.Derived = o.trace.LogBytes, o.trace.Log, o.trace.DiskBytes, o.trace.Algorithm, o.trace.Builds, o.growth.derived
		s.ProductionSeconds = o.production()
		for _, name := range o.trace.Scans {
			s.Scans = append(s.Scans, name.String())
		}
		for _, x := range o.trace.Rewrites {
			s.Rewrites = append(s.Rewrites, x.Table.String())
		}
		for _, l := range o.trace.Locks {
			until := o.ended
			if wrapped {
				until = end
			}
			lock := finding.Lock{Table: wholeDatabase, Mode: l.Mode, Blocks: string(l.Blocks), Derived: l.Derived, Seconds: until.Sub(o.began).Seconds()}
			if l.Table.Name != "" {
				lock.Table = l.Table.String()
			}
			if l.Brief {
				lock.Seconds = 0
			}
			s.Locks = append(s.Locks, lock)
		}
	}
	r.weigh(m, list, wrapped)
}

// wholeDatabase stands for a table's name where one lock is for all.
const wholeDatabase = "(the whole database)"

// weigh finds the longest lock and the largest rewrite of a migration, at production's size.
func (r *rehearsal) weigh(m *planned, list []observed, wrapped bool) {
	var lock engine.TableLock
	var held float64
	var at observed
	for i, o := range list {
		for _, l := range o.trace.Locks {
			if l.Brief || l.Blocks == engine.BlocksNothing {
				continue
			}
			if seconds := heldFor(list[i:], wrapped); seconds > held {
				lock, held, at = l, seconds, o
			}
		}
	}
	if held > longLock {
		r.findLock(m, lock, held, at)
	}
	for _, o := range list {
		for _, x := range o.trace.Rewrites {
			if bytes := float64(x.Bytes) * o.growth.factor; bytes > largeRewrite {
				r.findRewrite(m, x, bytes, o)
				return
			}
		}
	}
}

// heldFor is how long a lock of the first statement is held in production: until the end of the
// transaction, or of the statement that stands alone.
func heldFor(list []observed, wrapped bool) float64 {
	if !wrapped {
		list = list[:1]
	}
	var sum float64
	for _, o := range list {
		sum += o.growth.at(o.seconds())
	}
	return sum
}

func (r *rehearsal) findLock(m *planned, l engine.TableLock, held float64, o observed) {
	on := "of " + l.Table.String()
	if l.Table.Name == "" {
		on = "in the whole database"
	}
	f := finding.Finding{Rule: "lock-long", Change: finding.Predicted,
		Message: fmt.Sprintf("%s blocks %s %s for about %s at production's size (%s); %s%s", m.Label(), l.Blocks, on, duration(held), l.Mode, m.position(o.statement), derivation(o)),
		Hint:    r.safer(m.statements[o.statement].Text)}
	if l.Table.Name != "" {
		f.Related = []string{snapshot.Object(r.in.Scope, "table", l.Table.Idents()...).String()}
	}
	r.find(m, o.statement, nil, f)
}

func (r *rehearsal) findRewrite(m *planned, x engine.Rewrite, bytes float64, o observed) {
	r.find(m, o.statement, nil, finding.Finding{Rule: "rewrite", Change: finding.Predicted,
		Message: fmt.Sprintf("%s writes all of %s anew, about %.1f GB at production's size; %s%s", m.Label(), x.Table, bytes/1e9, m.position(o.statement), derivation(o)),
		Related: []string{snapshot.Object(r.in.Scope, "table", x.Table.Idents()...).String()},
		Hint:    r.safer(m.statements[o.statement].Text)})
}

func derivation(o observed) string {
	if o.growth.factor <= 1 {
		return ""
	}
	return fmt.Sprintf("; from %s on the copy, %s", duration(o.seconds()), o.growth.derived)
}

// duration is a time as people say it.
func duration(seconds float64) string {
	switch {
	case seconds < 10:
		return fmt.Sprintf("%.1f s", seconds)
	case seconds < 120:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 7200:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.0f h", seconds/3600)
}
