package migrations

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/schema"
)

func TestWhatReachesOutOfTheDatabase(t *testing.T) {
	for sql, engineName := range map[string]string{
		"DROP DATABASE shop": "postgres", "create role app": "postgres", "-- x\nCREATE USER app IDENTIFIED BY 'x'": "mysql",
		"COPY users TO PROGRAM 'curl x'": "postgres", "COPY users FROM '/tmp/x'": "postgres", "SELECT * FROM dblink('host=x', 'SELECT 1') AS t(a int)": "postgres",
		"SELECT * FROM users INTO OUTFILE '/tmp/x'": "mysql", "SET GLOBAL max_connections = 1": "mysql", "ATTACH DATABASE 'x.db' AS x": "sqlite", "VACUUM main INTO 'x.db'": "sqlite",
		"ALTER SYSTEM SET work_mem = '1GB'": "postgres", "USE other": "mysql", "LOAD DATA LOCAL INFILE 'x' INTO TABLE t": "mysql",
		"DO $$ BEGIN PERFORM dblink_exec('a', 'b'); END $$": "postgres", "DO $x$ BEGIN COPY t FROM PROGRAM 'id'; END $x$": "postgres",
		"-- x\nDO LANGUAGE plpgsql 'BEGIN IF true THEN /* x */ CREATE ROLE app; END IF; END'": "postgres", "DO $$ BEGIN EXECUTE format('DROP DATABASE %I', 'shop'); END $$": "postgres",
		"DO $$ DECLARE cmd text; BEGIN cmd := 'COPY users TO PROGRAM ''id'''; EXECUTE cmd; END $$": "postgres", "DO $$ BEGIN EXECUTE 'CREATE ' || 'ROLE app'; END $$": "postgres",
		"DO $$ DECLARE c text := 'ALTER ' || 'SYSTEM SET work_mem = ''1GB'''; BEGIN EXECUTE c USING 1; END $$": "postgres",
		"GRANT app_rw TO app": "postgres", "revoke a, b from c": "postgres",
		"PREPARE s FROM 'SET GLOBAL max_connections = 1'": "mysql", "EXECUTE IMMEDIATE 'CREATE USER app'": "mysql",
	} {
		if reachOf(engineName, sql) == "" {
			t.Errorf("%s: %q is let through", engineName, sql)
		}
	}
	for sql, engineName := range map[string]string{
		"INSERT INTO notes VALUES ('DROP DATABASE shop'), ('dblink(')": "postgres", "CREATE TABLE roles (id int)": "postgres", "ALTER TABLE users ADD COLUMN role text": "postgres",
		"VACUUM": "sqlite", "CREATE TABLE attachments (id int)": "sqlite", "INSERT INTO t SELECT * FROM users": "mysql", "SET NAMES utf8mb4": "mysql", "GRANT SELECT ON users TO app": "postgres",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$": "postgres", "COPY users FROM STDIN": "postgres",
		"DO $$ BEGIN RAISE NOTICE 'create role app first'; END $$": "postgres", "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_class) THEN EXECUTE 'CREATE TABLE roles (id int)'; END IF; END $$": "postgres",
		"DO $$ DECLARE note text := 'drop database'; BEGIN EXECUTE format('CREATE TABLE %I (id int)', 'roles'); RAISE NOTICE '%', note; END $$": "postgres",
		"DO $$ DECLARE c text := 'CREATE TABLE roles (id int)'; BEGIN EXECUTE c; END $$":                                                        "postgres",
		"PREPARE s FROM 'SELECT 1'": "mysql", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO app": "postgres", "GRANT UPDATE (a, b) ON t TO app": "postgres", "DO $$ BEGIN EXECUTE 'SELECT 1'; RAISE NOTICE 'drop database'; END $$": "postgres",
	} {
		if does := reachOf(engineName, sql); does != "" {
			t.Errorf("%s: %q is refused: it %s", engineName, sql, does)
		}
	}
}

func TestGuardsOfRoles(t *testing.T) {
	for sql, want := range map[string]string{
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN CREATE ROLE app LOGIN PASSWORD 'x'; END IF; END $$":                                                               "app",
		"-- x\nDO\n$do$\nBEGIN\n  IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname='App') THEN\n    CREATE USER \"App\";\n  END IF;\nEND\n$do$;":                                         "App",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'a') THEN CREATE ROLE a; END IF; IF NOT EXISTS (SELECT FROM pg_user WHERE usename = 'b') THEN CREATE ROLE b; END IF; END; $$": "a b",
		"DO LANGUAGE plpgsql $$ BEGIN CREATE ROLE app; EXCEPTION WHEN duplicate_object THEN RAISE NOTICE 'there; already'; END $$":                                                                     "",
		"DO $$ BEGIN CREATE ROLE app NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$":                                                                                                       "app",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN CREATE ROLE other; END IF; END $$":                                                                                "",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN CREATE ROLE app; END IF; DROP ROLE old; END $$":                                                                   "",
		"DO $$ BEGIN CREATE ROLE app; END $$": "", "CREATE ROLE app": "",
	} {
		got, _ := rolesOfGuard(sql)
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %q, want %q", sql, text, want)
		}
	}
}

// TestWhatReachesOutWhenItIsCalled: making such a routine does no harm, running it would.
func TestWhatReachesOutWhenItIsCalled(t *testing.T) {
	db := &schema.Database{
		Routines: []schema.Routine{{Name: schema.Name{Name: "Tell"}, Definition: "CREATE FUNCTION Tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM dblink_exec('p', 'x'); RETURN NEW; END $$"},
			{Name: schema.Name{Name: "outer_one"}, Definition: "CREATE FUNCTION outer_one() RETURNS int LANGUAGE sql AS $$ SELECT tell() $$"}, {Name: schema.Name{Name: "fine"}, Definition: "SELECT 'dblink('"}},
		Triggers: []schema.Trigger{{Name: "t", Table: schema.Name{Name: "orders"}, Definition: "CREATE TRIGGER t AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tell()"}},
	}
	c := newCallers("postgres", db)
	for _, step := range []struct {
		sql     string
		reaches bool
	}{
		{"SELECT fine()", false}, {"SELECT outer_one()", true}, {"DO $$ BEGIN PERFORM tell(); END $$", true}, {"INSERT INTO users VALUES ('tell()')", false},
		{"INSERT INTO orders VALUES (1)", true}, {"ALTER TABLE orders ADD COLUMN a int", false}, {"DROP FUNCTION tell()", false},
		{"SELECT run_it()", false}, {"CREATE FUNCTION public.run_it() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COPY t TO PROGRAM 'id'; END $$", false}, {"SELECT run_it()", true},
		{"CREATE TRIGGER u AFTER INSERT ON users EXECUTE FUNCTION run_it()", true},
	} {
		if does := c.reach(step.sql); (does != "") != step.reaches {
			t.Errorf("%s: %q", step.sql, does)
		}
	}
}
