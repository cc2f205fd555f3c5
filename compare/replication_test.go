package compare

import (
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/snapshot"
)

// nodes is a primary with two replicas, as MariaDB tells them.
func nodes() *env {
	e := newEnv("production")
	e.instances("main", "database", "primary", "db2", "db3")
	e.follow = map[string][]string{"main": {"db2", "db3"}}
	e.set("main:replication/node#version", "10.11.6-MariaDB")
	e.set("main:replication/node#role", "replica").set("main:replication/node#role", "primary", "primary")
	e.set("main:replication/node#writable", false).set("main:replication/node#writable", true, "primary")
	e.set("main:replication/topology#replicas", []string{}).set("main:replication/topology#replicas", []string{"server 2", "server 3"}, "primary")
	for i, name := range []string{"primary", "db2", "db3"} {
		e.set("main:replication/node#server", string(rune('1'+i)), name)
		e.set("main:replication/node#transactions", []string{"0-1:1-100"}, name)
		e.set("main:replication/node#own", []string{}, name)
		if i > 0 {
			e.set("main:replication/node#upstream", "db1.prod.example:3306", name)
			e.set("main:replication/node#upstream_server", "1", name)
			e.set("main:replication/node#receiving", "running", name)
			e.set("main:replication/node#applying", "running", name)
			e.set("main:replication/node#running", true, name)
			e.set("main:replication/node#lag_seconds", 0, name)
		}
	}
	e.set("main:replication/node#own", []string{"0-1"}, "primary")
	return e
}

