package sanitize

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
)

// A refresh that was killed is gone on with so that the result is what a run from the start would have made: all rows of one moment of the source. That moment
// is the new run's, as the old one died with its session. A table that was finished is kept only if the source has the same rows in it as when it was read,
// which the sum of keyed digests of all rows proves; else it is copied again. Rows of a stored snapshot cannot have changed. The leak check begins anew and
// searches everything.

// TableDone is a table whose rows are in a copy, with what the report says of it.
type TableDone struct {
	Table    schema.Name
	Rows     int64
	Sum      uint64 // of the source's rows; 0 where it was not asked for
	Report   finding.SanitizedTable
	Features []finding.Feature
	// again is set where indexes and constraints are there from an earlier run.
	again bool
	// leaky tables have a cell that is its own mask: they are never gone on with.
	leaky bool
}

// unknownRows is of a table that was emptied after it had been finished: no source has as many.
const unknownRows = -1

// stageNote is a line of a stage's notes: which copy it is, or a table that is finished.
type stageNote struct {
	Print string     `json:",omitempty"`
	Done  *TableDone `json:",omitempty"`
}

// takeOver returns the stage that an earlier run left if it is of the same copy, and the tables that are finished in it. Otherwise why says why not.
func (in *Refreshing) takeOver(ctx context.Context) (stage engine.Target, done map[schema.Name]*TableDone, why string, err error) {
	r, ok := in.Target.(engine.Resumer)
	if !ok {
		return stage, nil, "a file of this engine cannot be gone on with", nil
	}
	if !in.resumable() {
		return stage, nil, "samples are not gone on with: which rows they have depends on all tables", nil
	}
	stage, notes, err := r.Left(ctx)
	if err != nil || len(notes) == 0 {
		return stage, nil, "there was nothing to go on with", err
	}
	print, err := in.print()
	if err != nil {
		return stage, nil, "", err
	}
	done = map[schema.Name]*TableDone{}
	same := false
	for _, text := range notes {
		var n stageNote
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			return stage, nil, "the notes of the run that was interrupted cannot be read", nil
		}
		same = same || n.Print == print
		if n.Done != nil {
			n.Done.again = true
			done[n.Done.Table] = n.Done
		}
	}
	if !same {
		return stage, nil, "the schema, the policy, the key or envdiff itself is not what it was in the run that was interrupted", nil
	}
	for name := range done {
		if t, ok := in.Schema.Table(name); !ok || !in.Stored && !refillable(t) {
			return stage, nil, TableKey(name) + " has what keeps rows from being loaded again (row-level security, or a constraint that is not valid)", nil
		}
	}
	return stage, done, "", nil
}

// refillable reports a table that takes its own rows also when its constraints are there: a check that is not valid would refuse those that break it.
func refillable(t *schema.Table) bool {
	return t.Options["row_security"] == "" && !slices.ContainsFunc(t.Checks, func(c schema.Check) bool { return c.NotValid })
}

// resumable reports whether single tables of this copy can be finished.
func (in *Refreshing) resumable() bool {
	sampled := in.Copy.Sample != nil && (in.Copy.Sample.Rows > 0 || in.Copy.Sample.Percent < 100)
	return !sampled && !slices.ContainsFunc(in.Plan.Tables, func(t TablePlan) bool { return t.Where != "" && !t.Exclude })
}

