package onmariadb

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

// accounts are the server's own: they are made once on each.
const accounts = `
CREATE ROLE w_looks; CREATE ROLE w_writes; CREATE USER w_app@'10.%' IDENTIFIED BY 'never-captured-secret'; CREATE USER w_batch@'10.%' IDENTIFIED BY 'never-captured-secret' REQUIRE SSL; GRANT w_looks TO w_app@'10.%'; CREATE USER w_owner@localhost;
GRANT ALL ON *.* TO w_owner@localhost;
`

// world holds every kind of object that the model has.
const world = `
CREATE SEQUENCE tickets START WITH 5 INCREMENT BY 2 MAXVALUE 100 CACHE 10;
CREATE TABLE users (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, email VARCHAR(200) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL, name VARCHAR(80) COMMENT 'as written', plan ENUM('free', 'pro') NOT NULL DEFAULT 'free', age TINYINT UNSIGNED,
	bio TEXT, made DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), extra JSON DEFAULT '{}', low VARCHAR(200) AS (lower(email)) STORED, twice INT AS (age * 2) VIRTUAL, secret INT INVISIBLE DEFAULT 3,
	ticket BIGINT DEFAULT 1, UNIQUE KEY users_email (email) COMMENT 'one each', KEY users_name (name(10), age DESC) COMMENT 'by name', KEY users_unused (age) IGNORED, FULLTEXT KEY users_bio (bio), CONSTRAINT adult CHECK (age >= 18))
	ENGINE=InnoDB ROW_FORMAT=COMPACT STATS_PERSISTENT=0 COMMENT='people';
CREATE TABLE places (id INT PRIMARY KEY, at POINT NOT NULL, SPATIAL KEY places_at (at)) ENGINE=InnoDB;
CREATE TABLE orders (id BIGINT PRIMARY KEY, user_id BIGINT UNSIGNED, up BIGINT, total DECIMAL(10,2) NOT NULL DEFAULT 0.00, KEY orders_user (user_id), KEY orders_up (up),
	CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE, CONSTRAINT orders_up FOREIGN KEY (up) REFERENCES orders (id));
CREATE TABLE regions (id INT, code INT) PARTITION BY LIST (code) (PARTITION north VALUES IN (1, 2), PARTITION south VALUES IN (3), PARTITION elsewhere DEFAULT);
CREATE TABLE events (id BIGINT NOT NULL, day DATE NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE COLUMNS (day) (PARTITION p202601 VALUES LESS THAN ('2026-02-01'), PARTITION p202602 VALUES LESS THAN ('2026-03-01'));
CREATE TABLE hashed (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4;
CREATE TABLE priced (a INT, b INT WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING; CREATE TABLE quoted (a INT) WITH SYSTEM VERSIONING;
CREATE TABLE aged (a INT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 1000 (PARTITION p0 HISTORY, PARTITION pn CURRENT);
CREATE TABLE legacy (a INT, KEY (a)) ENGINE=MyISAM; CREATE TABLE quick (a INT, PRIMARY KEY (a)) ENGINE=MEMORY;
CREATE TABLE ` + "`odd.name/with \"quotes\"\n☃`" + ` (` + "`a.b``c`" + ` INT, KEY ` + "`i.x`" + ` (` + "`a.b``c`" + `));
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC NO SQL COMMENT 'doubles' RETURN n * 2; CREATE FUNCTION spare() RETURNS INT RETURN 1;
CREATE PROCEDURE tidy(IN a INT, OUT b VARCHAR(10)) READS SQL DATA SQL SECURITY INVOKER BEGIN SELECT a INTO b; END;
CREATE SQL SECURITY INVOKER VIEW adults AS SELECT id, email FROM users WHERE age > 18 WITH LOCAL CHECK OPTION; CREATE VIEW cheerful AS SELECT id, twice(2) AS four FROM adults;
CREATE TRIGGER users_low BEFORE INSERT ON users FOR EACH ROW SET NEW.name = trim(NEW.name); CREATE TRIGGER users_next BEFORE INSERT ON users FOR EACH ROW FOLLOWS users_low SET NEW.age = NEW.age + 0;
CREATE TRIGGER orders_gone AFTER DELETE ON orders FOR EACH ROW DELETE FROM regions WHERE id = OLD.id;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY COMMENT 'cleans' DO DELETE FROM regions WHERE id < 0; CREATE EVENT once ON SCHEDULE AT '2037-01-01 00:00:00' DISABLE DO DELETE FROM regions;
`

// granted are the privileges that the world's accounts have on a database.
func granted(name string) string {
	return strings.ReplaceAll(`GRANT SELECT, SHOW VIEW ON DB.* TO w_looks; GRANT INSERT ON DB.orders TO w_app@'10.%' WITH GRANT OPTION; GRANT UPDATE (name) ON DB.users TO w_app@'10.%'; GRANT EXECUTE ON PROCEDURE DB.tidy TO w_app@'10.%'; GRANT DELETE ON DB.orders TO w_batch@'10.%';`, "DB", name)
}

func arranged(t *testing.T, server *testservers.MariaServer) (name string) {
	t.Helper()
	if server.Ask(t, "", "SELECT count(*) FROM mysql.global_priv WHERE User = 'w_app'") == "0" {
		server.Exec(t, "", accounts)
	}
	name = server.NewDatabase(t)
	server.Exec(t, name, world+granted(name))
	return name
}

// found compares two snapshots, "a" with "b".
func found(t testing.TB, a, b *snapshot.Snapshot) []finding.Finding {
	t.Helper()
	r, err := compare.Compare(context.Background(), []compare.Side{{Name: "a", Snapshot: a}, {Name: "b", Snapshot: b}}, compare.Options{Kinds: database.Schema{}.Kinds()})
	if err != nil {
		t.Fatal(err)
	}
	return r.Findings
}

func lines(findings []finding.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s %s: %s\n", f.Rule, f.Address, f.Change, f.Message)
	}
	return b.String()
}
