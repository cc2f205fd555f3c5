package postgres

import (
	"net/url"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/enginetest"
	"github.com/envdiff/envdiff/internal/testservers"
)

func TestMain(m *testing.M) { testservers.Main(m) }

// target is a test database as the configuration would give it.
func target(dsn string) engine.Target {
	u, err := url.Parse(dsn)
	if err != nil {
		panic("a test's URL does not parse")
	}
	return engine.Target{Engine: "postgres", DSN: dsn, Display: "postgres://" + u.User.Username() + "@" + u.Host + u.Path}
}

func TestConformance(t *testing.T) { enginetest.Run(t, harness(testservers.Postgres(t))) }

// harness is the engine on a server.
func harness(server *testservers.Server) enginetest.Harness {
	return enginetest.Harness{
		Engine:  New(),
		Base:    target(server.DSN("postgres")),
		Foreign: func(t *testing.T) engine.Target { return target(server.NewDatabase(t)) },
		Codes: enginetest.Codes{
			NotNull: "23502", Unique: "23505", ForeignKey: "23503", Check: "23514", NoSuchTable: "42P01", Syntax: "42601",
		},
	}
}

// arrange is the test server with one database of the test's own after a script.
func arrange(t *testing.T, script string) (*testservers.Server, engine.Target) {
	t.Helper()
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	if strings.TrimSpace(script) != "" {
		server.Exec(t, dsn, script)
	}
	return server, target(dsn)
}
