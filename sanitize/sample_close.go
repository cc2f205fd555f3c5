package sanitize

import (
	"fmt"
	"slices"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// matchChunk is how many tuples one read asks for.
const matchChunk = 500

// edge is a reference between two copied tables, and what is still to be fetched along it.
type edge struct {
	ref    reference
	child  *tableSelection
	parent *tableSelection
	seen   hashSet      // tuples that were asked for
	queue  []engine.Row // tuples to ask for
}

// makeEdges lists the references whose parents have to come along.
func (c *chooser) makeEdges() {
	for _, r := range c.plan.references {
		child, parent := c.sel.tables[r.from], c.sel.tables[r.to]
		if child == nil || parent == nil {
			continue
		}
		e := &edge{ref: r, child: child, parent: parent}
		c.edges = append(c.edges, e)
		child.outgoing = append(child.outgoing, e)
	}
	for _, ts := range c.sel.tables {
		ts.hash = c.hash
	}
}

// push queues the parent of a row, given the row's referencing columns. A null refers to nothing.
func (e *edge) push(hash *rowHash, tuple engine.Row) {
	for _, cell := range tuple {
		if cell.Type == engine.CellNull {
			return
		}
	}
	if e.seen.add(hash.of(tuple)) {
		e.queue = append(e.queue, cloneRow(tuple))
	}
}

func cloneRow(row engine.Row) engine.Row {
	out := make(engine.Row, len(row))
	for i, c := range row {
		out[i] = engine.Cell{Type: c.Type, Data: append([]byte(nil), c.Data...)}
	}
	return out
}

// close brings the parents of every chosen row in: first those of the drawn rows, then, generation by generation, those
// of the rows that came in, until none does. Each tuple is asked for once, so cycles end.
func (c *chooser) close() error {
	for i := range c.plan.Tables {
		if ts := c.sel.tables[c.plan.Tables[i].Table]; ts != nil {
			if err := c.gather(ts); err != nil {
				return fmt.Errorf("choosing rows of %s: %w", TableKey(ts.plan.Table), err)
			}
		}
	}
	for _, e := range c.edges {
		if e.ref.when == "" {
			continue
		}
		if err := c.pushAll(e); err != nil {
			return fmt.Errorf("following %s: %w", e.ref.what, err)
		}
	}
	for again := true; again; {
		again = false
		for _, e := range c.edges {
			for len(e.queue) > 0 {
				again = true
				n := min(len(e.queue), matchChunk)
				chunk := e.queue[:n]
				e.queue = e.queue[n:]
				if err := c.fetch(e, chunk); err != nil {
					return fmt.Errorf("following %s: %w", e.ref.what, err)
				}
			}
			e.queue = nil
		}
	}
	return nil
}

// gather reads the keys and references of a table once: it remembers the chosen rows, and queues their parents. Rows that come in later, as parents, are
// seen to by fetch.
func (c *chooser) gather(ts *tableSelection) error {
	key := ts.plan.key
	columns := slices.Clone(key)
	var edges []*edge
	for _, e := range ts.outgoing {
		if e.ref.when == "" {
			edges = append(edges, e)
			columns = append(columns, e.ref.fromColumns...)
		}
	}
	if ts.scan && len(edges) == 0 {
		return nil
	}
	rows := 0
	err := c.src.CopyOut(c.ctx, engine.Read{Table: ts.plan.Table, Columns: columns}, func(row engine.Row) error {
		rows++
		if !ts.has(c.hash.of(row[:len(key)])) {
			return nil
		}
		ts.remember(row[:len(key)])
		at := len(key)
		for _, e := range edges {
			n := len(e.ref.fromColumns)
			e.push(c.hash, row[at:at+n])
			at += n
		}
		return nil
	})
	if rows < sparse*len(ts.keys) {
		ts.scan, ts.keys = true, nil
	}
	return err
}

// sparse is how many rows one chosen one must stand for, so that asking for rows by their keys is less work than reading all.
const sparse = 16

// pushAll queues the parents of all rows chosen so far, along a reference with a condition.
func (c *chooser) pushAll(e *edge) error {
	key := e.child.plan.key
	columns := append(append([]string(nil), key...), e.ref.fromColumns...)
	return c.src.CopyOut(c.ctx, engine.Read{Table: e.ref.from, Columns: columns, Where: e.ref.when}, func(row engine.Row) error {
		if e.child.has(c.hash.of(row[:len(key)])) {
			e.push(c.hash, row[len(key):])
		}
		return nil
	})
}

// fetch reads the parents of one chunk and queues the parents of those that are new.
func (c *chooser) fetch(e *edge, tuples []engine.Row) error {
	p := e.parent
	columns := append([]string(nil), p.plan.key...)
	for _, out := range p.outgoing {
		columns = append(columns, out.ref.fromColumns...)
	}
	var fresh []engine.Row
	err := c.src.CopyOut(c.ctx, engine.Read{Table: e.ref.to, Columns: columns, Match: &engine.Match{Columns: e.ref.toColumns, Tuples: tuples}}, func(row engine.Row) error {
		h := c.hash.of(row[:len(p.plan.key)])
		if p.has(h) {
			return nil
		}
		p.more.add(h)
		p.remember(row[:len(p.plan.key)])
		at := len(p.plan.key)
		for _, out := range p.outgoing {
			n := len(out.ref.fromColumns)
			if out.ref.when == "" {
				out.push(c.hash, row[at:at+n])
			}
			at += n
		}
		fresh = append(fresh, cloneRow(row[:len(p.plan.key)]))
		return nil
	})
	if err != nil {
		return err
	}
	for _, out := range p.outgoing {
		if out.ref.when == "" || len(fresh) == 0 {
			continue
		}
		read := engine.Read{Table: p.plan.Table, Columns: out.ref.fromColumns, Where: out.ref.when, Match: &engine.Match{Columns: p.plan.key, Tuples: fresh}}
		if err := c.src.CopyOut(c.ctx, read, func(row engine.Row) error { out.push(c.hash, row); return nil }); err != nil {
			return err
		}
	}
	return nil
}

// witnessObligations adds rows that break what pending migrations demand, where the engine can name
// them, and orphans of pending foreign keys.
func (c *chooser) witnessObligations() error {
	for _, o := range c.sample.Obligations {
		for i := range c.plan.Tables {
			ts := c.sel.tables[c.plan.Tables[i].Table]
			table, ok := c.sch.Table(c.plan.Tables[i].Table)
			if ts == nil || !ok || !c.concerns(o, table) {
				continue
			}
			if c.sample.Violations != nil {
				if where, ok := c.sample.Violations(o, ts.plan.Table); ok {
					if err := c.witness(ts, where); err != nil {
						return fmt.Errorf("looking for rows of %s that break %s: %w", TableKey(ts.plan.Table), o.Constraint, err)
					}
					continue
				}
			}
			if o.Kind == schema.Reference {
				if err := c.witnessOrphans(ts, o); err != nil {
					return fmt.Errorf("looking for orphans of %s: %w", TableKey(ts.plan.Table), err)
				}
			}
		}
	}
	return nil
}

func (c *chooser) witness(ts *tableSelection, where string) error {
	low := &lowest{k: c.sample.Witnesses}
	err := c.src.CopyOut(c.ctx, engine.Read{Table: ts.plan.Table, Columns: ts.plan.key, Where: where}, func(row engine.Row) error {
		low.add(c.hash.of(row))
		return nil
	})
	for _, h := range low.hashes {
		ts.more.add(h)
	}
	return err
}

// maxParentKeys bounds the parents' keys that witnessOrphans remembers: 256 MB.
const maxParentKeys = 16 << 20

// witnessOrphans finds rows whose parent is missing by comparing the keys of both tables. A parent whose key is written
// in another storage class counts as missing here, which adds a row that the sample did not need. Tables with more
// parents than it can remember are left to the probes.
func (c *chooser) witnessOrphans(ts *tableSelection, o schema.Obligation) error {
	if _, ok := c.sch.Table(o.RefTable); !ok || len(o.RefColumns) != len(o.Columns) {
		return nil
	}
	var parents hashSet
	err := c.src.CopyOut(c.ctx, engine.Read{Table: o.RefTable, Columns: o.RefColumns}, func(row engine.Row) error {
		if parents.used < maxParentKeys {
			parents.add(c.hash.of(row))
		}
		return nil
	})
	if err != nil || parents.used >= maxParentKeys {
		return err
	}
	low := &lowest{k: c.sample.Witnesses}
	key := ts.plan.key
	columns := append(append([]string(nil), key...), o.Columns...)
	err = c.src.CopyOut(c.ctx, engine.Read{Table: ts.plan.Table, Columns: columns}, func(row engine.Row) error {
		for _, cell := range row[len(key):] {
			if cell.Type == engine.CellNull {
				return nil
			}
		}
		if !parents.has(c.hash.of(row[len(key):])) {
			low.add(c.hash.of(row[:len(key)]))
		}
		return nil
	})
	for _, h := range low.hashes {
		ts.more.add(h)
	}
	return err
}
