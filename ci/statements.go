package ci

import (
	"cmp"
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

// statementLines say what the statements of a replayed migration did: those that can take a second or more in production, or all that did more than
// take a moment.
func statementLines(m finding.RehearsedMigration, all bool) []string {
	var out []string
	for i, s := range m.Statements {
		if p := s.ProductionSeconds; !all && (len(p) != 2 || p[1] < 1) {
			continue
		}
		var parts []string
		for _, l := range s.Locks {
			if l.Blocks != "nothing" {
				text := fmt.Sprintf("%s on %s blocks %s for %.2f s", l.Mode, l.Table, l.Blocks, l.Seconds)
				if l.Derived {
					text += ", derived"
				}
				parts = append(parts, text)
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
			parts = append(parts, fmt.Sprintf("writes %d MB of %s", s.WALBytes>>20, cmp.Or(s.Log, "log")))
		}
		if s.DiskBytes > 1<<20 {
			parts = append(parts, fmt.Sprintf("needs %d MB of disk", s.DiskBytes>>20))
		}
		if p := s.ProductionSeconds; len(p) == 2 && p[1] >= 1 && s.Derived != "" {
			parts = append(parts, fmt.Sprintf("%.1f to %.1f s in production (%s)", p[0], p[1], s.Derived))
		}
		if len(parts) > 0 {
			out = append(out, fmt.Sprintf("%s, statement %d: %.2f s, %d rows; %s", m.Version, i+1, s.Seconds, s.Rows, strings.Join(parts, "; ")))
		}
	}
	return out
}

// passLines say which optional passes were tried on how many migrations.
func passLines(d finding.RehearsedDatabase) []string {
	var out []string
	for _, p := range d.Passes {
		switch text := plural(p.Tried, "migration", "migrations"); p.Name {
		case "down":
			without := ""
			if p.Without > 0 {
				without = ", and " + plural(p.Without, "has none", "have none")
			}
			out = append(out, fmt.Sprintf("the way back and up again, on a clone of the copy: %s%s, in %.1f s", text, without, p.Seconds))
		case "twice":
			out = append(out, fmt.Sprintf("a second run on a clone of the copy: %s, in %.1f s", text, p.Seconds))
		}
	}
	return out
}

// planShown bounds a query in the list of plans, in characters.
const planShown = 140

// planLines are the hot queries whose plan is another after the migrations, or all of them, worst first; the rest is counted.
func planLines(d finding.RehearsedDatabase, all bool) (lines []string, alike int) {
	for _, verdict := range []string{"broken", "worse", "other", "alike"} {
		for _, p := range d.Plans {
			text := "plan " + verdict + ": " + clipped(p.Query, planShown) + " → " + clipped(p.After, planShown)
			switch {
			case p.Verdict != verdict:
			case verdict == "alike" && !all:
				alike++
			case verdict == "worse", verdict == "other":
				lines = append(lines, text+"; before "+clipped(p.Before, planShown))
			default:
				lines = append(lines, text)
			}
		}
	}
	return lines, alike
}
