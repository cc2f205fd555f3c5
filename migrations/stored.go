package migrations

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// Stored stands for production where only a snapshot of it is at hand, as in a CI job without credentials:
// the pending migrations are tried on an empty clone, and demands are answered by the profile of the columns.
type Stored struct {
	Snapshot *snapshot.Snapshot
	// Rows are the version table's rows as they were captured; false when the snapshot does not have the table.
	Rows func(table schema.Name) (columns []string, rows [][]*string, ok bool)
}

// CopyOut gives the stored rows of a version table.
func (s *Stored) CopyOut(_ context.Context, read engine.Read, fn func(engine.Row) error) error {
	columns, rows, ok := s.Rows(read.Table)
	if !ok {
		return fmt.Errorf("the snapshot does not hold the rows of %s", read.Table)
	}
	at := make([]int, len(read.Columns))
	for i, c := range read.Columns {
		if at[i] = slices.IndexFunc(columns, func(have string) bool { return strings.EqualFold(have, c) }); at[i] < 0 {
			return fmt.Errorf("the snapshot does not hold the column %s of %s", c, read.Table)
		}
	}
	for _, row := range rows {
		out := make(engine.Row, len(at))
		for i, j := range at {
			if row[j] != nil {
				out[i] = engine.Cell{Type: engine.CellText, Data: []byte(*row[j])}
			}
		}
		if err := fn(out); err != nil {
			return err
		}
	}
	return nil
}

// errNotInProfile says that a demand needs more than counts of a column.
var errNotInProfile = errors.New("the stored profile does not answer it")

// answer asks the profile. Violations are exact where there is an answer.
func (s *Stored) answer(scope string, d *Demand) (violations, checked int64, err error) {
	if d.rows == nil || d.rows.query != "" {
		return 0, 0, errNotInProfile
	}
	p := profileOf{s.Snapshot, scope, d.rows.table}
	if grade, ok := s.Snapshot.Value(snapshot.Object(scope, "profile", p.table.Idents()...).Attr("grade")); ok && grade != snapshot.String(string(snapshot.GradeScan)) {
		return 0, 0, errNotInProfile // statistics and samples prove nothing
	}
	rows, ok := p.number("", "rows")
	if !ok {
		return 0, 0, errNotInProfile
	}
	if rows == 0 {
		return 0, 0, nil
	}
	violations, ok = p.violations(d, rows)
	if !ok {
		return 0, 0, errNotInProfile
	}
	return violations, rows, nil
}

// profileOf reads the profile of one table of production.
type profileOf struct {
	snap  *snapshot.Snapshot
	scope string
	table schema.Name
}

// number is one attribute of a column, or of the table where column is "".
func (p profileOf) number(column, attribute string) (int64, bool) {
	idents := p.table.Idents()
	if column != "" {
		idents = p.table.Idents(column)
	}
	v, ok := p.snap.Value(snapshot.Object(p.scope, "profile", idents...).Attr(attribute))
	if !ok {
		return 0, false
	}
	f, ok := v.Number()
	return int64(f), ok
}

// count is a number that is not said where it is none.
func (p profileOf) count(column, attribute string) (int64, bool) {
	if _, ok := p.number(column, "nulls"); !ok {
		return 0, false
	}
	n, _ := p.number(column, attribute)
	return n, true
}

func (p profileOf) violations(d *Demand, rows int64) (int64, bool) {
	switch o := d.Obligation; o.Kind {
	case schema.NotNull:
		if d.fresh {
			return rows, true
		}
		column, ok := ownColumn(d, o.Columns[0])
		if !ok {
			return 0, false
		}
		return p.number(column, "nulls")
	case schema.UniqueKey:
		// The number of distinct values is an estimate: it proves uniqueness of at most one row.
		if len(o.Columns) != 1 || len(o.Exprs) > 0 && o.Exprs[0] != o.Columns[0] {
			return 0, rows == 1
		}
		column, ok := ownColumn(d, o.Columns[0])
		nulls, known := p.number(column, "nulls")
		return 0, rows == 1 || ok && known && !o.NullsNotDistinct && rows-nulls <= 1
	case schema.CheckExpr:
		return p.check(d, o.Expr)
	case schema.Convertible:
		return p.fits(d, o)
	}
	return 0, false
}

