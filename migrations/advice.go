package migrations

import (
	"errors"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// refusal says why the pending files cannot be replayed.
func (p Pending) refusal() string {
	if p.Refused != "" {
		return p.Refused
	}
	return "the version table's state is not clear"
}

// why explains a failure that the rule's own text does not.
func (r *rehearsal) why(f *failure) string {
	if a := r.answers[f.demand]; f.demand != nil && a != nil && a.decisive() && a.Violations > 0 {
		return "production was asked read-only and has the same rows: the deploy would stop half-way"
	}
	return ""
}

// whyPassed explains a prediction where the replay passed.
func (r *rehearsal) whyPassed(broken []breach) string {
	if r.lets(broken) == len(broken) {
		return "elsewhere the migration passes and leaves rows that break the foreign key: " + lenient
	}
	if r.in.Stored != nil {
		return "production had these rows at " + r.in.Stored.Snapshot.Manifest.CapturedAt.UTC().Format("2006-01-02 15:04") + " UTC, as its stored profile says"
	}
	return "the copy does not have these rows, but production does"
}

// lenient is why SQLite takes rows that break a foreign key.
const lenient = "SQLite enforces foreign keys only on connections that ask for it"

// lets counts the demands whose breach the engine lets pass.
func (r *rehearsal) lets(broken []breach) int {
	n := 0
	for _, b := range broken {
		if unenforced(r.in.Engine.Name(), b.demand) {
			n++
		}
	}
	return n
}

// passes ends a message about demands of which the replay lets some pass: nobody
// should wonder why it says ok beside them.
func (r *rehearsal) passes(broken []breach) string {
	switch n := r.lets(broken); {
	case n == 0:
		return ""
	case n == len(broken):
		return "; the replay passes, for " + lenient
	}
	return "; the foreign key alone would not stop it, for " + lenient
}

// noRoom reports that a disk is full, or a table at its own limit: of the scratch server, and nothing is said of production's. PostgreSQL's 53100, SQLite's FULL,
// MySQL's ER_DISK_FULL, ER_RECORD_FILE_FULL and ER_ERROR_ON_WRITE.
func noRoom(err error) bool {
	var e *engine.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "53100", "1021", "1114", "1026":
		return true
	}
	return strings.HasSuffix(strings.ToUpper(e.Code), "_FULL")
}

// hintAfter says what to do about a failure that is not about rows.
func hintAfter(f *failure) string {
	text := strings.ToLower(errorText(f.err))
	switch {
	case strings.Contains(text, "within a transaction") || strings.Contains(text, "no transaction is active"):
		return "remove BEGIN and COMMIT: golang-migrate runs every file in a transaction of its own"
	case f.statement < 0:
		return "correct the file"
	case strings.Contains(text, "inside a transaction block"), strings.Contains(text, "cannot run inside"):
		return "put it alone into a file of its own: several statements of one file run in one transaction"
	case strings.Contains(text, "extension") && (strings.Contains(text, "not available") || strings.Contains(text, "control file") || strings.Contains(text, "is not installed")):
		return "install the extension's package on the scratch server, as production has it"
	case strings.Contains(text, "lock_timeout"), strings.Contains(text, "statement_timeout"), strings.Contains(text, "execution time"):
		return "the statement's own time limit ended it: change rows in batches, or raise the limit in the migration"
	case strings.Contains(text, "already exists"), strings.Contains(text, "duplicate column"), strings.Contains(text, "no such"):
		return "the schema is not what the migration expects: compare it with where the migration passed"
	}
	return ""
}

// hints say what to do about rows that break demands, each thing once.
func hints(broken []breach) string {
	var out []string
	for _, b := range broken {
		if do := hintFor(b.demand); !slices.Contains(out, do) {
			out = append(out, do)
		}
	}
	return strings.Join(out, "; ")
}

func hintFor(d *Demand) string {
	switch {
	case d.fresh:
		return "add the column with a default, or fill it before it becomes NOT NULL"
	case d.Obligation.Kind == schema.NotNull:
		return "fill the NULLs in before, or let the migration give them a value"
	case d.Obligation.Kind == schema.UniqueKey:
		return "merge or rename the duplicates before"
	case d.Obligation.Kind == schema.Reference:
		return "delete the rows that refer to nothing before, or add what they refer to"
	case d.Obligation.Kind == schema.CheckExpr:
		return "correct the rows that break the check before, or loosen it"
	}
	return "convert the values before"
}

// gapUnproved names what a passed replay does not prove: demands that only rows
// could answer which the copy does not have.
func (r *rehearsal) gapUnproved(i int) {
	m := &r.plan.migrations[i]
	lacking := map[schema.Name]string{}
	for _, n := range r.copy.Excluded {
		lacking[n] = "the copy has no rows of " + n.String() + ", which the policy excludes"
	}
	for j, s := range m.statements {
		decided := len(s.demands) > 0
		var unproved *Demand
		for _, d := range s.demands {
			if d.Status != Decisive {
				decided = false
				unproved = d
			}
		}
		if decided {
			continue
		}
		tables := s.touched
		if unproved != nil {
			tables = append(append([]schema.Name{}, tables...), unproved.From...)
		}
		for _, n := range sortedNames(tables) {
			reason, excluded := lacking[n]
			if !excluded && unproved != nil && r.copy.Copy.Sampled {
				reason = "the copy is a sample of " + n.String() + ", and production cannot be asked about " + unproved.Label
			}
			if reason == "" {
				continue
			}
			r.gap(r.address(m.Migration), m.position(j)+" is not proved: "+reason, "rehearse on a copy with all rows of "+n.String())
			return
		}
	}
	if r.plan.stop != nil && r.plan.stop.migration <= i {
		r.gap(r.address(m.Migration), "what it demands of production's rows is not known: an empty clone did not get that far ("+errorText(r.plan.stop.err)+")",
			"the replay on the copy is all there is")
	}
}

// forCopy gives what masks must keep: the demands in terms of production's tables. A demand on a new table is about the
// tables that its rows come from, as far as they have columns of these names.
func (p *plan) forCopy() []schema.Obligation {
	var out []schema.Obligation
	for _, d := range p.demands() {
		for _, n := range sortedNames(d.From) {
			o := d.Obligation
			o.Table, o.Columns = n, d.productionColumns()
			out = append(out, o)
		}
	}
	return out
}

// productionColumns are the columns of a demand under the names that production has for them.
func (d *Demand) productionColumns() []string {
	out := append([]string(nil), d.Obligation.Columns...)
	if d.rows == nil || d.rows.query != "" {
		return out
	}
	for i, name := range out {
		if c, ok := d.rows.find(name); ok && c.from != "" {
			out[i] = c.from
		}
	}
	return out
}
