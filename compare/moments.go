package compare

import (
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// moments reports that all sides are one environment at several moments: then
// the question is what changed between them.
func (c *comparison) moments() bool {
	for _, s := range c.sides[1:] {
		if environmentOf(s) != environmentOf(c.sides[0]) {
			return false
		}
	}
	return len(c.sides) > 1
}

// onlyNews leaves out what stood alike at every moment: a host that was odd a month ago and is odd now did not
// change in between. A finding within one moment has a twin of the same rule and address at each other moment,
// with the same values on the same instances.
func (c *comparison) onlyNews(fs []finding.Finding) []finding.Finding {
	if !c.moments() {
		return fs
	}
	type place struct{ rule, address string }
	held := map[place]map[string]int{}
	for i := range fs {
		p := place{fs[i].Rule, fs[i].Address}
		if held[p] == nil {
			held[p] = map[string]int{}
		}
		for _, side := range fs[i].Values {
			held[p][sideText(side)]++
		}
	}
	alike := c.sides[0].Name == c.sides[1].Name // the twins are one finding then
	news := fs[:0]
	for _, f := range fs {
		old := len(f.Values) > 0
		for _, n := range held[place{f.Rule, f.Address}] {
			old = old && (n == len(c.sides) || alike && n == 1 && f.Change == finding.Odd)
		}
		if !old {
			news = append(news, f)
		}
	}
	return news
}

func sideText(s finding.Side) string {
	on := append([]string(nil), s.Instances...)
	sort.Strings(on)
	return string(s.State) + "\x00" + string(s.Value) + "\x00" + strings.Join(on, "\x00")
}
