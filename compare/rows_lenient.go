package compare

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// sayLenient warns of what was left out of a comparison of rows: equal is then said of less than the table.
func (c *comparison) sayLenient(o *object, digest *row) {
	holders, first, equal := 0, "", true
	for i := range digest.cells {
		for j := range digest.cells[i].groups {
			g := &digest.cells[i].groups[j]
			if holders == 0 {
				first = g.key
			}
			holders += g.on.count()
			equal = equal && g.key == first
		}
	}
	if holders < 2 {
		return // nothing was compared
	}
	addr := digest.address().Whole()
	for _, r := range o.rows {
		for i := range r.cells {
			for j := range r.cells[i].groups {
				c.sayLeniency(addr, attributeOf(r.key), r.cells[i].groups[j].value, equal)
			}
		}
	}
}

func (c *comparison) sayLeniency(addr snapshot.Address, attribute string, v snapshot.Value, equal bool) {
	switch attribute {
	case "@skip":
		var names []string
		for _, item := range v.Items() {
			names = append(names, item.Display())
		}
		c.warnings[fmt.Sprintf("%s: the rows are compared without %s, as `skip` says", addr, strings.Join(names, ", "))] = true
	case "@round":
		c.warnings[fmt.Sprintf("%s: the rows are compared with %s, as `round` says", addr, v.Display())] = true
	case "@resumed":
		c.warnings[fmt.Sprintf("%s: rows as they were read at %s UTC, by a run that was interrupted", addr, v.Display())] = true
	case "sampled":
		text, _, _ := strings.Cut(v.Display(), " ")
		if rows, err := strconv.ParseInt(text, 10, 64); err == nil && equal {
			c.warnings[saySampled(addr, rows)] = true
		}
	}
}

// saySampled says what a sample without a difference proves.
func saySampled(addr snapshot.Address, rows int64) string {
	return fmt.Sprintf("%s: no difference in %s sampled rows: below %s at 95 %%", addr, grouped(rows), snapshot.Bound(rows))
}

// grouped writes a number as people read it: 30,000.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
