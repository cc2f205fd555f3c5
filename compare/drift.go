package compare

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// Drift of a column is told when it matters and is not chance: the effect is large, and so improbable among columns of equal
// distributions that of all drift told in a run no more than falseDiscoveries is expected to be none.
const (
	falseDiscoveries = 0.01
	minRows          = 50   // on either side: of fewer nothing is told
	nullEffect       = 0.05 // difference of the shares of nulls
	categoryEffect   = 0.1  // share of the rows that have another category than on the other side (total variation)
	lengthEffect     = 0.1  // largest distance of the distributions of lengths, beyond what their quantiles leave open, and
	numberEffect     = 0.1  // largest distance of the distributions of numbers or ages, beyond what quantiles and sketches leave open, and
	apartEffect      = 0.1  // average distance of their quantiles, of what lies between the first and the last tenth
	sketchError      = 0.01 // of a quantile's rank
	averageEffect    = 0.25 // relative difference of their averages: numbered names are a little longer where there are more of them
)

// trial is one test of one column.
type trial struct {
	effect float64 // in multiples of what matters
	p      float64
	text   string
}

// drift is what the tests of one column say together.
type drift struct {
	d      *difference
	p      float64
	trials []trial
}

// driftOf are the differences of columns that are distributed differently on the last side than on the first that has them.
func (p *profiles) driftOf(c *comparison) []*difference {
	if len(c.sides) < 2 || c.moments() {
		return nil
	}
	var all []drift
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		if column, ok := strings.CutSuffix(key, "#null_share"); ok {
			if d, ok := p.driftIn(c, column); ok {
				all = append(all, d)
			}
		}
	}
	var out []*difference
	for _, d := range discoveries(all, falseDiscoveries, func(d drift) float64 { return d.p }) {
		var texts []string
		for _, t := range d.trials {
			if t.effect >= 1 {
				texts = append(texts, t.text)
			}
		}
		if len(texts) > 0 {
			d.d.remark = &remark{rule: "data-distribution", share: -1, text: "is distributed differently: " + strings.Join(texts, "; ") + p.grades(c, tableOf(d.d.node.key), d.d.sides)}
			out = append(out, d.d)
		}
	}
	return out
}

// columnOn is what one side's profile says of a column.
type columnOn struct {
	tableOn
	nulls      float64
	kept       []string
	lengths    []float64
	numbers    []float64 // quantiles
	ages       []float64 // quantiles, in days
	categories map[string]float64
}

func (p *profiles) columnOn(side int, table, column string) (on columnOn, ok bool) {
	rows, counted := p.tableOn(side, table)
	nulls, known := p.number(side, column+"#nulls")
	on = columnOn{tableOn: rows, nulls: nulls, kept: p.list(side, column+"#@kept"), categories: map[string]float64{}}
	on.lengths, on.numbers, on.ages = p.numbers(side, column+"#lengths"), p.numbers(side, column+"#quantiles"), p.numbers(side, column+"#ages")
	for _, text := range p.list(side, column+"#categories") {
		if at := strings.LastIndexByte(text, '='); at >= 0 {
			if n, err := strconv.ParseFloat(text[at+1:], 64); err == nil {
				on.categories[text[:at]] += n
			}
		}
	}
	return on, counted && known
}

func (p *profiles) driftIn(c *comparison, column string) (drift, bool) {
	table := tableOf(column)
	last := len(c.sides) - 1
	to, ok := p.columnOn(last, table, column)
	if !ok || to.rows < minRows || to.undated {
		return drift{}, false
	}
	for first := range last {
		from, ok := p.columnOn(first, table, column)
		if !ok || from.rows < minRows || from.undated {
			continue
		}
		trials := c.trials(from, to, c.sides[first].Name, c.sides[last].Name)
		if len(trials) == 0 {
			return drift{}, false
		}
		d := drift{d: p.about(c, column, first, last), p: 1, trials: trials}
		for _, t := range trials { // Bonferroni within the column
			d.p = min(d.p, t.p*float64(len(trials)))
		}
		return d, true
	}
	return drift{}, false
}

// about is the difference of a column, or of one of its attributes, between sides.
func (p *profiles) about(c *comparison, key string, sides ...int) *difference {
	whole := func(a snapshot.Address) snapshot.Address { return a }
	r := p.rows[key]
	if r == nil {
		r, whole = p.rows[key+"#nulls"], snapshot.Address.Whole
	}
	object, _, _ := strings.Cut(key, "#")
	d := &difference{alone: true, sides: sides, node: &node{key: key, object: object, parent: object, addr: whole(r.address()), kind: r.kind, cells: make([]nodeCell, len(c.sides))}}
	for _, i := range sides {
		d.node.cells[i] = nodeCell{addr: whole(r.cells[i].addr), present: r.cells[i].groups}
		for _, s := range partition(d.node.cells[i]) {
			s.side = i
			d.shares = append(d.shares, s)
		}
	}
	return d
}

