package migrations

import "testing"

func TestWhatReachesOutOfTheDatabase(t *testing.T) {
	for sql, engineName := range map[string]string{
		"DROP DATABASE shop": "postgres", "create role app": "postgres", "-- x\nCREATE USER app IDENTIFIED BY 'x'": "mysql",
		"COPY users TO PROGRAM 'curl x'": "postgres", "COPY users FROM '/tmp/x'": "postgres", "SELECT * FROM dblink('host=x', 'SELECT 1') AS t(a int)": "postgres",
		"SELECT * FROM users INTO OUTFILE '/tmp/x'": "mysql", "SET GLOBAL max_connections = 1": "mysql", "ATTACH DATABASE 'x.db' AS x": "sqlite", "VACUUM main INTO 'x.db'": "sqlite",
		"ALTER SYSTEM SET work_mem = '1GB'": "postgres", "USE other": "mysql", "LOAD DATA LOCAL INFILE 'x' INTO TABLE t": "mysql",
		"DO $$ BEGIN PERFORM dblink_exec('a', 'b'); END $$": "postgres", "DO $x$ BEGIN COPY t FROM PROGRAM 'id'; END $x$": "postgres",
		"-- x\nDO LANGUAGE plpgsql 'BEGIN IF true THEN /* x */ CREATE ROLE app; END IF; END'": "postgres", "DO $$ BEGIN EXECUTE format('DROP DATABASE %I', 'shop'); END $$": "postgres",
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
		"PREPARE s FROM 'SELECT 1'": "mysql", "DO $$ BEGIN EXECUTE 'SELECT 1'; RAISE NOTICE 'drop database'; END $$": "postgres",
	} {
		if does := reachOf(engineName, sql); does != "" {
			t.Errorf("%s: %q is refused: it %s", engineName, sql, does)
		}
	}
}
