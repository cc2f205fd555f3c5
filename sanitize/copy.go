package sanitize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
)

// CopyOptions says how much is copied and who watches.
type CopyOptions struct {
	// Sample is the share of rows; nil is all.
	Sample *Sample
	// Workers is how many tables are copied at once, where the source can share its moment and OpenCopy is set; 0 is one.
	Workers int
	// OpenCopy opens another connection to the copy.
	OpenCopy func(ctx context.Context) (engine.DB, error)
	// Loaded is called when the rows of a table are in, for several tables at once.
	Loaded func(ctx context.Context, dst engine.DB, table schema.Name) error
	// Phase is told when the rows of a table are in, for several at once, and when the search for raw values begins and ends. Optional.
	Phase func(Phase)
	// Progress is called now and then with the rows of a table so far, for several tables at once.
	Progress func(table string, rows int64)
	// Note is told what the reader of the report should know: that the leak check looked
	// for a share of the values only. Optional.
	Note func(text string)
	// MaxLeakValues bounds how many source values the leak check remembers; 0 is DefaultLeakValues. Beyond it a keyed
	// share of them is looked for, and Note says so.
	MaxLeakValues int
}

// Phase is a part of copying that has just been reached.
type Phase string

// The phases.
const (
	RowsIn   Phase = "rows"
	Search   Phase = "search"
	Searched Phase = "searched"
)

func (c *copier) phase(p Phase) {
	if c.opt.Phase != nil {
		c.opt.Phase(p)
	}
}

// Copy streams every table of the plan from src to dst, masking on the way, and then looks in dst for
// raw values. dst already has the tables (what must stand before the rows) and is empty; excluded tables
// stay empty. The result describes what was copied, also when the error is a *LeakError: then dst holds
// a raw value and the caller has to drop it.
func Copy(ctx context.Context, src, dst engine.DB, sch *schema.Database, plan *Plan, key keys.Key, opt CopyOptions) (*finding.Sanitization, error) {
	if key.Zero() {
		return nil, errors.New("masking needs the pseudonym key: envdiff init makes one, and envdiff.yaml names it under keys.pseudonym")
	}
	sel, err := choose(ctx, src, sch, plan, key, opt.Sample)
	if err != nil {
		return nil, err
	}
	c := &copier{src: src, dst: dst, sch: sch, plan: plan, key: key, opt: opt, selection: sel, leaks: newLeakSet(opt.MaxLeakValues)}
	return c.run(ctx)
}