// trials are the tests that the policy leaves room for. What only one side has at all is not among them: that is said by itself.
func (c *comparison) trials(from, to columnOn, nameFrom, nameTo string) []trial {
	var out []trial
	both := func(kept string) bool { return slices.Contains(from.kept, kept) && slices.Contains(to.kept, kept) }
	a, b := from.nulls/from.rows, to.nulls/to.rows
	outdated := from.outdated + to.outdated // what has changed may have changed all of it
	if both("null") && a > 0 && b > 0 {
		out = append(out, trial{max(0, abs(a-b)-outdated) / nullEffect, proportionP(from.nulls, from.rows, to.nulls, to.rows),
			fmt.Sprintf("%s nulls in %s, %s in %s", percent(a), nameFrom, percent(b), nameTo)})
	}
	if len(from.categories) > 0 && len(to.categories) > 0 {
		if t, ok := categoryTrial(from, to, nameFrom, nameTo); ok {
			out = append(out, t)
		}
	} else if len(from.numbers) > 1 && len(to.numbers) > 1 {
		out = append(out, quantileTrial(from, to, from.numbers, to.numbers, func(q float64) string { return "half are up to " + snapshot.Float(q).Display() }, nameFrom, nameTo))
	} else if len(from.ages) > 1 && len(to.ages) > 1 {
		out = append(out, quantileTrial(from, to, from.ages, to.ages, func(q float64) string {
			return fmt.Sprintf("half are within %.3g days of the newest", q)
		}, nameFrom, nameTo))
	} else if both("length") && len(from.lengths) > 1 && len(to.lengths) > 1 {
		out = append(out, lengthTrial(from, to, nameFrom, nameTo))
	}
	return out
}

func categoryTrial(from, to columnOn, nameFrom, nameTo string) (trial, bool) {
	var sumFrom, sumTo float64
	values := map[string]bool{}
	for v, n := range from.categories {
		sumFrom += n
		values[v] = true
	}
	for v, n := range to.categories {
		sumTo += n
		values[v] = true
	}
	if len(values) < 2 || sumFrom < minRows || sumTo < minRows {
		return trial{}, false
	}
	variation, most, furthest := 0.0, 0.0, ""
	var counts [][2]float64
	for _, v := range slices.Sorted(maps.Keys(values)) {
		gap := abs(from.categories[v]/sumFrom - to.categories[v]/sumTo)
		variation += gap / 2
		if gap > most {
			most, furthest = gap, v
		}
		counts = append(counts, [2]float64{from.categories[v], to.categories[v]})
	}
	text := fmt.Sprintf("%s is %s in %s, %s in %s", snapshot.String(furthest).Display(), percent(from.categories[furthest]/sumFrom), nameFrom, percent(to.categories[furthest]/sumTo), nameTo)
	return trial{max(0, variation-from.outdated-to.outdated) / categoryEffect, homogeneityP(counts), text}, true
}

func lengthTrial(from, to columnOn, nameFrom, nameTo string) trial {
	distance := max(0, quantileDistance(from.lengths, to.lengths))
	a, b := average(from.lengths), average(to.lengths)
	return trial{min(distance/lengthEffect, abs(a-b)/max(a, b, 1)/averageEffect), distanceP(distance, from.rows-from.nulls, to.rows-to.nulls),
		fmt.Sprintf("%.3g characters on average in %s, %.3g in %s", a, nameFrom, b, nameTo)}
}

// quantileTrial is of numbers and ages of which quantiles are known. Beside the distance of the distributions their own spread is held against
// how far they are apart.
func quantileTrial(from, to columnOn, a, b []float64, say func(float64) string, nameFrom, nameTo string) trial {
	distance := max(0, quantileDistance(a, b)-2*sketchError)
	apart := 0.0
	if len(a) == len(b) {
		for i := range a {
			apart += abs(a[i]-b[i]) / float64(len(a))
		}
	}
	spread := max(a[len(a)*9/10]-a[len(a)/10], b[len(b)*9/10]-b[len(b)/10])
	effect := max(0, distance-from.outdated-to.outdated) / numberEffect
	if spread > 0 {
		effect = min(effect, apart/spread/apartEffect)
	}
	return trial{effect, distanceP(distance, from.rows-from.nulls, to.rows-to.nulls),
		fmt.Sprintf("%s in %s, %s in %s", say(a[len(a)/2]), nameFrom, say(b[len(b)/2]), nameTo)}
}

func average(quantiles []float64) float64 {
	sum := 0.0
	for _, q := range quantiles {
		sum += q
	}
	return sum / float64(len(quantiles))
}

func percent(share float64) string {
	return strconv.FormatFloat(100*share, 'g', 3, 64) + " %"
}
