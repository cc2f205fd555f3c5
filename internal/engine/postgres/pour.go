package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

// Pour hands COPY's text on from server to server: what COPY TO writes is what COPY FROM reads, so cells that nobody changes are neither unescaped nor escaped
// again. One goroutine reads and changes, this one loads.
func (d *database) Pour(ctx context.Context, p engine.Pouring, to engine.DB) (rows int64, ok bool, err error) {
	dst, ok := engine.As[*database](to)
	if !ok || dst == d || dst.mode != engine.Scratch {
		return 0, false, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hose := newHose(ctx)
	e, err := newLineEditor(p, hose)
	if err != nil {
		return 0, true, err
	}
	go func() {
		hose.finish(d.use(ctx, func(pg *pgconn.PgConn) error {
			err := copyLines(ctx, pg, p.Read, e.line)
			if e.failed != nil {
				return nil // the caller's own: returned below as it is
			}
			return d.withGrant(err, p.Read.Table)
		}), e)
	}()
	columns := make([]string, len(p.Columns))
	for i, c := range p.Columns {
		columns[i] = c.Column
	}
	rows, err = dst.load(ctx, p.Read.Table, columns, hose)
	cancel()
	read := hose.ended()
	switch {
	case e.failed != nil:
		return 0, true, e.failed
	case read != nil && !errors.Is(read, context.Canceled):
		return 0, true, read
	case err != nil:
		return 0, true, err
	case read != nil:
		return 0, true, read
	case rows != e.rows:
		return 0, true, misuse("%s: %d rows were read, and the server says that it has loaded %d", p.Read.Table, e.rows, rows)
	}
	return rows, true, nil
}

// lineEditor writes each line of COPY TO as one for COPY FROM.
type lineEditor struct {
	columns []engine.Poured
	sets    [][]byte // escaped, of the columns that are the same in each row
	fields  [][]byte
	want    int
	each    func() error
	cells   rowDecoder // its buffer holds unescaped cells
	changed []byte
	hose    *hose
	rows    int64
	failed  error // of a line or of each, not of the hose
}

func newLineEditor(p engine.Pouring, h *hose) (*lineEditor, error) {
	e := &lineEditor{columns: p.Columns, sets: make([][]byte, len(p.Columns)), want: len(p.Read.Columns), each: p.Each, hose: h}
	for i, c := range p.Columns {
		if c.From >= e.want {
			return nil, misuse("%s: column %s is from one that is not read", p.Read.Table, c.Column)
		}
		if c.From < 0 {
			line, err := appendRow(nil, engine.Row{c.Set})
			if err != nil {
				return nil, err
			}
			e.sets[i] = line[:len(line)-1]
		}
	}
	return e, nil
}

func (e *lineEditor) line(line []byte) error {
	if e.failed = e.edit(line); e.failed != nil {
		return e.failed
	}
	if len(e.hose.chunk) >= chunkSize {
		return e.hose.send()
	}
	return nil
}

func (e *lineEditor) edit(line []byte) error {
	escaped := bytes.IndexByte(line, '\\') >= 0
	if escaped {
		e.cells.room(len(line))
	}
	e.fields = e.fields[:0]
	for rest := line; ; {
		tab := bytes.IndexByte(rest, '\t')
		if tab < 0 {
			e.fields = append(e.fields, rest)
			break
		}
		e.fields = append(e.fields, rest[:tab])
		rest = rest[tab+1:]
	}
	if len(e.fields) != e.want {
		return fmt.Errorf("%w: %d columns instead of %d", errCopyFormat, len(e.fields), e.want)
	}
	out := e.hose.chunk
	for i := range e.columns {
		if i > 0 {
			out = append(out, '\t')
		}
		c := &e.columns[i]
		if c.From < 0 {
			out = append(out, e.sets[i]...)
			continue
		}
		field := e.fields[c.From]
		if c.See == nil && c.Change == nil {
			out = append(out, field...)
			continue
		}
		cell := engine.Cell{Type: engine.CellText, Data: field[:len(field):len(field)]}
		if escaped {
			var err error
			if cell, err = e.cells.cell(field); err != nil {
				return err
			}
		}
		if c.See != nil {
			c.See(cell)
		}
		if c.Change == nil || cell.Type == engine.CellNull {
			out = append(out, field...)
			continue
		}
		e.changed = c.Change(e.changed[:0], cell)
		if bytes.IndexByte(e.changed, 0) >= 0 {
			return errNUL(i)
		}
		out = appendEscaped(out, e.changed)
	}
	e.hose.chunk = append(out, '\n')
	e.rows++
	if e.each != nil {
		return e.each()
	}
	return nil
}

// chunkSize is how much is handed over at once, in bytes; a chunk is as much longer as its last row.
const chunkSize = 128 << 10

// hose carries chunks of COPY text to the driver, which reads them in a goroutine of its own that may outlive the statement by one call.
type hose struct {
	ctx        context.Context
	chunk      []byte // being written
	full, free chan []byte
	done       chan struct{} // the writer has ended
	closed     chan struct{} // nobody reads any more
	err        error         // of the writer; set before full is closed

	current, rest []byte // the reader's
}

func newHose(ctx context.Context) *hose {
	h := &hose{ctx: ctx, chunk: make([]byte, 0, chunkSize+chunkSize/4), full: make(chan []byte, 2), free: make(chan []byte, 4), done: make(chan struct{}), closed: make(chan struct{})}
	for range 3 {
		h.free <- make([]byte, 0, chunkSize+chunkSize/4)
	}
	return h
}

// send passes the chunk on and takes an empty one.
func (h *hose) send() error {
	select {
	case h.full <- h.chunk:
	case <-h.closed:
		return errAbandoned
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
	select {
	case h.chunk = <-h.free:
		h.chunk = h.chunk[:0]
		return nil
	case <-h.closed:
		return errAbandoned
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
}

// finish passes the last chunk and the writer's error on.
func (h *hose) finish(err error, e *lineEditor) {
	if err == nil && e.failed == nil && len(h.chunk) > 0 {
		err = h.send()
	}
	if h.err = err; e.failed != nil {
		h.err = e.failed
	}
	close(h.full)
	close(h.done)
}

// Read is the driver's view. Whatever went wrong before it, the server is told that the load is abandoned, never that it is complete.
func (h *hose) Read(p []byte) (int, error) {
	for len(h.rest) == 0 {
		if h.current != nil {
			select {
			case h.free <- h.current:
			default: // one that was longer than the others and came from nowhere
			}
			h.current = nil
		}
		select {
		case c, more := <-h.full:
			if !more {
				if h.err != nil {
					return 0, errAbandoned
				}
				return 0, io.EOF
			}
			h.current, h.rest = c, c
		case <-h.closed:
			return 0, errAbandoned
		}
	}
	n := copy(p, h.rest)
	h.rest = h.rest[n:]
	return n, nil
}

func (h *hose) close() { close(h.closed) }

// ended waits for the writer and returns its error.
func (h *hose) ended() error {
	<-h.done
	if errors.Is(h.err, errAbandoned) {
		return nil // the loader's own error says why
	}
	return h.err
}
