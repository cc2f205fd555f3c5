package sanitize

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Scans keeps what the scan of a sample has found, so that the next sample of tables that nobody has written to since needs none. It holds keyed digests of rows, lengths
// and traits, and keys of rows only where the policy keeps them: no value that the copy does not show.
type Scans struct {
	Print  string // of policy, schema, sample and key: another one makes the rest void
	Tables map[string]*TableScan
}

// TableScan is one table's part.
type TableScan struct {
	Mark   string // of the table when it was scanned
	Below  uint64
	Odd    []uint64 // digests of the odd rows
	Traits map[string]StoredTraits
	// What was chosen in the end, parents included: it holds as long as no table of the sample has changed.
	More []uint64
	Read bool       // the whole table is read to find them
	Keys [][]string // else their keys
}

// StoredTraits are a column's.
type StoredTraits struct {
	Seen    uint16
	Longest int
}

// scansPrint is what the stored scans depend on beside the rows. "" is that they are not stored: a condition of the policy may depend on the time.
func (c *chooser) scansPrint(keyID string) string {
	h := sha256.New()
	e := json.NewEncoder(h)
	parts := []any{keyID, c.sample.Percent, c.sample.Rows, c.sample.Witnesses, c.sample.Obligations}
	for i := range c.plan.Tables {
		t := &c.plan.Tables[i]
		if t.Where != "" && !t.Exclude {
			return ""
		}
		parts = append(parts, TableKey(t.Table), t.Exclude, t.Preserve, t.Version, t.Strata, t.key)
		for _, p := range t.Columns {
			parts = append(parts, p.Column, p.Action, p.family.kind, p.family.typ)
		}
	}
	for _, r := range c.plan.references {
		parts = append(parts, r.from, r.to, r.fromColumns, r.toColumns, r.when)
	}
	for _, p := range parts {
		if e.Encode(p) != nil {
			return ""
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// stored takes over what is known of a table that nobody has written to.
func (c *chooser) stored(ts *tableSelection) bool {
	s := c.unchanged(ts)
	if s == nil {
		return false
	}
	ts.below = s.Below
	for _, h := range s.Odd {
		ts.more.add(h)
	}
	ts.traits = map[string]traits{}
	for name, t := range s.Traits {
		ts.traits[name] = traits{seen: trait(t.Seen), longest: t.Longest}
	}
	return true
}

// unchanged is the scan of a table that nobody has written to since; nil where there is none.
func (c *chooser) unchanged(ts *tableSelection) *TableScan {
	if c.sample.Scans == nil {
		return nil
	}
	s, mark := c.sample.Scans.Tables[TableKey(ts.plan.Table)], c.sample.Marks[ts.plan.Table]
	if s == nil || mark == "" || s.Mark != mark {
		return nil
	}
	return s
}

// settled takes over the whole selection if no table has changed: then nothing needs to be read to choose.
func (c *chooser) settled() bool {
	for _, ts := range c.sel.tables {
		if s := c.unchanged(ts); s == nil || s.Keys == nil && !s.Read {
			return false
		}
	}
	for _, ts := range c.sel.tables {
		s := c.unchanged(ts)
		c.stored(ts)
		for _, h := range s.More {
			ts.more.add(h)
		}
		ts.scan, ts.keys = s.Read, nil
		for _, key := range s.Keys {
			row := make(engine.Row, len(key))
			for i, text := range key {
				row[i] = engine.Cell{Type: ts.keyType(i), Data: []byte(text)}
			}
			ts.keys = append(ts.keys, row)
		}
	}
	return true
}

// keyType is the storage class of a key's cell: SQLite has integers, the others have texts.
func (t *tableSelection) keyType(i int) engine.CellType {
	if t.integers[i] {
		return engine.CellInteger
	}
	return engine.CellText
}

// scanned notes what the first pass found.
func (c *chooser) scanned(ts *tableSelection) {
	mark := c.sample.Marks[ts.plan.Table]
	if c.sample.Scans == nil || mark == "" {
		return
	}
	s := &TableScan{Mark: mark, Below: ts.below, Odd: ts.more.all(), Traits: map[string]StoredTraits{}}
	for name, t := range ts.traits {
		s.Traits[name] = StoredTraits{uint16(t.seen), t.longest}
	}
	c.sample.Scans.Tables[TableKey(ts.plan.Table)] = s
}

// chosen notes the selection. Keys that a mask or a set value replaces in the copy are not kept.
func (c *chooser) chosen() {
	if c.sample.Scans == nil {
		return
	}
	for _, ts := range c.sel.tables {
		s := c.sample.Scans.Tables[TableKey(ts.plan.Table)]
		if s == nil {
			continue
		}
		s.More, s.Read, s.Keys = ts.more.all(), ts.scan, nil
		if ts.scan || !ts.shown() {
			s.Read = true
			continue
		}
		s.Keys = [][]string{}
		for _, row := range ts.keys {
			var key []string
			for i, cell := range row {
				if cell.Type != ts.keyType(i) {
					s.Keys, s.Read = nil, true
					break
				}
				key = append(key, string(cell.Data))
			}
			if s.Read {
				break
			}
			s.Keys = append(s.Keys, key)
		}
	}
}

// shown reports a table whose key is in the copy as it is.
func (t *tableSelection) shown() bool {
	return !slices.ContainsFunc(t.plan.key, func(name string) bool {
		i := slices.IndexFunc(t.plan.Columns, func(p ColumnPlan) bool { return p.Column == name })
		return i < 0 || t.plan.Columns[i].Action != Keep
	})
}

// integerKeys tells which columns of a key hold integers as such.
func integerKeys(sch *schema.Database, t *TablePlan) []bool {
	out := make([]bool, len(t.key))
	for i, name := range t.key {
		j := slices.IndexFunc(t.Columns, func(p ColumnPlan) bool { return p.Column == name })
		out[i] = sch.Engine == "sqlite" && j >= 0 && t.Columns[j].family.kind == familyInteger
	}
	return out
}

// all are the members, sorted.
func (s *hashSet) all() []uint64 {
	var out []uint64
	if s.zero {
		out = append(out, 0)
	}
	for _, h := range s.slots {
		if h != 0 {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return out
}

// begin makes the stored scans void that are of something else.
func (s *Scans) begin(print string) {
	if s.Print != print || s.Tables == nil {
		s.Print, s.Tables = print, map[string]*TableScan{}
	}
}

// Known reports whether there is anything to store.
func (s *Scans) Known() bool { return s != nil && len(s.Tables) > 0 }