// run copies all tables and searches them.
func (c *copier) run(ctx context.Context) (result *finding.Sanitization, err error) {
	lanes, done, err := c.lanes(ctx)
	defer func() { err = errors.Join(err, done()) }()
	if err != nil {
		return nil, err
	}
	var tables []*TablePlan
	for i := range c.plan.Tables {
		if t := &c.plan.Tables[i]; !t.Exclude && !t.Preserve && len(t.Columns) > 0 {
			tables = append(tables, t)
		}
	}
	var mutex sync.Mutex
	copied := map[schema.Name]*tableCopy{}
	err = c.spread(ctx, lanes, tables, func(ctx context.Context, l *lane, t *TablePlan) error {
		tc, err := l.table(ctx, t)
		if err != nil {
			return err
		}
		mutex.Lock()
		copied[t.Table] = tc
		mutex.Unlock()
		c.phase(RowsIn)
		if c.opt.Loaded != nil {
			return c.opt.Loaded(ctx, l.dst, t.Table)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("copying %w", err)
	}
	result = &finding.Sanitization{Tables: []finding.SanitizedTable{}, Features: []finding.Feature{}}
	loaded := map[string]int64{}
	for _, t := range tables {
		tc := copied[t.Table]
		loaded[TableKey(t.Table)] = tc.rows
		result.Tables = append(result.Tables, tc.report())
		result.Features = append(result.Features, tc.features()...)
	}
	for _, l := range lanes {
		l.leaks.flush()
	}
	c.phase(Search)
	found, err := c.search(ctx, lanes, loaded)
	c.phase(Searched)
	if err != nil {
		return nil, fmt.Errorf("looking for leaks: %w", err)
	}
	for _, l := range found {
		result.Leaks += l.Values
	}
	if share := c.leaks.share(); share < 1 && c.opt.Note != nil {
		c.opt.Note(fmt.Sprintf("the leak check compared every masked cell with its source, but looked elsewhere in the copy for 1 in %.0f source values only: there are more than it remembers", 1/share))
	}
	if len(found) > 0 {
		return result, &LeakError{Leaks: found, Share: c.leaks.share()}
	}
	return result, nil
}

// copier is one run of Copy.
type copier struct {
	src, dst  engine.DB
	sch       *schema.Database
	plan      *Plan
	key       keys.Key
	opt       CopyOptions
	selection *selection
	leaks     *leakSet
}

// tableCopy is the copying of one table.
type tableCopy struct {
	plan    *TablePlan
	read    []string // columns read
	columns []outColumn
	rows    int64
	groups  *smallGroups // nil without
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

// table copies one table: one goroutine reads and masks, this one loads.
func (c *lane) table(ctx context.Context, t *TablePlan) (*tableCopy, error) {
	tc := c.prepare(t)
	var err error
	if tc.groups, err = c.countGroups(ctx, t, tc.read); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	names := make([]string, len(tc.columns))
	for i := range tc.columns {
		names[i] = tc.columns[i].plan.Column
	}
	p := newPipe()
	go func() { // owns tc until drain returns
		p.finish(c.selection.read(ctx, c.src, t, tc.read, func(row engine.Row) error { return c.row(ctx, tc, p, row) }))
	}()
	n, err := c.dst.CopyIn(ctx, t.Table, names, p.next)
	cancel()
	readErr := p.drain()
	switch {
	case readErr != nil && !errors.Is(readErr, context.Canceled):
		return nil, readErr
	case err != nil:
		return nil, err
	case readErr != nil:
		return nil, readErr
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
		if col.masker == nil {
			b.data = append(b.data, cell.Data...)
		} else {
			b.data = col.masker.append(b.data, cell)
		}
		data := b.data[start:len(b.data):len(b.data)]
		out := engine.Cell{Type: cell.Type, Data: data}
		if col.masker == nil && tc.groups == nil {
			col.copied = col.source
		} else if col.masker == nil {
			col.copied.add(out)
		} else {
			col.copied.add(out)
			c.leaks.add(col, cell, data)
		}
		b.cells = append(b.cells, out)
	}
	b.ends = append(b.ends, len(b.cells)-first)
	tc.rows++
	if c.opt.Progress != nil && tc.rows%65536 == 0 {
		c.opt.Progress(TableKey(tc.plan.Table), tc.rows)
	}
	if len(b.ends) >= batchRows || len(b.data) >= batchBytes {
		return p.send(ctx)
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

// A batch is what one goroutine hands to the other: cells of several rows in one buffer.
const (
	batchRows  = 512
	batchBytes = 256 << 10
)

type batch struct {
	cells []engine.Cell
	ends  []int // cells per row
	data  []byte
}

func (b *batch) reset() { b.cells, b.ends, b.data = b.cells[:0], b.ends[:0], b.data[:0] }

// pipe carries batches from the reader to the loader and empty ones back.
type pipe struct {
	full, free chan *batch
	err        error // of the reader; set before full is closed
	batch      *batch

	current *batch
	row     int
	cell    int
}

func newPipe() *pipe {
	p := &pipe{full: make(chan *batch, 2), free: make(chan *batch, 4), batch: &batch{}}
	for range 3 {
		p.free <- &batch{}
	}
	return p
}

// send passes the current batch on and takes an empty one.
func (p *pipe) send(ctx context.Context) error {
	select {
	case p.full <- p.batch:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case p.batch = <-p.free:
		p.batch.reset()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish passes the last batch and the reader's error on.
func (p *pipe) finish(err error) {
	p.err = err
	if err == nil && len(p.batch.ends) > 0 {
		last := p.batch
		p.batch = nil
		defer func() { p.full <- last; close(p.full) }()
		return
	}
	close(p.full)
}

// next is the loader's view: one row after the other.
func (p *pipe) next() (engine.Row, error) {
	for p.current == nil || p.row == len(p.current.ends) {
		if p.current != nil {
			p.free <- p.current
		}
		b, ok := <-p.full
		if !ok {
			p.current = nil
			if p.err != nil {
				return nil, p.err
			}
			return nil, io.EOF
		}
		p.current, p.row, p.cell = b, 0, 0
	}
	n := p.current.ends[p.row]
	row := engine.Row(p.current.cells[p.cell : p.cell+n])
	p.row++
	p.cell += n
	return row, nil
}

// drain waits for the reader to end and returns its error.
func (p *pipe) drain() error {
	for range p.full {
	}
	return p.err
}
