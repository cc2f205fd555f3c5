package sanitize

import (
	"context"
	"io"

	"github.com/envdiff/envdiff/internal/engine"
)

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

// add puts a row into the pipe as it is.
func (p *pipe) add(ctx context.Context, row engine.Row) error {
	b := p.batch
	for _, c := range row {
		start := len(b.data)
		b.data = append(b.data, c.Data...)
		b.cells = append(b.cells, engine.Cell{Type: c.Type, Data: b.data[start:len(b.data):len(b.data)]})
	}
	b.ends = append(b.ends, len(row))
	if len(b.ends) >= batchRows || len(b.data) >= batchBytes {
		return p.send(ctx)
	}
	return nil
}
