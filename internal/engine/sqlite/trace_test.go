package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

// TestTheFirstWriterHoldsTheLock: reading takes no lock that others wait for, the first write of a transaction does.
func TestTheFirstWriterHoldsTheLock(t *testing.T) {
	ctx := context.Background()
	e := New()
	target, err := e.CreateScratch(ctx, engine.Target{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db, err := e.Open(ctx, target, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := db.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tracer := s.(engine.Tracer)
	if err := tracer.StartTrace(ctx, time.Now); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		sql   string
		locks bool
	}{
		{"SELECT 1", false}, {"CREATE TABLE t (a)", true}, {"BEGIN", false}, {"SELECT * FROM t", false},
		{"INSERT INTO t VALUES (1)", true}, {"UPDATE t SET a = 2", false}, {"COMMIT", false}, {"-- x\nDELETE FROM t", true},
	} {
		_, tr, err := tracer.Traced(ctx, step.sql)
		if err != nil {
			t.Fatal(err)
		}
		if len(tr.Locks) > 0 != step.locks {
			t.Errorf("%s: locks %v", step.sql, tr.Locks)
		}
	}
}
