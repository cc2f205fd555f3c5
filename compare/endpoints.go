package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// endpointFindings says of each side's endpoints what their values say by themselves: metrics beyond their limits, and values that
// the files of the hosts do not hold.
func (c *comparison) endpointFindings() []finding.Finding {
	var out []finding.Finding
	for i := range c.sides {
		values := c.endpointValues(i)
		if len(values) == 0 {
			continue
		}
		if severity := c.severity("endpoint-value"); severity != finding.Off {
			for _, v := range values {
				if f, ok := c.beyondLimit(i, v); ok {
					f.Severity = severity
					out = append(out, f)
				}
			}
		}
		if severity := c.severity("not-loaded"); severity != finding.Off {
			for _, f := range c.notLoaded(i, values) {
				f.Severity = severity
				out = append(out, f)
			}
		}
	}
	return out
}

// reported is what the instances of an endpoint report under one key.
type reported struct {
	line          *snapshot.Line // the value
	metric, limit *snapshot.Line
	at            snapshot.Address
}

// endpointValues are the values of a side's endpoints, by address.
func (c *comparison) endpointValues(side int) []*reported {
	snap := c.sides[side].Snapshot
	byName := map[snapshot.Address]*reported{}
	for i := range snap.Lines {
		l := &snap.Lines[i]
		if l.Address.Kind != "value" || snap.Manifest.Scopes[l.Address.Scope].Type != "endpoint" {
			continue
		}
		at := l.Address.Whole()
		r := byName[at]
		if r == nil {
			r = &reported{at: at}
			byName[at] = r
		}
		switch l.Address.Attribute {
		case "":
			r.line = l
		case "metric":
			r.metric = l
		case "limit":
			r.limit = l
		}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b *reported) int { return strings.Compare(a.at.String(), b.at.String()) })
}

// beyondLimit reports the instances on which a metric does not keep its limit.
func (c *comparison) beyondLimit(side int, v *reported) (finding.Finding, bool) {
	f := finding.Finding{Rule: "endpoint-value", Area: finding.AreaEndpoint, Address: v.at.String(), Change: finding.Odd}
	if v.metric == nil || v.limit == nil || len(v.limit.Values) == 0 {
		return f, false
	}
	text, _ := v.limit.Values[0].Value.Text()
	limit, err := snapshot.ParseLimit(text)
	if err != nil {
		return f, false
	}
	var said []string
	for _, h := range v.metric.Values {
		if n, ok := h.Value.Number(); ok && !limit.Keeps(n) {
			f.Values = append(f.Values, finding.Side{Environment: c.sides[side].Name, State: finding.Present, Value: json.RawMessage(h.Value.JSON()), Instances: h.On})
			said = append(said, fmt.Sprintf("%s on %s", h.Value.Display(), nameList(h.On)))
		}
	}
	if len(said) == 0 {
		return f, false
	}
	f.Message = fmt.Sprintf("%s of %s%s is %s: its limit is %s", snapshot.Unescape(v.at.Name), v.at.Scope, c.inSide(side), strings.Join(said, ", "), limit)
	f.Seal([]string{c.sides[side].Name})
	return f, true
}

// inSide is " in NAME" where there are several sides.
func (c *comparison) inSide(side int) string {
	if len(c.sides) < 2 {
		return ""
	}
	return " in " + c.sides[side].Name
}

// nameList are the first names, and how many more there are.
func nameList(names []string) string {
	if more := len(names) - maxNames; more > 0 {
		return strings.Join(names[:maxNames], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
