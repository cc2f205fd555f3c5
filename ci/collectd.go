package ci

import (
	"fmt"
	"io"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// collectdInterval is how often collectd expects a value, in seconds, when nothing else is said: a nightly job.
const collectdInterval = 86400

// writeCollectd writes lines of collectd's plain text protocol, which its exec plugin and its unix socket read. The time
// is that of reading, N: collectd drops values that are older than the last ones.
func writeCollectd(w io.Writer, r *Report, s Style) error {
	var names []string
	for _, e := range r.Environments {
		names = append(names, base(e.Name))
	}
	host, interval := s.Host, s.Interval
	if host == "" {
		host = "envdiff"
	}
	if interval <= 0 {
		interval = collectdInterval
	}
	plugin := CollectdName("envdiff") + "-" + CollectdName(r.Command+"."+strings.Join(names, "_"))
	var b strings.Builder
	put := func(instance string, value int) {
		fmt.Fprintf(&b, "PUTVAL \"%s/%s/gauge-%s\" interval=%d N:%d\n", CollectdName(host), plugin, CollectdName(instance), interval, value)
	}
	for _, severity := range finding.Severities() {
		put("findings_"+severity.String(), r.Verdict.Counts.Of(severity))
	}
	put("waived", r.Verdict.Waived)
	put("baseline", r.Verdict.Baseline)
	put("gaps", r.Verdict.Gaps)
	put("exit_status", r.Verdict.ExitStatus())
	for _, c := range countByScope(r) {
		put("scope_"+c.scope+"_"+c.area, c.count)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
