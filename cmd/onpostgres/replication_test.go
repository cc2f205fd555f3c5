package onpostgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/testservers"
)

// cluster is a project whose environment production has a primary and replicas, each a server of its own.
func cluster(t *testing.T, primary *testservers.Server, settings string, replicas map[string]*testservers.Server) project {
	t.Helper()
	p := project{server: primary, dir: t.TempDir(), production: primary.DSN("postgres")}
	list := ""
	for name, r := range replicas {
		list += fmt.Sprintf("          %s: %q\n", name, r.DSN("postgres"))
	}
	p.write(t, "envdiff.yaml", fmt.Sprintf(`
environments:
  production:
    databases:
      main:
        url: %q
        %s
        replicas:
%s`, p.production, settings, list))
	return p
}

// settled waits until so many replicas have applied everything that the primary has written.
func settled(t *testing.T, p project, replicas int) {
	t.Helper()
	const caughtUp = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()"
	for range 400 {
		if p.server.Ask(t, p.production, caughtUp) == fmt.Sprint(replicas) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("the replicas do not catch up")
}

func TestHealthyReplicasAreNoFinding(t *testing.T) {
	primary := testservers.NewPostgres(t)
	primary.Exec(t, primary.DSN("postgres"), shop)
	db2, db3 := primary.NewStandby(t), primary.NewStandby(t)
	p := cluster(t, primary, "max_lag: 10s", map[string]*testservers.Server{"db2": db2, "db3": db3})
	settled(t, p, 2)
	p.expect(t, 0, "pass", "production")
}

func TestReplicasThatAreStoppedDelayedAndMissing(t *testing.T) {
	primary := testservers.NewPostgres(t)
	primary.Exec(t, primary.DSN("postgres"), shop)
	stopped, delayed, missing := primary.NewStandby(t), primary.NewStandby(t, "recovery_min_apply_delay = '1h'"), primary.NewStandby(t)
	p := cluster(t, primary, "max_lag: 10s", map[string]*testservers.Server{"db2": stopped, "db3": delayed, "db4": missing})
	settled(t, p, 3)
	stopped.Exec(t, stopped.DSN("postgres"), "SELECT pg_wal_replay_pause()")
	missing.Kill(t)
	p.expect(t, 1, "db2 does not replicate from 127.0.0.1:"+fmt.Sprint(primary.Port)+": receiving is running, applying is paused", "production")
	p.expect(t, 1, "db3 was told to stay 1h0m0s behind, max_lag is 10s", "production")
	p.expect(t, 1, "db4 cannot be reached", "production")
	p.expect(t, 1, "sees 2 of 3 replicas connected", "production")
}

func TestTwoWritablePrimaries(t *testing.T) {
	primary := testservers.NewPostgres(t)
	promoted := primary.NewStandby(t)
	p := cluster(t, primary, "", map[string]*testservers.Server{"db2": promoted})
	settled(t, p, 1)
	promoted.Exec(t, promoted.DSN("postgres"), "SELECT pg_promote()")
	p.expect(t, 1, "primary and db2 take writes, each on its own", "production")
	p.expect(t, 1, "db2 follows nobody: it is a standalone server (primary sees 0 of 1 replicas connected)", "production")
}

func TestReplicaOfAnotherCluster(t *testing.T) {
	primary, other := testservers.NewPostgres(t), testservers.NewPostgres(t)
	strange := other.NewStandby(t)
	p := cluster(t, primary, "", map[string]*testservers.Server{"db2": strange})
	p.expect(t, 1, "which is none of the declared nodes", "production")
}
