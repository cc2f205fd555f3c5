package sanitize

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
)

// Sample says which rows are copied: a share chosen by the keyed hash of each row's key, so every run chooses the same;
// a few odd rows of every column; rows that break what pending migrations demand; and, through foreign keys and
// references, all parents of these. Orphans stay orphans. Memory is in proportion to the sample, not to the tables.
type Sample struct {
	Percent float64 // of each table's rows; 100 or more is all
	Rows    int64   // or so many rows of each table, before parents and odd rows; 0 is no such limit
	// Witnesses is how many rows of each oddity are kept; 0 is 3.
	Witnesses int
	// Obligations are what pending migrations demand.
	Obligations []schema.Obligation
	// Violations returns the engine's condition for rows of a table that break an obligation, false if it has none.
	// Optional: nulls, duplicates and orphans are found without it, failed checks are not.
	Violations func(o schema.Obligation, table schema.Name) (where string, ok bool)
	// Scans is what an earlier sample has found, and then what this one has; nil is nothing. Marks are the source's, asked for when it was opened.
	Scans *Scans
	Marks map[schema.Name]string
	// Settled is set where all rows were chosen by Scans, and none of the source was read for that.
	Settled bool
}

// defaultWitnesses is enough for a duplicate group and one more.
const defaultWitnesses = 3

// selection is the rows that were chosen. The nil map means every row.
type selection struct {
	tables map[schema.Name]*tableSelection
}

// tableSelection is one table's rows, by the keyed hash of their key: those below a threshold, and some more.
type tableSelection struct {
	plan     *TablePlan
	below    uint64 // hashes below are in
	more     hashSet
	traits   map[string]traits // of the whole table
	outgoing []*edge
	hash     *rowHash
	keys     []engine.Row // of the chosen rows, where they are few
	scan     bool         // keys is not all: the table is read whole, and rows are chosen on the way
	integers []bool       // of the key's columns
}

// maxChosen is how many rows of a table are asked for by their keys; more are found as fast by reading the table.
const maxChosen = 1 << 17

// remember takes in the key of a chosen row. Only keys of types that an equals sign finds again, and by an index, serve; one in so many rows must be chosen.
func (t *tableSelection) remember(key engine.Row) {
	switch {
	case t.scan:
	case len(t.keys) == maxChosen || hasNulls(key):
		t.scan, t.keys = true, nil
	default:
		t.keys = append(t.keys, cloneRow(key))
	}
}

func hasNulls(row engine.Row) bool {
	for _, c := range row {
		if c.Type == engine.CellNull {
			return true
		}
	}
	return false
}

// findable reports whether rows of a table can be asked for by their key.
func findable(table *schema.Table, t *TablePlan) bool {
	indexed := table.PrimaryKey != nil
	for _, u := range table.Unique {
		indexed = indexed || slices.Equal(u.Columns, t.key)
	}
	for _, name := range t.key {
		c, ok := table.Column(name)
		if !ok || c.Nullable && table.PrimaryKey == nil {
			return false
		}
		i := slices.IndexFunc(t.Columns, func(p ColumnPlan) bool { return p.Column == name })
		if i < 0 {
			return false
		}
		switch t.Columns[i].family.kind {
		case familyInteger, familyText, familyUUID:
		default:
			return false
		}
	}
	return indexed
}

func (t *tableSelection) has(h uint64) bool { return h < t.below || t.more.has(h) }

// chooser is the making of a selection.
type chooser struct {
	ctx    context.Context
	src    engine.DB
	sch    *schema.Database
	plan   *Plan
	sample Sample
	hash   *rowHash
	sel    *selection
	edges  []*edge
}

