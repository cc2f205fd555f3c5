package sanitize

import (
	"fmt"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/strictyaml"
)

// Use is what a copy is for.
type Use int

// The uses.
const (
	// Rehearsal copies live for minutes: the most faithful masks, `after` is not run, preserve means exclude.
	Rehearsal Use = iota
	// Keepable copies stay: one-way masks wherever no index, key, check, foreign key or
	// pending migration can see the difference.
	Keepable
)

// Plan says what happens to every table and column of a schema. It exists only if nothing is left open.
type Plan struct {
	Use      Use
	Tables   []TablePlan // in the schema's order
	After    []string    // statements to run on the copy; none in a rehearsal
	Warnings []string
	// known are statements of the schema that may hold values of masked columns.
	known []KnownText
	// references are all foreign keys that a sample follows, declared or from the policy.
	references []reference
}

// TablePlan is one table's part.
type TablePlan struct {
	Table    schema.Name
	Columns  []ColumnPlan // in the table's order, without generated columns; empty for an excluded table
	Exclude  bool
	Preserve bool // Keepable only: the target keeps its own rows
	Version  bool // a migration tool's table, copied as it is
	Where    string
	Groups   *Groups // Keepable only
	Strata   Strata
	key      []string // the columns that tell rows apart: primary key, a unique key of columns that are never null, or all
}

// ColumnPlan is one column's part.
type ColumnPlan struct {
	Column string
	Action Action
	Mask   string
	Domain string
	Value  *string // for Set
	Kept   []string
	Why    []string // why the mask has to be injective
	family family
	opts   maskOptions
	// nullable columns can be emptied.
	nullable bool
}

// Table finds a table's part.
func (p *Plan) Table(n schema.Name) (*TablePlan, bool) {
	for i := range p.Tables {
		if p.Tables[i].Table == n {
			return &p.Tables[i], true
		}
	}
	return nil, false
}

// Leave copies no rows of a table: the caller fills it.
func (p *Plan) Leave(n schema.Name) {
	if t, ok := p.Table(n); ok {
		t.Exclude = true
	}
}

// PlanError is why there is no plan: everything at once.
type PlanError struct {
	File     string
	Missing  []string // columns of copied tables that the policy does not name, as TABLE.COLUMN
	Problems strictyaml.Errors
}

func (e *PlanError) Error() string {
	var lines []string
	if n := len(e.Missing); n > 0 {
		verb := "columns are"
		if n == 1 {
			verb = "column is"
		}
		lines = append(lines, fmt.Sprintf("%s: %d %s not named, so nothing is copied: %s",
			e.File, n, verb, strings.Join(e.Missing, ", ")))
	}
	if len(e.Problems) > 0 {
		lines = append(lines, e.Problems.Error())
	}
	return strings.Join(lines, "\n")
}

// NewPlan joins a policy with the schema of the database that is copied. It fails closed: every column of every copied
// table must be named (generated ones aside), and no mask may break what the schema or the pending migrations demand of
// its column. versions are the migration tools' tables, copied as they are; well-known ones are recognised anyway.
func NewPlan(policy *Policy, sch *schema.Database, use Use, demands []schema.Obligation, versions ...schema.Name) (*Plan, error) {
	b := &planner{policy: policy, sch: sch, types: newTypes(sch), plan: &Plan{Use: use, known: policy.Schema}, needs: map[place]*need{}}
	b.match(versions)
	b.resolveReferences()
	b.joinDomains()
	b.gatherNeeds(demands)
	b.checkReferences()
	b.settleDomains()
	b.checkColumns(demands)
	b.checkGroups()
	if len(b.missing) > 0 || len(b.problems) > 0 {
		file := policy.File
		if file == "" {
			file = "sanitize.yaml"
		}
		sort.Strings(b.missing)
		_ = b.problems.Sorted()
		return nil, &PlanError{File: file, Missing: b.missing, Problems: b.problems}
	}
	if use == Keepable {
		b.plan.After = append([]string(nil), policy.After...)
	}
	sort.Strings(b.plan.Warnings)
	return b.plan, nil
}

// place is a column of a table.
type place struct {
	table  schema.Name
	column string
}

func (p place) String() string { return ColumnRef{TableKey(p.table), p.column}.String() }

// planner holds what NewPlan gathers.
type planner struct {
	policy   *Policy
	sch      *schema.Database
	types    *types
	plan     *Plan
	needs    map[place]*need
	missing  []string
	problems strictyaml.Errors
}

func (b *planner) fail(line, col int, format string, args ...any) {
	file := b.policy.File
	if file == "" {
		file = "sanitize.yaml"
	}
	b.problems = append(b.problems, strictyaml.Error{File: file, Line: line, Col: col, Msg: fmt.Sprintf(format, args...)})
}

func (b *planner) warn(format string, args ...any) {
	b.plan.Warnings = append(b.plan.Warnings, fmt.Sprintf(format, args...))
}

