package migrations

import (
	"fmt"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// Pending is what the next deploy brings to one database.
type Pending struct {
	Scope      string
	Applied    Applied
	Migrations []Migration // in the order in which the tool runs them
	// Findings are of rule migration-state, sealed.
	Findings []finding.Finding
	// Refused is why the tool would not run at all; "" when it would.
	Refused string
	// Replayable is false when nothing can be said about what the pending files would meet.
	Replayable bool
}

// Versions are the pending versions.
func (p Pending) Versions() []string {
	out := make([]string, len(p.Migrations))
	for i, m := range p.Migrations {
		out[i] = m.Version
	}
	return out
}

// PendingOf compares a source with a version table. golang-migrate runs what follows the applied
// version. A file with a lower version that never ran is not among the findings: the table keeps one
// row, so nobody can tell it from one that did.
func PendingOf(scope, environment string, environments []string, src *Source, applied Applied) Pending {
	p := Pending{Scope: scope, Applied: applied, Migrations: []Migration{}, Findings: []finding.Finding{}, Refused: src.Refused, Replayable: src.Refused == ""}
	report := stateReport{scope, environment, environments, src, &p}
	if src.tool != nil {
		report.files()
		p.byRows(src, report)
		return p
	}
	for _, m := range src.Migrations {
		if applied.number < 0 || m.number > uint64(applied.number) {
			p.Migrations = append(p.Migrations, m)
		}
	}
	report.files()
	report.table()
	return p
}

// stateReport writes the findings about the state of the migrations.
type stateReport struct {
	scope, environment string
	environments       []string
	src                *Source
	p                  *Pending
}

func (r stateReport) files() {
	for _, problem := range r.src.Problems {
		if problem.Pending && r.p.Applied.number >= 0 && problem.Number <= uint64(r.p.Applied.number) {
			continue
		}
		r.add(problem.Name, problem.Message, problem.Hint, problem.File)
	}
}

func (r stateReport) table() {
	a := r.p.Applied
	if a.Rows > 1 {
		r.add(a.Table.String(), fmt.Sprintf("version table %s holds more than one row; golang-migrate reads any of them", a.Table),
			"keep the row of the version that is really applied", "")
		r.p.Replayable = false
		return
	}
	if a.Version == "" && !a.Dirty {
		return
	}
	name, label := a.Version, a.Version
	if a.Version == "" {
		name, label = "-1", "before the first"
	}
	m, known := r.src.find(a.Version)
	if known {
		name, label = m.id(), m.Label()
	}
	switch {
	case a.Dirty:
		r.add(name, fmt.Sprintf("version %s is dirty: its last run failed or was interrupted, and golang-migrate refuses to go on", label),
			"find out which of its statements took effect, complete or undo them, then `migrate force VERSION`", m.Up)
		r.p.Refused, r.p.Replayable = "the database is dirty at version "+label, false
	case !known:
		r.add(name, fmt.Sprintf("version %s is applied but has no file: golang-migrate refuses to go on", a.Version),
			"deploy the revision that has the file, or restore the file", "")
		r.p.Refused = "the applied version " + a.Version + " has no file"
	}
}

func (r stateReport) add(name, message, hint, file string) {
	f := finding.Finding{
		Rule: "migration-state", Severity: severityOf("migration-state"), Area: finding.AreaMigration,
		Address: snapshot.At(r.scope, "migration", name).String(), Change: finding.Failed, Message: message, Hint: hint,
	}
	if file != "" {
		f.Origin = []finding.Place{{Environment: r.environment, File: file}}
	}
	f.Seal(r.environments)
	for _, have := range r.p.Findings {
		if have.ID == f.ID {
			return
		}
	}
	r.p.Findings = append(r.p.Findings, f)
}

func severityOf(rule string) finding.Severity {
	r, _ := finding.Lookup(rule)
	return r.Severity
}
