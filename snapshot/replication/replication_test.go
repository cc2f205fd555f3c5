package replication_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/replication"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

func TestMain(m *testing.M) { testservers.Main(m) }

var testKey, _ = keys.Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")

func open(t *testing.T, dsn string) engine.DB {
	t.Helper()
	db, err := postgres.New().Open(t.Context(), engine.Target{Engine: "postgres", DSN: dsn, Display: "the test database"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// facts are what the collector says of a node, without the scope.
func facts(t *testing.T, db engine.DB, spec snapshot.DatabaseSpec) (map[string]string, snapshot.Result) {
	t.Helper()
	r := replication.New().Collect(t.Context(), snapshot.DatabaseInput{Scope: "main", Instance: "primary", DB: db, Spec: spec, Redact: snapshot.NewRedactor(testKey, nil)})
	m := map[string]string{}
	for _, f := range r.Facts {
		m[strings.TrimPrefix(f.Address.String(), "main:replication/")] = f.Value.Display()
	}
	return m, r
}

// eventually waits for what the servers tell each other in their own time.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 300 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}

func expect(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for address, value := range want {
		if v, ok := got[address]; v != value || value == "" && ok {
			t.Errorf("%s is %q, want %q", address, v, value)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestConformance(t *testing.T) {
	dsn := testservers.Postgres(t).NewDatabase(t)
	snapshottest.Database(t, replication.New(), snapshot.DatabaseSpec{}, func(t *testing.T) engine.DB { return open(t, dsn) })
}

func TestStandaloneServer(t *testing.T) {
	server := testservers.NewPostgres(t)
	got, r := facts(t, open(t, server.DSN("postgres")), snapshot.DatabaseSpec{})
	expect(t, got, map[string]string{"node#role": "standalone", "node#writable": "true", "node#running": "", "topology#replicas": "[]"})
	if len(r.Gaps) > 0 {
		t.Error(r.Gaps)
	}
}

func TestPrimaryAndStandby(t *testing.T) {
	primary := testservers.NewPostgres(t)
	standby := primary.NewStandby(t)
	var here, there map[string]string
	eventually(t, "the standby streams", func() bool {
		there, _ = facts(t, open(t, standby.DSN("postgres")), snapshot.DatabaseSpec{})
		return there["node#running"] == "true"
	})
	here, _ = facts(t, open(t, primary.DSN("postgres")), snapshot.DatabaseSpec{})
	expect(t, here, map[string]string{"node#role": "primary", "node#writable": "true", "topology#replicas": "[walreceiver at 127.0.0.1]", "node#timeline": "1"})
	expect(t, there, map[string]string{
		"node#role": "replica", "node#writable": "false", "node#upstream": fmt.Sprintf("127.0.0.1:%d", primary.Port), "node#lag_seconds": "0", "node#receiving": "running",
		"node#applying": "running", "node#timeline": "1", "node#server": here["node#server"], "node#upstream_server": here["node#server"],
	})
}

func TestLagOnAnIdlePrimaryIsNone(t *testing.T) {
	primary := testservers.NewPostgres(t)
	standby := primary.NewStandby(t)
	primary.Exec(t, primary.DSN("postgres"), "CREATE TABLE written (id int)")
	time.Sleep(2 * time.Second) // the last transaction is two seconds old, and nothing is missing
	eventually(t, "the standby streams", func() bool {
		got, _ := facts(t, open(t, standby.DSN("postgres")), snapshot.DatabaseSpec{})
		return got["node#running"] == "true" && got["node#lag_seconds"] == "0"
	})
}

func TestPausedStandbyIsNotRunningAndLags(t *testing.T) {
	primary := testservers.NewPostgres(t)
	standby := primary.NewStandby(t)
	primary.Exec(t, primary.DSN("postgres"), "CREATE TABLE written (id int)")
	eventually(t, "the standby has the table", func() bool {
		found := false
		_ = open(t, standby.DSN("postgres")).Query(t.Context(), "SELECT 1 FROM pg_class WHERE relname = 'written'", func(engine.Row) error { found = true; return nil })
		return found
	})
	standby.Exec(t, standby.DSN("postgres"), "SELECT pg_wal_replay_pause()")
	primary.Exec(t, primary.DSN("postgres"), "INSERT INTO written VALUES (1)")
	time.Sleep(1100 * time.Millisecond)
	eventually(t, "it lags", func() bool {
		got, _ := facts(t, open(t, standby.DSN("postgres")), snapshot.DatabaseSpec{})
		return got["node#applying"] == "paused" && got["node#running"] == "false" && got["node#lag_seconds"] >= "1"
	})
}

func TestStandbyWithoutItsPrimaryHasNoLagToTell(t *testing.T) {
	primary := testservers.NewPostgres(t)
	standby := primary.NewStandby(t)
	primary.Kill(t)
	eventually(t, "the receiver has stopped", func() bool {
		got, r := facts(t, open(t, standby.DSN("postgres")), snapshot.DatabaseSpec{})
		_, told := got["node#lag_seconds"]
		return got["node#receiving"] == "stopped" && got["node#running"] == "false" && !told && len(r.Gaps) == 0
	})
}

func TestSlotsKeepLog(t *testing.T) {
	primary := testservers.NewPostgres(t)
	primary.Exec(t, primary.DSN("postgres"), "SELECT pg_create_physical_replication_slot('left', true); CREATE TABLE written (t text)")
	primary.Exec(t, primary.DSN("postgres"), "INSERT INTO written SELECT repeat('x', 1000) FROM generate_series(1, 3000)")
	got, _ := facts(t, open(t, primary.DSN("postgres")), snapshot.DatabaseSpec{})
	expect(t, got, map[string]string{"slot/left#active": "false", "slot/left#type": "physical", "node#role": "primary"})
	var kept int
	fmt.Sscan(got["slot/left#retained_bytes"], &kept)
	if kept < 2<<20 {
		t.Errorf("%d bytes are kept", kept)
	}
}

func TestRoleThatMayNotSeeIsAGap(t *testing.T) {
	primary := testservers.NewPostgres(t)
	standby := primary.NewStandby(t)
	primary.Exec(t, primary.DSN("postgres"), "CREATE ROLE guest LOGIN PASSWORD 'g'")
	eventually(t, "the standby knows the role", func() bool {
		db, err := postgres.New().Open(t.Context(), engine.Target{Engine: "postgres", DSN: standby.UserDSN("guest", "g", "postgres"), Display: "x"}, engine.ReadOnly)
		if err == nil {
			db.Close()
		}
		return err == nil
	})
	got, r := facts(t, open(t, standby.UserDSN("guest", "g", "postgres")), snapshot.DatabaseSpec{})
	expect(t, got, map[string]string{"node#role": "replica", "node#receiving": "unknown", "node#running": ""})
	if len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Hint, "GRANT pg_read_all_stats") {
		t.Errorf("gaps %+v", r.Gaps)
	}
	_, r = facts(t, open(t, primary.UserDSN("guest", "g", "postgres")), snapshot.DatabaseSpec{})
	if len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Reason, "connected replicas") {
		t.Errorf("gaps %+v", r.Gaps)
	}
}

func TestMonitorThatHangsDoesNotHideTheNode(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // the monitor has five seconds of its own
	defer cancel()
	db := open(t, testservers.Postgres(t).NewDatabase(t))
	r := replication.New().Collect(ctx, snapshot.DatabaseInput{Scope: "main", Instance: "primary", DB: db, Spec: snapshot.DatabaseSpec{Monitor: l.Addr().String()}})
	if len(r.Facts) == 0 || len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Reason, "did not answer") {
		t.Errorf("%d facts, gaps %+v", len(r.Facts), r.Gaps)
	}
}

// TestLogicalSubscription: one that runs, one whose publisher is gone, and nothing of the way there.
func TestLogicalSubscription(t *testing.T) {
	publisher, subscriber := testservers.NewPostgres(t, "wal_level = logical"), testservers.NewPostgres(t)
	publisher.Exec(t, publisher.DSN("postgres"), "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE PUBLICATION pub FOR TABLE t; CREATE ROLE feeder SUPERUSER LOGIN PASSWORD 'hidden-secret'")
	dsn := subscriber.DSN("postgres")
	subscriber.Exec(t, dsn, "CREATE TABLE t (id int PRIMARY KEY)")
	subscriber.Exec(t, dsn, fmt.Sprintf("CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=%d user=feeder password=hidden-secret dbname=postgres' PUBLICATION pub", publisher.Port))
	t.Cleanup(func() {
		subscriber.Exec(t, dsn, "ALTER SUBSCRIPTION feed DISABLE; ALTER SUBSCRIPTION feed SET (slot_name = NONE); DROP SUBSCRIPTION feed")
	})
	var got map[string]string
	eventually(t, "the subscription runs and has copied its table", func() bool {
		got, _ = facts(t, open(t, dsn), snapshot.DatabaseSpec{})
		return got["subscription/feed#running"] == "true" && got["subscription/feed#pending_tables"] == ""
	})
	expect(t, got, map[string]string{"subscription/feed#enabled": "true"})
	if said := fmt.Sprint(got); strings.Contains(said, "hidden-secret") || strings.Contains(said, "feeder") {
		t.Errorf("the way to the publisher is told: %s", said)
	}
	publisher.Kill(t)
	eventually(t, "the subscription does not run", func() bool {
		got, _ = facts(t, open(t, dsn), snapshot.DatabaseSpec{})
		return got["subscription/feed#running"] == "false"
	})
	expect(t, got, map[string]string{"subscription/feed#enabled": "true"})
}
