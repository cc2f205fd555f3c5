package compare

import (
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// chance is what is left to it: a trait is told where the other sides, were their rows of the same distribution, would show it with a
// probability of more than 1 - chance, and so that of all traits told in a run no more than this share is expected to be chance. What
// twenty rows of staging can not show of two million is no news. Columns that a pending migration touches are told anyhow: it meets
// production's rows, however rare.
const chance = 0.05

// suspect is a trait of a column that only the last side has, or might have.
type suspect struct {
	d       *difference // nil where others have it too: it counts among the tests alone
	p       float64     // of the others having none by chance
	pending bool
}

// evidence is how many rows of how many have a trait.
type evidence struct{ with, rows float64 }

// test is the suspicion that the others have none of a trait by chance; ok is false where there is no telling, whatever was found.
func test(last, others evidence) (p float64, ok bool) {
	if p := absenceP(last.with+others.with, last.rows, others.rows); !(p <= chance) { // nor is NaN
		return 1, false
	}
	if others.with > 0 {
		return 1, true
	}
	return absenceP(last.with, last.rows, others.rows), true
}

// oneSided are the traits and values that only the last side's columns have.
func (p *profiles) oneSided(c *comparison) []*difference {
	var all []suspect
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		if column, ok := strings.CutSuffix(key, "#categories"); ok {
			if s, ok := p.strangers(c, column); ok {
				all = append(all, s)
			}
			continue
		}
		for i := range traits {
			if attributeOf(key) == traits[i].attribute {
				if s, ok := p.suspectIn(c, key, &traits[i]); ok {
					all = append(all, s)
				}
			}
		}
	}
	var out []*difference
	for _, s := range all {
		if s.pending && s.d != nil {
			s.d.remark.rule = "data-one-sided-pending"
			out = append(out, s.d)
		}
	}
	tests := slices.DeleteFunc(all, func(s suspect) bool { return s.pending || s.p > 1 })
	for _, s := range discoveries(tests, chance, func(s suspect) float64 { return s.p }) {
		if s.d != nil && s.p <= chance {
			out = append(out, s.d)
		}
	}
	return out
}

// untestable is the p of what so few rows can not tell from chance.
const untestable = 2

// suspectIn compares the last side's trait with the others'. Sides without the column or without rows say nothing, and neither does a trait
// of what a policy does not leave on every side.
func (p *profiles) suspectIn(c *comparison, key string, t *trait) (suspect, bool) {
	column, _, _ := strings.Cut(key, "#")
	last := len(c.sides) - 1
	var sides []int
	var most, value float64
	var on tableOn
	var here, others evidence
	for i := range c.sides {
		v, ok := p.count(i, key)
		table, known := p.tableOn(i, tableOf(column))
		if !ok || !known || i != last && (table.undated || t.beyond != "" && table.grade == planner) {
			continue // statistics do not know what is the longest, nor those of unknown age what is not there
		}
		if !p.keeps(i, column, t.kept) {
			return suspect{}, false
		}
		sides = append(sides, i)
		if i == last {
			value, here, on = v, evidence{rows: p.chances(i, column, t, table.rows)}, table
		} else {
			most, others.rows = max(most, v), others.rows+p.chances(i, column, t, table.rows*(1-table.outdated))
		}
	}
	if len(sides) < 2 || sides[len(sides)-1] != last {
		return suspect{}, false
	}
	limit, only := t.has(value, most)
	if here.with = value; t.beyond != "" {
		here.with = p.beyond(last, column, t, limit)
	} else {
		others.with = most
	}
	here.with = max(0, here.with-on.outdated*on.rows) // as if what has changed were all of it
	s := suspect{p: untestable, pending: p.pending(c, column) && !on.undated}
	if t.beyond != "" && !only {
		s.p = 1 // as far on either side
	} else if pr, ok := test(here, others); ok {
		s.p = pr
	}
	if only && here.with > 0 {
		s.d = p.about(c, key, sides...)
		s.d.remark = &remark{rule: on.oneSidedRule(), share: -1, text: t.said(t.amount(value, on), most, c.sides[last].Name, c.nameList(sides[:len(sides)-1])) +
			p.grades(c, tableOf(column), sides)}
	}
	return s, true
}

// oneSidedRule is the rule of what only this side's data has.
func (on tableOn) oneSidedRule() string {
	if on.undated {
		return "data-one-sided-undated"
	}
	return "data-one-sided"
}

// count is a number that is not said where it is 0, if it was looked for.
func (p *profiles) count(side int, key string) (float64, bool) {
	if n, ok := p.number(side, key); ok {
		return n, true
	}
	column, attribute, _ := strings.Cut(key, "#")
	return 0, slices.Contains(p.list(side, column+"#@looked"), attribute)
}

// chances are how often a trait could have been seen: in each row, but duplicates in each pair of rows. Of a column with many values only the rows
// of some were looked at.
func (p *profiles) chances(side int, column string, t *trait, rows float64) float64 {
	if t.attribute != "duplicates" && t.attribute != "fold_duplicates" {
		return rows
	}
	examined, ok := p.number(side, column+"#examined_values")
	if !ok {
		examined = rows
	}
	return max(0, rows-1) * min(rows, examined) / 2
}

// beyond is how many rows of a side are beyond a trait's limit: at least the one that is furthest.
func (p *profiles) beyond(side int, column string, t *trait, limit float64) float64 {
	return max(1, countOf(p.list(side, column+"#"+t.beyond), snapshot.Float(limit).Display()))
}

// pending reports whether a pending migration touches a column.
func (p *profiles) pending(c *comparison, column string) bool {
	r := p.rows[column+"#nulls"]
	return c.opt.Pending != nil && r != nil && c.opt.Pending(r.address().Scope, strings.TrimPrefix(column[strings.IndexByte(column, '/'):], "/"))
}
