package database

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

const (
	// sampleRows is how many rows a sample is made of, as many as PostgreSQL's ANALYZE takes.
	sampleRows = 30_000
	// partBytes is how much of a table is read in one go: a fraction of a second. Parts are of one size and not of one duration, so that two profiles of an unchanged table are one.
	partBytes = 64 << 20
	// partedRows is how many rows a table has that may be cut: of smaller ones nobody asks.
	partedRows = 200_000
	// keptRows is how many rows a table has whose profile is kept for a next run: smaller ones are read again sooner than a file is written for each.
	keptRows = 20_000
)

// profiling reads tables past the counters of their columns.
type profiling struct {
	in     snapshot.DatabaseInput
	grade  snapshot.Grade
	part   int64
	tables []*tableProfile
	all    map[string]*schema.Table
	gate   *gate
}

// tableProfile is a table and what came of it. Its parts are counted apart and added up in their order, so that it does not matter who was first.
type tableProfile struct {
	table *schema.Table
	parts []engine.Part // none is one read of all
	work  []string      // what it is kept under

	mu      sync.Mutex
	next    sync.Cond
	merged  int // parts that have been added up
	columns []column
	rows    int64
	whole   bool // all rows were read, and no sample
	err     error
	result  snapshot.Result
}

func newTableProfile(in snapshot.DatabaseInput, grade snapshot.Grade, t *schema.Table) *tableProfile {
	p := &tableProfile{table: t, whole: true, work: profileWork(in, grade, t)}
	p.next.L = &p.mu
	return p
}

// count is how often the table is read.
func (t *tableProfile) count() int { return max(1, len(t.parts)) }

// piece is one read.
type piece struct {
	of   *tableProfile
	part int
}

// read profiles all tables that no interrupted run has.
func (p *profiling) read(ctx context.Context) {
	var pieces []piece
	for _, t := range p.tables {
		if p.take(t) {
			continue
		}
		p.cut(ctx, t)
		for i := range t.count() {
			pieces = append(pieces, piece{t, i})
		}
	}
	lanes, done := rowLanes(ctx, p.in, len(pieces))
	defer done()
	p.gate = newGate(ctx, p.in, len(lanes))
	defer p.gate.close()
	var next atomic.Int64
	var all sync.WaitGroup
	for _, db := range lanes {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(pieces)); i = next.Add(1) - 1 {
				p.readPiece(ctx, db, pieces[i])
			}
		})
	}
	all.Wait()
}

// cut parts a table where several connections read and the engine can. What it cannot is read as a whole.
func (p *profiling) cut(ctx context.Context, t *tableProfile) {
	parter, able := engine.As[engine.Parter](p.in.DB)
	if p.grade != snapshot.GradeScan || !able || p.part == 0 && t.table.EstimatedRows < partedRows || ctx.Err() != nil {
		return
	}
	t.parts, _ = parter.Parts(ctx, t.table.Name, cmp.Or(p.part, partBytes))
}

// readPiece counts a part and, when it is its turn, adds it to those before it.
func (p *profiling) readPiece(ctx context.Context, db engine.DB, piece piece) {
	t := piece.of
	t.mu.Lock()
	failed := t.err != nil
	t.mu.Unlock()
	var columns []column
	var rows int64
	whole, err := true, ctx.Err()
	if err == nil && !failed {
		columns, rows, whole, err = p.countPiece(ctx, db, piece)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.merged < piece.part { // earlier parts are with readers that wait for nobody later
		t.next.Wait()
	}
	defer func() { t.merged++; t.next.Broadcast() }()
	switch {
	case t.err != nil:
	case err != nil:
		t.err, t.columns = err, nil
	case piece.part == 0:
		t.columns, t.rows, t.whole = columns, rows, whole
	default:
		for i := range columns {
			t.columns[i].merge(&columns[i])
		}
		t.rows += rows
	}
	if t.err == nil && piece.part == t.count()-1 {
		p.finish(ctx, db, t)
	}
}

// countPiece streams a part of a table past counters of its columns.
func (p *profiling) countPiece(ctx context.Context, db engine.DB, piece piece) (columns []column, rows int64, whole bool, err error) {
	t := piece.of.table
	columns = newColumns(p.in, t)
	read := engine.Read{Table: t.Name}
	for i := range t.Columns {
		read.Columns = append(read.Columns, t.Columns[i].Name)
	}
	if len(piece.of.parts) > 0 {
		read.Part = &piece.of.parts[piece.part]
	}
	count := func(row engine.Row) error {
		if err := p.gate.pass(ctx); err != nil {
			return err
		}
		rows++
		for i := range row {
			columns[i].add(row[i], 1)
		}
		return nil
	}
	sampler, able := engine.As[engine.Sampler](db)
	if p.grade == snapshot.GradeScan || !able {
		err = db.CopyOut(ctx, read, count)
		return columns, rows, true, err
	}
	read.Limit = sampleRows
	whole, err = sampler.Sample(ctx, read, count)
	return columns, rows, whole, err
}

// finish makes facts of what was counted of a table.
func (p *profiling) finish(ctx context.Context, db engine.DB, t *tableProfile) {
	in := p.in
	in.DB = db
	a := snapshot.Object(in.Scope, "profile", t.table.Name.Idents()...)
	if t.whole {
		tableFacts(a, snapshot.GradeScan, t.rows, &t.result)
	} else {
		tableFacts(a, snapshot.GradeSample, max(t.rows, t.table.EstimatedRows), &t.result)
		t.result.Add(a.Attr("examined"), snapshot.Int(t.rows), "")
	}
	for i := range t.columns {
		t.columns[i].facts(snapshot.Object(in.Scope, "profile", t.table.Name.Idents(t.table.Columns[i].Name)...), t.rows, &t.result)
	}
	t.columns = nil
	if p.grade == snapshot.GradeScan {
		orphans(ctx, in, t.table, p.all, &t.result)
	}
	if t.rows >= keptRows && len(t.result.Gaps) == 0 && ctx.Err() == nil {
		_ = in.Unfinished.Keep(in.Now, map[string]string{"kind": "profile"}, t.write, t.work...) // what cannot be kept is read again by a next run
	}
}

// resumedAt says when an interrupted run counted a table.
func resumedAt(a snapshot.Address, at time.Time, r *snapshot.Result) {
	r.Add(a.Attr("@resumed"), snapshot.String(at.UTC().Format(time.DateTime)), "")
}
