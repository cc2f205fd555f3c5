package onmysql8

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

func TestMain(m *testing.M) { testservers.Main(m) }

var testKey, _ = keys.Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")

//go:embed testdata/8.4.txt
var printed string

const password = "S3cret-Passw0rd!"

// answers reads what the server prints: a question, the columns, rows; \N is NULL. The longest beginning of a query decides.
func answers(text string) func(string) (testservers.Answer, bool) {
	all := map[string]testservers.Answer{}
	for _, block := range strings.Split(text, "\n\n") {
		lines := strings.Split(strings.Trim(block, "\n"), "\n")
		question, ok := strings.CutPrefix(lines[0], "? ")
		if !ok {
			continue
		}
		a := testservers.Answer{Columns: strings.Split(lines[1], "\t")}
		for _, line := range lines[2:] {
			var row []*string
			for _, cell := range strings.Split(line, "\t") {
				if cell == `\N` {
					row = append(row, nil)
					continue
				}
				row = append(row, &cell)
			}
			a.Rows = append(a.Rows, row)
		}
		all[question] = a
	}
	return func(query string) (testservers.Answer, bool) {
		best := ""
		for question := range all {
			if strings.HasPrefix(query, question) && len(question) > len(best) {
				best = question
			}
		}
		return all[best], best != ""
	}
}

func target(port int, password string) engine.Target {
	return engine.Target{Engine: "mysql", DSN: fmt.Sprintf("mysql://envdiff:%s@127.0.0.1:%d/shop", password, port), Display: "mysql://envdiff@db.example/shop"}
}

// serve starts the server. Whatever it is asked it has to know.
func serve(t *testing.T, text string) engine.Target {
	t.Helper()
	server := testservers.NewWireServer(t, "8.4.3", password, answers(text))
	t.Cleanup(func() {
		if unknown := server.Unknown(); len(unknown) > 0 {
			t.Errorf("the server was asked what it does not know: %q", unknown)
		}
	})
	return target(server.Port, password)
}

