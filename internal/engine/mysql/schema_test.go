package mysql

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

func openRead(t *testing.T, at engine.Target) engine.DB {
	t.Helper()
	db, err := New().Open(context.Background(), at, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func captured(t *testing.T, at engine.Target) *schema.Database {
	t.Helper()
	db := openRead(t, at)
	defer db.Close()
	model, err := db.Schema(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// scratch makes a database and runs statements in one session of it.
func scratch(t *testing.T, base engine.Target, statements ...string) engine.Target {
	t.Helper()
	ctx := context.Background()
	at, err := New().CreateScratch(ctx, base, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := New().DropScratch(ctx, at); err != nil {
			t.Error(err)
		}
	})
	s := sessionOf(t, at)
	for _, sql := range statements {
		if _, err := s.Exec(ctx, sql); err != nil {
			t.Fatalf("%s\n%v", sql, err)
		}
	}
	return at
}

func sessionOf(t *testing.T, at engine.Target) engine.Session {
	t.Helper()
	db, err := New().Open(context.Background(), at, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Session(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); db.Close() })
	return s
}

// rebuilt is a database made from the DDL of another.
func rebuilt(t *testing.T, base engine.Target, model *schema.Database) engine.Target {
	t.Helper()
	before, after, err := New().DDL(model)
	if err != nil {
		t.Fatal(err)
	}
	return scratch(t, base, append(before, after...)...)
}

// printed is a model without what holds in one database only, and without what a copy is not to have: other accounts' definers, and events that run.
func printed(db *schema.Database) string {
	c := *db
	c.Access = nil
	c.Tables = slices.Clone(db.Tables)
	for i := range c.Tables {
		c.Tables[i].StorageID, c.Tables[i].EstimatedRows = "", 0
	}
	c.Routines = slices.Clone(db.Routines)
	for i, r := range c.Routines {
		p := map[string]string{}
		for k, v := range r.Properties {
			if k != "status" {
				p[k] = v
			}
		}
		c.Routines[i].Properties = p
	}
	text, _ := json.MarshalIndent(c, "", " ")
	return string(text)
}

func same(t *testing.T, what, want, got string) {
	t.Helper()
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			t.Fatalf("%s: line %d\nwant:\n%s\ngot:\n%s", what, i, strings.Join(a[max(0, i-15):min(len(a), i+5)], "\n"), strings.Join(b[max(0, min(i, len(b))-15):min(len(b), i+5)], "\n"))
		}
	}
}

