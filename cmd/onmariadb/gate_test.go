package onmariadb

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
)

const gateBase = `CREATE TABLE users (id bigint PRIMARY KEY, email varchar(200) NOT NULL, plan varchar(20)) ENGINE=InnoDB;
INSERT INTO users SELECT seq, concat('user-', seq, '@mail.example'), 'free' FROM seq_1_to_200;
CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL) ENGINE=InnoDB;`

const gateDeploy = `ALTER TABLE users ADD COLUMN country char(2) NOT NULL DEFAULT 'de';
CREATE TABLE sessions (id bigint AUTO_INCREMENT PRIMARY KEY, user_id bigint NOT NULL, FOREIGN KEY sessions_user (user_id) REFERENCES users (id)) ENGINE=InnoDB;`

// TestGateOnMariaDB: a deploy that staging has seen passes, and one that meets other rows in production does not. The copies stand on
// a throw-away server.
func TestGateOnMariaDB(t *testing.T) {
	server := testservers.MariaDB(t)
	staging, production := server.NewDatabase(t), server.NewDatabase(t)
	server.Exec(t, staging, gateBase+gateDeploy+"INSERT INTO schema_migrations VALUES (2, false)")
	server.Exec(t, production, gateBase+"INSERT INTO schema_migrations VALUES (1, false)")
	p := project{t.TempDir()}
	url := func(db string) string { return fmt.Sprintf("mariadb://root@127.0.0.1:%d/%s", server.Port, db) }
	for name, text := range map[string]string{
		"1_base.up.sql": "SELECT 1;\n", "2_country.up.sql": gateDeploy,
		"envdiff.yaml": fmt.Sprintf(`keys: {redact: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, pseudonym: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}
environments:
  staging: {databases: {main: %q}}
  production: {protected: true, databases: {main: %q}}
databases:
  main: {migrations: "file://."}
`, url(staging), url(production)),
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if status, out := p.run(t, "scan", "production", "-w", "sanitize.yaml"); status != 0 {
		t.Fatalf("scan: %d %s", status, out)
	}
	if status, out := p.run(t, "gate", "staging", "production"); status != 0 {
		t.Errorf("an ordinary deploy: %d %s", status, out)
	}
	server.Exec(t, production, "ALTER TABLE users MODIFY COLUMN plan varchar(30)")
	if status, out := p.run(t, "gate", "staging", "production"); status != 1 {
		t.Errorf("a column that is there already: %d %s", status, out)
	}
}
