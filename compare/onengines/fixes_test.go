package onengines

import (
	"context"
	"encoding/json"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

// repair is a schema, what somebody did to it, and the findings that no command repairs: their remedy is a migration.
type repair struct{ schema, drift, left string }

var repairs = map[string]repair{
	"postgres": {
		`CREATE ROLE fix_app; CREATE ROLE fix_owner; CREATE SCHEMA "Odd.Schema"; CREATE SCHEMA kept; CREATE TYPE mood AS ENUM ('ok'); CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE plain (id bigserial PRIMARY KEY, note text NOT NULL DEFAULT 'it''s', kind varchar(20) COLLATE "C" DEFAULT 'a', made timestamptz NOT NULL DEFAULT now(), tags text[], price numeric(10,2) DEFAULT 1.5, feeling mood DEFAULT 'ok',
	wanted int NOT NULL, low text GENERATED ALWAYS AS (id::text) STORED); COMMENT ON COLUMN plain.note IS 'as ''written''';
CREATE TABLE altered (a int NOT NULL, b int DEFAULT 1, c text DEFAULT 'x', d bigint, e varchar(40) COLLATE "C", f int, g varchar(9), h date NOT NULL DEFAULT CURRENT_DATE);
CREATE TABLE "Odd.Schema"."T.a, b" (x int, "c d" int, "e""f" int, CONSTRAINT "p.k" PRIMARY KEY (x, "c d"));
CREATE TABLE child (id int CONSTRAINT child_key PRIMARY KEY, x int, y int, n int CONSTRAINT positive_n CHECK (n > 0 OR n IS NULL), code text CONSTRAINT child_code UNIQUE, v int CONSTRAINT to_validate CHECK (v > 0),
	u int CONSTRAINT later UNIQUE DEFERRABLE, CONSTRAINT to_odd FOREIGN KEY (x, y) REFERENCES "Odd.Schema"."T.a, b" (x, "c d") ON DELETE CASCADE ON UPDATE SET NULL);
CREATE TABLE events (id int, day date, parent int CONSTRAINT of_child REFERENCES child) PARTITION BY RANGE (day); CREATE TABLE events_all PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2090-01-01');
CREATE INDEX events_day ON events (day); CREATE INDEX plain_made ON plain (made DESC, id); CREATE UNIQUE INDEX "odd, ix" ON "Odd.Schema"."T.a, b" ("e""f"); CREATE INDEX plain_hash ON plain USING hash (id); CREATE INDEX "Odd.Schema_ix" ON "Odd.Schema"."T.a, b" (x);
CREATE TABLE read (a bigint, b bigint, c bigint, d bigint, r real, t text, fine bigint, g bigint GENERATED ALWAYS AS (b) STORED); CREATE VIEW reads AS SELECT a, t FROM read; CREATE VIEW reads_more AS SELECT read.a, t FROM read JOIN reads USING (t);
CREATE POLICY p ON read USING (c > 0); CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER watched BEFORE UPDATE OF d ON read FOR EACH ROW EXECUTE FUNCTION watch();
CREATE FUNCTION "Odd.fn"(int, "Odd.Schema"."T.a, b", text[]) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE kept.run(mood) LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE most(int) (SFUNC = int4larger, STYPE = int); CREATE FUNCTION open() RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION "Odd.fn" FROM PUBLIC; GRANT EXECUTE ON FUNCTION "Odd.fn" TO fix_app WITH GRANT OPTION; GRANT EXECUTE ON PROCEDURE kept.run TO fix_app; GRANT EXECUTE ON FUNCTION most TO fix_app; ALTER PROCEDURE kept.run OWNER TO fix_owner; ALTER AGGREGATE most(int) OWNER TO fix_owner;
GRANT SELECT (low, id), UPDATE (id) ON plain TO fix_app; REVOKE USAGE ON DOMAIN positive FROM PUBLIC; CREATE VIEW seen AS SELECT id FROM plain; CREATE MATERIALIZED VIEW kept_rows AS SELECT id FROM altered, plain LIMIT 1; CREATE SEQUENCE tickets; CREATE TABLE its (id int); ALTER TABLE its OWNER TO fix_owner;
GRANT SELECT ON plain TO fix_app WITH GRANT OPTION; GRANT INSERT ON plain TO fix_app; GRANT UPDATE ON altered TO PUBLIC; GRANT USAGE ON SCHEMA kept TO fix_app; GRANT USAGE ON SEQUENCE tickets TO fix_app; GRANT SELECT ON seen TO fix_app; GRANT USAGE ON TYPE mood TO fix_app;
ALTER TABLE plain OWNER TO fix_owner; ALTER VIEW seen OWNER TO fix_owner; ALTER MATERIALIZED VIEW kept_rows OWNER TO fix_owner; ALTER SEQUENCE tickets OWNER TO fix_owner; ALTER SCHEMA kept OWNER TO fix_owner; ALTER TYPE mood OWNER TO fix_owner; ALTER DOMAIN positive OWNER TO fix_owner;
COMMENT ON TABLE altered IS 'one'; COMMENT ON VIEW seen IS 'two'; COMMENT ON MATERIALIZED VIEW kept_rows IS 'three'; COMMENT ON SCHEMA kept IS 'four'; COMMENT ON DOMAIN positive IS 'five'; COMMENT ON COLUMN altered.a IS NULL`,
		`ALTER TABLE plain DROP note, DROP kind, DROP tags, DROP price, DROP feeling, DROP wanted, DROP low; DROP INDEX plain_made, events_day, "Odd.Schema"."odd, ix", plain_hash;
ALTER TABLE altered ALTER a DROP NOT NULL, ALTER b DROP DEFAULT, ALTER c SET DEFAULT 'y', ALTER d TYPE int, ALTER e TYPE varchar(20) COLLATE "C", ALTER f TYPE bigint, ALTER g TYPE varchar(12), ALTER h SET DEFAULT now();
ALTER TABLE child DROP CONSTRAINT to_odd, DROP CONSTRAINT positive_n, DROP CONSTRAINT child_code, DROP CONSTRAINT to_validate, DROP CONSTRAINT later, ADD CONSTRAINT to_validate CHECK (v > 0) NOT VALID;
ALTER TABLE events DROP CONSTRAINT of_child; UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"Odd.Schema"."Odd.Schema_ix"'::regclass; ALTER TABLE child DROP CONSTRAINT child_key;
DROP VIEW reads_more, reads; DROP POLICY p ON read; DROP TRIGGER watched ON read; ALTER TABLE read DROP g; ALTER TABLE read ALTER a TYPE int, ALTER b TYPE int, ALTER c TYPE int, ALTER d TYPE int, ALTER r TYPE double precision, ALTER fine TYPE int; CREATE VIEW reads AS SELECT a, t FROM read;
CREATE VIEW reads_more AS SELECT read.a, t FROM read JOIN reads USING (t); CREATE POLICY p ON read USING (c > 0); CREATE TRIGGER watched BEFORE UPDATE OF d ON read FOR EACH ROW EXECUTE FUNCTION watch(); ALTER TABLE read ADD g bigint GENERATED ALWAYS AS (b) STORED;
GRANT EXECUTE ON FUNCTION "Odd.fn" TO PUBLIC; REVOKE ALL ON FUNCTION "Odd.fn" FROM fix_app; REVOKE EXECUTE ON PROCEDURE kept.run FROM fix_app; REVOKE EXECUTE ON FUNCTION most FROM fix_app; REVOKE EXECUTE ON FUNCTION open FROM PUBLIC; ALTER PROCEDURE kept.run OWNER TO CURRENT_USER; ALTER AGGREGATE most(int) OWNER TO CURRENT_USER;
REVOKE SELECT (id), UPDATE (id) ON plain FROM fix_app; GRANT REFERENCES (id) ON plain TO fix_app; GRANT USAGE ON DOMAIN positive TO PUBLIC; REVOKE GRANT OPTION FOR SELECT ON plain FROM fix_app; REVOKE INSERT ON plain FROM fix_app; GRANT DELETE ON plain TO fix_app; REVOKE UPDATE ON altered FROM PUBLIC; REVOKE USAGE ON SCHEMA kept FROM fix_app; REVOKE USAGE ON SEQUENCE tickets FROM fix_app; REVOKE SELECT ON seen FROM fix_app; REVOKE USAGE ON TYPE mood FROM fix_app;
ALTER TABLE plain OWNER TO CURRENT_USER; ALTER VIEW seen OWNER TO CURRENT_USER; ALTER MATERIALIZED VIEW kept_rows OWNER TO CURRENT_USER; ALTER SEQUENCE tickets OWNER TO CURRENT_USER; ALTER SCHEMA kept OWNER TO CURRENT_USER; ALTER TYPE mood OWNER TO CURRENT_USER; ALTER DOMAIN positive OWNER TO CURRENT_USER;
COMMENT ON TABLE altered IS NULL; COMMENT ON VIEW seen IS 'other'; COMMENT ON MATERIALIZED VIEW kept_rows IS NULL; COMMENT ON SCHEMA kept IS NULL; COMMENT ON DOMAIN positive IS NULL; COMMENT ON COLUMN altered.a IS 'new'`,
		`column-different main:column/read.a#type, column-different main:column/read.b#type, column-different main:column/read.c#type, column-different main:column/read.d#type, column-different main:column/read.r#type, column-missing main:column/plain.low, column-missing main:column/plain.wanted, constraint-different main:constraint/child.later,
index-missing main:index/plain.plain_hash`,
	},
	"mysql": {
		`CREATE TABLE users (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, email VARCHAR(120) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'it''s' COMMENT 'theirs', age TINYINT UNSIGNED, made DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
	seen TIMESTAMP NULL, secret INT INVISIBLE DEFAULT 3, doc JSON, code VARCHAR(36) DEFAULT (concat('a', 'b')), plan ENUM('free', 'pro') NOT NULL DEFAULT 'free', wanted INT NOT NULL, nick VARCHAR(40) COMMENT 'short', low VARCHAR(200) AS (lower(nick)) STORED,
	CONSTRAINT adult CHECK (age >= 18), UNIQUE KEY nicks (nick, age), KEY ages (age DESC, nick), KEY part (nick(5)));
CREATE TABLE altered (a INT NOT NULL, b INT DEFAULT 1, c VARCHAR(10) DEFAULT 'x' COMMENT 'kept', d BIGINT, e VARCHAR(40), f INT, g TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP) COMMENT = 'one';
CREATE TABLE orders (id INT, user_id BIGINT UNSIGNED, ` + "`o, d``d`" + ` INT, PRIMARY KEY (id), KEY of_user (user_id), CONSTRAINT of_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE SET NULL);
CREATE TABLE narrow (a INT NOT NULL, b VARCHAR(8) COMMENT 'kept', c FLOAT); CREATE TABLE parent (id BIGINT PRIMARY KEY); CREATE TABLE child (parent_id BIGINT, CONSTRAINT of_parent FOREIGN KEY (parent_id) REFERENCES parent (id));
CREATE FUNCTION total() RETURNS INT DETERMINISTIC RETURN 1; CREATE PROCEDURE total() DO 1; CREATE PROCEDURE run() DO 1; GRANT EXECUTE ON PROCEDURE run TO fix_app@'10.%'; GRANT EXECUTE ON FUNCTION total TO fix_app@'10.%'; GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE total TO fix_app@'10.%' WITH GRANT OPTION; GRANT SELECT (id, nick), UPDATE (nick) ON users TO fix_app@'10.%';
CREATE VIEW seen AS SELECT id FROM users; GRANT SELECT, INSERT ON orders TO fix_app@'10.%' WITH GRANT OPTION; GRANT SELECT ON seen TO fix_app@'10.%'; GRANT PROCESS ON *.* TO fix_app@'10.%'`,
		`ALTER TABLE users DROP email, DROP made, DROP seen, DROP secret, DROP doc, DROP code, DROP plan, DROP wanted, DROP CONSTRAINT adult, DROP KEY nicks, DROP KEY ages, DROP KEY part, DROP low; ALTER TABLE users MODIFY nick VARCHAR(40);
ALTER TABLE altered MODIFY a INT, ALTER b DROP DEFAULT, ALTER c SET DEFAULT 'y', MODIFY d INT, MODIFY e VARCHAR(20), MODIFY f BIGINT, MODIFY g TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, COMMENT = '';
ALTER TABLE orders DROP FOREIGN KEY of_user; ALTER TABLE orders DROP PRIMARY KEY, DROP ` + "`o, d``d`" + `;
ALTER TABLE narrow MODIFY a BIGINT NOT NULL, MODIFY b VARCHAR(20) COMMENT 'kept', MODIFY c DOUBLE; ALTER TABLE child DROP FOREIGN KEY of_parent; ALTER TABLE child MODIFY parent_id INT; ALTER TABLE parent MODIFY id INT; ALTER TABLE child ADD CONSTRAINT of_parent FOREIGN KEY (parent_id) REFERENCES parent (id);
REVOKE EXECUTE ON PROCEDURE run FROM fix_app@'10.%'; REVOKE EXECUTE ON FUNCTION total FROM fix_app@'10.%'; REVOKE ALTER ROUTINE, GRANT OPTION ON PROCEDURE total FROM fix_app@'10.%'; REVOKE SELECT (nick), UPDATE (nick) ON users FROM fix_app@'10.%'; GRANT INSERT (id) ON users TO fix_app@'10.%';
REVOKE INSERT, GRANT OPTION ON orders FROM fix_app@'10.%'; GRANT DELETE ON orders TO fix_app@'10.%'; REVOKE SELECT ON seen FROM fix_app@'10.%'; REVOKE PROCESS ON *.* FROM fix_app@'10.%'`,
		`column-different main:column/child.parent_id#type, column-different main:column/narrow.c#type, column-different main:column/parent.id#type, column-missing main:column/users.low, column-missing main:column/users.wanted, index-missing main:index/users.part`,
	},
	"sqlite": {
		`CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE, plan TEXT NOT NULL DEFAULT 'it''s', rank REAL DEFAULT -1.5, made TEXT DEFAULT CURRENT_TIMESTAMP, wanted INT NOT NULL, "o, d""d" INTEGER, "k""ept" INT);
CREATE UNIQUE INDEX users_email ON users (id, "k""ept"); CREATE INDEX users_plan ON users (id DESC); CREATE INDEX users_some ON users (id) WHERE id > 5`,
		`DROP INDEX users_email; DROP INDEX users_plan; DROP INDEX users_some; ALTER TABLE users DROP email; ALTER TABLE users DROP plan; ALTER TABLE users DROP rank; ALTER TABLE users DROP made; ALTER TABLE users DROP wanted; ALTER TABLE users DROP "o, d""d"`,
		`column-missing main:column/users.made, column-missing main:column/users.wanted, index-missing main:index/users.users_some`,
	},
}

// obstacles are what the hints say that keeps an engine from giving columns another type.
var obstacles = map[string]map[string]string{
	"postgres": {"main:column/read.a#type": "view reads, view reads_more", "main:column/read.b#type": "column g", "main:column/read.c#type": "policy p", "main:column/read.d#type": "trigger watched"},
	"mysql":    {"main:column/child.parent_id#type": "foreign key child.of_parent", "main:column/parent.id#type": "foreign key child.of_parent"},
}

// TestWhatIsPastedRepairs: each command that a finding brings is taken by the engine's own client, on tables with rows, and what it was for is no finding any more.
func TestWhatIsPastedRepairs(t *testing.T) {
	for _, name := range engines {
		t.Run(name, func(t *testing.T) {
			c, p := repairs[name], newPlace(t, name)
			paste := pasted(t, p)
			if name == "mysql" {
				paste("CREATE USER fix_app@'10.%'")
			}
			paste(c.schema + ";")
			original := p.side(t, "staging", snapshot.DatabaseSpec{}, testKey, database.Schema{})
			paste(c.drift + ";")
			paste("INSERT INTO " + map[string]string{"postgres": "altered (a) VALUES (1)", "mysql": "users (nick) VALUES ('x')", "sqlite": "users (id) VALUES (1)"}[name] + ";")
			drifted := p.side(t, "production", snapshot.DatabaseSpec{}, testKey, database.Schema{})
			var without, commands []string
			for _, f := range fixed(t, original, drifted) {
				if len(f.Fix) == 0 {
					without = append(without, f.Rule+" "+f.Address)
				}
				if in := obstacles[name][f.Address]; in != "" && !strings.Contains(f.Hint, " under "+in+": ") {
					t.Errorf("%s: %s", f.Address, f.Hint)
				}
				for _, x := range f.Fix {
					if !strings.HasPrefix(x.Where, "production") {
						t.Errorf("%s is to be pasted on %s", f.Address, x.Where)
					}
					commands = append(commands, x.Command)
				}
			}
			paste(strings.Join(commands, "\n"))
			want := strings.Split(strings.ReplaceAll(c.left, "\n", " "), ", ")
			if !slices.Equal(without, want) {
				t.Errorf("without a command are\n%s\nwant\n%s", strings.Join(without, "\n"), strings.Join(want, "\n"))
			}
			var left []string
			for _, f := range fixed(t, original, p.side(t, "production", snapshot.DatabaseSpec{}, testKey, database.Schema{})) {
				left = append(left, f.Rule+" "+f.Address)
			}
			if !slices.Equal(left, without) {
				t.Errorf("after pasting there are\n%s", strings.Join(left, "\n"))
			}
		})
	}
}

// fixed are the findings of two sides with their commands, by address.
func fixed(t *testing.T, sides ...compare.Side) []finding.Finding {
	t.Helper()
	r, err := compare.Compare(context.Background(), sides, compare.Options{Kinds: database.Schema{}.Kinds()})
	if err != nil {
		t.Fatal(err)
	}
	compare.Fix(r.Findings, sides)
	slices.SortFunc(r.Findings, func(a, b finding.Finding) int { return strings.Compare(a.Rule+a.Address, b.Rule+b.Address) })
	// Columns before what is over them, keys before the foreign keys that refer to them.
	slices.SortStableFunc(r.Findings, func(a, b finding.Finding) int { return strings.Compare(a.Rule[:3], b.Rule[:3]) })
	return r.Findings
}

// pasted gives a text to the engine's own client as a person does, statement by statement.
func pasted(t *testing.T, p *place) func(text string) {
	t.Helper()
	run := typed(t, p)
	return func(text string) {
		t.Helper()
		if said, err := run(text); err != nil {
			t.Errorf("%s\n%v: %s", text, err, said)
		}
	}
}

// typed is the same where it may be refused.
func typed(t *testing.T, p *place) func(text string) (string, error) {
	t.Helper()
	client := []string{"sqlite3", "-bail", p.target.Path}
	switch p.name {
	case "postgres":
		client = []string{"psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", p.target.DSN}
	case "mysql":
		_, database, _ := strings.Cut(p.target.DSN, "/")
		database, _, _ = strings.Cut(database, "?")
		client = []string{"mariadb", "--no-defaults", "--protocol=tcp", "-N", "-h127.0.0.1", "-P" + strconv.Itoa(testservers.MariaDB(t).Port), "-uroot", "--default-character-set=utf8mb4", database}
	}
	return func(text string) (string, error) {
		cmd := exec.Command(client[0], client[1:]...)
		cmd.Stdin = strings.NewReader(text + "\n")
		said, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(said)), err
	}
}

