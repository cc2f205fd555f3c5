package onmariadb

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/testservers"
)

// change is one change of the world, and the one finding that it makes. DB in the statement is the database's name; undo puts back what is the server's
// and not the database's.
type change struct {
	name, sql, rule, address, undo string
}

var changes = []change{
	{"table engine", "ALTER TABLE legacy ENGINE=Aria", "setting-behaviour", "main:table/legacy#engine", ""},
	{"table collation", "ALTER TABLE orders COLLATE utf8mb4_unicode_ci", "setting-behaviour", "main:table/orders#collation", ""},
	{"table row format", "ALTER TABLE users ROW_FORMAT=DYNAMIC", "setting-behaviour", "main:table/users#row_format", ""},
	{"table option", "ALTER TABLE users STATS_PERSISTENT=1", "setting-behaviour", "main:table/users#stats_persistent", ""},
	{"table comment", "ALTER TABLE users COMMENT='persons'", "comment-different", "main:table/users#comment", ""},
	{"table dropped with all that is its", "DROP TABLE orders", "table-missing", "main:table/orders", ""},
	{"table with an odd name", "ALTER TABLE `odd.name/with \"quotes\"\n☃` MODIFY `a.b``c` BIGINT", "column-different", "main:column/odd%2Ename/with \"quotes\"%0A☃.a%2Eb`c#type", ""},
	{"counter is none", "ALTER TABLE users AUTO_INCREMENT=1000", "", "", ""},
	{"column type", "ALTER TABLE users MODIFY age SMALLINT UNSIGNED", "column-different", "main:column/users.age#type", ""},
	{"column enum", "ALTER TABLE users MODIFY plan ENUM('free', 'pro', 'team') NOT NULL DEFAULT 'free'", "column-different", "main:column/users.plan#type", ""},
	{"column null", "ALTER TABLE orders MODIFY total DECIMAL(10,2) DEFAULT 0.00", "column-different", "main:column/orders.total#nullable", ""},
	{"column default", "ALTER TABLE orders ALTER total SET DEFAULT 1.00", "column-different", "main:column/orders.total#default", ""},
	{"column collation", "ALTER TABLE users MODIFY name VARCHAR(80) COLLATE utf8mb4_bin COMMENT 'as written'", "column-different", "main:column/users.name#collation", ""},
	{"column comment", "ALTER TABLE users MODIFY name VARCHAR(80)", "comment-different", "main:column/users.name#comment", ""},
	{"column on update", "ALTER TABLE users MODIFY made DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3)", "column-different", "main:column/users.made#on_update", ""},
	{"column generated", "ALTER TABLE users MODIFY twice INT AS (age * 3) VIRTUAL", "column-different", "main:column/users.twice#generated", ""},
	{"column stored", "ALTER TABLE users DROP twice, ADD twice INT AS (age * 2) STORED AFTER low", "column-different", "main:column/users.twice#generated", ""},
	{"column invisible", "ALTER TABLE users MODIFY secret INT DEFAULT 3", "column-different", "main:column/users.secret#hidden", ""},
	{"column handed out", "ALTER TABLE places MODIFY id INT AUTO_INCREMENT", "column-different", "main:column/places.id#identity", ""},
	{"column dropped", "ALTER TABLE users DROP ticket", "column-missing", "main:column/users.ticket", ""},
	{"column versioned", "SET system_versioning_alter_history = KEEP; ALTER TABLE priced MODIFY b INT WITH SYSTEM VERSIONING", "column-different", "main:column/priced.b#system_versioning", ""},
	{"system versioning", "ALTER TABLE quoted DROP SYSTEM VERSIONING", "setting-behaviour", "main:table/quoted#system_versioning", ""},
	{"check", "ALTER TABLE users DROP CONSTRAINT adult; ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 21)", "constraint-different", "main:constraint/users.adult#definition", ""},
	{"check dropped", "ALTER TABLE users DROP CONSTRAINT adult", "constraint-different", "main:constraint/users.adult", ""},
	{"key columns", "ALTER TABLE users DROP KEY users_email, ADD UNIQUE KEY users_email (email, plan) COMMENT 'one each'", "constraint-different", "main:constraint/users.users_email#columns", ""},
	{"key prefix", "ALTER TABLE users DROP KEY users_email, ADD UNIQUE KEY users_email (email(50)) COMMENT 'one each'", "constraint-different", "main:constraint/users.users_email#prefixes", ""},
	{"key comment", "ALTER TABLE users DROP KEY users_email, ADD UNIQUE KEY users_email (email)", "comment-different", "main:constraint/users.users_email#comment", ""},
	{"key dropped", "ALTER TABLE users DROP KEY users_email", "constraint-different", "main:constraint/users.users_email", ""},
	{"key method", "ALTER TABLE quick DROP PRIMARY KEY, ADD PRIMARY KEY (a) USING BTREE", "constraint-different", "main:constraint/quick.primary key(a)#method", ""},
	{"foreign key action", "ALTER TABLE orders DROP FOREIGN KEY orders_user; ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL", "constraint-different", "main:constraint/orders.orders_user#on_delete", ""},
	{"no action is restrict", "ALTER TABLE orders DROP FOREIGN KEY orders_up; ALTER TABLE orders ADD CONSTRAINT orders_up FOREIGN KEY (up) REFERENCES orders (id) ON DELETE RESTRICT ON UPDATE NO ACTION", "", "", ""},
	{"foreign key dropped", "ALTER TABLE orders DROP FOREIGN KEY orders_user", "constraint-different", "main:constraint/orders.orders_user", ""},
	{"index prefix", "ALTER TABLE users DROP KEY users_name, ADD KEY users_name (name(20), age DESC) COMMENT 'by name'", "index-different", "main:index/users.users_name#columns", ""},
	{"index direction", "ALTER TABLE users DROP KEY users_name, ADD KEY users_name (name(10), age) COMMENT 'by name'", "index-different", "main:index/users.users_name#columns", ""},
	{"index comment", "ALTER TABLE users DROP KEY users_name, ADD KEY users_name (name(10), age DESC)", "comment-different", "main:index/users.users_name#comment", ""},
	{"index used again", "ALTER TABLE users ALTER INDEX users_unused NOT IGNORED", "index-different", "main:index/users.users_unused#hidden", ""},
	{"fulltext index dropped", "ALTER TABLE users DROP KEY users_bio", "index-missing", "main:index/users.users_bio", ""},
	{"fulltext index columns", "ALTER TABLE users DROP KEY users_bio, ADD FULLTEXT KEY users_bio (name, bio)", "index-different", "main:index/users.users_bio#columns", ""},
	{"spatial index dropped", "ALTER TABLE places DROP KEY places_at", "index-missing", "main:index/places.places_at", ""},
	{"list partition's values", "ALTER TABLE regions REORGANIZE PARTITION north INTO (PARTITION north VALUES IN (1, 2, 7))", "setting-behaviour", "main:table/regions#partitions", ""},
	{"partition dropped", "ALTER TABLE regions DROP PARTITION elsewhere", "setting-behaviour", "main:table/regions#partitions", ""},
	{"partition of a month is none", "ALTER TABLE events ADD PARTITION (PARTITION p202603 VALUES LESS THAN ('2026-04-01'))", "", "", ""},
	{"number of partitions", "ALTER TABLE hashed COALESCE PARTITION 1", "setting-behaviour", "main:table/hashed#partitions", ""},
	{"partition key", "ALTER TABLE hashed PARTITION BY KEY (id) PARTITIONS 4", "setting-behaviour", "main:table/hashed#partition_by", ""},
	{"no partitions", "ALTER TABLE events REMOVE PARTITIONING", "setting-behaviour", "main:table/events#partition_by", ""},
	{"limit of a partition of old rows", "ALTER TABLE aged PARTITION BY SYSTEM_TIME LIMIT 2000 (PARTITION p0 HISTORY, PARTITION pn CURRENT)", "setting-behaviour", "main:table/aged#partition_by", ""},
	{"view definition", "CREATE OR REPLACE VIEW cheerful AS SELECT id, twice(3) AS four FROM adults", "routine-different", "main:view/cheerful#definition", ""},
	{"view check option", "CREATE OR REPLACE SQL SECURITY INVOKER VIEW adults AS SELECT id, email FROM users WHERE age > 18 WITH CASCADED CHECK OPTION", "routine-different", "main:view/adults#check_option", ""},
	{"view security", "CREATE OR REPLACE SQL SECURITY DEFINER VIEW adults AS SELECT id, email FROM users WHERE age > 18 WITH LOCAL CHECK OPTION", "routine-different", "main:view/adults#security", ""},
	{"view algorithm", "CREATE OR REPLACE ALGORITHM=MERGE VIEW cheerful AS SELECT id, twice(2) AS four FROM adults", "routine-different", "main:view/cheerful#algorithm", ""},
	{"view definer", "CREATE OR REPLACE DEFINER=w_owner@localhost VIEW cheerful AS SELECT id, twice(2) AS four FROM adults", "owner-different", "main:view/cheerful#owner", ""},
	{"view dropped", "DROP VIEW cheerful", "table-missing", "main:view/cheerful", ""},
	{"trigger body", "CREATE OR REPLACE TRIGGER orders_gone AFTER DELETE ON orders FOR EACH ROW DELETE FROM regions WHERE id = OLD.up", "routine-different", "main:trigger/orders.orders_gone#definition", ""},
	{"trigger dropped", "DROP TRIGGER orders_gone", "routine-different", "main:trigger/orders.orders_gone", ""},
	{"trigger sql_mode", "SET sql_mode = 'ANSI_QUOTES'; CREATE OR REPLACE TRIGGER orders_gone AFTER DELETE ON orders FOR EACH ROW DELETE FROM regions WHERE id = OLD.id", "routine-different", "main:trigger/orders.orders_gone#sql_mode", ""},
	{"trigger definer", "CREATE OR REPLACE DEFINER=w_owner@localhost TRIGGER orders_gone AFTER DELETE ON orders FOR EACH ROW DELETE FROM regions WHERE id = OLD.id", "owner-different", "main:trigger/orders.orders_gone#owner", ""},
	{"function body", "CREATE OR REPLACE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC NO SQL COMMENT 'doubles' RETURN n + n", "routine-different", "main:routine/twice#definition", ""},
	{"function determinism", "CREATE OR REPLACE FUNCTION twice(n INT) RETURNS INT NO SQL COMMENT 'doubles' RETURN n * 2", "routine-different", "main:routine/twice#deterministic", ""},
	{"function return type", "CREATE OR REPLACE FUNCTION twice(n INT) RETURNS BIGINT DETERMINISTIC NO SQL COMMENT 'doubles' RETURN n * 2", "routine-different", "main:routine/twice#returns", ""},
	{"function argument", "CREATE OR REPLACE FUNCTION twice(n BIGINT) RETURNS INT DETERMINISTIC NO SQL COMMENT 'doubles' RETURN n * 2", "routine-different", "main:routine/twice#arguments", ""},
	{"function comment", "ALTER FUNCTION twice COMMENT 'twofold'", "comment-different", "main:routine/twice#comment", ""},
	{"function dropped", "DROP FUNCTION spare", "routine-different", "main:routine/spare", ""},
	{"procedure security", "ALTER PROCEDURE tidy SQL SECURITY DEFINER", "routine-different", "main:routine/tidy#security", ""},
	{"procedure access", "ALTER PROCEDURE tidy MODIFIES SQL DATA", "routine-different", "main:routine/tidy#data_access", ""},
	{"event schedule", "ALTER EVENT nightly ON SCHEDULE EVERY 2 DAY", "routine-different", "main:routine/nightly#schedule", ""},
	{"event state", "ALTER EVENT nightly DISABLE", "routine-different", "main:routine/nightly#status", ""},
	{"event kept", "ALTER EVENT nightly ON COMPLETION PRESERVE", "routine-different", "main:routine/nightly#on_completion", ""},
	{"event dropped", "DROP EVENT once", "routine-different", "main:routine/once", ""},
	{"sequence increment", "ALTER SEQUENCE tickets INCREMENT BY 4", "object-different", "main:sequence/tickets#increment", ""},
	{"sequence bounds", "ALTER SEQUENCE tickets MAXVALUE 200", "object-different", "main:sequence/tickets#maximum", ""},
	{"sequence counter is none", "SELECT nextval(tickets)", "", "", ""},
	{"sequence dropped", "DROP SEQUENCE tickets", "object-different", "main:sequence/tickets", ""},
	{"database collation", "ALTER DATABASE DB COLLATE utf8mb4_unicode_ci", "setting-behaviour", "main:setting/collation_database#value", ""},
	{"table privilege", "GRANT UPDATE ON DB.orders TO w_batch@'10.%'", "grant-different", "main:grant/table/orders#w_batch@10.%25", ""},
	{"grant option", "REVOKE GRANT OPTION ON DB.orders FROM w_app@'10.%'", "grant-different", "main:grant/table/orders#w_app@10.%25", ""},
	{"column privilege", "GRANT UPDATE (bio) ON DB.users TO w_app@'10.%'", "grant-different", "main:grant/column/users.bio", ""},
	{"database privilege", "GRANT DELETE ON DB.* TO w_looks", "grant-different", "main:grant/database#w_looks", ""},
	{"routine privilege", "GRANT EXECUTE ON FUNCTION DB.twice TO w_app@'10.%'", "grant-different", "main:grant/routine/twice", ""},
	{"privilege to everybody", "GRANT SELECT ON DB.* TO PUBLIC", "grant-different", "main:grant/database#PUBLIC", "REVOKE SELECT ON DB.* FROM PUBLIC"},
	{"server privilege", "GRANT PROCESS ON *.* TO w_batch@'10.%'", "grant-different", "main:grant/server#w_batch@10.%25", "REVOKE PROCESS ON *.* FROM w_batch@'10.%'"},
	{"account locked", "ALTER USER w_batch@'10.%' ACCOUNT LOCK", "grant-different", "main:role/w_batch@10%2E%25#locked", "ALTER USER w_batch@'10.%' ACCOUNT UNLOCK"},
	{"account may come without TLS", "ALTER USER w_batch@'10.%' REQUIRE NONE", "grant-different", "main:role/w_batch@10%2E%25#tls", "ALTER USER w_batch@'10.%' REQUIRE SSL"},
	{"account's password is every environment's own", "ALTER USER w_batch@'10.%' IDENTIFIED BY 'never-captured-other'", "", "", ""},
	{"role of an account", "GRANT w_looks TO w_batch@'10.%'", "grant-different", "main:role/w_batch@10%2E%25#member_of", "REVOKE w_looks FROM w_batch@'10.%'"},
	{"plugin", "INSTALL SONAME 'auth_ed25519'", "object-different", "main:plugin/ed25519", "UNINSTALL SONAME 'auth_ed25519'"},
	{"sql_mode", "SET GLOBAL sql_mode = 'ANSI'", "setting-behaviour", "main:setting/sql_mode#value", "SET GLOBAL sql_mode = DEFAULT"},
	{"server collation", "SET GLOBAL collation_server = utf8mb4_bin", "setting-behaviour", "main:setting/collation_server#value", "SET GLOBAL collation_server = utf8mb4_general_ci"},
	{"time zone", "SET GLOBAL time_zone = '+02:00'", "setting-behaviour", "main:setting/time_zone#value", "SET GLOBAL time_zone = DEFAULT"},
	{"isolation", "SET GLOBAL TRANSACTION ISOLATION LEVEL READ COMMITTED", "setting-behaviour", "main:setting/transaction_isolation#value", "SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ"},
	{"strictness", "SET GLOBAL innodb_strict_mode = OFF", "setting-behaviour", "main:setting/innodb_strict_mode#value", "SET GLOBAL innodb_strict_mode = ON"},
	{"default row format", "SET GLOBAL innodb_default_row_format = compact", "setting-behaviour", "main:setting/innodb_default_row_format#value", "SET GLOBAL innodb_default_row_format = dynamic"},
	{"a buffer's size", "SET GLOBAL sort_buffer_size = 4194304", "setting-tuning", "main:setting/sort_buffer_size#value", "SET GLOBAL sort_buffer_size = DEFAULT"},
	{"a timeout", "SET GLOBAL wait_timeout = 100", "setting-tuning", "main:setting/wait_timeout#value", "SET GLOBAL wait_timeout = DEFAULT"},
}

