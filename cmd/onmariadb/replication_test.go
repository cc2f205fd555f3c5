package onmariadb

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/cmd"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot/all"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(cmd.Main())
	}
	testservers.Main(m)
}

// asProgram makes the test binary the program itself, to be killed.
const asProgram = "ENVDIFF_TEST_AS_PROGRAM"

const shop = `CREATE DATABASE shop; USE shop;
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(200) NOT NULL) ENGINE=InnoDB;
INSERT INTO users SELECT seq, concat('user-', seq, '@mail.example') FROM seq_1_to_200;`

// project is a directory with an envdiff.yaml.
type project struct{ dir string }

// cluster is one whose environment production is a primary and replicas, each a server of its own.
func cluster(t *testing.T, primary *testservers.MariaServer, settings string, replicas map[string]*testservers.MariaServer) project {
	t.Helper()
	p := project{t.TempDir()}
	url := func(s *testservers.MariaServer) string {
		return fmt.Sprintf("mariadb://root@127.0.0.1:%d/shop", s.Port)
	}
	text := fmt.Sprintf("environments:\n  production:\n    databases:\n      main:\n        url: %q\n        %s\n        replicas:\n", url(primary), settings)
	for _, name := range slices.Sorted(maps.Keys(replicas)) {
		text += fmt.Sprintf("          %s: %q\n", name, url(replicas[name]))
	}
	if err := os.WriteFile(filepath.Join(p.dir, "envdiff.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// run plays a command line and returns its exit status and what it prints, on one line.
func (p project) run(t *testing.T, args ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	status := cmd.Run(ctx, cmd.World{Args: args, Stdout: &out, Stderr: &out, Dir: p.dir, Now: time.Now, LookupEnv: func(string) (string, bool) { return "", false },
		Engines: map[string]engine.Engine{"mysql": mysql.New()}, Collectors: all.Collectors()})
	return status, strings.Join(strings.Fields(out.String()), " ")
}

// expect fails the test unless envdiff production ends with the status and says all texts.
func (p project) expect(t *testing.T, status int, texts ...string) {
	t.Helper()
	got, out := p.run(t, "production")
	if got != status {
		t.Errorf("exit status %d, want %d", got, status)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("nothing says %q", text)
		}
	}
	if t.Failed() {
		t.Fatal(out)
	}
}

func newPrimary(t *testing.T) *testservers.MariaServer {
	t.Helper()
	s := testservers.NewMariaDB(t, "--server-id=1", "--log-bin", "--log-slave-updates")
	s.Exec(t, "", shop)
	return s
}

// settled waits until the replicas have applied what the primary has written.
func settled(t *testing.T, primary *testservers.MariaServer, replicas ...*testservers.MariaServer) {
	t.Helper()
	want := primary.Ask(t, "", "SELECT @@gtid_binlog_pos")
	for _, r := range replicas {
		if r.Ask(t, "", "SELECT MASTER_GTID_WAIT('"+want+"', 30)") != "0" {
			t.Fatal("a replica does not catch up")
		}
	}
}

func TestHealthyReplicasAreNoFinding(t *testing.T) {
	primary := newPrimary(t)
	db2, db3 := primary.NewReplica(t, 2), primary.NewReplica(t, 3)
	settled(t, primary, db2, db3)
	cluster(t, primary, "max_lag: 10s", map[string]*testservers.MariaServer{"db2": db2, "db3": db3}).expect(t, 0, "no findings")
}

func TestReplicasThatAreStoppedDelayedAndMissing(t *testing.T) {
	primary := newPrimary(t)
	stopped, delayed, missing := primary.NewReplica(t, 2), primary.NewReplica(t, 3), primary.NewReplica(t, 4)
	settled(t, primary, stopped, delayed, missing)
	stopped.Exec(t, "", "STOP SLAVE SQL_THREAD")
	delayed.Exec(t, "", "STOP SLAVE; CHANGE MASTER TO master_delay = 3600; START SLAVE")
	missing.Kill(t)
	p := cluster(t, primary, "max_lag: 10s", map[string]*testservers.MariaServer{"db2": stopped, "db3": delayed, "db4": missing})
	p.expect(t, 1, "db2 does not replicate", "receiving is running, applying is stopped", "db3 was told to stay 1h0m0s behind, max_lag is 10s", "db4 cannot be reached")
}

func TestReplicaThatTakesWritesAndWasWrittenTo(t *testing.T) {
	primary := newPrimary(t)
	replica := primary.NewReplica(t, 2)
	settled(t, primary, replica)
	replica.Exec(t, "shop", "SET GLOBAL read_only = 0; ALTER TABLE users ADD COLUMN note varchar(10)")
	p := cluster(t, primary, "", map[string]*testservers.MariaServer{"db2": replica})
	p.expect(t, 1, "replica-writable", "db2 is a replica and takes writes", "replica-diverged", "db2 has transactions of 0-2 that primary lacks", "replica-schema")
}

func TestNoNodeTakesWrites(t *testing.T) {
	primary := newPrimary(t)
	replica := primary.NewReplica(t, 2)
	settled(t, primary, replica)
	primary.Exec(t, "", "SET GLOBAL read_only = 1")
	cluster(t, primary, "", map[string]*testservers.MariaServer{"db2": replica}).expect(t, 1, "no node takes writes: primary is read-only")
}

func TestGaleraNodeIsKilled(t *testing.T) {
	nodes := testservers.NewGalera(t, 3)
	nodes[0].Exec(t, "", shop)
	size := func(want string) {
		t.Helper()
		for range 400 {
			if nodes[0].Ask(t, "", "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'wsrep_cluster_size'") == want {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("the cluster never has %s members", want)
	}
	size("3")
	for _, n := range nodes[1:] { // causal reads: each has what the first one wrote
		n.Ask(t, "shop", "SELECT count(*) FROM users")
	}
	p := cluster(t, nodes[0], "", map[string]*testservers.MariaServer{"n2": nodes[1], "n3": nodes[2]})
	p.expect(t, 0, "no findings")
	nodes[2].Kill(t)
	size("2")
	p.expect(t, 1, "replica-missing", "n3 cannot be reached")
}

// monitor answers as mmm_mond does; "" hangs as it does while an agent hangs.
func monitor(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				lines := bufio.NewScanner(conn)
				for lines.Scan() && (answer == "" || lines.Text() != "quit") {
				}
				fmt.Fprint(conn, answer)
			}()
		}
	}()
	return l.Addr().String()
}

func TestMonitorThatTakesConnectingForRunning(t *testing.T) {
	primary := newPrimary(t)
	replica := primary.NewReplica(t, 2)
	settled(t, primary, replica)
	replica.Exec(t, "", "STOP SLAVE IO_THREAD")
	address := monitor(t, "  db1(127.0.0.1) master/ONLINE. Roles: writer(192.0.2.50)\n  db2(127.0.0.1) slave/ONLINE. Roles: reader(192.0.2.51)\n")
	p := cluster(t, primary, "mmm: "+address, map[string]*testservers.MariaServer{"db2": replica})
	p.expect(t, 1, "monitor-contradicted", "the monitor says db2 is ONLINE, but db2 does not replicate", "replication-broken")
}

func TestMonitorThatHangsIsAGap(t *testing.T) {
	primary := newPrimary(t)
	replica := primary.NewReplica(t, 2)
	settled(t, primary, replica)
	p := cluster(t, primary, "mmm: "+monitor(t, ""), map[string]*testservers.MariaServer{"db2": replica})
	began := time.Now()
	p.expect(t, 3, "did not answer within 5s", "no findings")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestMonitorThatSaysNonsenseIsAGap: what listens is no monitor, hangs up, or names nobody; the nodes are judged without it.
func TestMonitorThatSaysNonsenseIsAGap(t *testing.T) {
	primary := newPrimary(t)
	replica := primary.NewReplica(t, 2)
	settled(t, primary, replica)
	replicas := map[string]*testservers.MariaServer{"db2": replica}
	for answer, says := range map[string]string{
		"\x00\xff\xfeHTTP/1.1 400 Bad Request\r\n\r\n<html>\x1b[31m": "its answer names no host",
		"ERROR: Can't connect to monitor daemon!\n":                  "it answered with an error",
		"  db1(127.0.0.1 master ONLINE\n  (((\n  db2() / . Roles:\n": "its answer names no host",
		" ": "its answer names no host",
	} {
		cluster(t, primary, "mmm: "+monitor(t, answer), replicas).expect(t, 3, says, "no findings")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	cluster(t, primary, "mmm: "+nobody, replicas).expect(t, 3, "cannot be reached", "no findings")
}

// TestDoctorPrintsTheGrants that an account lacks.
func TestDoctorPrintsTheGrants(t *testing.T) {
	primary := newPrimary(t)
	primary.Exec(t, "", "CREATE USER looker@'127.0.0.1' IDENTIFIED BY 'looks'; GRANT SELECT ON shop.* TO looker@'127.0.0.1'")
	p := project{t.TempDir()}
	text := fmt.Sprintf("environments:\n  production:\n    databases:\n      main: \"mariadb://looker:looks@127.0.0.1:%d/shop\"\n", primary.Port)
	if err := os.WriteFile(filepath.Join(p.dir, "envdiff.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	status, out := p.run(t, "doctor", "production")
	for _, grant := range []string{"GRANT SHOW VIEW ON `shop`.*", "GRANT TRIGGER ON `shop`.*", "GRANT EVENT ON `shop`.*", "GRANT SELECT ON mysql.proc", "GRANT REPLICA MONITOR ON *.*"} {
		if status != 3 || !strings.Contains(out, grant) {
			t.Errorf("status %d, nothing says %s", status, grant)
		}
	}
	primary.Exec(t, "", "GRANT SHOW VIEW, TRIGGER, EVENT ON shop.* TO looker@'127.0.0.1'; GRANT SELECT ON mysql.* TO looker@'127.0.0.1'; GRANT REPLICA MONITOR, REPLICATION MASTER ADMIN, BINLOG MONITOR, PROCESS ON *.* TO looker@'127.0.0.1'")
	if status, again := p.run(t, "doctor", "production"); status != 0 {
		t.Errorf("with all that it asked for: status %d\n%s", status, again)
	}
	if t.Failed() {
		t.Log(out)
	}
}
