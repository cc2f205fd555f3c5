package migrations

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// report turns what is known into the rehearsal section, one verdict per
// migration, and gaps for what nobody could prove.
func (r *rehearsal) report() {
	if r.plan == nil {
		return
	}
	r.listMigrations()
	for i := range r.plan.migrations {
		r.listProbes(i)
		if r.verdict(i) {
			continue
		}
		if r.out.Database.Migrations[i].Status == statusOK {
			r.gapUnproved(i)
		}
	}
	finding.Sort(r.out.Findings)
}

// storedStatus is a probe's in the report when the profile of a stored snapshot answered it.
const storedStatus = "stored"

// listMigrations gives every pending migration its place in the report.
func (r *rehearsal) listMigrations() {
	for i := len(r.out.Database.Migrations); i < len(r.out.Pending.Migrations); i++ {
		m := r.out.Pending.Migrations[i]
		r.out.Database.Migrations = append(r.out.Database.Migrations, finding.RehearsedMigration{
			Version: m.Version, Name: m.Name, Status: statusNotRun, Statements: []finding.Statement{}})
	}
}

// listProbes writes the answers about one migration into the report.
func (r *rehearsal) listProbes(i int) {
	m := &r.plan.migrations[i]
	for _, s := range m.statements {
		for _, d := range s.demands {
			a := r.answers[d]
			if a == nil {
				continue
			}
			status := string(d.Status)
			if a.Stored && a.Err == nil && d.Status != Unproved {
				status = storedStatus
			}
			r.out.Database.Probes = append(r.out.Database.Probes, finding.Probe{
				Address: r.demanded(d), Migration: m.Version, Status: status, SQL: r.asked(a),
				RowsChecked: a.Checked, Violations: a.Violations, At: a.At.UTC().Format(time.RFC3339)})
		}
	}
}

// asked is a probe as the report shows it: a query that comes from a migration without its literals.
func (r *rehearsal) asked(a *Answer) string {
	d := a.Demand
	if a.SQL == "" || d.On.Query == "" {
		return a.SQL
	}
	shown := d.On
	shown.Query = r.redact.literals(shown.Query)
	sql, err := r.in.Engine.Probe(d.Obligation, shown)
	if err != nil {
		return ""
	}
	return sql
}

// demanded is the address of what is demanded, under the name that its table has in the end.
func (r *rehearsal) demanded(d *Demand) string {
	name := d.target.name
	o := d.Obligation
	switch {
	case o.Kind == schema.NotNull || o.Kind == schema.Convertible:
		return snapshot.Object(r.in.Scope, "column", name.Idents(o.Columns...)...).String()
	case d.index:
		return snapshot.Object(r.in.Scope, "index", name.Idents(o.Constraint)...).String()
	}
	return snapshot.Object(r.in.Scope, "constraint", name.Idents(o.Constraint)...).String()
}

// verdict gives a migration its one finding, if it deserves one.
func (r *rehearsal) verdict(i int) bool {
	m := &r.plan.migrations[i]
	if f := r.failed; f != nil && f.migration == i {
		if out := (*reachError)(nil); errors.As(f.err, &out) {
			r.gap(r.address(m.Migration), fmt.Sprintf("not rehearsed: %s %s, by a text that it puts together", m.position(f.statement), out.does), elsewhere)
			return true
		}
		if noRoom(f.err) {
			r.gap(r.address(m.Migration), m.position(f.statement)+" is not rehearsed: the scratch server has no room left for it ("+errorText(f.err)+")", "give it as much free disk as production has: a table that is written anew needs its size again, and an UPDATE nearly so")
			return true
		}
		if role := r.lacksRole(f.err); role != "" {
			r.gap(r.address(m.Migration), m.position(f.statement)+" is not rehearsed: the scratch server has no role "+role+", which production has", "CREATE ROLE "+role+" NOLOGIN on the scratch server")
			return true
		}
		if r.artefact(f) {
			r.find(m, f.statement, []*Demand{f.demand}, finding.Finding{Rule: "copy-artefact", Change: finding.Failed, Message: r.artefactMessage(m, f)})
			return true
		}
		causes := r.causes(m, f)
		said := finding.Finding{Rule: "migration-failed", Change: finding.Failed, Message: r.failedMessage(m, f, causes) + r.leaves(m, f.statement), Why: r.why(f), Hint: hintAfter(f), Queries: r.queries(causes)}
		if f.demand != nil {
			said.Hint = hints(causes)
		}
		r.find(m, f.statement, demandsOf(causes), said)
		return true
	}
	broken := r.broken(m)
	if len(broken) == 0 {
		return false
	}
	first := broken[0]
	outcome := " will fail: "
	if unenforced(r.in.Engine.Name(), first.demand) {
		outcome = " breaks a foreign key: "
	}
	said := finding.Finding{Rule: "migration-predicted", Change: finding.Predicted, Message: m.Label() + outcome + first.String() + others(broken[1:]) + r.passes(broken) + r.leavesPredicted(m, first),
		Hint: hints(broken), Queries: r.queries(broken)}
	if r.out.Database.Migrations[i].Status == statusOK || r.in.Stored != nil {
		said.Why = r.whyPassed(broken)
	}
	r.find(m, first.statement, demandsOf(broken), said)
	return true
}

// breach is a demand that rows are known to break.
type breach struct {
	demand    *Demand
	rows      int64
	migration *planned
	statement int
	onCopy    bool // counted there: production's rows change before the statement
}

// String says how many rows break what, and where it is demanded.
func (b breach) String() string {
	text := sentence(b.demand, b.rows) + "; " + b.migration.position(b.statement)
	if b.onCopy {
		text += ", counted on the copy"
	}
	return text
}

