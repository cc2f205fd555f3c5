package migrations

import (
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
	for _, b := range broken {
		if !unenforced(r.in.Engine.Name(), b.demand) {
			return "the copy does not have these rows, but production does"
		}
	}
	return "SQLite enforces foreign keys only on connections that ask for it: elsewhere the migration passes and leaves rows that break it"
}

// hint says what to do about a failure.
func (r *rehearsal) hint(f *failure) string {
	if f.demand != nil {
		return r.hintFor(f.demand)
	}
	text := strings.ToLower(errorText(f.err))
	switch {
	case strings.Contains(text, "within a transaction") || strings.Contains(text, "no transaction is active"):
		return "remove BEGIN and COMMIT: golang-migrate runs every file in a transaction of its own"
	case f.statement < 0:
		return "correct the file"
	case strings.Contains(text, "already exists"), strings.Contains(text, "duplicate column"), strings.Contains(text, "no such"):
		return "the schema is not what the migration expects: compare it with where the migration passed"
	}
	return ""
}

// hintFor says what to do about rows that break a demand, and how to find them.
func (r *rehearsal) hintFor(d *Demand) string {
	var do string
	switch {
	case d.fresh:
		do = "add it with a default, or fill it before it becomes NOT NULL"
	case d.Obligation.Kind == schema.NotNull:
		do = "fill them in before, or let the migration give them a value"
	case d.Obligation.Kind == schema.UniqueKey:
		do = "merge or rename the duplicates before"
	case d.Obligation.Kind == schema.Reference:
		do = "delete them or add the rows they refer to before"
	case d.Obligation.Kind == schema.CheckExpr:
		do = "correct them before, or loosen the check"
	default:
		do = "convert them before"
	}
	if query := r.finder(d); query != "" {
		do += "; find them with " + query
	}
	return do
}

// maxQuery is the length above which a query helps nobody in a hint.
const maxQuery = 400

// finder is a query for people that gives the keys of the rows which break a demand; "" where there is none, or where it would show a literal of the migration.
func (r *rehearsal) finder(d *Demand) string {
	finder, ok := r.in.Engine.(engine.Finder)
	if !ok || d.fresh || len(d.From) != 1 || d.Status == Unproved || d.On.Query != "" && r.redact.literals(d.On.Query) != d.On.Query {
		return ""
	}
	t, ok := r.in.Schema.Table(d.From[0])
	if !ok || t.PrimaryKey == nil {
		return ""
	}
	for _, k := range t.PrimaryKey.Columns {
		if !contains(d.On.Columns, k) {
			return ""
		}
	}
	query, err := finder.Find(d.Obligation, d.On, t.PrimaryKey.Columns)
	if err != nil {
		return ""
	}
	if query = strings.Join(strings.Fields(query), " "); len(query) > maxQuery {
		return ""
	}
	return query
}

// gapUnproved names what a passed replay does not prove: demands that only rows could answer which the copy does not have.
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
			if !excluded && unproved != nil && r.copy.Copy.Mode == "sample" {
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

// forCopy gives what masks must keep: the demands in terms of production's tables. A demand on a new table is about the tables that its rows come from, as far as
// they have columns of these names.
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
