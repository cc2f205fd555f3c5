package ci

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

func (p *page) rehearsal(r *Report) {
	if r.Rehearsal == nil {
		return
	}
	for _, d := range r.Rehearsal.Databases {
		p.line("")
		p.line(p.bold("REHEARSAL  " + Terminal(d.Name)))
		for _, l := range indent(wrap(rehearsalHead(d), p.style.Width-2)) {
			p.line(l)
		}
		if len(d.Migrations) == 0 {
			continue
		}
		rows := [][]string{}
		for _, m := range d.Migrations {
			rows = append(rows, []string{Terminal(m.Status), Terminal(migrationLabel(m)), plural(len(m.Statements), "statement", "statements"), fmt.Sprintf("%.2f s", m.Seconds)})
		}
		p.table([]string{"replay", "migration", "", ""}, rows)
		for _, m := range d.Migrations {
			for _, l := range statementLines(m, p.style.Verbose) {
				for _, l := range indent(wrap(Terminal(l), p.style.Width-2)) {
					p.line(l)
				}
			}
		}
		for _, l := range passLines(d) {
			for _, l := range indent(wrap(Terminal(l), p.style.Width-2)) {
				p.line(l)
			}
		}
		p.probes(d, rehearsedEnvironment(r))
		p.plans(d)
	}
}

// rehearsedEnvironment is the last one: gate compares others with it.
func rehearsedEnvironment(r *Report) string {
	if len(r.Environments) == 0 {
		return ""
	}
	return r.Environments[len(r.Environments)-1].Name
}

// probes lists what the environment itself answered: violations, or with -v everything that was asked.
func (p *page) probes(d finding.RehearsedDatabase, environment string) {
	const width = 24 // of the two columns before the subject
	var rows [][]string
	for _, q := range d.Probes {
		if q.Violations == 0 && !p.style.Verbose {
			continue
		}
		for i, l := range wrap(Terminal(probeSubject(q)), max(30, p.style.Width-2-width-8)) {
			row := []string{"", "", l}
			if i == 0 {
				row[0], row[1] = Terminal(q.Status), fmt.Sprintf("%d of %d", q.Violations, q.RowsChecked)
			}
			rows = append(rows, row)
		}
	}
	if len(rows) > 0 {
		p.table([]string{"proof", "bad rows", "asked of " + Terminal(environment) + ", read-only"}, rows)
	}
}

// plans lists the hot queries whose plan is another after the migrations, or with -v all that were planned.
func (p *page) plans(d finding.RehearsedDatabase) {
	lines, alike := planLines(d, p.style.Verbose)
	for _, l := range lines {
		for i, l := range wrap(Terminal(l), p.style.Width-4) {
			if i > 0 {
				l = "  " + l
			}
			p.line("  " + l)
		}
	}
	if alike > 0 {
		p.line("  " + plural(alike, "hot query is", "hot queries are") + " planned as before")
	}
}

// rehearsalSays is the head and what else was tried, in one sentence.
func rehearsalSays(d finding.RehearsedDatabase) string {
	return strings.Join(append([]string{rehearsalHead(d)}, passLines(d)...), "; ")
}

func rehearsalHead(d finding.RehearsedDatabase) string {
	at := "no migration applied"
	if d.AppliedVersion != "" {
		at = "at version " + Terminal(d.AppliedVersion)
	}
	if len(d.Pending) == 0 {
		return at + ", nothing pending"
	}
	if d.Copy.Mode == "" || d.Copy.Mode == noCopy {
		return fmt.Sprintf("%s, %d pending, not replayed", at, len(d.Pending))
	}
	if d.Copy.Mode == "reused" {
		return fmt.Sprintf("%s, %d pending, replayed on a clone of the copy of %d rows that was kept at %s, cloned in %.1f s", at, len(d.Pending), d.Copy.Rows, Terminal(d.Copy.MadeAt), d.Copy.Seconds)
	}
	return fmt.Sprintf("%s, %d pending, replayed on a %s copy of %d rows in %.1f s", at, len(d.Pending), Terminal(d.Copy.Mode), d.Copy.Rows, d.Copy.Seconds)
}

func probeSubject(q finding.Probe) string {
	if q.Migration == "" {
		return q.Address
	}
	return q.Address + " for " + q.Migration
}
