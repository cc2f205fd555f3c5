package sanitize

import (
	"bytes"
	"container/heap"
	"math"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// lowest keeps the k lowest hashes that it was shown: the same ones in whatever order they come.
type lowest struct {
	k      int
	hashes []uint64 // a heap, the highest first
}

func (l *lowest) Len() int           { return len(l.hashes) }
func (l *lowest) Less(i, j int) bool { return l.hashes[i] > l.hashes[j] }
func (l *lowest) Swap(i, j int)      { l.hashes[i], l.hashes[j] = l.hashes[j], l.hashes[i] }

// Push and Pop are heap.Interface's.
func (l *lowest) Push(x any) { l.hashes = append(l.hashes, x.(uint64)) }

func (l *lowest) Pop() any {
	last := l.hashes[len(l.hashes)-1]
	l.hashes = l.hashes[:len(l.hashes)-1]
	return last
}

func (l *lowest) add(h uint64) {
	switch {
	case len(l.hashes) < l.k:
		heap.Push(l, h)
	case l.k > 0 && h < l.hashes[0]:
		l.hashes[0] = h
		heap.Fix(l, 0)
	}
}

// highest is the highest of the kept hashes, below the greatest number there is.
func (l *lowest) highest() uint64 {
	if len(l.hashes) == 0 {
		return 0
	}
	return min(l.hashes[0], math.MaxUint64-1)
}

// oddities keeps, for every column, a few rows of each trait and the extremes.
type oddities struct {
	witnesses int
	columns   []oddColumn
}

type oddColumn struct {
	traits            traits
	byTrait           [16]lowest
	longest, shortest extreme
	rare              rarities
	greatest, least   extreme
}

// extreme is the row with the greatest measure; of equals the one with the lowest hash.
type extreme struct {
	set     bool
	measure float64
	hash    uint64
}

func (e *extreme) add(measure float64, h uint64) {
	if !e.set || measure > e.measure || measure == e.measure && h < e.hash {
		*e = extreme{true, measure, h}
	}
}

func newOddities(columns, witnesses int) *oddities {
	o := &oddities{witnesses: witnesses, columns: make([]oddColumn, columns)}
	for i := range o.columns {
		for j := range o.columns[i].byTrait {
			o.columns[i].byTrait[j].k = witnesses
		}
	}
	return o
}

func (o *oddities) add(h uint64, row engine.Row) {
	for i, cell := range row {
		c := &o.columns[i]
		t := traitsOf(cell)
		c.traits.note(cell, t)
		c.rare.add(cell, h)
		for bit := 0; t != 0; bit, t = bit+1, t>>1 {
			if t&1 != 0 {
				c.byTrait[bit].add(h)
			}
		}
		switch cell.Type {
		case engine.CellNull:
		case engine.CellInteger, engine.CellReal:
			if f, err := strconv.ParseFloat(string(cell.Data), 64); err == nil {
				c.greatest.add(f, h)
				c.least.add(-f, h)
			}
		default:
			c.longest.add(float64(len(cell.Data)), h)
			if len(cell.Data) > 0 {
				c.shortest.add(-float64(len(cell.Data)), h)
			}
		}
	}
}

func (o *oddities) rows() []uint64 {
	var out []uint64
	for i := range o.columns {
		c := &o.columns[i]
		for j := range c.byTrait {
			out = append(out, c.byTrait[j].hashes...)
		}
		out = append(out, c.rare.rows()...)
		for _, e := range []extreme{c.longest, c.shortest, c.greatest, c.least} {
			if e.set {
				out = append(out, e.hash)
			}
		}
	}
	return out
}

// maxDuplicateKeys bounds what a duplicateFinder remembers.
const maxDuplicateKeys = 1 << 20

// duplicateFinder looks for rows that a pending unique constraint would refuse, as equal or equal but for case and
// outer blanks. It remembers digests of at most maxDuplicateKeys keys; beyond, of a share of them that halves again and
// again, so it finds some group if there are many, and may miss a lone one in a very large table.
type duplicateFinder struct {
	columns  []int // in the row
	groups   int   // wanted
	level    uint
	first    map[uint64]uint64 // digest of the key → hash of the first row
	found    map[uint64][]uint64
	folded   engine.Row
	distinct bool // nulls are distinct
}

func (c *chooser) duplicateFinders(t *TablePlan, columns []string) []*duplicateFinder {
	var out []*duplicateFinder
	table, ok := c.sch.Table(t.Table)
	if !ok {
		return nil
	}
	for _, o := range c.sample.Obligations {
		if o.Kind != schema.UniqueKey || !c.concerns(o, table) {
			continue
		}
		wanted := append([]string(nil), o.Columns...)
		if len(wanted) == 0 {
			for _, e := range o.Exprs {
				wanted = append(wanted, columnsIn(table, e)...)
			}
		}
		d := &duplicateFinder{groups: c.sample.Witnesses, first: map[uint64]uint64{}, found: map[uint64][]uint64{}, distinct: !o.NullsNotDistinct}
		for _, w := range wanted {
			for i := len(t.key); i < len(columns); i++ {
				if columns[i] == w {
					d.columns = append(d.columns, i)
				}
			}
		}
		if len(d.columns) == len(wanted) && len(wanted) > 0 {
			out = append(out, d)
		}
	}
	return out
}

// concerns reports whether an obligation is about a table: it names it, or a table
// that does not exist yet and gets such rows.
func (c *chooser) concerns(o schema.Obligation, t *schema.Table) bool {
	if o.Table == t.Name {
		return true
	}
	if _, exists := c.sch.Table(o.Table); exists {
		return false
	}
	for _, name := range o.Columns {
		if _, ok := t.Column(name); !ok {
			return false
		}
	}
	return len(o.Columns) > 0
}

func (d *duplicateFinder) add(hash *rowHash, h uint64, row engine.Row) {
	d.folded = d.folded[:0]
	for _, i := range d.columns {
		cell := row[i]
		if cell.Type == engine.CellNull && d.distinct {
			return
		}
		if cell.Type == engine.CellText {
			cell.Data = bytes.ToLower(trimmed(cell.Data))
		}
		d.folded = append(d.folded, cell)
	}
	key := hash.of(d.folded)
	if key&(1<<d.level-1) != 0 {
		return
	}
	first, seen := d.first[key]
	if !seen {
		if len(d.first) >= maxDuplicateKeys {
			d.forget()
		}
		d.first[key] = h
		return
	}
	switch group := d.found[key]; {
	case group == nil && len(d.found) < d.groups:
		d.found[key] = []uint64{first, h}
	case group != nil && len(group) < d.groups:
		d.found[key] = append(group, h)
	}
}

// forget halves what is remembered.
func (d *duplicateFinder) forget() {
	d.level++
	for k := range d.first {
		if k&(1<<d.level-1) != 0 {
			delete(d.first, k)
		}
	}
}

func (d *duplicateFinder) rows() []uint64 {
	var out []uint64
	for _, group := range d.found {
		out = append(out, group...)
	}
	return out
}
