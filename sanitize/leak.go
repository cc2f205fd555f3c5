package sanitize

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// Leak says that raw values of a masked column are in the copy. It never says which.
type Leak struct {
	Source string // TABLE.COLUMN of the source whose values they are
	Copy   string // TABLE.COLUMN of the copy where they are
	Values int64
}

// LeakError is a copy with raw values in it: it has to be dropped.
type LeakError struct {
	Leaks []Leak
	// InSchema are those in the copy's schema: Copy is the beginning of the statement that made it.
	InSchema []Leak
	Search   finding.LeakSearch
}

func (e *LeakError) Error() string {
	var parts []string
	for _, l := range e.Leaks {
		parts = append(parts, fmt.Sprintf("%s holds %s of %s", l.Copy, rawValues(l.Values), l.Source))
	}
	for _, l := range e.InSchema {
		parts = append(parts, fmt.Sprintf("its schema (%s) holds %s of %s", l.Copy, rawValues(l.Values), l.Source))
	}
	return "the copy holds raw values of masked columns and must be dropped: " + strings.Join(parts, "; ")
}

func rawValues(n int64) string {
	if n == 1 {
		return "1 raw value"
	}
	return fmt.Sprintf("%d raw values", n)
}

// Findings describes the leaks for the report. database is the scope of the addresses.
func (e *LeakError) Findings(database, environment string) []finding.Finding {
	var out []finding.Finding
	for _, l := range e.Leaks {
		f := finding.Finding{
			Rule: "leak", Severity: finding.Critical, Area: finding.AreaSanitize, Change: finding.Failed,
			Address: snapshot.Address{Scope: database, Kind: "column", Name: l.Copy}.String(),
			Message: fmt.Sprintf("the sanitised copy holds %s of %s", rawValues(l.Values), l.Source),
			Values:  []finding.Side{{Environment: environment, State: finding.Present}},
			Hint:    "the copy was dropped; mask " + l.Copy + " with the mask and domain of " + l.Source + " in sanitize.yaml",
		}
		if l.Source == l.Copy {
			f.Hint = "the copy was dropped; choose another mask for " + l.Copy + " in sanitize.yaml"
		}
		if l.Source != l.Copy {
			f.Related = []string{snapshot.Address{Scope: database, Kind: "column", Name: l.Source}.String()}
		}
		f.Seal([]string{environment})
		out = append(out, f)
	}
	return append(out, e.schemaFindings(database, environment)...)
}

// schemaFindings are one for each column whose values are in the copy's schema.
func (e *LeakError) schemaFindings(database, environment string) (out []finding.Finding) {
	in, values := map[string][]string{}, map[string]int64{}
	for _, l := range e.InSchema {
		in[l.Source] = append(in[l.Source], l.Copy)
		values[l.Source] += l.Values
	}
	for _, source := range slices.Sorted(maps.Keys(in)) {
		statements := slices.Compact(slices.Sorted(slices.Values(in[source])))
		f := finding.Finding{
			Rule: "leak", Severity: finding.Critical, Area: finding.AreaSanitize, Change: finding.Failed,
			Address: snapshot.Address{Scope: database, Kind: "column", Name: source}.Attr("schema").String(),
			Message: fmt.Sprintf("the schema of the sanitised copy holds %s of %s, in: %s", rawValues(values[source]), source, strings.Join(statements, "; ")),
			Values:  []finding.Side{{Environment: environment, State: finding.Present}},
			Hint: fmt.Sprintf("the copy was dropped; take the values out of the source's schema, or if they are nobody's, say so in sanitize.yaml: schema: [{in: %s, reason: …}]",
				strconv.Quote(statements[0])),
		}
		f.Seal([]string{environment})
		out = append(out, f)
	}
	return out
}

const (
	// maxWindow is the longest piece of text, in bytes, that is looked up inside a longer one;
	// whole cells are looked up at any length.
	maxWindow = 256
	// maxWords is the largest number of words of such a piece.
	maxWords = 8
)

// tally counts what was found of one source column in one column of the copy.
type tally struct {
	byBits [256]int64 // occurrences by the information in the value
	digits int64
	words  map[uint64]int64 // in a kept column: occurrences of each value of letters and blanks only
}

// maxWordUses is how often a value of letters only may stand in a kept column to be taken for somebody's. "Standard" in
// a status is no leak of the one note that says "Standard".
const maxWordUses = 3

// chance is how often values of less than richBits were met in masked columns, and how often random ones would be.
type chance struct {
	observed int64
	expected float64
}

func (c *chance) add(o chance) { c.observed, c.expected = c.observed+o.observed, c.expected+o.expected }

// hits is what was found, by the columns of the source and of the copy.
type hits struct {
	leaks  map[[2]string]int64
	chance chance
}