func TestReplication(t *testing.T) {
	const gone = "database/reachable"
	for _, s := range []struct {
		name   string
		change func(*env)
		want   []string
		says   string
	}{
		{"all is well", func(e *env) {}, nil, ""},
		{"a replica cannot be reached", func(e *env) {
			e.unset("main:*", "db3").gap("main:"+gone, "db3", "main:*")
			e.set("main:replication/topology#replicas", []string{"server 2"}, "primary")
		}, []string{"replica-missing critical odd main:replication/topology#replicas"}, "main: db3 cannot be reached (primary sees 1 of 2 replicas connected)"},
		{"a shard that cannot be reached is no replica", func(e *env) {
			e.follow = nil
			e.unset("main:*", "db3").gap("main:"+gone, "db3", "main:*")
		}, nil, ""},
		{"a replica that follows nobody", func(e *env) {
			e.unset("main:replication/node#*", "db3").set("main:replication/node#role", "standalone", "db3").set("main:replication/node#writable", false, "db3").
				set("main:replication/node#version", "10.11.6-MariaDB", "db3")
		}, []string{"replica-missing critical odd main:replication/topology#replicas"}, "db3 follows nobody"},
		{"a replica of a stranger", func(e *env) { e.set("main:replication/node#upstream_server", "9", "db3") },
			[]string{"replica-missing critical odd main:replication/topology#replicas"}, "db3 follows db1.prod.example:3306, which is none of the declared nodes"},
		{"a replica of a replica", func(e *env) { e.set("main:replication/node#upstream_server", "2", "db3") }, nil, ""},
		{"both replicas are stopped: one finding", func(e *env) {
			e.set("main:replication/node#running", false, "db2", "db3").set("main:replication/node#receiving", "connecting", "db2").set("main:replication/node#error", "applier error 1062", "db3")
			e.unset("main:replication/node#lag_seconds", "db2", "db3")
		}, []string{"replication-broken critical odd main:replication/node#running"}, "receiving is connecting, applying is running; db3 does not replicate"},
		{"six minutes are too much without a limit", func(e *env) { e.set("main:replication/node#lag_seconds", 360, "db2") },
			[]string{"replica-lag high odd main:replication/node#lag_seconds"}, "db2 is 6m0s behind, more than 5m0s"},
		{"the limit is the configuration's", func(e *env) {
			e.maxLag = map[string]time.Duration{"main": 10 * time.Second}
			e.set("main:replication/node#lag_seconds", 11, "db2").set("main:replication/node#lag_seconds", 10, "db3")
		}, []string{"replica-lag high odd main:replication/node#lag_seconds"}, "db2 is 11s behind, max_lag is 10s"},
		{"a delay on purpose is no lag", func(e *env) {
			e.set("main:replication/node#lag_seconds", 3700, "db2").set("main:replication/node#delay_seconds", 3600, "db2")
		}, nil, ""},
		{"unless it is longer than the limit that somebody set", func(e *env) {
			e.maxLag = map[string]time.Duration{"main": time.Minute}
			e.set("main:replication/node#delay_seconds", 3600, "db2")
		}, []string{"replica-lag high odd main:replication/node#lag_seconds"}, "db2 was told to stay 1h0m0s behind"},
		{"a replica takes writes", func(e *env) { e.set("main:replication/node#writable", true, "db2") },
			[]string{"replica-writable high odd main:replication/node#writable"}, "db2 is a replica and takes writes"},
		{"two primaries", func(e *env) {
			e.unset("main:replication/node#running", "db2").set("main:replication/node#role", "primary", "db2").set("main:replication/node#writable", true, "db2")
		}, []string{"replica-missing critical odd main:replication/topology#replicas", "replication-broken critical odd main:replication/topology#primaries"},
			"primary and db2 take writes, each on its own"},
		{"no primary", func(e *env) { e.set("main:replication/node#writable", false, "primary") },
			[]string{"replication-broken critical odd main:replication/topology#primaries"}, "no node takes writes: primary is read-only"},
		{"masters that follow each other have one writer", func(e *env) {
			e.set("main:replication/node#role", "replica", "primary").set("main:replication/node#running", true, "primary")
		}, nil, ""},
		{"errant transactions", func(e *env) {
			e.set("main:replication/node#transactions", []string{"0-1:1-100", "0-2:1-3"}, "db2")
		}, []string{"replica-diverged high odd main:replication/node#transactions"}, "db2 has transactions of 0-2 that primary lacks"},
		{"a replica that was asked later has more of the primary's", func(e *env) { e.set("main:replication/node#transactions", []string{"0-1:1-105"}, "db2") }, nil, ""},
		{"versions of two series", func(e *env) { e.set("main:replication/node#version", "10.6.16-MariaDB", "db3") },
			[]string{"replica-version medium odd main:replication/node#version"}, "db3 has 10.6.16-MariaDB, its 2 peers 10.11.6-MariaDB"},
		{"versions of one series", func(e *env) { e.set("main:replication/node#version", "10.11.4-MariaDB", "db3") },
			[]string{"replica-version low odd main:replication/node#version"}, ""},
		{"another schema on one node", func(e *env) { e.set("main:index/users.email#columns", []string{"email"}, "primary", "db2") },
			[]string{"replica-schema high odd main:index/users.email"}, "db3 has none, its 2 peers have it"},
		{"a setting of one node keeps its rule", func(e *env) {
			e.set("main:setting/sql_mode#value", "STRICT").set("main:setting/sql_mode#@behaviour", true).set("main:setting/sql_mode#value", "", "db3")
		}, []string{"setting-behaviour high odd main:setting/sql_mode#value"}, ""},
		{"a slot that nobody reads", func(e *env) {
			e.set("main:replication/slot/left#active", false, "primary").set("main:replication/slot/left#retained_bytes", 3<<30, "primary")
			e.set("main:replication/slot/busy#active", true, "primary").set("main:replication/slot/busy#retained_bytes", 3<<30, "primary")
		}, []string{"slot-retains-wal high odd main:replication/slot/left#retained_bytes"}, "primary keeps 3.0 GiB of log for slot left, that nobody reads"},
		{"a subscription that runs, and one that somebody has disabled", func(e *env) {
			e.set("main:replication/subscription/a#enabled", true, "primary").set("main:replication/subscription/a#running", true, "primary")
			e.set("main:replication/subscription/b#enabled", false, "primary").set("main:replication/subscription/b#running", false, "primary")
		}, nil, ""},
		{"a subscription that does not run", func(e *env) {
			e.set("main:replication/subscription/a#enabled", true, "primary").set("main:replication/subscription/a#running", false, "primary")
		}, []string{"replication-broken critical odd main:replication/subscription/a#running"}, "primary subscribes by a, which is enabled and does not run"},
		{"a subscription that an error has switched off", func(e *env) {
			e.set("main:replication/subscription/a#enabled", false, "primary").set("main:replication/subscription/a#running", false, "primary").set("main:replication/subscription/a#switched_off", true, "primary")
		}, []string{"replication-broken critical odd main:replication/subscription/a#switched_off"}, "which its first error has switched off"},
		{"a slot that lost its log", func(e *env) { e.set("main:replication/slot/left#status", "lost", "primary") },
			[]string{"replication-broken critical odd main:replication/slot/left#status"}, "the log that slot left needs is gone from primary"},
	} {
		t.Run(s.name, func(t *testing.T) {
			e := nodes()
			s.change(e)
			r := compareEnvs(t, Options{}, e)
			if got := strings.Join(lines(r), "\n"); got != strings.Join(s.want, "\n") {
				t.Errorf("findings\n  %s\nwant\n  %s", got, strings.Join(s.want, "\n  "))
			}
			said := ""
			for _, f := range r.Findings {
				said += f.Message + "\n"
			}
			if !strings.Contains(said, s.says) {
				t.Errorf("nothing says %q:\n%s", s.says, said)
			}
		})
	}
}

