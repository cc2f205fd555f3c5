package ci

import (
	"fmt"
	"io"
	"math"
	"sort"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
)

// writePrometheus writes a file for the node exporter's textfile collector. Its numbers are those of the verdict.
func writePrometheus(w io.Writer, r *Report, _ Style) error {
	var names []string
	for _, e := range r.Environments {
		names = append(names, base(e.Name))
	}
	p := &prometheusWriter{labels: fmt.Sprintf(`command="%s",environments="%s"`, PrometheusLabel(r.Command), PrometheusLabel(strings.Join(names, ",")))}
	p.family("envdiff_findings", "Findings that count for the verdict, by severity.")
	for _, s := range finding.Severities() {
		p.sample("envdiff_findings", r.Verdict.Counts.Of(s), "severity", s.String())
	}
	p.family("envdiff_scope_findings", "Findings that count for the verdict, by scope and area.")
	for _, c := range countByScope(r) {
		p.sample("envdiff_scope_findings", c.count, "scope", c.scope, "area", c.area)
	}
	for _, g := range []struct {
		name, help string
		value      int
	}{
		{"envdiff_waived", "Findings that a waiver covers.", r.Verdict.Waived},
		{"envdiff_baseline", "Findings that the baseline accepts.", r.Verdict.Baseline},
		{"envdiff_gaps", "Parts that could not be looked at and that no waiver covers.", r.Verdict.Gaps},
	} {
		p.family(g.name, g.help)
		p.sample(g.name, g.value)
	}
	p.family("envdiff_verdict", "1 for the verdict of the last run.")
	for _, status := range []string{"pass", "fail", "incomplete"} {
		is := 0
		if r.Verdict.Status == status {
			is = 1
		}
		p.sample("envdiff_verdict", is, "status", status)
	}
	p.family("envdiff_facts", "Facts that were read of an environment.")
	for _, e := range r.Environments {
		p.sample("envdiff_facts", e.Facts, "environment", e.Name)
	}
	p.family("envdiff_captured_timestamp_seconds", "When an environment was captured.")
	for _, e := range r.Environments {
		p.sample("envdiff_captured_timestamp_seconds", int(e.CapturedAt.Unix()), "environment", e.Name)
	}
	p.refresh(r)
	_, err := io.WriteString(w, p.text.String())
	return err
}

// refresh tells of each target whether it has the new rows, and how old they are: an alert on the captured time sees a cron job that stopped, too.
func (p *prometheusWriter) refresh(r *Report) {
	if r.Refresh == nil {
		return
	}
	for _, g := range []struct {
		name, help string
		value      func(t *finding.RefreshedTarget) (int, bool)
	}{
		{"envdiff_refresh_swapped", "1 where the target has the new rows, 0 where it keeps its old data.", func(t *finding.RefreshedTarget) (int, bool) {
			if t.Status == "swapped" {
				return 1, true
			}
			return 0, true
		}},
		{"envdiff_refresh_rows", "Rows that the target got.", func(t *finding.RefreshedTarget) (int, bool) { return int(t.Rows), true }},
		{"envdiff_refresh_duration_seconds", "How long the target's refresh took.", func(t *finding.RefreshedTarget) (int, bool) { return int(math.Ceil(t.Seconds)), true }},
		{"envdiff_refresh_captured_timestamp_seconds", "The moment of the source that the new rows show; only where they were swapped in.", func(t *finding.RefreshedTarget) (int, bool) {
			at, err := time.Parse(time.RFC3339, t.CapturedAt)
			return int(at.Unix()), err == nil && t.Status == "swapped"
		}},
	} {
		p.family(g.name, g.help)
		for i := range r.Refresh.Targets {
			t := &r.Refresh.Targets[i]
			if n, ok := g.value(t); ok {
				p.sample(g.name, n, "environment", t.Environment, "database", t.Database)
			}
		}
	}
}

type prometheusWriter struct {
	text   strings.Builder
	labels string // of every sample
}

func (p *prometheusWriter) family(name, help string) {
	fmt.Fprintf(&p.text, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
}

// sample writes one value; labels are names and values in turn.
func (p *prometheusWriter) sample(name string, value int, labels ...string) {
	fmt.Fprintf(&p.text, "%s{%s", name, p.labels)
	for i := 0; i+1 < len(labels); i += 2 {
		fmt.Fprintf(&p.text, `,%s="%s"`, labels[i], PrometheusLabel(labels[i+1]))
	}
	fmt.Fprintf(&p.text, "} %d\n", value)
}

// scopeCount is how many findings count in an area of a scope.
type scopeCount struct {
	scope, area string
	count       int
}

func countByScope(r *Report) []scopeCount {
	at := map[[2]string]int{}
	for i := range r.Findings {
		if f := &r.Findings[i]; counts(f) {
			scope, _ := scopeAndKind(f.Address)
			at[[2]string{scope, string(f.Area)}]++
		}
	}
	list := make([]scopeCount, 0, len(at))
	for key, n := range at {
		list = append(list, scopeCount{key[0], key[1], n})
	}
	sort.Slice(list, func(a, b int) bool {
		if list[a].scope != list[b].scope {
			return list[a].scope < list[b].scope
		}
		return list[a].area < list[b].area
	})
	return list
}
