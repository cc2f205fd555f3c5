package sanitize

import (
	"context"
	"errors"
	"fmt"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
)

// tableCopy is the copying of one table.
type tableCopy struct {
	plan    *TablePlan
	read    []string // columns read
	columns []outColumn
	rows    int64
	groups  *smallGroups // nil without
	sum     *rowSum      // of what is read; nil where nobody asks
}

// outColumn is one column of the copy.
type outColumn struct {
	plan   *ColumnPlan
	from   int // index in read; -1 for a set value
	masker *column
	set    engine.Cell
	id     int // in the leak set
	source traits
	copied traits
}

// table copies one table, by the shortest way that its two databases know.
func (c *lane) table(ctx context.Context, t *TablePlan) (*tableCopy, error) {
	tc := c.prepare(t)
	if c.opt.Sums {
		tc.sum = newRowSum(c.key)
	}
	var err error
	if c.opt.Pace != nil {
		if err := c.opt.Pace(ctx); err != nil {
			return nil, err
		}
	}
	if tc.groups, err = c.countGroups(ctx, t, tc.read); err != nil {
		return nil, err
	}
	n, poured, err := c.pour(ctx, tc)
	if !poured {
		n, err = c.pass(ctx, tc)
	}
	if err != nil {
		return nil, err
	}
	tc.rows = n
	if c.opt.Progress != nil {
		c.opt.Progress(TableKey(t.Table), n)
	}
	if profile := c.selection.profile(t.Table); profile != nil {
		for i := range tc.columns {
			if from := tc.columns[i].from; from >= 0 {
				tc.columns[i].source.merge(profile[tc.read[from]])
			}
		}
	}
	return tc, nil
}

// pour lets the databases pass the rows on between them; only masked cells are taken out. ok is false where they cannot.
func (c *lane) pour(ctx context.Context, tc *tableCopy) (rows int64, ok bool, err error) {
	src, ok := engine.As[engine.Pourer](c.src)
	if !ok || tc.groups != nil || c.selection.tables[tc.plan.Table] != nil {
		return 0, false, nil // rows of a sample, and those of small groups, are looked at one by one
	}
	p := engine.Pouring{Read: engine.Read{Table: tc.plan.Table, Columns: tc.read, Where: tc.plan.Where}, Each: func() error { return c.counted(ctx, tc) }}
	for i := range tc.columns {
		col := &tc.columns[i]
		out := engine.Poured{Column: col.plan.Column, From: col.from, Set: col.set}
		if col.from >= 0 {
			out.See = tc.see(col)
		}
		if col.masker != nil {
			out.Change = func(to []byte, cell engine.Cell) []byte { return c.mask(col, to, cell) }
		}
		p.Columns = append(p.Columns, out)
	}
	rows, ok, err = src.Pour(ctx, p, c.dst)
	for i := range tc.columns {
		switch col := &tc.columns[i]; {
		case col.from < 0:
		case col.masker == nil:
			col.copied = col.source
		default:
			col.copied.seen |= col.source.seen & traitNull
		}
	}
	return rows, ok, err
}

// see is what looks at each cell of a column that is read.
func (tc *tableCopy) see(col *outColumn) func(engine.Cell) {
	if tc.sum == nil {
		return col.source.add
	}
	return func(cell engine.Cell) {
		col.source.add(cell)
		tc.sum.cell(cell)
	}
}

// pass copies row by row: one goroutine reads and masks, this one loads.
func (c *lane) pass(ctx context.Context, tc *tableCopy) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	names := make([]string, len(tc.columns))
	for i := range tc.columns {
		names[i] = tc.columns[i].plan.Column
	}
	p := newPipe()
	go func() { // owns tc until drain returns
		p.finish(c.selection.read(ctx, c.src, tc.plan, tc.read, func(row engine.Row) error { return c.row(ctx, tc, p, row) }))
	}()
	n, err := c.dst.CopyIn(ctx, tc.plan.Table, names, p.next)
	cancel()
	readErr := p.drain()
	switch {
	case readErr != nil && !errors.Is(readErr, context.Canceled):
		return 0, readErr
	case err != nil:
		return 0, err
	}
	return n, readErr
}