// TestANarrowerTypeLosesNothing: what a narrower type does not hold is refused, also by a server that would cut it.
func TestANarrowerTypeLosesNothing(t *testing.T) {
	for _, name := range []string{"postgres", "mysql"} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, name)
			run := typed(t, p)
			paste := pasted(t, p)
			paste("CREATE TABLE narrow (a int, b varchar(8));")
			original := p.side(t, "staging", snapshot.DatabaseSpec{}, testKey, database.Schema{})
			paste("DROP TABLE narrow; CREATE TABLE narrow (a bigint, b varchar(20)); INSERT INTO narrow VALUES (5000000000, 'longer than eight');")
			loose := ""
			if name == "mysql" {
				loose = "SET sql_mode = '';\n"
			}
			for _, f := range fixed(t, original, p.side(t, "production", snapshot.DatabaseSpec{}, testKey, database.Schema{})) {
				if len(f.Fix) != 1 || !strings.HasSuffix(f.Fix[0].Where, "refused where a row does not fit") {
					t.Fatalf("%s: %+v", f.Address, f.Fix)
				}
				if said, err := run(loose + f.Fix[0].Command); err == nil {
					t.Errorf("%s was taken: %s", f.Fix[0].Command, said)
				}
			}
			if rows, err := run("SELECT concat(a, b) FROM narrow;"); err != nil || rows != "5000000000longer than eight" {
				t.Errorf("rows are %q: %v", rows, err)
			}
		})
	}
}

