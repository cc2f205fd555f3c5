package ci

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// migrationLabel is a migration as addresses name it.
func migrationLabel(m finding.RehearsedMigration) string {
	if m.Name == "" {
		return m.Version
	}
	return m.Version + "_" + m.Name
}

// statementLines say what the statements of a replayed migration did, those that did more than take a moment.
func statementLines(m finding.RehearsedMigration) []string {
	var out []string
	for i, s := range m.Statements {
		var parts []string
		for _, l := range s.Locks {
			if l.Blocks != "nothing" {
				parts = append(parts, fmt.Sprintf("%s on %s blocks %s for %.2f s", l.Mode, l.Table, l.Blocks, l.Seconds))
			}
		}
		if s.Algorithm != "" {
			parts = append(parts, s.Algorithm)
		}
		for _, list := range []struct {
			verb  string
			names []string
		}{{"rewrites", s.Rewrites}, {"scans", s.Scans}, {"builds", s.Builds}} {
			if len(list.names) > 0 {
				parts = append(parts, list.verb+" "+strings.Join(list.names, ", "))
			}
		}
		if s.WALBytes > 1<<20 {
			parts = append(parts, fmt.Sprintf("writes %d MB of log", s.WALBytes>>20))
		}
		if s.DiskBytes > 1<<20 {
			parts = append(parts, fmt.Sprintf("needs %d MB of disk", s.DiskBytes>>20))
		}
		if p := s.ProductionSeconds; len(p) == 2 && p[1] >= 1 {
			parts = append(parts, fmt.Sprintf("%.1f to %.1f s in production (%s)", p[0], p[1], s.Derived))
		}
		if len(parts) > 0 {
			out = append(out, fmt.Sprintf("%s, statement %d: %.2f s, %d rows; %s", m.Version, i+1, s.Seconds, s.Rows, strings.Join(parts, "; ")))
		}
	}
	return out
}