// prepare lays out what is read and what each column of the copy is made from.
func (c *lane) prepare(t *TablePlan) *tableCopy {
	tc := &tableCopy{plan: t}
	for i := range t.Columns {
		p := &t.Columns[i]
		if p.Action == Drop {
			continue
		}
		out := outColumn{plan: p, from: -1}
		switch p.Action {
		case Set:
			if out.set.Type = engine.CellNull; p.Value != nil {
				out.set = engine.Cell{Type: engine.CellText, Data: []byte(*p.Value)}
			}
		case Mask:
			out.masker = c.masker(p)
			out.id = c.copier.leaks.column(place{t.Table, p.Column}, p)
		}
		if p.Action != Set {
			out.from = len(tc.read)
			tc.read = append(tc.read, p.Column)
		}
		tc.columns = append(tc.columns, out)
	}
	if len(tc.read) == 0 { // every column is set: rows still have to be counted
		tc.read = append(tc.read, t.key[0])
	}
	return tc
}

// masker builds or reuses the masker of a column. Only one goroutine of a lane masks at a time, so columns of a domain share it.
func (c *lane) masker(p *ColumnPlan) *column {
	id := fmt.Sprintf("%s\x00%s\x00%d\x00%s", p.Mask, p.Domain, p.family.kind, p.family.typ)
	m := c.masks[id]
	if m == nil {
		m = newColumn(c.key, masks[p.Mask], p.Domain, p.family, p.opts)
		c.masks[id] = m
	}
	return m
}

// row masks one row into the pipe.
func (c *lane) row(ctx context.Context, tc *tableCopy, p *pipe, row engine.Row) error {
	b := p.batch
	first := len(b.cells)
	small := tc.groups.row(row)
	for i := range tc.columns {
		col := &tc.columns[i]
		if col.from < 0 {
			b.cells = append(b.cells, col.set)
			continue
		}
		cell := row[col.from]
		col.source.add(cell)
		if tc.sum != nil {
			tc.sum.cell(cell)
		}
		if small != nil && col.masker == nil {
			if other, ok := tc.groups.replaced(small, col.from); ok {
				cell = other
			} else if cell.Type != engine.CellNull {
				tc.groups.cells[col.plan.Column]++
			}
		}
		if cell.Type == engine.CellNull {
			col.copied.seen |= traitNull
			b.cells = append(b.cells, engine.Cell{})
			continue
		}
		start := len(b.data)
		switch {
		case col.masker == nil && tc.groups == nil:
			b.data = append(b.data, cell.Data...)
			col.copied = col.source
		case col.masker == nil:
			b.data = append(b.data, cell.Data...)
			col.copied.add(cell)
		default:
			b.data = c.mask(col, b.data, cell)
		}
		b.cells = append(b.cells, engine.Cell{Type: cell.Type, Data: b.data[start:len(b.data):len(b.data)]})
	}
	b.ends = append(b.ends, len(b.cells)-first)
	if err := c.counted(ctx, tc); err != nil {
		return err
	}
	if len(b.ends) >= batchRows || len(b.data) >= batchBytes {
		return p.send(ctx)
	}
	return nil
}

// mask appends a cell's mask and has it compared.
func (c *lane) mask(col *outColumn, to []byte, cell engine.Cell) []byte {
	start := len(to)
	to = col.masker.append(to, cell)
	masked := to[start:len(to):len(to)]
	col.copied.add(engine.Cell{Type: cell.Type, Data: masked})
	c.leaks.add(col, cell, masked)
	return to
}

// counted is told of every row that was read and masked.
func (c *lane) counted(ctx context.Context, tc *tableCopy) error {
	tc.rows++
	if tc.sum != nil {
		tc.sum.end()
	}
	if c.opt.Progress != nil && tc.rows%65536 == 0 {
		c.opt.Progress(TableKey(tc.plan.Table), tc.rows)
	}
	if c.opt.Pace != nil && tc.rows%4096 == 0 {
		return c.opt.Pace(ctx)
	}
	return nil
}

// report describes the copied table.
func (tc *tableCopy) report() finding.SanitizedTable {
	r := finding.SanitizedTable{Table: TableKey(tc.plan.Table), Rows: tc.rows, Columns: []finding.SanitizedColumn{}, SmallGroups: tc.groups.done(tc.plan)}
	for _, c := range tc.plan.Columns {
		kept := c.Kept
		if kept == nil {
			kept = []string{}
		}
		r.Columns = append(r.Columns, finding.SanitizedColumn{Column: c.Column, Action: c.actionName(), Kept: kept})
	}
	return r
}

func (c ColumnPlan) actionName() string {
	switch c.Action {
	case Mask:
		return "mask:" + c.Mask
	case Set:
		return "set"
	case Drop:
		return "drop"
	}
	return "keep"
}