// TestEverySettingsCommandIsTaken: of every setting that a server has, the command that sets it is one that the server takes, and says so where it needs a restart.
func TestEverySettingsCommandIsTaken(t *testing.T) {
	for _, name := range []string{"postgres", "mysql"} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, name)
			paste := pasted(t, p)
			if name == "postgres" {
				t.Cleanup(func() { paste("ALTER SYSTEM RESET ALL; SELECT pg_reload_conf();") })
				paste(`ALTER SYSTEM SET search_path = "$user", public, audit; SELECT pg_reload_conf();`)
			}
			s := p.side(t, "staging", snapshot.DatabaseSpec{}, testKey, database.Schema{})
			other := p.side(t, "production", snapshot.DatabaseSpec{}, testKey, database.Schema{})
			var commands, restarts []string
			for _, line := range s.Snapshot.Lines {
				if line.Address.Kind != "setting" || line.Address.Attribute != "value" {
					continue
				}
				f := []finding.Finding{{Rule: "setting-tuning", Address: line.Address.String(), Change: finding.Changed, Values: []finding.Side{
					{Environment: "staging", State: finding.Present, Value: json.RawMessage(line.Values[0].Value.JSON()), Instances: []string{"primary"}},
					{Environment: "production", State: finding.Present, Value: json.RawMessage(`"another"`), Instances: []string{"primary"}}}}}
				compare.Fix(f, []compare.Side{s, other})
				for _, x := range f[0].Fix {
					commands = append(commands, x.Command)
					if strings.Contains(x.Where, "after a restart") {
						restarts = append(restarts, "'"+line.Address.Name+"'")
					}
				}
			}
			if len(commands) < 30 {
				t.Errorf("only %d commands", len(commands))
			}
			paste(strings.Join(commands, "\n"))
			if name == "postgres" {
				text := "'" + strings.ReplaceAll(strings.Join(commands, "\n"), "'", "''") + "'"
				unlike := testservers.Postgres(t).Ask(t, p.target.DSN, "SELECT string_agg(name, ' ') FROM pg_settings WHERE strpos("+text+", 'SET ' || name || ' =') > 0 AND (context = 'postmaster') <> (name IN ("+strings.Join(restarts, ", ")+"))")
				if unlike != "" {
					t.Errorf("whether they need a restart is not as said of %s", unlike)
				}
			}
			after := p.side(t, "production", snapshot.DatabaseSpec{}, testKey, database.Schema{})
			for _, f := range fixed(t, s, after) {
				if f.Rule != "not-loaded" { // the file says now what the command line said before
					t.Errorf("%s %s: %s", f.Rule, f.Address, f.Message)
				}
			}
		})
	}
}
