package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// maxParameters is SQLITE_MAX_VARIABLE_NUMBER's default since 3.32.
const maxParameters = 32766

// CopyOut streams rows with the storage class that each value has.
func (db *database) CopyOut(ctx context.Context, r engine.Read, fn func(engine.Row) error) error {
	if len(r.Columns) == 0 {
		return fmt.Errorf("copy out of %s: no columns are named", r.Table)
	}
	tuples := matching(r.Match)
	if r.Match != nil && len(tuples) == 0 {
		return nil
	}
	if r.Match != nil && len(tuples)*len(r.Match.Columns) > maxParameters {
		return fmt.Errorf("copy out of %s: %d tuples to match are too many for one read: ask in chunks", r.Table, len(tuples))
	}
	return unwrapped(db.read(ctx, func() error {
		s, err := db.c.one(selectRows(r, len(tuples)))
		if err != nil {
			return err
		}
		defer s.finalize()
		a := &arena{c: db.c}
		defer a.release()
		if err := bindTuples(s, a, tuples); err != nil {
			return err
		}
		return s.each(ctx, guarded(fn))
	}))
}

// matching are the tuples that can match: those without a null.
func matching(m *engine.Match) []engine.Row {
	if m == nil {
		return nil
	}
	var tuples []engine.Row
	for _, t := range m.Tuples {
		whole := len(t) == len(m.Columns)
		for _, c := range t {
			whole = whole && c.Type != engine.CellNull
		}
		if whole {
			tuples = append(tuples, t)
		}
	}
	return tuples
}

func bindTuples(s *stmt, a *arena, tuples []engine.Row) error {
	room := 1
	for _, t := range tuples {
		room += bytesOf(t)
	}
	if err := a.reserve(room); err != nil {
		return err
	}
	at := 1
	for _, t := range tuples {
		if err := s.bind(a, at, t); err != nil {
			return err
		}
		at += len(t)
	}
	return nil
}

// selectRows writes the query. Tuples are parameters: an index on their columns is used, and the columns' affinity and
// collation decide what is equal, as they do for a foreign key.
func selectRows(r engine.Read, tuples int) string {
	var b strings.Builder
	columns := quoteAll(r.Columns)
	if r.Cut > 0 {
		list := make([]string, len(r.Columns))
		for i, name := range quoted(r.Columns) {
			list[i] = fmt.Sprintf("CASE WHEN typeof(%[1]s) IN ('text', 'blob') AND octet_length(%[1]s) > %[2]d THEN substr(%[1]s, 1, %[2]d) ELSE %[1]s END", name, r.Cut)
		}
		columns = strings.Join(list, ", ")
	}
	b.WriteString("SELECT " + columns + " FROM " + quote(r.Table.Name))
	var conditions []string
	if r.Where != "" {
		conditions = append(conditions, "("+r.Where+"\n)") // the condition may end in a comment
	}
	if r.Match != nil {
		one := "(?" + strings.Repeat(",?", len(r.Match.Columns)-1) + ")"
		conditions = append(conditions, "("+quoteAll(r.Match.Columns)+") IN (VALUES "+one+strings.Repeat(","+one, tuples-1)+")")
	}
	if r.Modulo != nil {
		conditions = append(conditions, r.Modulo.Condition(quote(r.Modulo.Column)))
	}
	if len(conditions) > 0 {
		b.WriteString(" WHERE " + strings.Join(conditions, " AND "))
	}
	if len(r.OrderBy) > 0 {
		order := make([]string, len(r.OrderBy))
		for i, c := range r.OrderBy {
			order[i] = quote(c) + " COLLATE BINARY"
		}
		b.WriteString(" ORDER BY " + strings.Join(order, ", "))
	}
	if r.Limit > 0 {
		b.WriteString(" LIMIT " + strconv.FormatInt(r.Limit, 10))
	}
	return b.String()
}

// CopyIn loads rows. Checks and foreign keys are not looked at: production may hold rows that are older than a
// constraint, and the copy must hold what production holds. NOT NULL and unique keys cannot be switched off.
func (db *database) CopyIn(ctx context.Context, table schema.Name, columns []string, next func() (engine.Row, error)) (int64, error) {
	if err := db.writable("loading rows"); err != nil {
		return 0, err
	}
	if len(columns) == 0 {
		return 0, fmt.Errorf("copy into %s: no columns are named", table)
	}
	release, err := db.c.acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	l := loader{ctx: ctx, c: db.c, columns: len(columns), next: next}
	return l.load("INSERT INTO " + quote(table.Name) + " (" + quoteAll(columns) + ") VALUES (?" + strings.Repeat(",?", len(columns)-1) + ")")
}

// loader is one run of CopyIn.
type loader struct {
	ctx     context.Context
	c       *conn
	columns int
	next    func() (engine.Row, error)
}

func (l *loader) load(insert string) (n int64, err error) {
	if err := l.c.exec(l.ctx, "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	n, err = l.insert(insert)
	end := "COMMIT"
	if err != nil {
		n, end = 0, "ROLLBACK"
	}
	// The context may be over; the transaction must end all the same. An interrupt may have ended it already.
	finish := context.WithoutCancel(l.ctx)
	if l.c.inTransaction() {
		if failed := l.c.exec(finish, end); err == nil && failed != nil {
			n, err = 0, failed
			if l.c.inTransaction() {
				_ = l.c.exec(finish, "ROLLBACK")
			}
		}
	}
	if failed := l.c.exec(finish, "PRAGMA ignore_check_constraints = OFF"); err == nil {
		err = failed
	}
	return n, err
}

func (l *loader) insert(sql string) (n int64, err error) {
	s, err := l.c.one(sql)
	if err != nil {
		return 0, err
	}
	defer s.finalize()
	a := &arena{c: l.c}
	defer a.release()
	for ; ; n++ {
		row, err := l.next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if len(row) != l.columns {
			return n, fmt.Errorf("row %d has %d values for %d columns", n+1, len(row), l.columns)
		}
		if err := l.ctx.Err(); err != nil {
			return n, interrupted(err)
		}
		if err := a.reserve(bytesOf(row)); err != nil {
			return n, err
		}
		if err := s.bind(a, 1, row); err != nil {
			return n, err
		}
		if _, err := s.step(l.ctx); err != nil {
			return n, err
		}
		s.reset()
	}
}
