package migrations

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// byRows compares a source with the rows of a version table: what is not among them is pending.
func (p *Pending) byRows(src *Source, report stateReport) {
	t := src.tool
	last := -1
	for i, m := range src.Migrations {
		if p.Applied.holds(m) && !m.repeats {
			last = i
			p.Applied.Version = m.Version
		}
	}
	compare := t.layout.compare
	if compare == nil {
		compare = compareVersions
	}
	base := ""
	for key, row := range p.Applied.rows {
		if row.baseline && (base == "" || compare(key, base) > 0) {
			base = key
		}
	}
	for i, m := range src.Migrations {
		row := p.Applied.rows[m.key]
		switch {
		case !isFor(m.dbms, p.Applied.dbms):
			continue
		case base != "" && !m.repeats && compare(m.Version, base) <= 0:
			continue
		case p.Applied.holds(m):
			again := report.appliedFile(m, row)
			if m.repeats && again || m.always {
				p.Migrations = append(p.Migrations, m)
			}
			continue
		case i < last && !m.repeats && !t.code:
			report.older(m)
			if t.older == skipsOlder {
				continue
			}
		}
		p.Migrations = append(p.Migrations, m)
	}
	report.without(src)
}

// appliedFile looks at the file of an applied migration: whether it failed, and whether it is still what was applied.
func (r stateReport) appliedFile(m Migration, row appliedRow) (edited bool) {
	if row.failed {
		message := fmt.Sprintf("%s began to run and did not end", m.Label())
		if row.progress != "" {
			message += ": " + row.progress
		}
		r.add(m.id(), message+"; "+r.src.tool.title+" refuses to go on", "find out which of its statements took effect, complete or undo them, and mark it as resolved in "+r.p.Applied.Table.String(), m.Up)
		r.p.Refused, r.p.Replayable = m.Label()+" failed half-way", false
		return false
	}
	if r.src.tool.sums == nil || row.sum == "" || r.src.tool.chained && r.src.edited {
		return false
	}
	text, err := readBounded(r.src.root(), m.Up)
	if err != nil {
		return false
	}
	if sums := r.src.tool.sums(r.src, m, []byte(text)); slices.Contains(sums, row.sum) || slices.Contains(sums, anySum) {
		return false
	}
	r.src.edited = true
	if !m.repeats {
		r.add(m.id(), fmt.Sprintf("%q was edited after it was applied: its checksum is another; %s refuses to go on", m.Up, r.src.tool.title),
			"restore the file as it was applied, and put the change into a migration of its own", m.Up)
		r.p.Refused = m.Label() + " was edited after it was applied"
	}
	return true
}

// older says what the tool does with a file that comes before applied ones.
func (r stateReport) older(m Migration) {
	title := r.src.tool.title
	switch r.src.tool.older {
	case runsOlder:
		r.add(m.id(), fmt.Sprintf("%s is older than what is applied: %s runs it all the same, in an order that no other environment had", m.Label(), title), "give it a version after the newest one", m.Up)
	case refusesOlder:
		r.add(m.id(), fmt.Sprintf("%s is older than what is applied and was never applied: %s refuses to run unless it is told otherwise", m.Label(), title), "give it a version after the newest one", m.Up)
		r.p.Refused = m.Label() + " is out of order"
	default:
		r.add(m.id(), fmt.Sprintf("%s is older than what is applied and was never applied: %s skips it", m.Label(), title), "give it a version after the newest one", m.Up)
	}
}

// maxMissing bounds how many applied migrations without a file are named.
const maxMissing = 3

// without finds applied migrations that have no file. A squashed history looks the same, so all of them are one finding.
func (r stateReport) without(src *Source) {
	if len(src.Migrations) == 0 || src.tool.name == "django" { // packages bring migrations of their own
		return
	}
	var missing []string
	for key, row := range r.p.Applied.rows {
		if !row.undone && !row.baseline && !src.has(key) && key != "0" && key != "" && !strings.HasPrefix(key, "R ") {
			missing = append(missing, strings.ReplaceAll(key, "\x00", ":"))
		}
	}
	if len(missing) == 0 {
		return
	}
	slices.SortFunc(missing, compareVersions)
	shown := missing[:min(len(missing), maxMissing)]
	more := ""
	if len(missing) > len(shown) {
		more = fmt.Sprintf(" and %d more", len(missing)-len(shown))
	}
	r.add(missing[0], fmt.Sprintf("applied, but without a file in %s: %s%s", src.Spec.Dir, strings.Join(shown, ", "), more), "deploy the revision that has the files, or restore them", "")
}

// unreplayable tells a file that cannot be replayed as SQL.
func unreplayable(m Migration, t *tool) error {
	if t == nil || strings.HasSuffix(m.Up, ".sql") {
		return nil
	}
	return &fs.PathError{Op: "replay", Path: m.Up, Err: errors.New("it is a program: give databases.NAME.migrations a command that runs it against the copy")}
}
