package compare

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// rowChanges are the differences of a table's rows between two sides, or between an odd instance and its peers.
type rowChanges struct {
	diff     snapshot.RowDiff
	moving   int64 // rows that went on changing while they were read again: nothing is said of them
	from, to string
}

// isRows reports an object that stands for the rows of a table.
func isRows(key string) bool { return strings.HasPrefix(key[strings.IndexByte(key, ':')+1:], "rows/") }

// finishRows makes one node of a table's rows: compared by digest, shown by count.
func (c *comparison) finishRows(o *object) {
	var digest *row
	var counts []*row
	for _, r := range o.rows {
		switch attributeOf(r.key) {
		case "digest":
			digest = r
		case "count", "sampled":
			counts = append(counts, r)
		}
	}
	if digest == nil {
		return
	}
	n := &node{key: o.key, object: o.key, parent: scopeOf(o.key), addr: digest.address().Whole(), kind: digest.kind, cells: make([]nodeCell, len(c.sides))}
	for i := range digest.cells {
		n.cells[i].addr = digest.cells[i].addr.Whole()
		for _, g := range digest.cells[i].groups {
			g.value = snapshot.Value{}
			for _, count := range counts {
				for _, h := range count.cells[i].groups {
					if !g.on.and(h.on).empty() {
						g.value = h.value
					}
				}
			}
			n.cells[i].present = append(n.cells[i].present, g)
		}
	}
	n.content = []string{"="}
	c.keep(n)
	c.sayLenient(o, digest)
}

// countRows compares the row digests of a difference in a table's rows. It says skip where nothing can be said of the
// rows: because they are equal after all, or because digests under two keys are not comparable (a gap), or because the
// tables' columns differ (findings of their own).
func (j *judgement) countRows(ctx context.Context) (skip bool, err error) {
	if !isRows(j.d.node.key) || j.shape != differs {
		return false, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if len(j.d.sides) > 1 && j.c.noteKeys(j.d.node.addr, j.d.sides) {
		return true, nil
	}
	from, to := j.rowPair()
	a, b := j.rowsOf(from), j.rowsOf(to)
	if a.file == nil || b.file == nil {
		return !j.sameColumns(from, to), nil // what the columns differ by is said of the columns
	}
	diff, err := snapshot.CompareRows(a.file, b.file)
	var moving int64
	if err == nil {
		diff, moving, err = j.settle(ctx, a, b, diff)
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	gap := func(reason, hint string) {
		j.c.extraGaps = append(j.c.extraGaps, finding.Gap{Environment: j.c.sides[to.side].Name, Address: j.d.node.addr.String(), Reason: reason, Hint: hint})
	}
	switch {
	case errors.Is(err, snapshot.ErrRowsNotComparable):
		j.c.warnings[fmt.Sprintf("%s: the rows of %s and %s are not compared: %v", j.d.node.addr, a.name, b.name, err)] = true
		return true, nil
	case err != nil:
		gap(err.Error(), "capture the environment again")
		return true, nil
	}
	if len(diff.Skipped) > 0 {
		j.c.warnings[fmt.Sprintf("%s: the rows of %s and %s are compared without %s, which only one of them has", j.d.node.addr, a.name, b.name, strings.Join(diff.Skipped, ", "))] = true
	}
	j.rows = &rowChanges{diff, moving, a.name, b.name}
	if diff.None() && moving == 0 && diff.Sampled > 0 {
		j.c.warnings[saySampled(j.d.node.addr, diff.Sampled)] = true
	}
	if diff.None() && moving > 0 {
		gap(fmt.Sprintf("%d rows went on changing while they were compared", moving), "compare again when less is written")
	}
	return diff.None(), nil
}

// sameColumns reports that the digests of two shares are over the same columns.
func (j *judgement) sameColumns(from, to share) bool {
	var columns [2]string
	for i, s := range [2]share{from, to} {
		a := j.d.node.cells[s.side].addr
		a.Attribute = "@columns"
		line := findLine(j.c.sides[s.side].Snapshot, a)
		if line == nil {
			continue
		}
		for _, held := range line.Values {
			if on := j.c.views[s.side][a.Scope].members(held.On, false); !on.and(s.on).empty() {
				columns[i] = held.Value.JSON()
				break
			}
		}
	}
	return columns[0] == columns[1]
}

// rowPair are the shares whose rows are compared: the first side's and the last
// side's, or the peers' and the odd ones'.
func (j *judgement) rowPair() (from, to share) {
	d := j.d
	if !d.within {
		first, last := d.norm(d.sides[0]), d.norm(d.sides[len(d.sides)-1])
		from, to = first[0], last[0]
		if from.key == to.key { // with three sides it may be the middle one that differs
			for _, s := range d.shares {
				if s.key != to.key && !s.absent {
					from = s
					break
				}
			}
		}
		return from, to
	}
	from, to = d.shares[0], d.shares[len(d.shares)-1]
	for _, s := range d.shares {
		if s.odd {
			return from, s
		}
	}
	return from, to
}

// rowsAt are the row digests of one instance.
type rowsAt struct {
	side     int
	scope    string
	table    string // as in addresses
	instance string
	name     string // for messages
	file     snapshot.Attachment
}

// rowsOf are those of the first instance of a share, without a file when the snapshot has none.
func (j *judgement) rowsOf(s share) rowsAt {
	a := j.d.node.cells[s.side].addr
	names := j.c.views[s.side][a.Scope].names(s.on)
	at := rowsAt{side: s.side, scope: a.Scope, table: a.Name, name: j.c.sides[s.side].Name}
	if j.d.within && len(names) > 0 {
		at.name = names[0]
	}
	for _, instance := range names {
		if file, ok := j.c.sides[s.side].Snapshot.Attachments[snapshot.RowsAttachment(a.Scope, instance, snapshot.SplitIdent(a.Name)...)]; ok {
			at.instance, at.file = instance, file
			break
		}
	}
	return at
}
