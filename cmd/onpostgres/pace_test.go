package onpostgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
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
	begun := func() bool {
		return primary.Ask(t, primary.DSN("postgres"), "SELECT count(*) FROM pg_database WHERE datname LIKE 'envdiff\\_scratch\\_next\\_%'") != "0"
	}
	sessions := func() string { // that there were and have ended
		return standby.Ask(t, standby.DSN("postgres"), "SELECT sessions FROM pg_stat_database WHERE datname = '"+name+"'")
	}
	until := func(holds func() bool) {
		for t.Context().Err() == nil && !holds() {
			time.Sleep(50 * time.Millisecond)
		}
	}
	var resuming sync.WaitGroup
	resuming.Go(func() { // once the replica was asked beside the copy: what it answers holds until it is asked again
		until(begun)
		before := sessions()
		until(func() bool { return sessions() != before })
		standby.Exec(t, standby.DSN("postgres"), "SELECT pg_wal_replay_resume()")
	})
	p.expect(t, 0, "the copy was held back for", "refresh", "production", "staging")
	resuming.Wait()
	p.expect(t, 0, "main of staging has 502 rows", "refresh", "production", "staging")
}

// A server that runs more statements than max_load holds the copy back until it has less to do, and the report says so.
func TestRefreshWaitsForABusyServer(t *testing.T) {
	p := newFeed(t)
	text, err := os.ReadFile(filepath.Join(p.dir, "envdiff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "envdiff.yaml", strings.Replace(string(text), fmt.Sprintf("protected: true, databases: {main: %q}", p.production),
		fmt.Sprintf("protected: true, databases: {main: {url: %q, max_load: 1}}", p.production), 1))
	holder, err := postgres.New().Open(t.Context(), engine.Target{Engine: "postgres", DSN: p.production, Display: "test"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Query(t.Context(), "SELECT pg_advisory_lock(77)", func(engine.Row) error { return nil }); err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	for range 12 { // more than max_load and what the refresh itself may run
		waiting.Go(func() { p.server.Exec(t, p.production, "SELECT pg_advisory_lock(77)") })
	}
	waiting.Go(func() {
		defer holder.Close()
		for p.value(t, p.server.DSN("postgres"), "SELECT count(*) FROM pg_database WHERE datname LIKE 'envdiff\\_scratch\\_next\\_%'") == "0" {
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(2500 * time.Millisecond)
	})
	for p.value(t, p.server.DSN("postgres"), "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'") != "12" {
		time.Sleep(50 * time.Millisecond)
	}
	p.expect(t, 0, "because of more statements on the server of production than its max_load of 1", "refresh", "production", "staging")
	waiting.Wait()
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
}