// galera is a Galera cluster of three.
func galera() *env {
	e := newEnv("production")
	e.instances("main", "database", "primary", "n2", "n3")
	e.follow = map[string][]string{"main": {"n2", "n3"}}
	e.set("main:replication/node#role", "member").set("main:replication/node#writable", true)
	e.set("main:replication/cluster#id", "4f6a").set("main:replication/cluster#size", 3).set("main:replication/cluster#quorum", true)
	e.set("main:replication/cluster#state", "Synced").set("main:replication/cluster#ready", true)
	return e
}

func TestCluster(t *testing.T) {
	for _, s := range []struct {
		name   string
		change func(*env)
		want   []string
	}{
		{"all members write", func(e *env) {}, nil},
		{"a member was killed", func(e *env) {
			e.set("main:replication/cluster#size", 2).unset("main:*", "n3").gap("main:database/reachable", "n3", "main:*")
		}, []string{"replica-missing critical odd main:replication/topology#replicas"}},
		{"a member is cut off", func(e *env) {
			e.set("main:replication/cluster#quorum", false, "n3").set("main:replication/cluster#size", 1, "n3")
		},
			[]string{"replication-broken critical odd main:replication/cluster#state"}},
		{"a member is in a cluster of its own", func(e *env) { e.set("main:replication/cluster#id", "99aa", "n3") },
			[]string{"replication-broken critical odd main:replication/cluster#id"}},
		{"fewer members than are declared", func(e *env) { e.set("main:replication/cluster#size", 2) },
			[]string{"replica-missing critical odd main:replication/cluster#size"}},
	} {
		t.Run(s.name, func(t *testing.T) {
			e := galera()
			s.change(e)
			if got := strings.Join(lines(compareEnvs(t, Options{}, e)), "\n"); got != strings.Join(s.want, "\n") {
				t.Errorf("findings\n  %s\nwant\n  %s", got, strings.Join(s.want, "\n  "))
			}
		})
	}
}

