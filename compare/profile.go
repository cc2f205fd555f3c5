package compare

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// profiles remembers the rows of profiles as the merge passes over them.
type profiles struct{ rows map[string]*row }

func (p *profiles) note(r *row) {
	if !strings.HasPrefix(r.key[strings.IndexByte(r.key, ':')+1:], "profile/") {
		return
	}
	if p.rows == nil {
		p.rows = map[string]*row{}
	}
	p.rows[r.key] = r
}

// differences are the one-sided traits, one per column and trait, and columns that are distributed differently.
func (p *profiles) differences(c *comparison) []*difference {
	if len(c.sides) < 2 {
		return nil
	}
	p.sayResumed(c)
	out := p.oneSided(c)
	told := map[string]bool{}
	for _, d := range out {
		told[d.node.key] = true
	}
	for _, d := range p.driftOf(c) {
		if !told[d.node.key] { // its values are news already
			out = append(out, d)
		}
	}
	return out
}

// sayResumed warns of tables that were counted before the rest, by a run that was interrupted.
func (p *profiles) sayResumed(c *comparison) {
	for key := range p.rows {
		object, resumed := strings.CutSuffix(key, "#@resumed")
		if !resumed {
			continue
		}
		for side := range c.sides {
			if at := p.text(side, key); at != "" {
				c.warnings[fmt.Sprintf("%s: the profile in %s is of %s UTC, by a run that was interrupted", object, c.sides[side].Name, at)] = true
			}
		}
	}
}

// number is the largest number of an attribute on a side, over its instances.
func (p *profiles) number(side int, key string) (float64, bool) {
	r := p.rows[key]
	if r == nil {
		return 0, false
	}
	return largest(&r.cells[side])
}

// list is an attribute's list on a side; nil where instances differ: shards have no distribution in common.
func (p *profiles) list(side int, key string) []string {
	r := p.rows[key]
	if r == nil || len(r.cells[side].groups) != 1 {
		return nil
	}
	var items []string
	for _, v := range r.cells[side].groups[0].value.Items() {
		text, _ := v.Text()
		items = append(items, text)
	}
	return items
}

// keeps reports whether a side's policy leaves a property of a column to be compared.
func (p *profiles) keeps(side int, column, property string) bool {
	return slices.Contains(p.list(side, column+"#@kept"), property)
}

// numbers are a list's items that are numbers.
func (p *profiles) numbers(side int, key string) (out []float64) {
	for _, text := range p.list(side, key) {
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			out = append(out, f)
		}
	}
	return out
}

// text is an attribute's text on a side; "" where instances differ.
func (p *profiles) text(side int, key string) string {
	r := p.rows[key]
	if r == nil || len(r.cells[side].groups) != 1 {
		return ""
	}
	text, _ := r.cells[side].groups[0].value.Text()
	return text
}

// tableOn is what one side's profile says of a table.
type tableOn struct {
	grade    string
	rows     float64 // that the counts are of: those of the table, or of what was examined of it
	outdated float64 // share of the rows that may have changed since they were examined
	undated  bool    // a planner's statistics of unknown age
}

// The grades of profiles, see snapshot.Grade.
const (
	planner = string(snapshot.GradePlanner)
	sample  = string(snapshot.GradeSample)
)

// tableOn is what a side knows of a table; false where it knows nothing or the table is empty.
func (p *profiles) tableOn(side int, table string) (on tableOn, ok bool) {
	rows, ok := p.number(side, table+"#rows")
	if !ok || !(rows > 0) {
		return tableOn{}, false
	}
	on = tableOn{grade: p.text(side, table+"#grade"), rows: rows}
	if changed, ok := p.number(side, table+"#changed"); ok {
		on.outdated = min(1, max(0, changed/rows))
	} else {
		on.undated = on.grade == planner
	}
	if examined, ok := p.number(side, table+"#examined"); ok {
		on.rows = min(rows, max(0, examined))
	}
	return on, on.rows > 0
}

// grades says what a claim is made from, where that is not a scan of every side.
func (p *profiles) grades(c *comparison, table string, sides []int) string {
	var said []string
	for _, i := range sides {
		on, _ := p.tableOn(i, table)
		switch {
		case on.undated:
			said = append(said, fmt.Sprintf("%s by planner statistics of %.0f rows, of unknown age", c.sides[i].Name, on.rows))
		case on.grade == planner:
			said = append(said, fmt.Sprintf("%s by planner statistics of %.0f rows", c.sides[i].Name, on.rows))
		case on.grade == sample:
			said = append(said, fmt.Sprintf("%s by a sample of %.0f rows", c.sides[i].Name, on.rows))
		default:
			said = append(said, c.sides[i].Name+" by a scan")
		}
	}
	if len(said) > 0 && !slices.ContainsFunc(said, func(s string) bool { return !strings.HasSuffix(s, " by a scan") }) {
		return " (scanned)"
	}
	return " (" + strings.Join(said, ", ") + ")"
}

// tableOf is the object of a column's table.
func tableOf(column string) string { return column[:max(strings.LastIndexByte(column, '.'), 0)] }

// largest is the largest number of a cell, over its instances.
func largest(c *cell) (float64, bool) {
	var most float64
	found := false
	for _, g := range c.groups {
		if f, ok := g.value.Number(); ok && (!found || f > most) {
			most, found = f, true
		}
	}
	return most, found
}
