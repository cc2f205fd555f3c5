package sanitize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
)

// CopyOptions says how much is copied and who watches.
type CopyOptions struct {
	// Sample is the share of rows; nil is all.
	Sample *Sample
	// Workers is how many tables are copied at once, where the source can share its moment and OpenCopy is set; 0 is one.
	Workers int
	// OpenCopy opens another connection to the copy.
	OpenCopy func(ctx context.Context) (engine.DB, error)
	// Loaded is called when the rows of a table are in, for several tables at once.
	Loaded func(ctx context.Context, dst engine.DB, done *TableDone) error
	// Done are tables that an earlier run has finished. Clear empties one that has changed since. Unchanging is set for a source that cannot change. Sums
	// asks for what a later run needs to compare.
	Done       map[schema.Name]*TableDone
	Clear      func(ctx context.Context, dst engine.DB, table schema.Name) error
	Unchanging bool
	Sums       bool
	// Phase is told when the rows of a table are in, for several at once, and when the search for raw values begins and ends. Optional.
	Phase func(Phase)
	// Pace is called before each table and every few thousand rows, for several tables at once. It may wait; its error ends the copy. Optional.
	Pace func(ctx context.Context) error
	// Progress is called now and then with the rows of a table so far, for several tables at once.
	Progress func(table string, rows int64)
	// Note is told what the reader of the report should know: that the leak check looked
	// for a share of the values only. Optional.
	Note func(text string)
	// MaxLeakValues bounds how many source values the leak check remembers; 0 is DefaultLeakValues. Beyond it a keyed
	// share of them is looked for, and Note says so.
	MaxLeakValues int
}

// Phase is a part of copying that has just been reached.
type Phase string

// The phases.
const (
	RowsIn   Phase = "rows"
	Search   Phase = "search"
	Searched Phase = "searched"
)

func (c *copier) phase(p Phase) {
	if c.opt.Phase != nil {
		c.opt.Phase(p)
	}
}

// Copy streams every table of the plan from src to dst, masking on the way, and then looks in dst for
// raw values. dst already has the tables (what must stand before the rows) and is empty; excluded tables
// stay empty. The result describes what was copied, also when the error is a *LeakError: then dst holds
// a raw value and the caller has to drop it.
func Copy(ctx context.Context, src, dst engine.DB, sch *schema.Database, plan *Plan, key keys.Key, opt CopyOptions) (*finding.Sanitization, error) {
	if key.Zero() {
		return nil, errors.New("masking needs the pseudonym key: envdiff init makes one, and envdiff.yaml names it under keys.pseudonym")
	}
	long, err := longRows(ctx, src, plan)
	if err != nil {
		return nil, err
	}
	sel, err := choose(ctx, src, sch, plan, key, opt.Sample)
	if err != nil {
		return nil, err
	}
	c := &copier{src: src, dst: dst, sch: sch, plan: plan, key: key, opt: opt, selection: sel, leaks: newLeakSet(opt.MaxLeakValues), long: long}
	return c.run(ctx)
}

// run copies all tables and searches them.
func (c *copier) run(ctx context.Context) (result *finding.Sanitization, err error) {
	lanes, done, err := c.lanes(ctx)
	defer func() { err = errors.Join(err, done()) }()
	if err != nil {
		return nil, err
	}
	var tables []*TablePlan
	for i := range c.plan.Tables {
		if t := &c.plan.Tables[i]; !t.Exclude && !t.Preserve && len(t.Columns) > 0 {
			tables = append(tables, t)
		}
	}
	var mutex sync.Mutex
	copied := map[schema.Name]*TableDone{}
	err = c.spread(ctx, lanes, tables, func(ctx context.Context, l *lane, t *TablePlan) error {
		if c.long[t.Table] {
			c.longTurn.Lock()
			defer c.longTurn.Unlock()
		}
		done, err := l.take(ctx, t)
		if err != nil {
			return err
		}
		mutex.Lock()
		copied[t.Table] = done
		mutex.Unlock()
		c.phase(RowsIn)
		if c.opt.Loaded != nil {
			return c.opt.Loaded(ctx, l.dst, done)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("copying %w", err)
	}
	result = &finding.Sanitization{Tables: []finding.SanitizedTable{}, Features: []finding.Feature{}}
	loaded := map[string]int64{}
	for _, t := range tables {
		done := copied[t.Table]
		loaded[TableKey(t.Table)] = done.Rows
		result.Tables = append(result.Tables, done.Report)
		result.Features = append(result.Features, done.Features...)
	}
	for _, l := range lanes {
		l.leaks.flush()
	}
	c.phase(Search)
	found, luck, err := c.search(ctx, lanes, loaded)
	c.phase(Searched)
	if err != nil {
		return nil, fmt.Errorf("looking for leaks: %w", err)
	}
	inSchema, err := c.searchSchema()
	if err != nil {
		return nil, fmt.Errorf("looking for leaks in the schema: %w", err)
	}
	for _, l := range slices.Concat(found, inSchema) {
		result.Leaks += l.Values
	}
	result.Searched = &finding.LeakSearch{Values: int64(c.leaks.rich.used + c.leaks.used), Share: c.leaks.share(), Observed: luck.observed, Expected: luck.expected}
	if share := c.leaks.share(); share < 1 && c.opt.Note != nil {
		c.opt.Note(fmt.Sprintf("the leak check compared every masked cell with its source, but looked elsewhere in the copy for 1 in %.0f source values only: there are more than it remembers", 1/share))
	}
	if len(found)+len(inSchema) > 0 {
		return result, &LeakError{Leaks: found, InSchema: inSchema, Search: *result.Searched}
	}
	return result, nil
}

// copier is one run of Copy.
type copier struct {
	src, dst  engine.DB
	sch       *schema.Database
	plan      *Plan
	key       keys.Key
	opt       CopyOptions
	selection *selection
	leaks     *leakSet
	long      map[schema.Name]bool // tables of which one is copied at a time
	longTurn  sync.Mutex
}
