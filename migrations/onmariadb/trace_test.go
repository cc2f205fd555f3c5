package onmariadb

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/migrations"
)

const traced = `
CREATE TABLE t (id int PRIMARY KEY, a int, b int, note varchar(200)) ENGINE=InnoDB CHARACTER SET utf8mb4;
INSERT INTO t SELECT seq, seq, seq, repeat('x', 50) FROM seq_1_to_20000;
CREATE INDEX t_b ON t (b);
`

func target(server *testservers.MariaServer, database string) engine.Target {
	return engine.Target{Engine: "mysql", DSN: server.DSN(database), Display: fmt.Sprintf("mariadb://127.0.0.1:%d/%s", server.Port, database)}
}

func trace(t *testing.T, server *testservers.MariaServer, statement string) engine.Trace {
	t.Helper()
	database := server.NewDatabase(t)
	server.Exec(t, database, traced)
	ctx := context.Background()
	db, err := mysql.New().Open(ctx, target(server, database), engine.Scratch)
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

func shows(tr engine.Trace, e migrations.Effect) bool {
	if e == migrations.Rewrites {
		return len(tr.Rewrites) > 0
	}
	for _, l := range tr.Locks {
		if !l.Brief && l.Blocks != engine.BlocksNothing {
			return true
		}
	}
	return false
}

// TestHazardsHurtAndTheirSaferFormsDoNot runs every hazard's example, and what is advised instead.
func TestHazardsHurtAndTheirSaferFormsDoNot(t *testing.T) {
	server := testservers.MariaDB(t)
	for _, h := range migrations.Hazards() {
		if h.Engine != "mysql" {
			continue
		}
		t.Run(h.Example, func(t *testing.T) {
			if tr := trace(t, server, h.Example); !shows(tr, h.Effect) {
				t.Errorf("it does not hurt: %+v", tr)
			}
			if tr := trace(t, server, h.Instead); shows(tr, h.Effect) {
				t.Errorf("the safer form %s hurts as well: %+v", h.Instead, tr)
			}
		})
	}
}

func TestAlgorithms(t *testing.T) {
	server := testservers.MariaDB(t)
	for statement, want := range map[string]string{
		"ALTER TABLE t ADD COLUMN c int":                  "INSTANT",
		"ALTER TABLE t ADD COLUMN c int -- a comment":     "INSTANT",
		"CREATE INDEX t_a ON t (a);":                      "INPLACE, LOCK=NONE",
		"CREATE UNIQUE INDEX t_a ON t (a)":                "INPLACE, LOCK=NONE",
		"DROP INDEX t_b ON t":                             "INPLACE",
		"ALTER TABLE t MODIFY a bigint":                   "COPY",
		"ALTER TABLE `t` MODIFY a bigint, ALGORITHM=COPY": "COPY",
		"ALTER TABLE t ADD FULLTEXT INDEX t_n (note)":     "INPLACE, LOCK=SHARED",
		"UPDATE t SET a = 1":                              "",
		"CREATE TABLE other (id int)":                     "",
	} {
		if tr := trace(t, server, statement); tr.Algorithm != want && !strings.HasPrefix(tr.Algorithm, want+",") {
			t.Errorf("%s: %q, want %q (%+v)", statement, tr.Algorithm, want, tr)
		}
	}
}

// TestMetadataLocksAreSeen: a change that takes a while is looked at, a short one is told from its algorithm.
func TestMetadataLocksAreSeen(t *testing.T) {
	server := testservers.MariaDB(t)
	for statement, want := range map[string]engine.TableLock{
		"ALTER TABLE t MODIFY a bigint, ADD COLUMN c int DEFAULT (length(repeat(note, 2000)))": {Mode: "SHARED_NO_WRITE", Blocks: engine.BlocksWrites},
		"ALTER TABLE t ADD COLUMN c int": {Mode: "EXCLUSIVE", Blocks: engine.BlocksReadsAndWrites, Brief: true, Derived: true},
	} {
		tr := trace(t, server, statement)
		want.Table.Name = "t"
		if len(tr.Locks) != 1 || tr.Locks[0] != want {
			t.Errorf("%s: locks %+v, want %+v", statement, tr.Locks, want)
		}
	}
}

// TestTheLogIsMeasured: the binary log where there is one, also over the end of a file, else the redo log.
func TestTheLogIsMeasured(t *testing.T) {
	const update = "UPDATE t SET note = repeat('y', 60)" // 20,000 rows, before and after
	if tr := trace(t, testservers.MariaDB(t), update); tr.Log != "redo log" || tr.LogBytes == 0 {
		t.Errorf("without a binary log: %d bytes of %q", tr.LogBytes, tr.Log)
	}
	server := testservers.NewMariaDB(t, "--log-bin=binary", "--binlog-format=ROW", "--server-id=1")
	server.Exec(t, "", "CREATE DATABASE shop")
	server.Exec(t, "shop", traced)
	db, err := mysql.New().Open(t.Context(), target(server, "shop"), engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := db.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tracer := s.(engine.Tracer)
	if err := tracer.StartTrace(t.Context(), time.Now); err != nil {
		t.Fatal(err)
	}
	for _, rotate := range []bool{false, true} {
		if rotate {
			server.Exec(t, "", "FLUSH BINARY LOGS")
		}
		_, tr, err := tracer.Traced(t.Context(), "UPDATE t SET a = a + 1, note = repeat('y', 60)")
		if err != nil || tr.Log != "binary log" || tr.LogBytes < 20000*2*60 || tr.LogBytes > 20000*2*200 {
			t.Errorf("rotated %v: %d bytes of %q, %v", rotate, tr.LogBytes, tr.Log, err)
		}
	}
}
