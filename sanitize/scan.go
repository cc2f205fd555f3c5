package sanitize

import (
	"context"
	"fmt"
	"hash/maphash"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// ScanOptions bounds what Scan reads.
type ScanOptions struct {
	// Rows is how many rows of each table are looked at; 0 is 1000. They are neither kept nor printed.
	Rows int64
	// Versions are the migration tools' tables, beyond the well-known ones. They are never named.
	Versions []schema.Name
}

// Note is something that whoever reviews the policy should know.
type Note struct {
	Table, Column string // Column is "" for the table
	Text          string
}

// Scan proposes what to do with every column that existing (which may be nil) does not name: by its name, its type, its
// constraints and a bounded look at its values. It errs towards masking. The result holds existing's entries unchanged.
func Scan(ctx context.Context, db engine.DB, sch *schema.Database, existing *Policy, opt ScanOptions) (*Policy, []Note, error) {
	if opt.Rows <= 0 {
		opt.Rows = 1000
	}
	out := &Policy{}
	if existing != nil {
		*out = *existing
		out.Tables = append([]TablePolicy(nil), existing.Tables...)
	}
	s := &scanner{ctx: ctx, db: db, sch: sch, opt: opt, types: newTypes(sch), policy: out, referenced: referencedTables(sch)}
	for i := range sch.Tables {
		if t := &sch.Tables[i]; !isVersionTable(t, opt.Versions) {
			if err := s.table(t); err != nil {
				return nil, nil, fmt.Errorf("scanning %s: %w", TableKey(t.Name), err)
			}
		}
	}
	s.followReferences()
	return out, s.notes, nil
}

func referencedTables(sch *schema.Database) map[schema.Name]bool {
	m := map[schema.Name]bool{}
	for i := range sch.Tables {
		for _, fk := range sch.Tables[i].ForeignKeys {
			if fk.RefTable != sch.Tables[i].Name {
				m[fk.RefTable] = true
			}
		}
	}
	return m
}

// scanner is one run of Scan.
type scanner struct {
	ctx        context.Context
	db         engine.DB
	sch        *schema.Database
	opt        ScanOptions
	types      *types
	policy     *Policy
	referenced map[schema.Name]bool
	notes      []Note
	proposed   map[place]bool
}

func (s *scanner) table(t *schema.Table) error {
	key := TableKey(t.Name)
	entry, ok := s.policy.Table(key)
	if !ok {
		s.policy.Tables = append(s.policy.Tables, TablePolicy{Table: key})
		entry = &s.policy.Tables[len(s.policy.Tables)-1]
		if anyPart(t.Name.Name, logTables) {
			entry.Comment = "looks like a log, queue or session store; if the copy can do without its rows, exclude: true is safer"
			s.notes = append(s.notes, Note{Table: key, Text: entry.Comment})
		}
	}
	if entry.Exclude || entry.Preserve {
		return nil
	}
	var fresh []string
	for _, c := range t.Columns {
		if _, named := entry.Column(c.Name); !named && c.Generated == "" {
			fresh = append(fresh, c.Name)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	stats, rows, err := s.sample(t, fresh)
	if err != nil {
		return err
	}
	entry.Columns = append([]ColumnPolicy(nil), entry.Columns...)
	if s.proposed == nil {
		s.proposed = map[place]bool{}
	}
	ctx := tableContext{table: t, rows: rows, whole: rows < s.opt.Rows, person: anyPart(t.Name.Name, personTables), log: anyPart(t.Name.Name, logTables), referenced: s.referenced[t.Name]}
	for i, name := range fresh {
		def, _ := t.Column(name)
		c := propose(s.types, ctx, def, stats[i])
		if c.Action == Review {
			s.notes = append(s.notes, Note{Table: key, Column: name, Text: "decide about it: " + c.Reason + "; until then nothing is copied"})
		}
		entry.Columns = append(entry.Columns, c)
		s.proposed[place{t.Name, name}] = true
	}
	return nil
}

// columnStats is what a look at a column's values leaves behind: counts.
type columnStats struct {
	seen     int64 // not null and not blank
	classes  [valueClasses]int64
	distinct map[uint64]bool // keyed digests, bounded by the sample
	longest  int
	flags    int64 // 0, 1, t, f, true, false, …
	integers int64
	binary   int64
}

// scanned is how much of a value is looked at: enough to say what it is.
const scanned = 64 << 10

// sample reads rows once and counts.
func (s *scanner) sample(t *schema.Table, columns []string) ([]columnStats, int64, error) {
	stats := make([]columnStats, len(columns))
	for i := range stats {
		stats[i].distinct = map[uint64]bool{}
	}
	seed := maphash.MakeSeed()
	var rows int64
	err := s.db.CopyOut(s.ctx, engine.Read{Table: t.Name, Columns: columns, Limit: s.opt.Rows, Cut: scanned}, func(row engine.Row) error {
		rows++
		for i, cell := range row {
			stats[i].add(seed, cell)
		}
		return nil
	})
	return stats, rows, err
}

func (c *columnStats) add(seed maphash.Seed, cell engine.Cell) {
	if cell.Type == engine.CellNull || blank(cell.Data) {
		return
	}
	c.seen++
	c.longest = max(c.longest, len(cell.Data))
	digest := maphash.Bytes(seed, cell.Data)
	if len(cell.Data) >= scanned { // the rest of it, which is not read, is taken to be its own
		digest += uint64(c.seen)
	}
	c.distinct[digest] = true
	if isFlag(cell.Data) {
		c.flags++
	}
	switch {
	case cell.Type == engine.CellInteger:
		c.integers++
		if isCard(cell.Data) {
			c.classes[valueCard]++
			return
		}
		c.classes[valueNumber]++
	case cell.Type == engine.CellReal:
		c.classes[valueNumber]++
	case !isText(cell.Data):
		c.binary++
		c.classes[valueOther]++
	default:
		v := cell.Data
		if len(v) > 4096 {
			v = v[:4096]
		}
		c.classes[classify(v)]++
	}
}

func isFlag(v []byte) bool {
	switch strings.ToLower(string(v)) {
	case "0", "1", "t", "f", "true", "false", "y", "n", "yes", "no":
		return true
	}
	return false
}

// dominant is the class of at least three fifths of the values.
func (c *columnStats) dominant() (valueClass, bool) {
	for cl := range valueClasses {
		if c.seen > 0 && c.classes[cl]*5 >= c.seen*3 {
			return cl, true
		}
	}
	return valueOther, false
}

// followReferences gives both ends of every foreign key the same treatment. The parent's
// stands, unless only the child's can change.
func (s *scanner) followReferences() {
	for range 8 { // chains of keys are short; cycles end here
		for i := range s.sch.Tables {
			t := &s.sch.Tables[i]
			for _, fk := range t.ForeignKeys {
				to := fk.RefColumns
				if parent, ok := s.sch.Table(fk.RefTable); ok && len(to) == 0 && parent.PrimaryKey != nil {
					to = parent.PrimaryKey.Columns
				}
				for j := range min(len(to), len(fk.Columns)) {
					s.follow(place{t.Name, fk.Columns[j]}, place{fk.RefTable, to[j]})
				}
			}
		}
	}
	sort.SliceStable(s.notes, func(i, j int) bool { return s.notes[i].Table < s.notes[j].Table })
}

func (s *scanner) follow(from, to place) {
	child, parent := s.entry(from), s.entry(to)
	if child == nil || parent == nil {
		return
	}
	if parent.Action == Mask && parent.Domain == "" && s.proposed[to] {
		parent.Domain = to.String()
	}
	reason := "refers to " + to.String()
	switch {
	case s.proposed[from]:
		child.Action, child.Mask, child.Domain, child.Value, child.Reason = parent.Action, parent.Mask, parent.Domain, parent.Value, reason
	case s.proposed[to] && (child.Action == Keep || child.Action == Mask && child.Domain != ""):
		parent.Action, parent.Mask, parent.Domain, parent.Value, parent.Reason = child.Action, child.Mask, child.Domain, child.Value, "referred to by "+from.String()
	}
}

func (s *scanner) entry(p place) *ColumnPolicy {
	t, ok := s.policy.Table(TableKey(p.table))
	if !ok {
		return nil
	}
	c, ok := t.Column(p.column)
	if !ok {
		return nil
	}
	return c
}
