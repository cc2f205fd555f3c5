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
	from, to string
}

// isRows reports an object that stands for the rows of a table.
func isRows(key string) bool { return strings.HasPrefix(key[strings.IndexByte(key, ':')+1:], "rows/") }

// finishRows makes one node of a table's rows: compared by digest, shown by count.
func (c *comparison) finishRows(o *object) {
	var digest, count *row
	for _, r := range o.rows {
		switch attributeOf(r.key) {
		case "digest":
			digest = r
		case "count":
			count = r
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
			if count != nil {
				for _, h := range count.cells[i].groups {
					if !g.on.and(h.on).empty() {
						g.value = h.value
						break
					}
				}
			}
			n.cells[i].present = append(n.cells[i].present, g)
		}
	}
	n.content = []string{"="}
	c.keep(n)
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
	if !j.sameColumns(from, to) {
		return true, nil // what the columns differ by is said of the columns
	}
	a, nameA := j.rowsOf(from)
	b, nameB := j.rowsOf(to)
	if a == nil || b == nil {
		return false, nil
	}
	diff, err := snapshot.CompareRows(a, b)
	switch {
	case errors.Is(err, snapshot.ErrRowsNotComparable):
		j.c.warnings[fmt.Sprintf("%s: the rows of %s and %s are not compared: %v", j.d.node.addr, nameA, nameB, err)] = true
		return true, nil
	case err != nil:
		j.c.extraGaps = append(j.c.extraGaps, finding.Gap{Environment: j.c.sides[to.side].Name, Address: j.d.node.addr.String(),
			Reason: err.Error(), Hint: "capture the environment again"})
		return true, nil
	}
	j.rows = &rowChanges{diff, nameA, nameB}
	return false, nil
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

// rowsOf is the attachment of the first instance of a share, nil when the snapshot has none.
func (j *judgement) rowsOf(s share) (snapshot.Attachment, string) {
	a := j.d.node.cells[s.side].addr
	names := j.c.views[s.side][a.Scope].names(s.on)
	who := j.c.sides[s.side].Name
	if j.d.within && len(names) > 0 {
		who = names[0]
	}
	for _, instance := range names {
		if at, ok := j.c.sides[s.side].Snapshot.Attachments[snapshot.RowsAttachment(a.Scope, instance, snapshot.SplitIdent(a.Name)...)]; ok {
			return at, who
		}
	}
	return nil, who
}

// sayRows counts what was added, removed and changed, with the keys of some rows where the policy keeps them.
func (j *judgement) sayRows() string {
	n := j.d.node
	s := "rows of " + snapshot.Unescape(n.addr.Name)
	if j.rows == nil {
		if j.shape == missing {
			return s + " " + j.missingText()
		}
		return s + " differ between " + j.c.nameList(j.d.sides)
	}
	d := j.rows.diff
	var parts []string
	for _, p := range []struct {
		n    int64
		verb string
	}{{d.Added, "added"}, {d.Removed, "removed"}, {d.Changed, "changed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.verb))
		}
	}
	s += ": " + strings.Join(parts, ", ") + " in " + j.rows.to + " against " + j.rows.from
	if len(d.Examples) > 0 {
		s += " (" + strings.Join(d.Examples, "; ") + ")"
	}
	return s
}
