package onmariadb

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/testservers"
)

// TestLeftoversOnTheScratchServerAreRemoved: a rehearsal that is killed leaves databases; the next look at the server removes them.
func TestLeftoversOnTheScratchServerAreRemoved(t *testing.T) {
	server := testservers.MariaDB(t)
	production := server.NewDatabase(t)
	server.Exec(t, production, gateBase+"INSERT INTO schema_migrations VALUES (1, false)")
	p := project{t.TempDir()}
	url := fmt.Sprintf("mariadb://root@127.0.0.1:%d/%s", server.Port, production)
	for name, text := range map[string]string{
		"1_base.up.sql": "SELECT 1;\n", "2_sleep.up.sql": "CREATE TABLE more (id int);\nSELECT sleep(3600);\n",
		"envdiff.yaml": fmt.Sprintf(`keys: {redact: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, pseudonym: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}
environments:
  production: {databases: {main: %q}}
databases:
  main: {migrations: "file://.", scratch: %q}
`, url, url),
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if status, out := p.run(t, "scan", "production", "-w", "sanitize.yaml"); status != 0 {
		t.Fatalf("scan: %d %s", status, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := &exec.Cmd{Path: self, Args: []string{"envdiff", "rehearse", "production"}, Dir: p.dir, Stdout: &out, Stderr: &out, Env: append(os.Environ(), asProgram+"=1", "TMPDIR="+p.dir)}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	count := func(sql string) (n string) {
		db, err := mysql.New().Open(t.Context(), engine.Target{Engine: "mysql", DSN: url, Display: "test"}, engine.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Query(t.Context(), sql, func(r engine.Row) error { n = string(r[0].Data); return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for count(`SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB LIKE 'envdiff\_scratch\_r%' AND INFO LIKE 'SELECT sleep(3600)%'`) == "0" {
		select {
		case err := <-ended:
			t.Fatalf("it ended by itself: %v\n%s", err, out.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	const scratch = `SELECT count(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'envdiff\_scratch\_r%'`
	if count(scratch) == "0" {
		t.Fatal("the killed run left nothing: the test shows nothing")
	}
	if _, out := p.run(t, "doctor", "production"); !strings.Contains(out, "removed what killed runs had left on the scratch server: envdiff_scratch_r") {
		t.Errorf("doctor says %s", out)
	}
	if left := count(scratch); left != "0" {
		t.Errorf("%s databases are left", left)
	}
}