// search reads the whole copy and returns the leaks, sorted. On the way it counts the rows of each table, which have to be those of loaded.
func (c *copier) search(ctx context.Context, lanes []*lane, loaded map[string]int64) ([]Leak, chance, error) {
	s := c.leaks
	s.seal()
	var luck chance
	found := map[[2]string]int64{}
	for _, c := range s.columns {
		if c.own > 0 {
			found[[2]string{c.at.String(), c.at.String()}] += c.own
		}
	}
	var tables []*TablePlan
	for i := range c.plan.Tables {
		if t := &c.plan.Tables[i]; !t.Exclude && !t.Preserve && !t.Version {
			tables = append(tables, t)
		}
	}
	var mutex sync.Mutex
	err := c.spread(ctx, lanes, tables, func(ctx context.Context, l *lane, t *TablePlan) error {
		here := hits{leaks: map[[2]string]int64{}}
		rows, err := s.searchTable(ctx, l.dst, c.sch, t, &here)
		if err != nil {
			return err
		}
		if want, ok := loaded[TableKey(t.Table)]; ok && rows != want {
			return fmt.Errorf("it holds %d rows, but %d were loaded", rows, want)
		}
		mutex.Lock()
		defer mutex.Unlock()
		for k, n := range here.leaks {
			found[k] += n
		}
		luck.add(here.chance)
		return nil
	})
	if err != nil {
		return nil, luck, err
	}
	out := make([]Leak, 0, len(found))
	for k, n := range found {
		out = append(out, Leak{Source: k[0], Copy: k[1], Values: n})
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Copy != out[j].Copy {
			return out[i].Copy < out[j].Copy
		}
		return out[i].Source < out[j].Source
	})
	return out, luck, nil
}

// searchTable reads every column, generated ones included: they are made of masked values, or should be.
func (s *leakSet) searchTable(ctx context.Context, dst engine.DB, sch *schema.Database, t *TablePlan, found *hits) (rows int64, err error) {
	table, ok := sch.Table(t.Table)
	if !ok || len(t.Columns) == 0 {
		return 0, nil
	}
	if s.empty() { // nothing to look for
		err = dst.CopyOut(ctx, engine.Read{Table: t.Table, Columns: t.key}, func(engine.Row) error { rows++; return nil })
		return rows, err
	}
	columns, names := s.searched(held(dst, table), t, sch.Engine != "sqlite")
	err = dst.CopyOut(ctx, engine.Read{Table: t.Table, Columns: names}, func(row engine.Row) error {
		rows++
		for i := range row {
			columns[i].cell(row[i])
		}
		return nil
	})
	if err != nil {
		return rows, err
	}
	for i := range columns {
		for from := range s.columns {
			source := &s.columns[from]
			leaked, luck := columns[i].judge(columns[i].tallies[uint16(from)], source)
			if leaked > 0 {
				found.leaks[[2]string{source.at.String(), place{t.Table, names[i]}.String()}] += leaked
			}
			found.chance.add(luck)
		}
	}
	return rows, nil
}

// held is a table with the columns that a copy has of it: files hold no generated ones.
func held(dst engine.DB, table *schema.Table) *schema.Table {
	files, ok := dst.(interface {
		Stored(schema.Name) (columns []string, ok bool)
	})
	if !ok {
		return table
	}
	stored, _ := files.Stored(table.Name)
	out := *table
	out.Columns = slices.DeleteFunc(slices.Clone(table.Columns), func(c schema.Column) bool { return !slices.Contains(stored, c.Name) })
	return &out
}

// searched are the columns that are read: all but kept ones whose types hold no 64 bits of anybody's, such as times. One is read in any case, so that rows
// are counted. Types bind nothing in SQLite.
func (s *leakSet) searched(table *schema.Table, t *TablePlan, typed bool) (columns []searchColumn, names []string) {
	for _, c := range table.Columns {
		col := searchColumn{set: s, tallies: map[uint16]*tally{}}
		kept := false
		for _, p := range t.Columns {
			if p.Column == c.Name {
				col.masked, kept = p.Action == Mask, typed && p.Action == Keep && p.family.poor()
			}
		}
		if !kept {
			columns, names = append(columns, col), append(names, c.Name)
		}
	}
	if len(columns) == 0 {
		return []searchColumn{{set: s}}, t.key[:1]
	}
	return columns, names
}

// poor families hold too little to be a masked value of another column, where types bind.
func (f family) poor() bool {
	switch f.kind {
	case familyBool, familyDate, familyTime:
		return true
	}
	return f.typ == "smallint"
}

// judge tells leaks from chance. A rich value is a leak wherever it is met. Masked text is random, so a short value turns up in it now and then without
// having leaked: it counts if it is so long that chance would show it once in 2^14 runs. Shorter ones count when there are more than chance explains, and
// more than one in a hundred of the column's values. What is kept and made of letters is not random: there every value counts.
func (c *searchColumn) judge(t *tally, source *leakColumn) (leaked int64, luck chance) {
	luck.expected = c.expected(source)
	if t == nil {
		return 0, luck
	}
	threshold := math.Log2(float64(source.unique+1)) + math.Log2(float64(c.looked)+1) + 14
	for bits, n := range t.byBits {
		if !c.masked || bits == math.MaxUint8 || float64(bits) >= threshold {
			leaked += n
			continue
		}
		luck.observed += n
	}
	for _, n := range t.words {
		if n <= maxWordUses {
			leaked += n
		}
	}
	luck.observed += t.digits
	if float64(luck.observed) > 4*luck.expected+3 && luck.observed*100 > source.unique {
		leaked += luck.observed
	}
	return leaked, luck
}

// expected is how often the short values of a source column would be met in this one if it were random.
func (c *searchColumn) expected(source *leakColumn) float64 {
	looked, sum := float64(c.looked), 0.0
	if c.masked {
		for bits, n := range source.byBits {
			if n > 0 {
				sum += looked * float64(n) * math.Exp2(-float64(bits))
			}
		}
	}
	// Eight digits or more; the shorter they are the more often they meet.
	return sum + float64(source.digits)*looked/1e8
}
