package replication_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/replication"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

func openMaria(t *testing.T, dsn string) engine.DB {
	t.Helper()
	db, err := mysql.New().Open(t.Context(), engine.Target{Engine: "mysql", DSN: dsn, Display: "the test database"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mariaFacts(t *testing.T, s *testservers.MariaServer) (map[string]string, snapshot.Result) {
	t.Helper()
	db := openMaria(t, s.DSN("mysql"))
	defer db.Close()
	return facts(t, db, snapshot.DatabaseSpec{})
}

// mariaPrimary writes a binary log and has a table with a row.
func mariaPrimary(t *testing.T) *testservers.MariaServer {
	t.Helper()
	s := testservers.NewMariaDB(t, "--server-id=1", "--log-bin")
	s.Exec(t, "", "CREATE DATABASE shop; CREATE TABLE shop.orders (id int PRIMARY KEY) ENGINE=InnoDB; INSERT INTO shop.orders VALUES (1)")
	return s
}

func replicates(t *testing.T, r *testservers.MariaServer) {
	t.Helper()
	eventually(t, "the replica runs and has the row", func() bool {
		got, _ := mariaFacts(t, r)
		return got["node#running"] == "true" && got["node#lag_seconds"] == "0" && r.Ask(t, "", "SELECT count(*) > 0 FROM information_schema.tables WHERE table_schema = 'shop'") == "1"
	})
}

func TestConformanceOnMariaDB(t *testing.T) {
	server := testservers.MariaDB(t)
	dsn := server.DSN(server.NewDatabase(t))
	snapshottest.Database(t, replication.New(), snapshot.DatabaseSpec{}, func(t *testing.T) engine.DB { return openMaria(t, dsn) })
}

func TestMariaDBPrimaryAndReplica(t *testing.T) {
	primary := mariaPrimary(t)
	replica := primary.NewReplica(t, 2)
	replicates(t, replica)
	here, _ := mariaFacts(t, primary)
	there, r := mariaFacts(t, replica)
	expect(t, here, map[string]string{"node#role": "primary", "node#writable": "true", "topology#replicas": "[server 2 at 127.0.0.1]", "node#server": "1", "node#transactions": "[0-1:1-3]", "node#own": "[0-1]"})
	expect(t, there, map[string]string{
		"node#role": "replica", "node#writable": "false", "node#upstream": fmt.Sprintf("127.0.0.1:%d", primary.Port), "node#upstream_server": "1", "node#server": "2",
		"node#receiving": "running", "node#applying": "running", "node#transactions": "[0-1:1-3]", "node#own": "[0-2]", "node#error": "",
	})
	if len(r.Gaps) > 0 {
		t.Error(r.Gaps)
	}
}

func TestMariaDBReplicaThatStumblesOverARow(t *testing.T) {
	const value = "zqtoken"
	primary := mariaPrimary(t)
	primary.Exec(t, "shop", "CREATE TABLE names (name varchar(20) PRIMARY KEY) ENGINE=InnoDB")
	replica := primary.NewReplica(t, 2)
	replicates(t, replica)
	replica.Exec(t, "shop", "INSERT INTO names VALUES ('"+value+"')")
	primary.Exec(t, "shop", "INSERT INTO names VALUES ('"+value+"')")
	var got map[string]string
	eventually(t, "the applier has stopped", func() bool {
		got, _ = mariaFacts(t, replica)
		return got["node#applying"] == "stopped"
	})
	expect(t, got, map[string]string{"node#running": "false", "node#error": "applier error 1062", "node#lag_seconds": "", "node#own": "[0-2]"})
	if strings.Contains(fmt.Sprint(got), value) {
		t.Error("the row's value is in the facts")
	}
}

func TestConnectingIsNotRunning(t *testing.T) {
	primary := mariaPrimary(t)
	replica := primary.NewReplica(t, 2)
	replicates(t, replica)
	primary.Kill(t)
	eventually(t, "the receiver tries to connect", func() bool {
		got, _ := mariaFacts(t, replica)
		_, told := got["node#lag_seconds"]
		return got["node#receiving"] == "connecting" && got["node#running"] == "false" && !told
	})
}

func TestDelayedMariaDBReplica(t *testing.T) {
	primary := mariaPrimary(t)
	replica := primary.NewReplica(t, 2)
	replicates(t, replica)
	replica.Exec(t, "", "STOP SLAVE; CHANGE MASTER TO master_delay = 3600; START SLAVE")
	primary.Exec(t, "shop", "INSERT INTO orders VALUES (2)")
	time.Sleep(1100 * time.Millisecond)
	eventually(t, "the lag is told", func() bool {
		got, _ := mariaFacts(t, replica)
		return got["node#delay_seconds"] == "3600" && got["node#running"] == "true" && got["node#lag_seconds"] >= "1"
	})
}

func TestChannelsAreToldOneByOne(t *testing.T) {
	first := mariaPrimary(t)
	second := testservers.NewMariaDB(t, "--server-id=11", "--log-bin", "--gtid-domain-id=7")
	replica := first.NewReplica(t, 2)
	replica.Exec(t, "", fmt.Sprintf("CHANGE MASTER 'billing' TO master_host = '127.0.0.1', master_port = %d, master_user = 'root', master_use_gtid = slave_pos", second.Port))
	replicates2 := func() bool {
		got, _ := mariaFacts(t, replica)
		return got["channel/#running"] == "true" && got["channel/billing#running"] == "false" && got["node#running"] == "false" && got["channel/billing#receiving"] == "stopped"
	}
	eventually(t, "one channel runs and the other does not", replicates2)
}

func TestMariaDBUserThatMayNotSee(t *testing.T) {
	primary := mariaPrimary(t)
	primary.Exec(t, "", "CREATE USER guest@'127.0.0.1' IDENTIFIED BY 'g'; GRANT SELECT ON shop.* TO guest@'127.0.0.1'")
	_, r := facts(t, openMaria(t, primary.UserDSN("guest", "g", "shop")), snapshot.DatabaseSpec{})
	var hints []string
	for _, g := range r.Gaps {
		hints = append(hints, g.Hint)
	}
	if len(hints) != 2 || !slices.ContainsFunc(hints, func(h string) bool { return strings.Contains(h, "REPLICA MONITOR") }) {
		t.Errorf("gaps %+v", r.Gaps)
	}
}

func TestGaleraMembers(t *testing.T) {
	nodes := testservers.NewGalera(t, 2)
	eventually(t, "both members are in", func() bool {
		got, _ := mariaFacts(t, nodes[1])
		return got["cluster#size"] == "2" && got["cluster#state"] == "Synced"
	})
	for _, n := range nodes {
		got, _ := mariaFacts(t, n)
		expect(t, got, map[string]string{"node#role": "member", "node#writable": "true", "cluster#quorum": "true", "cluster#ready": "true"})
	}
	nodes[1].Kill(t)
	eventually(t, "the one that is left has no quorum", func() bool {
		got, _ := mariaFacts(t, nodes[0])
		return got["cluster#quorum"] == "false" && got["node#writable"] == "false"
	})
}
