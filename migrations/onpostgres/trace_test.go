package onpostgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/migrations"
)

const traced = `
CREATE TABLE t (id int PRIMARY KEY, a int, b int, note text);
INSERT INTO t SELECT n, n, n, repeat('x', 50) FROM generate_series(1, 20000) n;
CREATE INDEX t_b ON t (b);
CREATE MATERIALIZED VIEW tv AS SELECT id, note FROM t;
CREATE UNIQUE INDEX tv_id ON tv (id);
`

// fresh is a database with a table t, to be copied.
func fresh(t *testing.T, server *testservers.Server) string {
	t.Helper()
	dsn := server.NewDatabase(t)
	server.Exec(t, dsn, traced)
	return dsn
}

// trace runs one statement on a copy of a fresh table t.
func trace(t *testing.T, server *testservers.Server, template, statement string) engine.Trace {
	t.Helper()
	dsn := server.CopyDatabase(t, template)
	ctx := context.Background()
	db, err := postgres.New().Open(ctx, target(t, dsn), engine.Scratch)
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
	_, tr, err := tracer.Traced(ctx, statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return tr
}

// shows reports whether a trace has an effect.
func shows(tr engine.Trace, e migrations.Effect) bool {
	writes, reads := false, false
	for _, l := range tr.Locks {
		if !l.Brief {
			writes = writes || l.Blocks != engine.BlocksNothing
			reads = reads || l.Blocks == engine.BlocksReadsAndWrites
		}
	}
	switch e {
	case migrations.BlocksWrites:
		return writes
	case migrations.BlocksReads:
		return reads
	case migrations.Rewrites:
		return len(tr.Rewrites) > 0
	}
	return writes && len(tr.Scans) > 0
}

// TestHazardsHurtAndTheirSaferFormsDoNot runs every hazard's example, and what is advised instead.
func TestHazardsHurtAndTheirSaferFormsDoNot(t *testing.T) {
	server := testservers.Postgres(t)
	template := fresh(t, server)
	for _, h := range migrations.Hazards() {
		if h.Engine != "postgres" {
			continue
		}
		t.Run(h.Example, func(t *testing.T) {
			t.Parallel()
			if tr := trace(t, server, template, h.Example); !shows(tr, h.Effect) {
				t.Errorf("it does not hurt: %+v", tr)
			}
			if tr := trace(t, server, template, h.Instead); shows(tr, h.Effect) {
				t.Errorf("the safer form %s hurts as well: %+v", h.Instead, tr)
			}
		})
	}
}

func TestTraceOnPostgres(t *testing.T) {
	server := testservers.Postgres(t)
	template := fresh(t, server)
	for _, tt := range []struct {
		statement                   string
		locks, rewrites, scans, log bool
	}{
		{"ALTER TABLE t ADD COLUMN c int", true, false, false, true},
		{"ALTER TABLE t ALTER a TYPE bigint", true, true, true, true},
		{"UPDATE t SET a = a + 1", true, false, true, true},
		{"CREATE TABLE other (id int)", false, false, false, true},
		{"TRUNCATE t", true, false, false, true},
		{"SELECT 1", false, false, false, false},
	} {
		tr := trace(t, server, template, tt.statement)
		if len(tr.Locks) > 0 != tt.locks || len(tr.Rewrites) > 0 != tt.rewrites || len(tr.Scans) > 0 != tt.scans || tt.log && tr.LogBytes == 0 {
			t.Errorf("%s: %+v", tt.statement, tr)
		}
		for _, l := range tr.Locks {
			if !strings.HasSuffix(l.Mode, "Lock") || l.Table.Name != "t" {
				t.Errorf("%s: lock %+v", tt.statement, l)
			}
		}
	}
}
