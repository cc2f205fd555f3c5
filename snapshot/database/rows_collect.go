package database

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// tableWork is one table to digest, and what came of it.
type tableWork struct {
	address snapshot.Address
	table   *schema.Table
	layout  layout
	result  snapshot.Result
}

// size is how much there is to read, in cells; 0 where the catalogue does not know.
func (w *tableWork) size() int64 { return max(0, w.table.EstimatedRows) * int64(len(w.layout.columns)) }

// digestTables reads tables over one connection, or over as many as the engine can make see one moment, large tables first. Every table is read at the same moment.
func (c Rows) digestTables(ctx context.Context, in snapshot.DatabaseInput, work []*tableWork) {
	lanes, done := rowLanes(ctx, in, len(work))
	defer done()
	gate := newGate(ctx, in, len(lanes))
	defer gate.close()
	queue := slices.Clone(work)
	slices.SortStableFunc(queue, func(a, b *tableWork) int {
		return cmp.Compare(b.size(), a.size())
	})
	var next atomic.Int64
	var all sync.WaitGroup
	for _, db := range lanes {
		in := in
		in.DB = db
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(queue)); i = next.Add(1) - 1 {
				c.digestOne(ctx, in, queue[i], gate)
			}
		})
	}
	all.Wait()
}

// digestOne digests a table; what cannot be read is its gap.
func (c Rows) digestOne(ctx context.Context, in snapshot.DatabaseInput, w *tableWork, gate *gate) {
	a := w.address
	if err := c.digestTable(ctx, in, w, gate); err != nil {
		w.result = snapshot.Result{}
		w.result.Missing(a, "the rows cannot be read: "+refusal(err)+gate.said(), engine.Advice(err), a.String()+"#*")
		return
	}
	w.result.Looked = append(w.result.Looked, "rows/"+a.Name+"#*")
}

// rowLanes are the connections that so many tables, or parts of them, are read over, and what closes those that were opened for it.
func rowLanes(ctx context.Context, in snapshot.DatabaseInput, pieces int) (lanes []engine.DB, done func()) {
	n := min(in.Readers, pieces)
	if aligner, ok := engine.As[engine.Aligner](in.DB); ok && n > 1 {
		if opened, err := aligner.Aligned(ctx, n); err == nil {
			return opened, func() {
				for _, db := range opened {
					db.Close()
				}
			}
		}
	}
	return []engine.DB{in.DB}, func() {} // one connection does it, too
}
