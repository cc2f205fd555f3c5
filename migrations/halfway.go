package migrations

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// halfway finds out how far a dirty migration got: its statements are tried, one after the other, on an empty clone of production as it is. What is
// there already took effect; the first one that still works is where it stopped. The answer is added to the finding.
func (r *rehearsal) halfway(ctx context.Context) error {
	a := r.out.Pending.Applied
	m, known := r.src.find(a.Version)
	if !a.Dirty || !known || r.in.Stored != nil {
		return nil
	}
	p := readPlan(r.src, []Migration{m}, r.in.Engine)
	file := &p.migrations[0]
	if file.unreadable != nil || len(file.statements) == 0 {
		return nil
	}
	said := ""
	if newTransaction(nil, r.in.Engine.Name(), r.in.Spec, file).wrapped {
		said = "its file runs in one transaction, so none of its statements took effect"
	} else {
		clone, err := r.emptyClone(ctx)
		if err != nil {
			return err
		}
		defer r.drop(clone.Target)
		err = clone.use(ctx, r.in.Engine, func(s engine.Session) error {
			said = reached(ctx, s, file)
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	if said == "" {
		return nil
	}
	for i := range r.out.Findings {
		if f := &r.out.Findings[i]; f.Rule == "migration-state" && f.Address == r.address(m) {
			f.Message += "; " + said
		}
	}
	return nil
}

// reached says which statements of a file are there already; "" when that cannot be told, because rows alone would show it.
func reached(ctx context.Context, s engine.Session, m *planned) string {
	done := 0
	for i, st := range m.statements {
		if isDML(st.Text) {
			return ""
		}
		_, err := s.Exec(ctx, st.Text)
		switch {
		case err == nil && done == 0:
			return "none of its statements took effect"
		case err == nil:
			return fmt.Sprintf("of its statements %s took effect, and %s did not", first(done), m.position(i))
		case !isThere(err):
			return ""
		}
		done = i + 1
	}
	return "all of its statements took effect"
}

func first(n int) string {
	if n == 1 {
		return "the first"
	}
	return fmt.Sprintf("the first %d", n)
}

// isThere reports that an object is there already, or gone already.
func isThere(err error) bool {
	var e *engine.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "42P07", "42701", "42710", "42723", "42P06", "42P16", "42P01", "42703", "42704", // PostgreSQL: is there twice, is not there
		"1050", "1060", "1061", "1068", "1826", "1359", "1304", "1051", "1091", "1146", "1054": // MySQL and MariaDB
		return true
	}
	text := strings.ToLower(e.Message)
	return strings.Contains(text, "already exists") || strings.Contains(text, "duplicate column") || strings.Contains(text, "no such")
}