// choose selects the rows. Without a sample and without a condition in the policy
// that is all of them, and nothing is read.
func choose(ctx context.Context, src engine.DB, sch *schema.Database, plan *Plan, key keys.Key, s *Sample) (*selection, error) {
	conditions := false
	for i := range plan.Tables {
		conditions = conditions || plan.Tables[i].Where != "" && !plan.Tables[i].Exclude
	}
	if !conditions && (s == nil || s.Rows == 0 && s.Percent >= 100) {
		return &selection{}, nil
	}
	if s == nil {
		s = &Sample{Percent: 100}
	}
	if s.Rows == 0 && !(s.Percent > 0) || s.Rows < 0 {
		return nil, errors.New("a sample needs a share of more than 0 % or a number of rows")
	}
	c := &chooser{ctx: ctx, src: src, sch: sch, plan: plan, sample: *s, hash: newRowHash(key), sel: &selection{tables: map[schema.Name]*tableSelection{}}}
	if c.sample.Witnesses == 0 {
		c.sample.Witnesses = defaultWitnesses
	}
	for i := range plan.Tables {
		if t := &plan.Tables[i]; !t.Exclude && !t.Preserve && !t.Version {
			table, ok := sch.Table(t.Table)
			c.sel.tables[t.Table] = &tableSelection{plan: t, scan: !ok || !findable(table, t), integers: integerKeys(sch, t)}
		}
	}
	c.makeEdges()
	if print := c.scansPrint(key.ID()); print == "" {
		c.sample.Scans = nil
	} else if c.sample.Scans != nil {
		c.sample.Scans.begin(print)
	}
	if s.Settled = c.settled(); s.Settled {
		return c.sel, nil
	}
	for i := range plan.Tables {
		ts := c.sel.tables[plan.Tables[i].Table]
		if ts == nil || c.stored(ts) {
			continue
		}
		if err := c.firstPass(ts); err != nil {
			return nil, fmt.Errorf("sampling %s: %w", TableKey(ts.plan.Table), err)
		}
		c.scanned(ts)
	}
	if err := c.witnessObligations(); err != nil {
		return nil, err
	}
	if err := c.close(); err != nil {
		return nil, err
	}
	c.chosen()
	return c.sel, nil
}