// print tells one copy from another: everything that its tables are made from and by, but the rows.
func (in *Refreshing) print() (string, error) {
	f := &filling{src: in.Source, sch: in.withAccess()}
	before, tables, after, err := f.ddl()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	e := json.NewEncoder(h)
	parts := []any{in.Mark.Version, in.Mark.Source, in.Mark.Key, in.Snapshot, in.Plan.Use, before, after}
	for i := range in.Plan.Tables {
		t := &in.Plan.Tables[i]
		parts = append(parts, TableKey(t.Table), tables[t.Table], t.Exclude, t.Preserve, t.Version, t.Groups)
		for _, c := range t.Columns {
			parts = append(parts, c.Column, c.Action, c.Mask, c.Domain, c.Value, fmt.Sprintf("%+v", c.opts))
		}
	}
	for _, p := range parts {
		if err := e.Encode(p); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// rowSum adds up keyed digests of rows: the same sum for the same rows in whatever order they come. It is no proof against somebody who can write rows and knows
// the key.
type rowSum struct {
	seed uint64
	row  xxhash.Digest
	head []byte
	sum  uint64
}

func newRowSum(key keys.Key) *rowSum {
	s := &rowSum{seed: binary.LittleEndian.Uint64(key.Derive("refresh rows").Bytes())}
	s.row.ResetWithSeed(s.seed)
	return s
}

// cell adds one cell of the row; its length tells ("ab", "c") from ("a", "bc").
func (s *rowSum) cell(c engine.Cell) {
	s.head = binary.AppendUvarint(append(s.head[:0], byte(c.Type)), uint64(len(c.Data)))
	_, _ = s.row.Write(s.head)
	_, _ = s.row.Write(c.Data)
}

// end ends the row.
func (s *rowSum) end() {
	s.sum += s.row.Sum64()
	s.row.ResetWithSeed(s.seed)
}

// take copies a table, or keeps what an earlier run has copied of it.
func (c *lane) take(ctx context.Context, t *TablePlan) (*TableDone, error) {
	done := c.opt.Done[t.Table]
	if done != nil {
		same, err := c.unchanged(ctx, t, done)
		if err != nil || same {
			return done, err
		}
		if err := c.opt.Clear(ctx, c.dst, t.Table); err != nil {
			return nil, err
		}
	}
	tc, err := c.table(ctx, t)
	if err != nil {
		return nil, err
	}
	out := &TableDone{Table: t.Table, Rows: tc.rows, Report: tc.report(), Features: tc.features(), again: done != nil, leaky: c.leaky(tc)}
	if tc.sum != nil {
		out.Sum = tc.sum.sum
	}
	return out, nil
}

// unchanged reports whether a finished table has the rows of this moment, and if so lets the leak check know them.
func (c *lane) unchanged(ctx context.Context, t *TablePlan, done *TableDone) (bool, error) {
	if c.opt.Unchanging || done.Rows == unknownRows {
		return done.Rows != unknownRows, nil
	}
	tc := &tableCopy{plan: t}
	sum, rows := newRowSum(c.key), int64(0)
	read := readColumns(t)
	err := c.src.CopyOut(ctx, engine.Read{Table: t.Table, Columns: read}, func(row engine.Row) error {
		for _, cell := range row {
			sum.cell(cell)
		}
		sum.end()
		rows++
		return c.counted(ctx, tc)
	})
	if err != nil || rows != done.Rows || sum.sum != done.Sum {
		return false, err
	}
	return true, c.remember(ctx, t)
}

// remember reads the values that a finished table's masks have replaced.
func (c *lane) remember(ctx context.Context, t *TablePlan) error {
	tc := c.prepare(t)
	var masked []*outColumn
	var names []string
	for i := range tc.columns {
		if col := &tc.columns[i]; col.masker != nil {
			masked, names = append(masked, col), append(names, col.plan.Column)
		}
	}
	if len(masked) == 0 {
		return nil
	}
	return c.src.CopyOut(ctx, engine.Read{Table: t.Table, Columns: names}, func(row engine.Row) error {
		for i, cell := range row {
			if cell.Type != engine.CellNull {
				c.leaks.remember(masked[i], cell.Data)
			}
		}
		return c.counted(ctx, tc)
	})
}

// readColumns are the columns of a table that a copy reads, in the order in which prepare lays them out.
func readColumns(t *TablePlan) []string {
	var read []string
	for _, p := range t.Columns {
		if p.Action == Keep || p.Action == Mask {
			read = append(read, p.Column)
		}
	}
	if len(read) == 0 {
		return t.key[:1]
	}
	return read
}

// leaky reports a table with a cell that is its own mask.
func (c *lane) leaky(tc *tableCopy) bool {
	c.leaks.flush()
	set := c.leaks.set
	set.mutex.Lock()
	defer set.mutex.Unlock()
	return slices.ContainsFunc(tc.columns, func(col outColumn) bool { return col.masker != nil && set.columns[col.id].own > 0 })
}
