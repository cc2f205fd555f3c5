package mysql

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/engine"
)

const uuid, other = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4350f323-7565-4e59-8763-4b1b83a0ce0e"

func TestTransactionsOfMySQL(t *testing.T) {
	got, _ := transactions(newServer("8.4.2"), map[string]string{
		"server_uuid": uuid, "gtid_executed": uuid + ":1-5:7,\n" + other + ":1-3:audit:1-2",
	})
	want := []engine.Transactions{
		{Origin: uuid, Own: true, Ranges: []engine.TransactionRange{{From: 1, To: 5}, {From: 7, To: 7}}},
		{Origin: other, Ranges: []engine.TransactionRange{{From: 1, To: 3}}},
		{Origin: other + ":audit", Ranges: []engine.TransactionRange{{From: 1, To: 2}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTransactionsOfMariaDB(t *testing.T) {
	got, _ := transactions(newServer("10.11.6-MariaDB"), map[string]string{
		"server_id": "2", "gtid_domain_id": "0", "log_bin": "ON", "gtid_binlog_state": "0-1-90,7-11-4", "gtid_slave_pos": "0-1-100",
	})
	want := []engine.Transactions{
		{Origin: "0-1", Ranges: []engine.TransactionRange{{From: 1, To: 100}}},
		{Origin: "7-11", Ranges: []engine.TransactionRange{{From: 1, To: 4}}},
		{Origin: "0-2", Own: true}, // it has written nothing yet
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got, _ := transactions(newServer("10.11.6-MariaDB"), map[string]string{"log_bin": "OFF", "gtid_slave_pos": "0-1-100"}); got != nil {
		t.Errorf("a server without a binary log knows %v", got)
	}
}

// MySQL 8 says source and replica where MariaDB says master and slave.
func TestSourceOfEitherServer(t *testing.T) {
	lag := 12 * time.Second
	want := engine.Source{Channel: "billing", Upstream: "db1.prod.example:3306", Server: "1", Receiving: engine.ThreadRunning, Applying: engine.ThreadStopped,
		Lag: &lag, Delay: time.Hour, Error: "applier error 1062", Position: "bin.7:120", Filters: []string{"do_db = shop"}}
	for name, row := range map[string]map[string]string{
		"MariaDB": {"connection_name": "billing", "master_host": "db1.prod.example", "master_port": "3306", "master_server_id": "1", "slave_io_running": "Yes",
			"slave_sql_running": "No", "seconds_behind_master": "12", "sql_delay": "3600", "last_io_errno": "0", "last_sql_errno": "1062",
			"last_sql_error": "Duplicate entry 'zqtoken'", "relay_master_log_file": "bin.7", "exec_master_log_pos": "120", "replicate_do_db": "shop"},
		"MySQL": {"channel_name": "billing", "source_host": "db1.prod.example", "source_port": "3306", "source_server_id": "1", "replica_io_running": "Yes",
			"replica_sql_running": "No", "seconds_behind_source": "12", "sql_delay": "3600", "last_io_errno": "0", "last_sql_errno": "1062",
			"last_sql_error": "Duplicate entry 'zqtoken'", "relay_source_log_file": "bin.7", "exec_source_log_pos": "120", "replicate_do_db": "shop"},
	} {
		if d := cmp.Diff(want, source(row)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	connecting := source(map[string]string{"slave_io_running": "Connecting", "slave_sql_running": "Yes", "seconds_behind_master": "0"})
	if connecting.Receiving != engine.ThreadConnecting || connecting.Lag != nil {
		t.Errorf("connecting is not running, and its lag is not known: %+v", connecting)
	}
}

func TestNamesOfStatements(t *testing.T) {
	for version, want := range map[string]bool{"8.0.21": false, "8.0.22": true, "8.0.36-28": true, "8.4.0": true, "9.1.0": true, "5.7.44": false} {
		if got := newServer(version).replicaNames(); got != want {
			t.Errorf("%s: %t", version, got)
		}
	}
}

func FuzzTransactionSets(f *testing.F) {
	f.Add(uuid + ":1-5:7," + other + ":audit:1-2")
	f.Add("0-1-100,0-2-5")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range append(mysqlSets(text), mariaSets(text)...) {
			for _, r := range s.Ranges {
				if r.From == 0 || r.To < r.From || strings.ContainsAny(s.Origin, ",") {
					t.Errorf("%q: %+v", text, s)
				}
			}
		}
	})
}