// match lays policy and schema side by side.
func (b *planner) match(versions []schema.Name) {
	known := map[string]bool{}
	var keys []string
	for i := range b.sch.Tables {
		t := &b.sch.Tables[i]
		key := TableKey(t.Name)
		known[key] = true
		keys = append(keys, key)
		entry, named := b.policy.Table(key)
		switch {
		case isVersionTable(t, versions):
			if named {
				b.fail(entry.Line, entry.Col, "%s is a migration tool's table: it is copied as it is and not named here", key)
			}
			b.plan.Tables = append(b.plan.Tables, versionPlan(t))
		case !named:
			for _, c := range t.Columns {
				if c.Generated == "" {
					b.missing = append(b.missing, place{t.Name, c.Name}.String())
				}
			}
			b.plan.Tables = append(b.plan.Tables, TablePlan{Table: t.Name, Exclude: true})
		default:
			b.plan.Tables = append(b.plan.Tables, b.matchTable(t, entry))
		}
	}
	for _, entry := range b.policy.Tables {
		if known[entry.Table] {
			continue
		}
		if s := didYouMean(entry.Table, keys); s != "" {
			b.fail(entry.Line, entry.Col, "there is no table %s%s", entry.Table, s)
		} else {
			b.warn("%s names the table %s, which does not exist", b.policy.File, entry.Table)
		}
	}
}

func versionPlan(t *schema.Table) TablePlan {
	p := TablePlan{Table: t.Name, Version: true, key: rowKey(t)}
	for _, c := range t.Columns {
		if c.Generated == "" {
			p.Columns = append(p.Columns, ColumnPlan{Column: c.Name, Action: Keep, Kept: []string{"all"}})
		}
	}
	return p
}

func (b *planner) matchTable(t *schema.Table, entry *TablePolicy) TablePlan {
	p := TablePlan{Table: t.Name, Where: entry.Where, Strata: entry.Strata, key: rowKey(t)}
	b.checkStrata(t, entry)
	if entry.Exclude || entry.Preserve {
		p.Exclude = entry.Exclude || b.plan.Use == Rehearsal
		p.Preserve = !p.Exclude
		return p
	}
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
		col, named := entry.Column(c.Name)
		switch {
		case c.Generated != "":
			if named && col.Action != Keep {
				b.fail(col.Line, col.Col, "%s is generated: mask the columns that it is made from", place{t.Name, c.Name})
			}
		case !named:
			b.missing = append(b.missing, place{t.Name, c.Name}.String())
		default:
			p.Columns = append(p.Columns, ColumnPlan{Column: c.Name, Action: col.Action, Mask: col.Mask, Domain: domainOf(place{t.Name, c.Name}, col), Value: col.Value,
				family: b.types.family(c.Type), nullable: c.Nullable})
		}
	}
	for _, col := range entry.Columns {
		if _, ok := t.Column(col.Column); ok {
			continue
		}
		if s := didYouMean(col.Column, names); s != "" {
			b.fail(col.Line, col.Col, "%s has no column %s%s", entry.Table, col.Column, s)
		} else {
			b.warn("%s names the column %s, which does not exist", b.policy.File, place{t.Name, col.Column})
		}
	}
	return p
}

// checkStrata refuses columns that are not there.
func (b *planner) checkStrata(t *schema.Table, entry *TablePolicy) {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	for _, name := range entry.Strata.By {
		if _, ok := t.Column(name); !ok {
			b.fail(entry.Line, entry.Col, "%s has no column %s for its strata%s", entry.Table, name, didYouMean(name, names))
		}
	}
}

// column finds a column's part and its policy entry.
func (b *planner) column(p place) (*ColumnPlan, *ColumnPolicy) {
	t, ok := b.plan.Table(p.table)
	if !ok {
		return nil, nil
	}
	for i := range t.Columns {
		if t.Columns[i].Column != p.column {
			continue
		}
		if entry, ok := b.policy.Table(TableKey(p.table)); ok {
			if c, ok := entry.Column(p.column); ok {
				return &t.Columns[i], c
			}
		}
		return &t.Columns[i], &ColumnPolicy{}
	}
	return nil, nil
}

// domainOf is the domain that an entry names, or one of the column's own.
func domainOf(p place, c *ColumnPolicy) string {
	if c.Domain == "" && c.Action == Mask {
		return p.String()
	}
	return c.Domain
}

// joinDomains lets a foreign key's column without a domain use the one of the column
// that it refers to, and the other way round.
func (b *planner) joinDomains() {
	for range b.plan.references {
		for _, r := range b.plan.references {
			for i := range r.fromColumns {
				child, childEntry := b.column(place{r.from, r.fromColumns[i]})
				parent, parentEntry := b.column(place{r.to, r.toColumns[i]})
				switch {
				case child == nil || parent == nil || child.Action != Mask || parent.Action != Mask || child.Mask != parent.Mask:
				case childEntry.Domain == "":
					child.Domain = parent.Domain
				case parentEntry.Domain == "":
					parent.Domain = child.Domain
				}
			}
		}
	}
}

// rowKey returns the columns that tell the rows of a table apart.
func rowKey(t *schema.Table) []string {
	if t.PrimaryKey != nil {
		return t.PrimaryKey.Columns
	}
	for _, u := range t.Unique {
		whole := true
		for _, name := range u.Columns {
			c, ok := t.Column(name)
			whole = whole && ok && !c.Nullable
		}
		if whole {
			return u.Columns
		}
	}
	var all []string
	for _, c := range t.Columns {
		if c.Generated == "" {
			all = append(all, c.Name)
		}
	}
	return all
}
