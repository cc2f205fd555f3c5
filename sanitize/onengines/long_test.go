package onengines

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

// A row that would not fit into memory is refused before a row is copied, on these engines as on PostgreSQL (onpostgres), and what the error advises works.
func TestAHugeValueIsRefused(t *testing.T) {
	maria := testservers.MariaDB(t)
	db, file := maria.NewDatabase(t), filepath.Join(t.TempDir(), "files.db")
	packet := maria.Ask(t, "", "SELECT @@GLOBAL.max_allowed_packet")
	maria.Exec(t, "", "SET GLOBAL max_allowed_packet = 67108864")
	maria.Exec(t, db, "CREATE TABLE files (id int PRIMARY KEY, name varchar(9), content longblob); INSERT INTO files VALUES (1, 'small', 'x'), (2, 'huge', repeat('0123456789abcdef', 1100000))")
	maria.Exec(t, "", "SET GLOBAL max_allowed_packet = "+packet)
	lite := engine.Target{Engine: "sqlite", Path: file, Display: "source"}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fill, err := sqlite.New().Open(t.Context(), lite, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	s, err := fill.Session(t.Context())
	if err == nil {
		_, err = s.Exec(t.Context(), "CREATE TABLE files (id int PRIMARY KEY, name text, content blob); INSERT INTO files VALUES (1, 'small', 'x'), (2, 'huge', zeroblob(35200000))")
	}
	if err != nil {
		t.Fatal(err)
	}
	fill.Close()
	for _, c := range []struct {
		engine engine.Engine
		source engine.Target
	}{{mysql.New(), engine.Target{Engine: "mysql", DSN: maria.DSN(db), Display: "source"}}, {sqlite.New(), lite}} {
		src, err := c.engine.Open(t.Context(), c.source, engine.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		sch, err := src.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var cut []string // what scan reads
		err = src.CopyOut(t.Context(), engine.Read{Table: sch.Tables[0].Name, Columns: []string{"id", "name", "content"}, OrderBy: []string{"id"}, Cut: 6}, func(r engine.Row) error {
			cut = append(cut, string(r[0].Data)+string(r[1].Data)+string(r[2].Data))
			return nil
		})
		if err != nil || len(cut) != 2 || cut[0] != "1smallx" || len(cut[1]) != len("2huge123456") {
			t.Errorf("%s: %d rows, %v", c.engine.Name(), len(cut), err)
		}
		policy := func(entry string) *sanitize.Policy {
			p, err := sanitize.ParsePolicy([]byte("tables: {files: {"+entry+"}}"), "sanitize.yaml")
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		const kept = "columns: {id: {keep: true}, name: {keep: true}, content: {keep: true}}"
		plan, err := sanitize.NewPlan(policy(kept), sch, sanitize.Keepable, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sanitize.Build(t.Context(), src, c.source, t.TempDir(), sch, plan, keyOfEachRun(t), sanitize.CopyOptions{})
		if err == nil || !strings.Contains(err.Error(), "files has a row of about 33 MiB as text") || !strings.Contains(err.Error(), "octet_length(COLUMN) < 16777216") {
			t.Errorf("%s: %v", c.engine.Name(), err)
		}
		target, _ := copiedWith(t, src, c.source, sch, "tables: {files: {where: octet_length(content) < 16777216, "+kept+"}}", sanitize.CopyOptions{})
		if got := answer(t, c.engine, target, "SELECT count(*) FROM files"); got != "1" {
			t.Errorf("%s: %s rows", c.engine.Name(), got)
		}
	}
}
