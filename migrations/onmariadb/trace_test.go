package onmariadb

import (
	"context"
	"fmt"
	"strings"
	"testing"

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
	if err := tracer.StartTrace(ctx); err != nil {
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
