package onengines

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/testservers"
)

// soaked is an estate of small hosts and databases with planted drift.
type soaked struct {
	t                *testing.T
	dir              string
	hosts, databases int // in each of the two environments
	random           *rand.Rand
	stored           int           // snapshots that have to be there
	capture          time.Duration // how long the last one took

	postgres map[string]*testservers.Server // of each environment
	maria    map[string]*testservers.MariaServer
	restart  map[string]func(testing.TB) // production's server of each kind
}

// The kinds of database of an estate.
const (
	sqliteKind   = "sqlite"
	postgresKind = "postgres"
	mariaKind    = "mariadb"
)

// kindOf is the kind of an estate's database; the first three, of which two have planted drift, are files.
func kindOf(i int) string {
	switch {
	case i < 3:
		return sqliteKind
	case i%2 == 1:
		return postgresKind
	}
	return mariaKind
}

func name(i int) string { return fmt.Sprintf("db%02d", i) }

func newSoaked(t *testing.T, hosts, databases int) *soaked {
	e := &soaked{t: t, dir: t.TempDir(), hosts: hosts / 2, databases: databases / 2, random: rand.New(rand.NewPCG(1, 2))}
	postgres, maria := testservers.NewPostgres(t), testservers.NewMariaDB(t)
	e.postgres = map[string]*testservers.Server{"staging": testservers.Postgres(t), "production": postgres}
	e.maria = map[string]*testservers.MariaServer{"staging": testservers.MariaDB(t), "production": maria}
	e.restart = map[string]func(testing.TB){postgresKind: postgres.Restart, mariaKind: maria.Restart}
	var config strings.Builder
	config.WriteString("keys: {redact: ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=}\nenvironments:\n")
	for _, env := range []string{"staging", "production"} {
		fmt.Fprintf(&config, "  %s:\n    hosts:\n      web:\n", env)
		for i := range e.hosts {
			fmt.Fprintf(&config, "        - %q\n", "root:"+e.host(env, i))
			e.buildHost(env, i)
		}
		config.WriteString("    databases:\n")
		for i := range e.databases {
			fmt.Fprintf(&config, "      %s: %q\n", name(i), e.database(env, i))
		}
	}
	config.WriteString("roles:\n  web: {config: [\"/etc/app/*\"]}\n")
	e.write("envdiff.yaml", config.String())
	return e
}

func (e *soaked) host(env string, i int) string { return fmt.Sprintf("%s/%c%03d", env, env[0], i) }

func (e *soaked) file(env string, i int) string { return fmt.Sprintf("%s/%s.sqlite", env, name(i)) }

// database makes a database and is its URL.
func (e *soaked) database(env string, i int) (url string) {
	switch kindOf(i) {
	case postgresKind:
		url = e.postgres[env].NewDatabase(e.t)
		e.postgres[env].Exec(e.t, url, served("generate_series(1, 200) AS n(i)"))
	case mariaKind:
		database := e.maria[env].NewDatabase(e.t)
		e.maria[env].Exec(e.t, database, served("(SELECT seq AS i FROM seq_1_to_200) AS n"))
		url = fmt.Sprintf("mariadb://root@127.0.0.1:%d/%s", e.maria[env].Port, database)
	default:
		url = "sqlite:" + e.file(env, i)
		e.buildFile(env, i)
	}
	return url
}

// served is a database of a server; it is the same everywhere. numbers yields 1 to 200 as n.i.
func served(numbers string) string {
	return `
CREATE TABLE customers (id integer PRIMARY KEY, email varchar(120) NOT NULL UNIQUE);
CREATE TABLE orders (id integer PRIMARY KEY, customer integer NOT NULL, note varchar(200), FOREIGN KEY (customer) REFERENCES customers (id));
CREATE INDEX orders_customer ON orders (customer);
INSERT INTO customers SELECT i, concat('c', i, '@mail.example') FROM ` + numbers + `;
INSERT INTO orders (id, customer) SELECT id, id FROM customers;`
}

func (e *soaked) write(name, text string) {
	e.t.Helper()
	path := filepath.Join(e.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// buildHost plants an older library and fewer workers in all of production, and in two of its hosts a missing library and an odd limit.
func (e *soaked) buildHost(env string, i int) {
	production := env == "production"
	workers := 8
	if production {
		workers = 4
	}
	var limits, status strings.Builder
	limits.WriteString("limits:\n")
	for n := range 20 {
		limit := 100 + n
		if production && i == 2 && n == 7 {
			limit = 9000
		}
		fmt.Fprintf(&limits, "  %q: %d\n", fmt.Sprint(n), limit)
	}
	for n := range 30 {
		version := "2.1.4-1"
		switch {
		case production && i == 3 && n == 3:
			continue
		case production && n == 5:
			version = "1.9.0-1"
		}
		fmt.Fprintf(&status, "Package: lib%02d\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n", n, version)
	}
	for name, text := range map[string]string{
		"etc/os-release": "ID=debian\nVERSION_ID=\"12\"\n", "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "var/lib/dpkg/status": status.String(),
		"etc/app/app.ini": fmt.Sprintf("[pool]\nworkers = %d\ntimeout = 30\n", workers), "etc/app/limits.yaml": limits.String(),
	} {
		e.write(filepath.Join(e.host(env, i), name), text)
	}
}

func (e *soaked) buildFile(env string, i int) {
	note, index := ", note TEXT", "CREATE INDEX orders_customer ON orders (customer);"
	if env == "production" && i == 1 {
		index = ""
	}
	if env == "production" && i == 2 {
		note = ""
	}
	execSQL(e.t, filepath.Join(e.dir, e.file(env, i)), `
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers`+note+`);`+index+`
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO customers SELECT i, 'c' || i || '@mail.example' FROM n;
INSERT INTO orders (id, customer) SELECT id, id FROM customers;`)
}

func execSQL(t *testing.T, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
}