// firstPass reads a table once: it draws the sample, notes the traits of every column and keeps the odd rows.
func (c *chooser) firstPass(ts *tableSelection) error {
	t := ts.plan
	columns := append([]string(nil), t.key...)
	for _, p := range t.Columns {
		columns = append(columns, p.Column)
	}
	odd := newOddities(len(t.Columns), c.sample.Witnesses)
	drawn := &lowest{k: int(min(c.sample.Rows, math.MaxInt32))}
	below := threshold(c.sample)
	dups := c.duplicateFinders(t, columns)
	strata := newStrata(t.Strata, columns)
	err := c.src.CopyOut(c.ctx, engine.Read{Table: t.Table, Columns: columns, Where: t.Where}, func(row engine.Row) error {
		h := c.hash.of(row[:len(t.key)])
		odd.add(h, row[len(t.key):])
		for _, d := range dups {
			d.add(c.hash, h, row)
		}
		if err := strata.add(c.hash, h, row); err != nil {
			return err
		}
		switch {
		case c.sample.Rows > 0:
			drawn.add(h)
		case t.Where != "" && h < below:
			ts.more.add(h)
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch {
	case c.sample.Rows > 0 && (t.Where != "" || len(drawn.hashes) < drawn.k):
		for _, h := range drawn.hashes {
			ts.more.add(h)
		}
	case c.sample.Rows > 0:
		ts.below = drawn.highest() + 1
	case t.Where == "":
		ts.below = below
	}
	for _, h := range append(odd.rows(), strata.rows()...) {
		ts.more.add(h)
	}
	for _, d := range dups {
		for _, h := range d.rows() {
			ts.more.add(h)
		}
	}
	ts.traits = map[string]traits{}
	for i, p := range t.Columns {
		ts.traits[p.Column] = odd.columns[i].traits
	}
	return nil
}

// threshold turns a percentage into the hash below which rows are in.
func threshold(s Sample) uint64 {
	if s.Rows > 0 || s.Percent >= 100 {
		return math.MaxUint64
	}
	return uint64(s.Percent / 100 * math.MaxUint64)
}

// read streams the chosen rows of a table.
func (s *selection) read(ctx context.Context, db engine.DB, t *TablePlan, columns []string, fn func(engine.Row) error) error {
	ts := s.tables[t.Table]
	if ts == nil {
		return db.CopyOut(ctx, engine.Read{Table: t.Table, Columns: columns, Where: t.Where}, fn)
	}
	if !ts.scan {
		return ts.fetch(ctx, db, columns, fn)
	}
	all := append(append([]string(nil), t.key...), columns...)
	return db.CopyOut(ctx, engine.Read{Table: t.Table, Columns: all}, func(row engine.Row) error {
		if !ts.has(ts.hash.of(row[:len(t.key)])) {
			return nil
		}
		return fn(row[len(t.key):])
	})
}

// fetch asks for the chosen rows by their keys. Each has to be there: all reads see one moment.
func (t *tableSelection) fetch(ctx context.Context, db engine.DB, columns []string, fn func(engine.Row) error) error {
	for chunk := range slices.Chunk(t.keys, matchChunk) {
		rows := 0
		read := engine.Read{Table: t.plan.Table, Columns: columns, Match: &engine.Match{Columns: t.plan.key, Tuples: chunk}}
		err := db.CopyOut(ctx, read, func(row engine.Row) error {
			rows++
			return fn(row)
		})
		if err != nil {
			return err
		}
		if rows != len(chunk) {
			return fmt.Errorf("%d rows were chosen by their keys, and %d were found", len(chunk), rows)
		}
	}
	return nil
}

// profile is what the source has in a table's columns, for a sampled table.
func (s *selection) profile(n schema.Name) map[string]traits {
	if ts := s.tables[n]; ts != nil {
		return ts.traits
	}
	return nil
}

// rowHash is the keyed hash of a row's key. It does not depend on the order of rows, on the run or on the machine.
type rowHash struct {
	f   *feistel
	buf []byte
}

func newRowHash(key keys.Key) *rowHash { return &rowHash{f: newFeistel(key.Derive("sanitize sample"))} }

func (h *rowHash) of(cells engine.Row) uint64 {
	h.buf = appendTuple(h.buf[:0], cells)
	return h.f.sum(0, h.buf)
}

// appendTuple encodes cells so that different tuples have different codes.
func appendTuple(b []byte, cells engine.Row) []byte {
	for _, c := range cells {
		b = append(b, byte(c.Type))
		b = binary.AppendUvarint(b, uint64(len(c.Data)))
		b = append(b, c.Data...)
	}
	return b
}

// hashSet is a set of row hashes in 8 bytes per slot.
type hashSet struct {
	slots []uint64
	used  int
	zero  bool
}

func (s *hashSet) has(h uint64) bool {
	if h == 0 {
		return s.zero
	}
	if len(s.slots) == 0 {
		return false
	}
	for i := h & uint64(len(s.slots)-1); s.slots[i] != 0; i = (i + 1) & uint64(len(s.slots)-1) {
		if s.slots[i] == h {
			return true
		}
	}
	return false
}

// add reports whether h is new.
func (s *hashSet) add(h uint64) bool {
	if h == 0 {
		was := s.zero
		s.zero = true
		return !was
	}
	if s.has(h) {
		return false
	}
	if (s.used+1)*4 > len(s.slots)*3 {
		old := s.slots
		s.slots = make([]uint64, max(64, 2*len(old)))
		for _, x := range old {
			if x != 0 {
				s.put(x)
			}
		}
	}
	s.put(h)
	s.used++
	return true
}

func (s *hashSet) put(h uint64) {
	i := h & uint64(len(s.slots)-1)
	for s.slots[i] != 0 {
		i = (i + 1) & uint64(len(s.slots)-1)
	}
	s.slots[i] = h
}
