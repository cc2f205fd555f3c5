package mysql

import (
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/enginetest"
	"github.com/envdiff/envdiff/internal/testservers"
)

func TestMain(m *testing.M) { testservers.Main(m) }

// target is a test database as the configuration would give it.
func target(dsn string) engine.Target {
	c, err := driver.ParseDSN(dsn)
	if err != nil {
		panic("a test's DSN does not parse")
	}
	return engine.Target{Engine: "mysql", DSN: dsn, Display: "mysql://" + c.User + "@" + c.Addr + "/" + c.DBName}
}

func TestConformance(t *testing.T) {
	server := testservers.MariaDB(t)
	enginetest.Run(t, enginetest.Harness{
		Engine:      New(),
		Base:        target(server.DSN(server.NewDatabase(t))),
		BinaryCells: true,
		Foreign:     func(t *testing.T) engine.Target { return target(server.DSN(server.NewDatabase(t))) },
		Codes: enginetest.Codes{
			NotNull: "1048", Unique: "1062", ForeignKey: "1452", Check: "4025", NoSuchTable: "1146", Syntax: "1064",
		},
	})
}

// arrange is the test server with one database of the test's own after a script.
func arrange(t *testing.T, script string) (*testservers.MariaServer, engine.Target) {
	t.Helper()
	server := testservers.MariaDB(t)
	name := server.NewDatabase(t)
	if script != "" {
		server.Exec(t, name, script)
	}
	return server, target(server.DSN(name))
}
