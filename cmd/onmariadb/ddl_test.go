package onmariadb

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A table that somebody changes between the moment of the copy and its being read is not in that moment any more: InnoDB says so, or it is gone. Staging keeps what it had,
// and the error names the table and says to run again, which then works.
func TestRefreshBesideDDL(t *testing.T) {
	f := newFeeding(t)
	f.expect(t, 0, "no findings", "refresh", "production", "staging")
	f.server.Exec(t, f.production, "UPDATE people SET round = 7")
	before := f.state(t, f.staging)
	gate := "gate_of_" + f.production
	halting := strings.Replace(feedPolicy, "  people:\n", fmt.Sprintf("  people:\n    where: \"id <> 200 OR GET_LOCK('%[1]s', 60) + RELEASE_LOCK('%[1]s') > 0\"\n", gate), 1)
	halted := func(ddl string) string {
		if err := os.WriteFile(filepath.Join(f.dir, "sanitize.yaml"), []byte(halting), 0o600); err != nil {
			t.Fatal(err)
		}
		var out string
		if !f.whileHalted(t, gate, func() { f.server.Exec(t, f.production, ddl) }, func() {
			status, text := f.run(t, "refresh", "production", "staging")
			out = fmt.Sprint(status, " ", text)
		}) {
			t.Errorf("%s: the copy did not wait", ddl)
		}
		f.nothingLeft(t)
		return out
	}
	const again = "events: the table was changed by DDL after the snapshot was taken: run again"
	for _, c := range []struct{ ddl, undo, says string }{
		{"ALTER TABLE events MODIFY at timestamp NULL", "DO 0", again},
		{"RENAME TABLE events TO events_old", "RENAME TABLE events_old TO events", "table events does not exist, or the account may not see it; if it was renamed or dropped meanwhile, run again"},
		{"ALTER TABLE events DROP COLUMN at", "ALTER TABLE events ADD COLUMN at datetime", "Unknown column 'at' in 'SELECT'; if the table was changed meanwhile, run again"},
		{"TRUNCATE TABLE events", "DO 0", again},
	} {
		if out := halted(c.ddl); !strings.HasPrefix(out, "2 ") || !strings.Contains(out, c.says) || strings.Contains(out, "zqtoken") {
			t.Errorf("%s:\n%s", c.ddl, out)
		}
		if f.state(t, f.staging) != before {
			t.Errorf("%s: staging is not what it was", c.ddl)
		}
		f.server.Exec(t, f.production, c.undo)
	}
	if out := halted("ALTER TABLE events ADD COLUMN late varchar(20) NOT NULL DEFAULT 'zqtoken-late'"); !strings.HasPrefix(out, "0 ") || strings.Contains(f.state(t, f.staging), "late") {
		t.Errorf("a column that comes later is not of the copy's moment:\n%s", out)
	}
}

// whileHalted runs a command whose reading waits for a lock, does something meanwhile, and lets it go on. It reports whether the command came to wait.
func (f feeding) whileHalted(t *testing.T, gate string, meanwhile, command func()) (waited bool) {
	t.Helper()
	db, err := sql.Open("mysql", f.server.DSN(f.production))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	holder, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	ask := func(query string) (n int) {
		if err := holder.QueryRowContext(t.Context(), query, gate).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ask("SELECT GET_LOCK(?, 1)")
	ended := make(chan struct{})
	go func() { defer close(ended); command() }()
	for deadline := time.Now().Add(time.Minute); !waited && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		select {
		case <-ended:
			return false
		default:
		}
		waited = ask("SELECT count(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User lock' AND INFO LIKE concat('%', ?, '%')") > 0
	}
	meanwhile()
	ask("SELECT RELEASE_LOCK(?)")
	<-ended
	return waited
}
