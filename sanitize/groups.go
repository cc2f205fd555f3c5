package sanitize

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
)

// Groups declares columns that tell people apart when they are taken together, as birth date, postcode and gender do.
type Groups struct {
	By []string
	K  int // rows of a combination that fewer rows share are generalised or suppressed
}

// maxGroups is how many combinations are counted at most: 16 bytes and a little each.
const maxGroups = 2 << 20

// smallGroups changes the rows of combinations that fewer than k rows of the source share. What is kept of them is made coarser: a date its year, a
// number its first digit, a text its first two characters. If too few rows are alike even then, it is suppressed.
type smallGroups struct {
	plan   *Groups
	seed   maphash.Seed
	exact  map[uint64]uint32 // rows by combination
	coarse map[uint64]uint32 // rows of small groups, by what they are made coarser to
	kept   []*ColumnPlan     // per column of By; nil where its values do not appear in the copy
	at     []int             // per column of By, its place in the rows that are read
	tuple  engine.Row
	out    engine.Row // the cells in the place of By's
	buffer []byte
	report finding.SmallGroups
	cells  map[string]int64 // kept cells of small groups' rows, by column
}

// countGroups reads the columns of By twice.
func (c *lane) countGroups(ctx context.Context, t *TablePlan, read []string) (*smallGroups, error) {
	if t.Groups == nil {
		return nil, nil
	}
	g := &smallGroups{plan: t.Groups, seed: maphash.MakeSeed(), exact: map[uint64]uint32{}, coarse: map[uint64]uint32{}, cells: map[string]int64{},
		report: finding.SmallGroups{By: t.Groups.By, K: t.Groups.K, Verbatim: []finding.VerbatimCells{}}}
	for _, name := range t.Groups.By {
		g.at = append(g.at, slices.Index(read, name))
		i := slices.IndexFunc(t.Columns, func(p ColumnPlan) bool { return p.Column == name })
		if p := &t.Columns[i]; p.Action == Keep {
			g.kept = append(g.kept, p)
		} else {
			g.kept = append(g.kept, nil)
		}
	}
	g.tuple, g.out = make(engine.Row, len(g.at)), make(engine.Row, len(g.at))
	from := engine.Read{Table: t.Table, Columns: t.Groups.By, Where: t.Where}
	err := c.src.CopyOut(ctx, from, func(row engine.Row) error {
		if g.exact[g.digest(row)]++; len(g.exact) > maxGroups {
			return fmt.Errorf("groups: there are more than %d combinations of %v, so nearly every row is alone: mask or set one of these columns", maxGroups, t.Groups.By)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return g, c.src.CopyOut(ctx, from, func(row engine.Row) error {
		if g.exact[g.digest(row)] < uint32(g.plan.K) {
			g.generalise(row)
			g.coarse[g.digest(g.out)]++
		}
		return nil
	})
}

func (g *smallGroups) digest(row engine.Row) uint64 {
	g.buffer = appendTuple(g.buffer[:0], row)
	return maphash.Bytes(g.seed, g.buffer)
}

// generalise fills out with coarser cells.
func (g *smallGroups) generalise(row engine.Row) {
	for i, cell := range row {
		g.out[i] = cell
		if p := g.kept[i]; p != nil && cell.Type != engine.CellNull && cell.Type != engine.CellBlob {
			g.out[i].Data = coarser(slices.Clone(cell.Data), p.family)
		}
	}
}

// coarser overwrites what tells a value from others like it.
func coarser(v []byte, f family) []byte {
	if endless(v) {
		return v
	}
	if d, ok := parseDate(v); ok {
		if d.class != classCompact || f.kind == familyDate {
			copy(v[d.month:], "01")
			copy(v[d.day:], "01")
			if d.time > 0 {
				zeroDigits(v[d.time : d.time+5])
				if len(v) >= d.time+8 && v[d.time+5] == ':' {
					zeroDigits(v[d.time+6:])
				}
			}
			return v
		}
	}
	if n, ok := parseNumber(v); ok && !n.keep && f.kind != familyText {
		first := n.from
		for first < n.end && (v[first] == '0' || v[first] == '.') {
			first++
		}
		zeroDigits(v[min(first+1, n.end):n.end])
		return v
	}
	kept := 0
	for i, c := range v {
		switch {
		case c >= 0x80, asciiMembers[c].alphabet == nil:
			continue
		case kept < 2:
		case c >= '0' && c <= '9':
			v[i] = '0'
		default:
			v[i] = 'X' | c&0x20
		}
		kept++
	}
	return v
}

// zeroDigits writes zeros over digits up to a time zone.
func zeroDigits(v []byte) {
	for i, c := range v {
		if c == '+' || c == '-' {
			return
		}
		if c >= '0' && c <= '9' {
			v[i] = '0'
		}
	}
}

// suppress fills out with nothing: NULL, or what a NOT NULL column holds instead.
func (g *smallGroups) suppress() {
	for i, p := range g.kept {
		if p != nil {
			if g.out[i] = (engine.Cell{}); !p.nullable {
				g.out[i] = engine.Cell{Type: engine.CellText, Data: []byte(nothing(p.family))}
			}
		}
	}
}

// nothing is what stands for no value in a NOT NULL column.
func nothing(f family) string {
	switch {
	case f.numeric():
		return "0"
	case f.kind == familyDate:
		return "1900-01-01"
	}
	return ""
}

// row returns the cells that replace those of By in a row that is in a small group; nil where it is in none.
func (g *smallGroups) row(row engine.Row) engine.Row {
	if g == nil {
		return nil
	}
	for i, at := range g.at {
		g.tuple[i] = row[at]
	}
	if g.exact[g.digest(g.tuple)] >= uint32(g.plan.K) {
		return nil
	}
	g.report.Rows++
	if g.generalise(g.tuple); g.coarse[g.digest(g.out)] >= uint32(g.plan.K) {
		g.report.Generalised++
	} else {
		g.suppress()
		g.report.Suppressed++
	}
	return g.out
}

// replaced is the cell in the place of a kept one of By.
func (g *smallGroups) replaced(small engine.Row, from int) (engine.Cell, bool) {
	for i, at := range g.at {
		if at == from && g.kept[i] != nil {
			return small[i], true
		}
	}
	return engine.Cell{}, false
}

// done is the report.
func (g *smallGroups) done(t *TablePlan) *finding.SmallGroups {
	if g == nil {
		return nil
	}
	for _, p := range t.Columns {
		if n := g.cells[p.Column]; n > 0 {
			g.report.Verbatim = append(g.report.Verbatim, finding.VerbatimCells{Column: p.Column, Cells: n})
		}
	}
	return &g.report
}
