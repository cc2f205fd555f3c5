package compare

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// sayRows counts what was added, removed and changed, in which columns, with the keys and values of some rows where the policy keeps them.
func (j *judgement) sayRows() string {
	s := "rows of " + snapshot.Unescape(j.d.node.addr.Name)
	if j.rows == nil {
		if j.shape == missing {
			return s + " " + j.missingText()
		}
		return s + " differ between " + j.c.nameList(j.d.sides)
	}
	d := j.rows.diff
	counts := sayCounts(&d)
	switch {
	case d.Unread > 0 && counts == "":
		return s + fmt.Sprintf(" differ in at least %d places in %s against %s; which rows they are is told where both are compared live", d.Unread, j.rows.to, j.rows.from)
	case d.Unread > 0:
		counts += fmt.Sprintf(" and at least %d more", d.Unread)
	}
	s += ": " + counts + " in " + j.rows.to + " against " + j.rows.from
	if d.Sampled > 0 {
		s += ", among " + grouped(d.Sampled) + " sampled rows"
	}
	if len(d.Columns) > 0 {
		s += ", in " + sayColumns(d.Columns)
	}
	if len(d.Examples) > 0 {
		examples := make([]string, len(d.Examples))
		for i, e := range d.Examples {
			examples[i] = sayExample(e)
		}
		s += " (" + strings.Join(examples, "; ") + ")"
	}
	if len(d.Skipped) > 0 {
		s += "; not compared: " + strings.Join(d.Skipped, ", ")
	}
	if j.rows.moving > 0 {
		s += fmt.Sprintf("; %d more went on changing and are not judged", j.rows.moving)
	}
	return s
}

func sayCounts(d *snapshot.RowDiff) string {
	var parts []string
	for _, p := range []struct {
		n    int64
		verb string
	}{{d.Added, "added"}, {d.Removed, "removed"}, {d.Changed, "changed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.verb))
		}
	}
	return strings.Join(parts, ", ")
}

// maxColumnsSaid is how many columns a message names.
const maxColumnsSaid = 6

// sayColumns names the columns that changed rows differ in, with how many rows each where there are several.
func sayColumns(columns []snapshot.ColumnDiff) string {
	if len(columns) == 1 {
		return columns[0].Column
	}
	var parts []string
	for i, c := range columns {
		if i == maxColumnsSaid {
			parts = append(parts, fmt.Sprintf("%d more columns", len(columns)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%d)", c.Column, c.Rows))
	}
	return strings.Join(parts, ", ")
}

// sayExample is a row's key and what became of its kept values.
func sayExample(e snapshot.RowExample) string {
	s := e.Key
	if e.Change != "changed" {
		s += " " + e.Change
	}
	for i, v := range e.Values {
		if i == 0 {
			s += ":"
		} else {
			s += ","
		}
		s += " " + v.Column + " " + v.From + " → " + v.To
	}
	return s
}
