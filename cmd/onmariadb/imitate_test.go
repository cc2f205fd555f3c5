package onmariadb

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
)

// TestSessionsOfTheCopyBehaveAsProductions: an empty text is taken for a number where production's sql_mode is not strict, and is not where it is,
// whatever the scratch server's own mode.
func TestSessionsOfTheCopyBehaveAsProductions(t *testing.T) {
	server := testservers.NewMariaDB(t)
	production, scratch := server.NewDatabase(t), server.NewDatabase(t)
	server.Exec(t, production, gateBase+"INSERT INTO schema_migrations VALUES (1, false)")
	p := project{t.TempDir()}
	url := func(db string) string { return fmt.Sprintf("mariadb://root@127.0.0.1:%d/%s", server.Port, db) }
	for name, text := range map[string]string{
		"1_base.up.sql": "SELECT 1;\n", "2_more.up.sql": "CREATE TABLE more (n int, t varchar(3));\nINSERT INTO more VALUES (1, 'abcdef');\n",
		"envdiff.yaml": fmt.Sprintf(`keys: {redact: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, pseudonym: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}
environments:
  production: {databases: {main: %q}}
databases:
  main: {migrations: "file://."}
`, url(production)),
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if status, out := p.run(t, "scan", "production", "-w", "sanitize.yaml"); status != 0 {
		t.Fatalf("scan: %d %s", status, out)
	}
	if status, out := p.run(t, "rehearse", "production"); status != 1 || !strings.Contains(out, "migration-failed") {
		t.Errorf("strict: %d %s", status, out)
	}
	server.Exec(t, scratch, "SET GLOBAL sql_mode = 'NO_ENGINE_SUBSTITUTION'")
	if status, out := p.run(t, "rehearse", "production"); status != 0 {
		t.Errorf("not strict: %d %s", status, out)
	}
}