// broken lists the demands of a migration that production's rows break for certain, and those that the copy's break
// unnoticed; what stops the migration comes first.
func (r *rehearsal) broken(m *planned) []breach {
	var out []breach
	for j, s := range m.statements {
		for _, d := range s.demands {
			if a := r.answers[d]; a != nil && a.decisive() && a.Violations > 0 {
				out = append(out, breach{d, a.Violations, m, j, false})
			} else if n := r.unnoticed[d]; n > 0 {
				out = append(out, breach{d, n, m, j, true})
			}
		}
	}
	name := r.in.Engine.Name()
	sort.SliceStable(out, func(i, j int) bool { return !unenforced(name, out[i].demand) && unenforced(name, out[j].demand) })
	return out
}

func demandsOf(broken []breach) []*Demand {
	var out []*Demand
	for _, b := range broken {
		out = append(out, b.demand)
	}
	return out
}

// artefact reports whether the copy broke a constraint that production's rows satisfy.
func (r *rehearsal) artefact(f *failure) bool {
	if f.demand == nil {
		return false
	}
	a := r.answers[f.demand]
	return a != nil && a.decisive() && a.Violations == 0
}

func (r *rehearsal) artefactMessage(m *planned, f *failure) string {
	return m.Label() + " fails on the copy only: " + breach{f.demand, f.onCopy, m, f.statement, false}.String() + ", but none in production"
}

// causes are the demands that rows break in a migration that failed: what stopped
// it, if that is known, and then the rest.
func (r *rehearsal) causes(m *planned, f *failure) []breach {
	if f.demand == nil {
		return r.broken(m)
	}
	cause := breach{f.demand, f.onCopy, m, f.statement, true}
	if a := r.answers[f.demand]; a != nil && a.decisive() {
		cause.rows, cause.onCopy = a.Violations, false
	}
	out := []breach{cause}
	for _, b := range r.broken(m) {
		if b.demand != f.demand {
			out = append(out, b)
		}
	}
	return out
}

// failedMessage says which statement failed, how many rows are responsible and what the database said.
func (r *rehearsal) failedMessage(m *planned, f *failure, causes []breach) string {
	if f.demand == nil {
		return m.Label() + " fails: " + errorText(f.err) + "; " + m.position(f.statement) + others(causes)
	}
	return m.Label() + " fails: " + causes[0].String() + others(causes[1:]) + r.passes(causes)
}

// sentence says how many rows break a demand, in words of the schema and without any of their values.
func sentence(d *Demand, n int64) string {
	rows := plural(n, "row")
	verb := func(one, many string) string {
		if n == 1 {
			return one
		}
		return many
	}
	of := " of " + subject(d)
	switch o := d.Obligation; o.Kind {
	case schema.NotNull:
		if d.fresh {
			return rows + of + verb(" gets", " get") + " no value for the new column " + d.Label + ", which is NOT NULL"
		}
		return rows + of + verb(" has", " have") + " NULL in " + d.Label
	case schema.UniqueKey:
		text := rows + of + " " + verb("shares ", "share ") + d.Label + " with another"
		if o.Where != "" {
			text += " (where " + o.Where + ")"
		}
		return text
	case schema.Reference:
		return rows + of + verb(" refers", " refer") + " by " + d.Label + " to no row of " + o.RefTable.String()
	case schema.CheckExpr:
		return rows + of + verb(" breaks", " break") + " the check " + d.Label
	default:
		return rows + of + verb(" holds", " hold") + " in " + d.Label + " what is no " + o.Type
	}
}

// subject is whose rows they are, as people know the table today.
func subject(d *Demand) string {
	if len(d.From) > 0 && d.On.Query == "" {
		return d.From[0].String()
	}
	seen := map[string]bool{}
	var names []string
	for _, n := range d.From {
		if !seen[n.String()] {
			seen[n.String()] = true
			names = append(names, n.String())
		}
	}
	switch len(names) {
	case 0:
		return d.target.name.String()
	case 1:
		return names[0]
	}
	return "those that " + d.target.name.String() + " gets from " + strings.Join(names, " and ")
}

func plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return grouped(n) + " " + noun
}

// grouped writes thousands apart: 12,345.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// maxOthers bounds a message's enumeration; all of them are among the report's probes.
const maxOthers = 3

func others(broken []breach) string {
	var b strings.Builder
	for i, x := range broken {
		if i == maxOthers {
			fmt.Fprintf(&b, "; and %d more", len(broken)-i)
			break
		}
		b.WriteString("; also " + x.String())
	}
	return b.String()
}

// find adds one finding about a migration; what the demands are about is related.
func (r *rehearsal) find(m *planned, statement int, demands []*Demand, f finding.Finding) {
	f.Severity, f.Area, f.Address = severityOf(f.Rule), finding.AreaMigration, r.address(m.Migration)
	if m.Up != "" {
		f.Origin = []finding.Place{{Environment: r.in.Environment, File: m.Up, Line: m.line(statement)}}
	}
	related := map[string]bool{}
	for _, d := range demands {
		if d != nil && !related[r.demanded(d)] {
			related[r.demanded(d)] = true
			f.Related = append(f.Related, r.demanded(d))
		}
	}
	f.Seal(r.in.Environments)
	r.out.Findings = append(r.out.Findings, f)
}

// errorText is what the database said, which engines keep free of values.
func errorText(err error) string {
	var e *engine.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// sortedNames are names without repeats.
func sortedNames(names []schema.Name) []schema.Name {
	out := append([]schema.Name(nil), names...)
	sort.Slice(out, func(i, j int) bool { return out[i].Less(out[j]) })
	kept := out[:0]
	for i, n := range out {
		if i == 0 || n != out[i-1] {
			kept = append(kept, n)
		}
	}
	return kept
}