func mysql8(t *testing.T, text string) engine.DB {
	t.Helper()
	db, err := mysql.New().Open(t.Context(), serve(t, text), engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// script makes on MariaDB what the server prints of itself.
const script = `SET sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'; ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE TABLE users (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, email VARCHAR(200) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'it''s', plan ENUM('free', 'it''s') NOT NULL DEFAULT 'free', age TINYINT(3) UNSIGNED, active BOOLEAN NOT NULL DEFAULT TRUE,
	made DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), extra JSON, token VARCHAR(36) DEFAULT (uuid()), low VARCHAR(200) CHARACTER SET latin1 COLLATE latin1_bin AS (lower(email)) STORED, twice INT AS (age * 2 + 1) VIRTUAL,
	secret INT INVISIBLE DEFAULT 3 COMMENT 'kept', seen TIMESTAMP NOT NULL DEFAULT '1971-01-01 00:00:00', UNIQUE KEY users_email (email(20)) COMMENT 'one each', KEY users_age (age DESC), KEY users_unused (age) IGNORED,
	CONSTRAINT adult CHECK (age >= 18 AND plan <> 'it''s')) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='people';
CREATE TABLE orders (id BIGINT PRIMARY KEY, user_id BIGINT UNSIGNED, up BIGINT, total DECIMAL(10,2) NOT NULL DEFAULT 0.00, KEY orders_user (user_id), KEY orders_up (up), CONSTRAINT of_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
	FOREIGN KEY (up) REFERENCES orders (id) ON DELETE RESTRICT, CHECK (total > 0)) ENGINE=InnoDB;
CREATE TABLE regions (id INT, code INT) ENGINE=InnoDB PARTITION BY LIST (code) (PARTITION north VALUES IN (1, 2), PARTITION south VALUES IN (3));
CREATE SQL SECURITY INVOKER VIEW adults AS SELECT id, email FROM users WHERE age > 18 WITH LOCAL CHECK OPTION;
CREATE TRIGGER users_low BEFORE INSERT ON users FOR EACH ROW SET NEW.plan = trim(NEW.plan);
CREATE PROCEDURE tidy(IN a INT) MODIFIES SQL DATA COMMENT 'cleans' DELETE FROM regions WHERE id = a; CREATE FUNCTION twice(n INT) RETURNS BIGINT DETERMINISTIC NO SQL RETURN n * 2;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM regions WHERE id < 0;`

func taken(t *testing.T, at engine.Target) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Capture(t.Context(), snapshot.Plan{
		Environment: "x", Redact: snapshot.NewRedactor(testKey, nil), Now: func() time.Time { return time.Unix(0, 0) }, Timeout: time.Minute, TempDir: t.TempDir(),
		Databases: []snapshot.DatabaseTarget{{Scope: "main", Instance: "primary", Open: func(ctx context.Context) (engine.DB, error) { return mysql.New().Open(ctx, at, engine.ReadOnly) }}},
	}, snapshot.Registry{Databases: []snapshot.DatabaseCollector{database.Schema{}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mariadb(dsn string) engine.Target {
	return engine.Target{Engine: "mysql", DSN: dsn, Display: "the test database"}
}

// madeByScript reports that a finding is about what the script makes: accounts, privileges, plugins and settings are the servers', and definers are called by
// where root comes from.
func madeByScript(f finding.Finding) bool {
	return !slices.ContainsFunc([]string{"main:setting/", "main:grant/", "main:role/", "main:plugin/"}, func(p string) bool { return strings.HasPrefix(f.Address, p) }) && f.Rule != "owner-different"
}

func unlike(t *testing.T, what string, a, b *snapshot.Snapshot) {
	t.Helper()
	r, err := compare.Compare(t.Context(), []compare.Side{{Name: "mysql8", Snapshot: a}, {Name: "mariadb", Snapshot: b}}, compare.Options{Kinds: database.Schema{}.Kinds()})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if madeByScript(f) {
			t.Errorf("%s: %s %s: %s", what, f.Rule, f.Address, f.Message)
		}
	}
	if len(r.Gaps) > 0 {
		t.Errorf("%s: gaps %+v", what, r.Gaps)
	}
}

// TestTheSameSchemaOnMySQL8AndMariaDB: how the two print one thing is no difference: display widths, escaped constants, current_timestamp(), NO ACTION, made-up
// names, JSON, parentheses.
func TestTheSameSchemaOnMySQL8AndMariaDB(t *testing.T) {
	server := testservers.MariaDB(t)
	name := server.NewDatabase(t)
	server.Exec(t, name, script)
	there := taken(t, serve(t, printed))
	unlike(t, "the same script", there, taken(t, mariadb(server.DSN(name))))
	if e := there.Manifest.Scopes["main"].Engine; e != "mysql" {
		t.Errorf("engine %s", e)
	}
}

// TestDDLOfMySQL8IsTakenByMariaDB, which says the same of it afterwards.
func TestDDLOfMySQL8IsTakenByMariaDB(t *testing.T) {
	server := testservers.MariaDB(t)
	model, err := mysql8(t, printed).Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, after, err := mysql.New().DDL(model)
	if err != nil {
		t.Fatal(err)
	}
	at, err := mysql.New().CreateScratch(t.Context(), mariadb(server.DSN(server.NewDatabase(t))), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mysql.New().DropScratch(context.Background(), at); err != nil {
			t.Error(err)
		}
	})
	db, err := mysql.New().Open(t.Context(), at, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	session, err := db.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for _, sql := range append(before, after...) {
		if _, err := session.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s\n%v", sql, err)
		}
	}
	unlike(t, "what the DDL makes", taken(t, serve(t, printed)), taken(t, at))
}

// TestWhatOnlyMySQL8Has: a check that refuses nothing, a key of an expression; MariaDB cannot take their DDL.
func TestWhatOnlyMySQL8Has(t *testing.T) {
	text := strings.Replace(printed, "shop\torders_chk_1\tshop\torders\tCHECK\tYES", "shop\torders_chk_1\tshop\torders\tCHECK\tNO", 1)
	text = strings.Replace(text, "orders\t1\torders_up\t1\tup\tA\t\\N\t\tBTREE\t\t\tYES\t\\N", "orders\t1\torders_up\t1\t\\N\tA\t\\N\t\tBTREE\t\t\tYES\t(`up` + 1)", 1)
	model, err := mysql8(t, text).Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	orders, _ := model.Table(schema.Name{Name: "orders"})
	if len(orders.Checks) != 1 || !orders.Checks[0].NotEnforced || orders.Checks[0].Name != "" {
		t.Errorf("checks %+v", orders.Checks)
	}
	if x := orders.Indexes[0]; x.Name != "orders_up" || x.Parts[0].Expr != "up + 1" || !slices.Equal(x.Columns, []string{"up"}) {
		t.Errorf("index %+v", x)
	}
	before, after, err := mysql.New().DDL(model)
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(append(before, after...), "\n")
	for _, part := range []string{"CHECK (total > 0) NOT ENFORCED", "KEY `orders_up` ((up + 1)) USING BTREE", "/*!80000 INVISIBLE */"} {
		if !strings.Contains(said, part) {
			t.Errorf("nothing says %s in\n%s", part, said)
		}
	}
}

func TestAccountsOfMySQL8(t *testing.T) {
	model, err := mysql8(t, printed).Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(model.Gaps) > 0 {
		t.Errorf("gaps %+v", model.Gaps)
	}
	var said []string
	for _, o := range model.Objects {
		said = append(said, fmt.Sprintf("%s %s %v%v", o.Kind, o.Name.Name, o.Properties, o.Lists))
	}
	want := []string{
		"plugin component_validate_password map[type:component]map[]", "plugin rpl_semi_sync_source map[type:replication version:1.0]map[]",
		"role app@10.% map[authentication:caching_sha2_password connection_limit:5 tls:required]map[default_roles:[looks@%] member_of:[looks@%]]",
		"role looks@% map[authentication:caching_sha2_password locked:true]map[]", "role root@localhost map[authentication:caching_sha2_password]map[]",
	}
	if !slices.Equal(said, want) {
		t.Errorf("got\n%s", strings.Join(said, "\n"))
	}
	routine := schema.Ref{Kind: "routine", Name: schema.Name{Name: "tidy"}}
	if !slices.ContainsFunc(model.Access, func(a schema.Access) bool {
		return a.Ref == routine && len(a.Grants) == 1 && slices.Equal(a.Grants[0].Privileges, []string{"EXECUTE", "GRANT OPTION"})
	}) {
		t.Errorf("privileges %+v", model.Access)
	}
}

func TestAnAccountOfMySQL8WithoutPrivilegesIsToldWhichItNeeds(t *testing.T) {
	text := strings.Replace(printed, "GRANT SHOW_ROUTINE ON *.* TO `envdiff`@`%`\nGRANT SELECT, SHOW VIEW, EVENT, TRIGGER ON `shop`.* TO `envdiff`@`%`\nGRANT SELECT ON `mysql`.* TO `envdiff`@`%`\n", "GRANT INSERT ON `shop`.* TO `envdiff`@`%`\n", 1)
	model, err := mysql8(t, text).Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var hints []string
	for _, g := range model.Gaps {
		hints = append(hints, strings.TrimSuffix(g.Hint, " to the account that envdiff connects as"))
	}
	if want := []string{"GRANT SELECT ON `shop`.*", "GRANT SHOW VIEW ON `shop`.*", "GRANT TRIGGER ON `shop`.*", "GRANT EVENT ON `shop`.*", "GRANT SHOW_ROUTINE ON *.*"}; !slices.Equal(hints, want) {
		t.Errorf("got %q", hints)
	}
}

func TestReplicationOfMySQL8(t *testing.T) {
	replicator, ok := engine.As[engine.Replicator](mysql8(t, printed))
	if !ok {
		t.Fatal("it cannot tell")
	}
	r, err := replicator.Replication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Role != engine.RoleReplica || r.Writable || r.Server != "2" || len(r.Sources) != 1 || len(r.Followers) != 1 || len(r.Unknown) > 0 {
		t.Fatalf("got %+v", r)
	}
	s := r.Sources[0]
	if s.Upstream != "db0.example:3306" || s.Server != "1" || s.Receiving != engine.ThreadRunning || s.Applying != engine.ThreadRunning || s.Lag == nil || *s.Lag != 7*time.Second || s.Delay != time.Hour ||
		!slices.Equal(s.Filters, []string{"ignore_table = shop.audit"}) {
		t.Errorf("source %+v", s)
	}
	if len(r.Transactions) != 1 || !r.Transactions[0].Own || len(r.Transactions[0].Ranges) != 2 || r.Transactions[0].Ranges[1] != (engine.TransactionRange{From: 11, To: 18}) {
		t.Errorf("transactions %+v", r.Transactions)
	}
	stopped := strings.Replace(printed, "\tYes\tYes\t", "\tConnecting\tYes\t", 1)
	stopped = strings.Replace(stopped, "\t1307\t7\t0\t", "\t1307\t\\N\t2003\t", 1)
	replicator, _ = engine.As[engine.Replicator](mysql8(t, stopped))
	r, err = replicator.Replication(t.Context())
	if err != nil || r.Sources[0].Receiving != engine.ThreadConnecting || r.Sources[0].Lag != nil || r.Sources[0].Error != "receiver error 2003" {
		t.Errorf("connecting is not running: %+v, %v", r.Sources, err)
	}
}

func TestDigestsOfMySQL8(t *testing.T) {
	digester, ok := engine.As[engine.Digester](mysql8(t, printed))
	if !ok {
		t.Fatal("it cannot tell")
	}
	var texts []string
	source, err := digester.Digests(t.Context(), func(d engine.Digest) error { texts = append(texts, fmt.Sprint(d.Text, d.Calls)); return nil })
	if err != nil || source.Name != "performance_schema" || !source.Evicted || len(texts) != 2 || texts[0] != "SELECT `id` FROM `users` WHERE `email` = ?12" {
		t.Errorf("got %+v %q, %v", source, texts, err)
	}
}

func TestAWrongPasswordOfMySQL8(t *testing.T) {
	server := testservers.NewWireServer(t, "8.4.3", password, answers(printed))
	_, err := mysql.New().Open(t.Context(), target(server.Port, "other"), engine.ReadOnly)
	var refusal *engine.Error
	if !errors.As(err, &refusal) || refusal.Code != "1045" || !strings.Contains(err.Error(), "wrong password") {
		t.Errorf("got %v", err)
	}
}
