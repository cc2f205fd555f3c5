package onpostgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/testservers"
)

// A replica that is further behind than its max_lag holds the copy back until it has caught up, and the report says so.
func TestRefreshWaitsForALaggingReplica(t *testing.T) {
	primary := testservers.NewPostgres(t)
	standby := primary.NewStandby(t)
	p := newFeedOn(t, primary)
	name := p.value(t, p.production, "SELECT current_database()")
	text, err := os.ReadFile(filepath.Join(p.dir, "envdiff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "envdiff.yaml", strings.Replace(string(text), fmt.Sprintf("protected: true, databases: {main: %q}", p.production),
		fmt.Sprintf("protected: true, databases: {main: {url: %q, max_lag: 1s, replicas: {db2: %q}}}", p.production, standby.DSN(name)), 1))
	standby.Exec(t, standby.DSN("postgres"), "SELECT pg_wal_replay_pause()")
	p.server.Exec(t, p.production, "UPDATE settings SET value = 'zqtoken changed'")
	time.Sleep(2500 * time.Millisecond)
	resumed := make(chan struct{})
	time.AfterFunc(20*time.Second, func() {
		defer close(resumed)
		standby.Exec(t, standby.DSN("postgres"), "SELECT pg_wal_replay_resume()")
	})
	p.expect(t, 0, "the copy was held back for", "refresh", "production", "staging")
	<-resumed
	p.expect(t, 0, "main of staging has 502 rows", "refresh", "production", "staging")
}