// features are what DDL must bring back.
const features = `
CREATE SEQUENCE counter START WITH 5 INCREMENT BY 2 MAXVALUE 100 CACHE 10 CYCLE;
CREATE TABLE parents (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, code VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL, a INT, b INT, UNIQUE KEY code_key (code), UNIQUE KEY ab (a, b DESC)) COMMENT 'it''s \\ a "table"';
SET sql_mode = 'NO_ENGINE_SUBSTITUTION';
CREATE TABLE every_type (
 id INT(11) NOT NULL, ti TINYINT, bo BOOLEAN DEFAULT TRUE, si SMALLINT(6) UNSIGNED DEFAULT 7, mi MEDIUMINT, bi BIGINT(20) DEFAULT -5, z INT(5) ZEROFILL, f FLOAT DEFAULT 1.5, d DOUBLE, de DECIMAL(10,2) NOT NULL DEFAULT 1.50,
 bit3 BIT(3) DEFAULT b'101', c CHAR(3) DEFAULT 'a', vc VARCHAR(40) DEFAULT 'it''s \\ "q" \n%', vl VARCHAR(9) CHARACTER SET latin1, bin BINARY(4), vb VARBINARY(10) DEFAULT 'x', tx TEXT DEFAULT ('a'), lt LONGTEXT COLLATE utf8mb4_bin, bl BLOB, lb LONGBLOB,
 js JSON DEFAULT '{}', en ENUM('a','b''c','d,e') DEFAULT 'b''c', st SET('x','y') NOT NULL DEFAULT 'x,y', da DATE DEFAULT '0000-00-00', ti6 TIME(6), dt DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
 ts TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, tn TIMESTAMP NULL, ye YEAR DEFAULT 2020, u UUID DEFAULT UUID(), i6 INET6 DEFAULT '::1', po POINT, ex INT DEFAULT (1 + 2), sq BIGINT DEFAULT (NEXT VALUE FOR counter),
 inv INT INVISIBLE DEFAULT 3 COMMENT 'hid''den', ge INT AS (id * 2) STORED, gv VARCHAR(90) AS (CONCAT(vc, 'x', "y")) VIRTUAL, PRIMARY KEY (vc(10), id)) ROW_FORMAT=COMPACT STATS_PERSISTENT=0;
SET sql_mode = DEFAULT;
CREATE TABLE indexed (id INT, n INT, s VARCHAR(200), tx TEXT, p POINT NOT NULL, seq INT NOT NULL AUTO_INCREMENT, KEY seq_ix (seq), KEY pre (s(10), n DESC), UNIQUE KEY upre (s(5)), FULLTEXT KEY ft (tx, s), SPATIAL KEY sp (p), KEY ign (n) IGNORED, KEY com (id) COMMENT 'why', UNIQUE KEY utext (tx));
CREATE TABLE checked (a INT, b INT CHECK (b > 0), s VARCHAR(20), j LONGTEXT, CHECK (a <> 5), CONSTRAINT listed CHECK (s IN ('a', 'it''s', "d\\q") AND lower(s) <> 'x'), CONSTRAINT ` + "`select`" + ` CHECK (json_valid(j)));
CREATE TABLE children (id INT PRIMARY KEY, parent BIGINT UNSIGNED, up INT, code VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin, CONSTRAINT named FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE SET NULL,
 FOREIGN KEY (up) REFERENCES children (id) ON DELETE RESTRICT ON UPDATE NO ACTION, FOREIGN KEY (code) REFERENCES parents (code));
CREATE TABLE ranged (a INT NOT NULL, d DATE NOT NULL, PRIMARY KEY (a, d)) PARTITION BY RANGE (TO_DAYS(d)) SUBPARTITION BY HASH (a) SUBPARTITIONS 2 (PARTITION zz VALUES LESS THAN (TO_DAYS('2020-01-01')), PARTITION aa VALUES LESS THAN (TO_DAYS('2021-01-01')), PARTITION mm VALUES LESS THAN MAXVALUE);
CREATE TABLE ranged_columns (a INT, b VARCHAR(9)) PARTITION BY RANGE COLUMNS (a, b) (PARTITION p0 VALUES LESS THAN (1, 'x'), PARTITION p1 VALUES LESS THAN (MAXVALUE, MAXVALUE));
CREATE TABLE listed (a INT) PARTITION BY LIST (a) (PARTITION p1 VALUES IN (1, 2), PARTITION pn VALUES IN (NULL, 3), PARTITION pd DEFAULT);
CREATE TABLE hashed (a INT PRIMARY KEY) PARTITION BY KEY () PARTITIONS 3;
CREATE TABLE versioned (a INT, b INT WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING;
CREATE TABLE aged (a INT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME INTERVAL 1 MONTH (PARTITION p0 HISTORY, PARTITION p1 HISTORY, PARTITION pn CURRENT);
CREATE TABLE capped (a INT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 1000 (PARTITION p0 HISTORY, PARTITION pn CURRENT);
CREATE TABLE renewed (a INT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME INTERVAL '1 2' DAY_HOUR AUTO;
CREATE TABLE noted (a INT, b INT, PRIMARY KEY (a) COMMENT 'it''s the key', UNIQUE KEY u (b) COMMENT 'one') ENGINE=InnoDB; CREATE TABLE quick (a INT, b INT, PRIMARY KEY (a) USING BTREE, UNIQUE KEY u (b) USING BTREE, KEY (b)) ENGINE=MEMORY;
CREATE TABLE versioned_columns (a INT, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START INVISIBLE, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING;
CREATE TABLE other_engines (a INT, KEY (a)) ENGINE = MyISAM CHECKSUM = 1; CREATE TABLE aria (a INT) ENGINE = Aria TRANSACTIONAL = 1; CREATE TABLE in_memory (a INT, KEY h (a) USING HASH) ENGINE = MEMORY;
CREATE TABLE ` + "`dots.and ``quotes`` \"☃\"`" + ` (` + "`a.b``c`" + ` INT, ` + "`select`" + ` INT, CHECK (` + "`a.b``c` > `select`" + `), KEY ` + "`i.x`" + ` (` + "`a.b``c`" + `));
CREATE FUNCTION twice(n INT UNSIGNED, s VARCHAR(10) CHARACTER SET latin1) RETURNS VARCHAR(30) DETERMINISTIC NO SQL COMMENT 'f' RETURN CONCAT(n * 2, s);
CREATE VIEW zz_base AS SELECT id, twice(a, 'x') AS ` + "`t t`" + ` FROM parents WHERE a > 1; CREATE SQL SECURITY INVOKER VIEW aa_over AS SELECT z.*, c.up FROM zz_base z JOIN children c ON c.parent = z.id;
CREATE ALGORITHM = MERGE VIEW limited AS SELECT * FROM parents WHERE a > 0 WITH LOCAL CHECK OPTION;
CREATE PROCEDURE work(IN a INT, OUT b VARCHAR(10)) READS SQL DATA SQL SECURITY INVOKER BEGIN DECLARE x INT; IF a > 1 THEN SET x = 1; ELSE SET x = 2; END IF; SELECT x INTO b; END;
CREATE FUNCTION work() RETURNS INT RETURN 1;
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'; CREATE TRIGGER second BEFORE INSERT ON parents FOR EACH ROW SET NEW.code = NEW.code || 'x'; SET sql_mode = DEFAULT;
CREATE TRIGGER first BEFORE INSERT ON parents FOR EACH ROW PRECEDES second BEGIN SET NEW.a = 1; END; CREATE TRIGGER third AFTER DELETE ON parents FOR EACH ROW DELETE FROM children WHERE id = OLD.id;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE COMMENT 'e' DO DELETE FROM children WHERE id < 0; CREATE EVENT once ON SCHEDULE AT '2037-01-01 00:00:00' DISABLE DO BEGIN DELETE FROM children; END;
`