func TestMonitorIsHeldAgainstTheNodes(t *testing.T) {
	monitored := func() *env {
		e := nodes()
		for name, host := range map[string]string{"primary": "db1", "db2": "db2.prod.example", "db3": "db3"} {
			e.set("main:replication/node#host", host, name)
		}
		for _, host := range []string{"db1", "db2", "db3"} {
			e.set("main:replication/mmm/"+host+"#state", "ONLINE", "primary")
			e.set("main:replication/mmm/"+host+"#roles", []string{"reader(192.0.2.50)"}, "primary")
		}
		e.set("main:replication/mmm/db1#roles", []string{"writer(192.0.2.51)"}, "primary")
		return e
	}
	for _, s := range []struct {
		name   string
		change func(*env)
		says   string
	}{
		{"they agree", func(e *env) {}, ""},
		{"ONLINE, but only connecting", func(e *env) { e.set("main:replication/node#running", false, "db2") }, "the monitor says db2 is ONLINE, but db2 does not replicate"},
		{"HARD_OFFLINE, but it answers", func(e *env) { e.set("main:replication/mmm/db3#state", "HARD_OFFLINE", "primary") }, "the monitor says db3 is HARD_OFFLINE, but db3 answers and runs"},
		{"taken out by somebody", func(e *env) { e.set("main:replication/mmm/db3#state", "ADMIN_OFFLINE", "primary") }, ""},
		{"a writer that takes no writes", func(e *env) { e.set("main:replication/mmm/db2#roles", []string{"writer(192.0.2.51)"}, "primary") }, "db2, which has the writer role, takes no writes"},
	} {
		t.Run(s.name, func(t *testing.T) {
			e := monitored()
			s.change(e)
			said := ""
			for _, f := range compareEnvs(t, Options{}, e).Findings {
				if f.Rule == "monitor-contradicted" {
					said += f.Message
				}
			}
			if !strings.Contains(said, s.says) || s.says == "" && said != "" {
				t.Errorf("said %q, want %q", said, s.says)
			}
		})
	}
}

func TestReplicationIsNotComparedAcross(t *testing.T) {
	alone := newEnv("staging").instances("main", "database", "primary")
	alone.set("main:replication/node#role", "standalone").set("main:replication/node#writable", true).set("main:replication/node#version", "10.6.1-MariaDB")
	if got := lines(compareEnvs(t, Options{}, alone, nodes())); got != nil {
		t.Errorf("an environment without replicas beside one with them: %v", got)
	}
}

func TestHotQueries(t *testing.T) {
	make := func() (staging, production *env) {
		staging, production = newEnv("staging"), newEnv("production")
		for _, e := range []*env{staging, production} {
			e.instances("main", "database", "primary")
			e.set("main:query/all#fingerprints", []string{"aaaa", "bbbb"})
			e.set("main:query/aaaa#text", "select a").set("main:query/aaaa#calls", 10).set("main:query/aaaa#share", snapshot.Float(0.5))
		}
		production.set("main:query/all#fingerprints", []string{"aaaa", "bbbb", "cccc", "dddd"})
		for _, name := range []string{"cccc", "dddd"} {
			production.set("main:query/"+name+"#text", "select "+name).set("main:query/"+name+"#calls", 7)
		}
		production.set("main:query/cccc#share", snapshot.Float(0.4)).set("main:query/dddd#share", snapshot.Float(0.004))
		return staging, production
	}
	staging, production := make()
	r := compareEnvs(t, Options{}, staging, production)
	if got := lines(r); len(got) != 1 || got[0] != "query-untested low added main:query/cccc" || !strings.Contains(r.Findings[0].Message, "40 % of the time in production, never run in staging: select cccc") {
		t.Errorf("got %v, %+v", got, r.Findings)
	}
	if got := lines(compareEnvs(t, Options{}, production, staging)); got != nil {
		t.Errorf("the other way round: %v", got)
	}
	staging.set("main:query/all#forgetful", true)
	if got := lines(compareEnvs(t, Options{}, staging, production)); got != nil {
		t.Errorf("a server that has forgotten statements: %v", got)
	}
	staging, production = make()
	staging.unset("main:query/*")
	if got := lines(compareEnvs(t, Options{}, staging, production)); got != nil {
		t.Errorf("a server without counters: %v", got)
	}
}
