package testservers

import (
	"fmt"
	"os"
	"testing"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// NewGalera starts a Galera cluster of n MariaDB servers for one test alone. The
// state goes to the joining members by rsync.
func NewGalera(t testing.TB, n int) []*MariaServer {
	t.Helper()
	var provider string
	for _, place := range []string{"/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so", "/usr/lib/libgalera_smm.so"} {
		if _, err := os.Stat(place); err == nil {
			provider = place
			break
		}
	}
	if provider == "" {
		t.Fatal("starting Galera: its library is not installed: apt-get install galera-4 rsync, or make test, which does it")
	}
	// A member listens on four more ports: for the group, for what it missed, for
	// a whole copy, and one above the group's.
	port := func() int {
		p, err := throwaway.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	group := make([]int, n)
	for i := range group {
		group[i] = port()
	}
	var members []*MariaServer
	for i := range n {
		options := []string{
			fmt.Sprintf("--server-id=%d", i+1), "--wsrep-on=ON", "--wsrep-provider=" + provider, "--wsrep-cluster-name=envdiff", "--binlog-format=ROW",
			"--innodb-autoinc-lock-mode=2", "--wsrep-sst-method=rsync", "--wsrep-node-address=127.0.0.1", fmt.Sprintf("--wsrep-node-name=n%d", i+1),
			fmt.Sprintf("--wsrep-sst-receive-address=127.0.0.1:%d", port()),
			fmt.Sprintf("--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:%d;base_port=%d;ist.recv_addr=127.0.0.1:%d;gcache.size=8M;pc.recovery=false;"+
				"evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT3S;evs.inactive_timeout=PT6S;evs.inactive_check_period=PT0.5S", group[i], group[i], port()),
		}
		if i == 0 {
			options = append(options, "--wsrep-cluster-address=gcomm://", "--wsrep-new-cluster")
		} else {
			options = append(options, fmt.Sprintf("--wsrep-cluster-address=gcomm://127.0.0.1:%d", group[0]))
		}
		members = append(members, NewMariaDB(t, options...))
	}
	return members
}
