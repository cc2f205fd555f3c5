package onpostgres

import (
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

// A source that is not read for long is asked something, so that its server does not end the session that keeps the moment.
func TestASilentSourceIsKeptAwake(t *testing.T) {
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	src := open(t, dsn, engine.ReadOnly)
	defer sanitize.Awake(t.Context(), 20*time.Millisecond, src)()
	asked := func() string {
		return server.Ask(t, server.DSN("postgres"), "SELECT query_start FROM pg_stat_activity WHERE application_name = 'envdiff' AND datname = '"+server.Ask(t, dsn, "SELECT current_database()")+"'")
	}
	first := asked()
	for deadline := time.Now().Add(time.Minute); asked() == first; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody asks")
		}
	}
}