// ownColumn is production's name of a column that a demand is about.
func ownColumn(d *Demand, column string) (string, bool) {
	c, ok := d.rows.find(column)
	return c.from, ok && c.from != ""
}

var (
	aboveZero = regexp.MustCompile("^[(\"`\\s]*(\\w+)[)\"`\\s]*(>=?)[(\\s]*0(?:\\.0*)?[)\\s]*(?:::\\w+)?[)\\s]*$")
	textType  = regexp.MustCompile(`(?i)^(?:varchar|character varying|char|character)\s*\(\s*(\d+)\s*\)`)
)

// check knows the checks whose violations a profile counts: column >= 0 and column > 0.
func (p profileOf) check(d *Demand, expr string) (int64, bool) {
	m := aboveZero.FindStringSubmatch(expr)
	if m == nil {
		return 0, false
	}
	column, ok := ownColumn(d, m[1])
	if !ok {
		return 0, false
	}
	if _, numeric := p.number(column, "negatives"); !numeric {
		return 0, false
	}
	bad, ok := p.count(column, "negatives")
	if zeros, _ := p.count(column, "zeros"); m[2] == ">" {
		bad += zeros
	}
	return bad, ok
}

// fits proves that every text is short enough; how many are too long is not in a profile.
func (p profileOf) fits(d *Demand, o schema.Obligation) (int64, bool) {
	m := textType.FindStringSubmatch(o.Type)
	column, ok := ownColumn(d, o.Columns[0])
	if m == nil || !ok {
		return 0, false
	}
	limit, err := strconv.ParseInt(m[1], 10, 64)
	longest, known := p.count(column, "max_length")
	return 0, err == nil && known && longest <= limit
}

// askStored answers the demands from the profile.
func (r *rehearsal) askStored() {
	for _, d := range r.plan.demands() {
		a := &Answer{Demand: d, At: r.in.Stored.Snapshot.Manifest.CapturedAt, Stored: true}
		r.answers[d] = a
		if d.Status == Unproved {
			continue
		}
		if a.Violations, a.Checked, a.Err = r.in.Stored.answer(r.in.Scope, d); a.Err != nil {
			d.Status = Unproved
		}
	}
}

// judgeStored takes what the empty clone refused for a failure, and says in one gap what only rows could prove.
func (r *rehearsal) judgeStored() {
	if stop := r.plan.stop; stop != nil {
		r.failed = &failure{migration: stop.migration, statement: stop.statement, err: stop.err, onCopy: -1}
		r.listMigrations()
		r.out.Database.Migrations[stop.migration].Status = statusFailed
		return
	}
	demands, writes := 0, 0
	first := -1
	for i := range r.plan.migrations {
		for _, s := range r.plan.migrations[i].statements {
			open := 0
			for _, d := range s.demands {
				if d.Status != Decisive {
					open++
				}
			}
			demands += open
			if len(s.demands) == 0 && len(s.touched) > 0 {
				writes++
				open++
			}
			if open > 0 && first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		return
	}
	var parts []string
	if demands > 0 {
		parts = append(parts, plural(int64(demands), "demand")+" on production's rows")
	}
	if writes > 0 {
		parts = append(parts, plural(int64(writes), "statement")+" that change rows")
	}
	r.gap(r.address(r.plan.migrations[first].Migration), "not proved by the stored snapshot: "+strings.Join(parts, " and "),
		"envdiff rehearse "+r.in.Environment+" where production can be asked; snapshots with databases."+r.in.Scope+".profile: scan prove more")
}