// TestSchemaIsProvedByRecapture: every feature survives capture, DDL and a second capture, and so does a clone.
func TestSchemaIsProvedByRecapture(t *testing.T) {
	_, at := arrange(t, features)
	original := captured(t, at)
	want := printed(original)
	same(t, "a second capture", want, printed(captured(t, at)))
	copied := rebuilt(t, at, original)
	same(t, "the copy", want, printed(captured(t, copied)))

	db, err := New().Open(context.Background(), copied, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	clone, err := db.Clone(context.Background(), at, "")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the clone", want, printed(captured(t, clone)))
	if err := New().DropScratch(context.Background(), clone); err != nil {
		t.Error(err)
	}
}

// TestModelIsTheSameWhateverTheServerPrints: what tells servers and versions apart in the catalogue is not in the model.
func TestModelIsTheSameWhateverTheServerPrints(t *testing.T) {
	_, at := arrange(t, features)
	m := captured(t, at)
	column := func(table, name string) schema.Column {
		tab, ok := m.Table(schema.Name{Name: table})
		if !ok {
			t.Fatalf("no table %s", table)
		}
		c, ok := tab.Column(name)
		if !ok {
			t.Fatalf("no column %s.%s", table, name)
		}
		return *c
	}
	for name, want := range map[string]string{
		"id": "int", "ti": "tinyint", "bo": "tinyint(1)", "si": "smallint unsigned", "bi": "bigint", "z": "int(5) unsigned zerofill", "ye": "year", "js": "json", "en": "enum('a','b''c','d,e')",
	} {
		if c := column("every_type", name); c.Type != want || c.Collation != "" {
			t.Errorf("%s has the type %s %s, want %s", name, c.Type, c.Collation, want)
		}
	}
	if c := column("every_type", "ts"); *c.Default != "CURRENT_TIMESTAMP" || c.OnUpdate != "CURRENT_TIMESTAMP" {
		t.Errorf("ts %q on update %q", *c.Default, c.OnUpdate)
	}
	if c := column("every_type", "dt"); *c.Default != "CURRENT_TIMESTAMP(3)" || c.OnUpdate != "CURRENT_TIMESTAMP(3)" {
		t.Errorf("dt %q on update %q", *c.Default, c.OnUpdate)
	}
	if c := column("every_type", "vc"); *c.Default != `'it''s \\ "q" \n%'` {
		t.Errorf("vc %s", *c.Default)
	}
	if c := column("every_type", "sq"); *c.Default != "nextval(counter)" {
		t.Errorf("the database's own name is in %s", *c.Default)
	}
	if c := column("every_type", "inv"); !c.Hidden || c.Comment != "hid'den" {
		t.Errorf("inv %+v", c)
	}
	every, _ := m.Table(schema.Name{Name: "every_type"})
	if len(every.Checks) > 0 || !slices.Equal(every.PrimaryKey.Prefixes, []int{10, 0}) {
		t.Errorf("a json column is a check %+v, or the key %+v is whole", every.Checks, every.PrimaryKey)
	}
	children, _ := m.Table(schema.Name{Name: "children"})
	if f := children.ForeignKeys; len(f) != 3 || f[0].Name+f[1].Name != "" || f[2].Name != "named" || f[1].OnDelete != "no action" || f[2].OnUpdate != "set null" {
		t.Errorf("foreign keys %+v", f)
	}
	listed, _ := m.Table(schema.Name{Name: "listed"})
	if p := listed.Partitions; len(p) != 3 || p[2].Bound != "DEFAULT" || p[0].Bound != "VALUES IN (1,2)" {
		t.Errorf("partitions %+v", p)
	}
	ranged, _ := m.Table(schema.Name{Name: "ranged"})
	if ranged.PartitionBy != "RANGE (to_days(d)) SUBPARTITION BY HASH (a) SUBPARTITIONS 2" || ranged.Partitions[0].Name.Name != "zz" {
		t.Errorf("partitioned by %s: %+v", ranged.PartitionBy, ranged.Partitions)
	}
	if len(m.Views) != 3 || m.Views[0].Properties["security"] != "invoker" || !slices.Equal(m.Views[0].Reads, []schema.Name{{Name: "children"}, {Name: "zz_base"}}) || strings.Contains(m.Views[0].Definition, "test_") {
		t.Errorf("view %+v", m.Views[0])
	}
	if m.Triggers[0].Name != "first" || m.Triggers[0].Properties["order"] != "1" || m.Triggers[1].Properties["sql_mode"] != "PIPES_AS_CONCAT,ANSI_QUOTES" || m.Triggers[2].Properties["order"] != "" {
		t.Errorf("triggers %+v", m.Triggers)
	}
	if !slices.ContainsFunc(m.Access, func(a schema.Access) bool {
		return a.Kind == "trigger" && a.Part == "first" && strings.HasPrefix(a.Owner, "root@")
	}) {
		t.Errorf("definers %+v", m.Access)
	}
	for name, changes := range map[string]bool{"sql_mode": true, "collation_database": true, "innodb_strict_mode": true, "time_zone": true, "transaction_isolation": true, "innodb_buffer_pool_size": false, "wait_timeout": false} {
		if !slices.ContainsFunc(m.Settings, func(s schema.Setting) bool { return s.Name == name && s.Behaviour == changes && s.Value != "" }) {
			t.Errorf("setting %s is not there, or changes behaviour: not %v", name, changes)
		}
	}
}

// TestStorageFollowsARename: a rehearsal knows a renamed table by its storage, whatever its name.
func TestStorageFollowsARename(t *testing.T) {
	_, base := arrange(t, "")
	at := scratch(t, base, "CREATE TABLE `dots.and/slashes é ☃` (a INT)")
	id := captured(t, at).Tables[0].StorageID
	if _, err := sessionOf(t, at).Exec(context.Background(), "RENAME TABLE `dots.and/slashes é ☃` TO `ändern`"); err != nil {
		t.Fatal(err)
	}
	if got := captured(t, at).Tables[0]; got.Name.Name != "ändern" || got.StorageID != id || id == "" {
		t.Errorf("%s has the storage %q, was %q", got.Name, got.StorageID, id)
	}
}

// TestWidestTable: as many columns as InnoDB takes.
func TestWidestTable(t *testing.T) {
	columns := make([]string, 1017)
	for i := range columns {
		columns[i] = "c" + strconv.Itoa(i) + " INT"
	}
	_, at := arrange(t, "CREATE TABLE widest ("+strings.Join(columns, ", ")+") ENGINE=InnoDB")
	original := captured(t, at)
	if n := len(original.Tables[0].Columns); n != len(columns) {
		t.Fatalf("%d columns", n)
	}
	same(t, "the copy", printed(original), printed(captured(t, rebuilt(t, at, original))))
}

// TestPartsOfTheCatalogueAreReadTogether: the number of statements does not grow with the number of tables.
func TestPartsOfTheCatalogueAreReadTogether(t *testing.T) {
	server, at := arrange(t, "")
	questions := func() string {
		found := ""
		db := openRead(t, at)
		defer db.Close()
		if _, err := db.Schema(context.Background()); err != nil {
			t.Fatal(err)
		}
		err := db.Query(context.Background(), "SHOW SESSION STATUS LIKE 'Questions'", func(r engine.Row) error { found = string(r[1].Data); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	make := func(n string) string {
		return "CREATE TABLE " + n + " (id INT PRIMARY KEY, a INT, KEY (a), CHECK (a > 0), FOREIGN KEY (a) REFERENCES " + n + " (id)); CREATE VIEW v" + n + " AS SELECT a FROM " + n + ";"
	}
	name := at.Display[strings.LastIndex(at.Display, "/")+1:]
	server.Exec(t, name, make("one"))
	few := questions()
	for i := range 50 {
		server.Exec(t, name, make(strings.Repeat("x", i+1)))
	}
	if many := questions(); many != few {
		t.Errorf("%s statements for 51 tables, %s for one", many, few)
	}
}

// TestRestoredDumpIsTheSameDatabase: the server's own tools make the same schema, and counters are no difference. (Rows they change: a FLOAT
// loses digits, a date that does not exist is lost.)
func TestRestoredDumpIsTheSameDatabase(t *testing.T) {
	// A dump writes a default's sequence with the name of the database it comes from: that copy draws from the original's.
	alone := strings.Replace(features, " DEFAULT (NEXT VALUE FOR counter)", "", 1)
	server, at := arrange(t, alone+"INSERT INTO parents (code, a) VALUES ('x', 2), ('y', 3);")
	name, copy := databaseOf(at), server.NewDatabase(t)
	connect := []string{"--no-defaults", "-h127.0.0.1", "-P" + strconv.Itoa(server.Port), "-uroot", "--default-character-set=utf8mb4"}
	dump, err := exec.Command("mariadb-dump", append(connect, "--routines", "--events", "--triggers", "--hex-blob", name)...).Output()
	if err != nil {
		var exit *exec.ExitError
		errors.As(err, &exit)
		t.Fatalf("dump: %v\n%s", err, exit.Stderr)
	}
	restore := exec.Command("mariadb", append(connect, copy)...)
	restore.Stdin = bytes.NewReader(dump)
	if said, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("restore: %v\n%s", err, said)
	}
	same(t, "the restored dump", printed(captured(t, at)), printed(captured(t, target(server.DSN(copy)))))
}
