package onpostgres

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

// A value that would not fit into memory, up to PostgreSQL's gigabyte, is refused before a row is copied, with what to do; done, the copy is made.
func TestAHugeValueIsRefused(t *testing.T) {
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	// What is the same over and over takes the server a megabyte and a half.
	server.Exec(t, dsn, `CREATE TABLE files (id int PRIMARY KEY, name text, content bytea); INSERT INTO files VALUES (1, 'small', '\x00'), (2, 'huge', NULL);
		UPDATE files SET content = convert_to(repeat('0', 1073741000 / 8), 'UTF8') WHERE id = 2`)
	src := open(t, dsn, engine.ReadOnly)
	sch, err := src.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var cut []string // what scan reads
	err = src.CopyOut(t.Context(), engine.Read{Table: sch.Tables[0].Name, Columns: []string{"id", "name", "content"}, OrderBy: []string{"id"}, Cut: 6}, func(r engine.Row) error {
		cut = append(cut, string(r[0].Data)+string(r[1].Data)+string(r[2].Data))
		return nil
	})
	if err != nil || strings.Join(cut, " ") != `1small\x00 2huge\x303030303030` {
		t.Errorf("%v %v", cut, err)
	}
	for _, c := range []struct{ entry, refused, rows string }{
		{"columns: {id: {keep: true}, name: {keep: true}, content: {keep: true}}", "files has a row of about 255 MiB as text", ""},
		{"columns: {id: {keep: true}, name: {keep: true}, content: {mask: text}}", "octet_length(COLUMN) < 16777216", ""},
		{"columns: {id: {keep: true}, name: {keep: true}, content: {set: null}}", "", "2"},
		{"where: octet_length(content) < 16777216, columns: {id: {keep: true}, name: {keep: true}, content: {keep: true}}", "", "1"},
	} {
		policy, err := sanitize.ParsePolicy([]byte("tables: {files: {"+c.entry+"}}"), "sanitize.yaml")
		if err != nil {
			t.Fatal(err)
		}
		plan, err := sanitize.NewPlan(policy, sch, sanitize.Keepable, nil)
		if err != nil {
			t.Fatal(err)
		}
		copied, err := sanitize.Build(t.Context(), src, engine.Target{Engine: "postgres", DSN: server.DSN("postgres"), Display: "scratch"}, t.TempDir(), sch, plan, testKey(t), sanitize.CopyOptions{})
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: got %v", c.entry, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := server.Ask(t, copied.Target.DSN, "SELECT count(*) FROM files"); got != c.rows {
			t.Errorf("%s: %s rows", c.entry, got)
		}
		if err := src.Engine().DropScratch(t.Context(), copied.Target); err != nil {
			t.Error(err)
		}
	}
}