// TestEveryKindOfObject: a change of any kind is one finding at one address, in both directions, and the world as it was is none.
func TestEveryKindOfObject(t *testing.T) {
	server := testservers.MariaDB(t)
	name := arranged(t, server)
	original := taken(t, server.DSN(name))
	for _, l := range original.Lines {
		for _, held := range l.Values {
			if strings.Contains(held.Value.JSON(), "never-captured") {
				t.Fatalf("%s shows a secret: %s", l.Address, held.Value.JSON())
			}
		}
	}
	if again := found(t, original, taken(t, server.DSN(name))); len(again) > 0 {
		t.Fatalf("the world differs from itself:\n%s", lines(again))
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			copied := arranged(t, server)
			in := func(sql string) string { return strings.ReplaceAll(sql, "DB", copied) }
			if c.undo != "" {
				defer server.Exec(t, copied, in(c.undo))
			}
			server.Exec(t, copied, in(c.sql))
			changed := taken(t, server.DSN(copied))
			for direction, got := range map[string][]finding.Finding{"changed on b": found(t, original, changed), "changed on a": found(t, changed, original)} {
				if c.rule == "" && len(got) == 0 {
					continue
				}
				if len(got) != 1 || got[0].Rule != c.rule || got[0].Address != c.address {
					t.Errorf("%s: want %s %s, got\n%s", direction, c.rule, c.address, lines(got))
				}
			}
		})
	}
}
