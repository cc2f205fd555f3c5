package ci

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"
)

type htmlChart struct {
	Address string
	Drawing template.HTML
}

// shares are the counts of a column's profile that are a part of its rows.
var shares = []struct{ count, name string }{
	{"nulls", "null"}, {"distinct", "distinct"}, {"blanks", "blank"}, {"non_ascii", "beyond ASCII"}, {"negatives", "negative"}, {"zeros", "zero"}, {"positives", "positive"},
}

// htmlCharts draws the columns whose data drifted: what share of the rows has each trait, for every environment.
func htmlCharts(r *Report) []htmlChart {
	var order []string
	columns := map[string][]Profile{}
	for _, p := range r.context().Profiles {
		if columns[p.Address] == nil {
			order = append(order, p.Address)
		}
		columns[p.Address] = append(columns[p.Address], p)
	}
	var charts []htmlChart
	for _, address := range order {
		charts = append(charts, htmlChart{Terminal(address), columnChart(address, columns[address])})
	}
	return charts
}

// chartGroup is one trait or value of a column: the share of the rows that has it, for every side.
type chartGroup struct {
	name   string
	counts []float64
}

// mostValues is how many values of a column are drawn one by one.
const mostValues = 6

// chartGroups are the values of a column, those that most rows have first, where they are known, and its traits.
func chartGroups(sides []Profile) []chartGroup {
	var groups []chartGroup
	total := map[string]float64{}
	for _, p := range sides {
		for v, n := range p.Categories {
			total[v] += n / max(p.Counts["rows"], 1)
		}
	}
	values := slices.SortedFunc(maps.Keys(total), func(a, b string) int { return cmp.Or(cmp.Compare(total[b], total[a]), strings.Compare(a, b)) })
	for i, v := range values {
		if i == mostValues && len(values) > mostValues+1 {
			others := chartGroup{fmt.Sprintf("%d others", len(values)-i), make([]float64, len(sides))}
			for j, p := range sides {
				for _, v := range values[i:] {
					others.counts[j] += p.Categories[v]
				}
			}
			groups = append(groups, others)
			break
		}
		g := chartGroup{name: fmt.Sprintf("%q", v)}
		for _, p := range sides {
			g.counts = append(g.counts, p.Categories[v])
		}
		groups = append(groups, g)
	}
	for _, share := range shares {
		if len(values) > 0 && share.count == "distinct" {
			continue // they are all there
		}
		g, some := chartGroup{name: share.name}, false
		for _, p := range sides {
			g.counts = append(g.counts, p.Counts[share.count])
			some = some || p.Counts[share.count] > 0
		}
		if some {
			groups = append(groups, g)
		}
	}
	return groups
}

// columnChart draws the shares of rows, then where the values lie.
func columnChart(address string, sides []Profile) template.HTML {
	groups := chartGroups(sides)
	low, high, measured := spread(sides)
	const label, width, room = 96.0, 178.0, 360
	row, gap := 15.0, 7.0
	height := float64(len(groups))*(row*float64(len(sides))+gap) + row*float64(len(sides)) + 8
	if measured != "" {
		height += row*float64(len(sides)+1) + gap
	}
	var s svg
	s.open(room, int(height), "shares of rows of "+address)
	y := 2.0
	for _, g := range groups {
		s.text("q", label-8, y+11, "end", clipped(g.name, 14))
		for j, p := range sides {
			rows := p.Counts["rows"]
			share := 0.0
			if rows > 0 {
				share = min(g.counts[j]/rows, 1)
			}
			says := fmt.Sprintf("%s: %s in %.0f of %.0f rows", p.Environment, g.name, g.counts[j], rows)
			s.bar(string(rune('a'+j%4)), label, y+2, share*width, row-4, says)
			s.text("", label+share*width+6, y+11, "start", percent(share))
			y += row
		}
		y += gap
	}
	if measured != "" {
		s.text("q", 2, y+11, "start", fmt.Sprintf("%s: the half in the middle, and the median", measured))
		y += row
		for j, p := range sides {
			s.quartiles(string(rune('a'+j%4)), label, y, width, low, high, p)
			y += row
		}
		y += gap
	}
	for j, p := range sides {
		s.bar(string(rune('a'+j%4)), label, y+3, 10, row-6, p.Environment)
		s.text("", label+16, y+12, "start", fmt.Sprintf("%s, %.0f rows", p.Environment, p.Counts["rows"]))
		y += row
	}
	return s.done()
}

// spread is the scale on which the sides' quantiles are drawn, without the outermost twentieths, and what they measure; "" where there are none, or all values are one.
func spread(sides []Profile) (low, high float64, measured string) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range sides {
		if len(p.Quantiles) < 5 || len(p.Categories) > 0 || measured != "" && p.Measured != measured {
			return 0, 0, ""
		}
		measured = p.Measured
		low, high = min(low, quantile(p.Quantiles, 0.05)), max(high, quantile(p.Quantiles, 0.95))
	}
	if low >= high {
		return 0, 0, ""
	}
	return low, high, measured
}

func quantile(quantiles []float64, at float64) float64 {
	return quantiles[int(math.Round(at*float64(len(quantiles)-1)))]
}

// quartiles draws a line for nine tenths of a side's rows, a bar for the half in the middle, and says what divides them.
func (s *svg) quartiles(class string, x, y, width, low, high float64, p Profile) {
	at := func(share float64) float64 {
		return x + width*min(max((quantile(p.Quantiles, share)-low)/(high-low), 0), 1)
	}
	s.line(at(0.05), y+rowMiddle, at(0.95), y+rowMiddle)
	middle := quantile(p.Quantiles, 0.5)
	says := fmt.Sprintf("%s: half of the rows are from %.4g to %.4g, the median is %.4g", p.Environment, quantile(p.Quantiles, 0.25), quantile(p.Quantiles, 0.75), middle)
	s.bar(class, at(0.25), y+2, at(0.75)-at(0.25), 11, says)
	s.text("", x+width+6, y+11, "start", fmt.Sprintf("%.4g", middle))
}

// rowMiddle is half the height of a row.
const rowMiddle = 7.5

func percent(share float64) string {
	switch {
	case share == 0:
		return "none"
	case share < 0.001:
		return "< 0.1 %"
	case share < 0.1:
		return fmt.Sprintf("%.1f %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}
