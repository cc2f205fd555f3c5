// Package replication is the collector of how each node of a database takes part in replication: its role, whom it
// follows, whether that runs, how far behind it is, who follows it, and what log is kept for whom. Every node is asked
// directly, beside the others and under its own deadline; a cluster manager is asked too, but only so that its claims
// can be held against what the nodes say. What the facts mean together is judged by compare.
package replication

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/mmm"
	"github.com/envdiff/envdiff/snapshot"
)

// New returns the collector.
func New() snapshot.DatabaseCollector { return collector{} }

type collector struct{}

// Name is the collector's name.
func (collector) Name() string { return "replication" }

// Doc describes the collector.
func (collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Replication and topology",
		Text: "What each node says of itself: the primary and every declared replica are asked directly, in parallel, each under its own deadline. A receiver that " +
			"is connecting does not run, and a lag that the server does not know is a gap and not zero. A replica that has applied all that it has received has no lag, however old the last " +
			"transaction is.\n\n" +
			"The nodes of one environment are then held against each other: declared replicas that are missing, stopped or further behind than `max_lag` (5 minutes where it is not set; a delay " +
			"that the replica was told to keep counts only against a `max_lag` of your own), replicas that take writes, none or two writable primaries, transactions that only a replica " +
			"has, versions, and slots for which more than 1 GiB of log is kept without anybody reading it, or 10 GiB with, and logical subscriptions that are enabled and do not run, or that their first error has switched off.\n\n" +
			"With `mmm: HOST:PORT` the monitor of an MMM cluster is asked what it believes, for at most five seconds; where it contradicts the nodes, that is a finding. (MMM is packaged no more: what is tested is its protocol, against a monitor that answers, hangs, floods or talks nonsense, with real servers as nodes.)",
		Needs: []string{
			"PostgreSQL: `GRANT pg_monitor TO envdiff`",
			"MariaDB: `GRANT REPLICA MONITOR, REPLICATION MASTER ADMIN, BINLOG MONITOR, PROCESS ON *.* TO envdiff`",
			"MySQL: `GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO envdiff`",
		},
		Attributes: []string{
			"replication/node#role: primary, replica, standalone, or member of a multi-primary cluster; #writable, #server, #host, #version, #timeline, #position",
			"replication/node#transactions: what it has, by origin; #own: the origins that are itself",
			"replication/node#upstream, #upstream_server, #running, #receiving, #applying, #lag_seconds, #delay_seconds, #error, #filters: of a replica",
			"replication/channel/NAME#…: the same of each channel, where there are several",
			"replication/topology#replicas: who is connected and follows the node",
			"replication/slot/NAME#type, #active, #status, #retained_bytes",
			"replication/subscription/NAME#enabled, #running, #switched_off, #pending_tables: what the database takes from publications of others",
			"replication/cluster#id, #size, #quorum, #state, #ready, #members: of a Galera member",
			"replication/mmm#passive, replication/mmm/HOST#address, #mode, #state, #roles: what the MMM monitor says",
		},
	}
}

// Kinds are context but for the version: what differs between a primary and its replicas is meant to, and what should
// not be is judged by role.
func (collector) Kinds() []snapshot.Kind {
	kind := func(pattern string, axis snapshot.Axis, doc string) snapshot.Kind {
		return snapshot.Kind{Pattern: pattern, Axis: axis, Area: finding.AreaReplication, Doc: doc}
	}
	return []snapshot.Kind{
		kind("replication/node#version", snapshot.Within, "the server's version"),
		kind("replication/node*", snapshot.Context, "a node's part in replication; judged together with the other nodes of its environment"),
		kind("replication/channel/*", snapshot.Context, "one channel of a replica with several"),
		kind("replication/topology*", snapshot.Context, "the replicas that a node sees"),
		kind("replication/slot/*", snapshot.Context, "a replication slot; judged by what it keeps"),
		kind("replication/subscription/*", snapshot.Context, "a logical subscription; judged by whether it runs"),
		kind("replication/cluster*", snapshot.Context, "a member's view of its cluster"),
		kind("replication/mmm*", snapshot.Context, "what the MMM monitor says; judged by what the nodes say"),
	}
}

// Collect asks the node and, where one is named, the monitor.
func (c collector) Collect(ctx context.Context, in snapshot.DatabaseInput) snapshot.Result {
	r := snapshot.Result{Looked: []string{}}
	asked := askMonitor(ctx, in)
	if db, ok := engine.As[engine.Replicator](in.DB); ok {
		node, err := db.Replication(ctx)
		if err != nil {
			r.Missing(at(in, "node"), "the node's replication cannot be read: "+err.Error(), "run envdiff doctor")
		} else {
			r.Looked = append(r.Looked, "replication/node*", "replication/channel/*", "replication/topology*", "replication/slot/*", "replication/subscription/*", "replication/cluster*")
			addNode(&r, in, node)
		}
	}
	asked(&r)
	return r
}

func at(in snapshot.DatabaseInput, name string) snapshot.Address {
	return snapshot.At(in.Scope, "replication", name)
}

// askMonitor starts to ask and returns what waits for the answer. The monitor cannot hold up the node's own answer, and
// ends by its own deadline.
func askMonitor(ctx context.Context, in snapshot.DatabaseInput) func(*snapshot.Result) {
	if in.Spec.Monitor == "" {
		return func(*snapshot.Result) {}
	}
	var status mmm.Status
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { status, err = mmm.Ask(ctx, in.Spec.Monitor) })
	return func(r *snapshot.Result) {
		wg.Wait()
		a := at(in, "mmm")
		if err != nil {
			r.Missing(a, err.Error(), "mmm_control show asks the same; the nodes were asked without it")
			return
		}
		r.Looked = append(r.Looked, "replication/mmm*")
		r.Add(a.Attr("passive"), snapshot.Bool(status.Passive), "mmm_control show")
		seen := map[string]bool{}
		for _, h := range status.Hosts {
			if seen[h.Name] {
				continue
			}
			seen[h.Name] = true
			a := at(in, "mmm/"+snapshot.Escape(h.Name))
			r.Add(a.Attr("address"), snapshot.String(h.Address), "")
			r.Add(a.Attr("mode"), snapshot.String(h.Mode), "")
			r.Add(a.Attr("state"), snapshot.String(h.State), "")
			r.Add(a.Attr("roles"), snapshot.Strings(true, h.Roles...), "")
		}
	}
}

func addNode(r *snapshot.Result, in snapshot.DatabaseInput, n engine.Replication) {
	node := object{r, at(in, "node")}
	node.text("role", string(n.Role))
	node.set("writable", snapshot.Bool(n.Writable))
	node.text("server", n.Server)
	node.text("host", n.Host)
	node.text("version", n.Version)
	node.text("position", n.Position)
	if n.Timeline > 0 {
		node.set("timeline", snapshot.Int(n.Timeline))
	}
	addTransactions(node, n.Transactions)
	addSources(r, in, node, n.Sources)
	var followers []string
	for _, f := range n.Followers {
		followers = append(followers, followerName(f))
	}
	object{r, at(in, "topology")}.set("replicas", list(followers))
	for _, s := range n.Slots {
		o := object{r, at(in, "slot/"+snapshot.Escape(s.Name))}
		o.text("type", s.Type)
		o.set("active", snapshot.Bool(s.Active))
		o.text("status", s.Status)
		if s.Retained >= 0 {
			o.set("retained_bytes", snapshot.Int(s.Retained))
		}
	}
	if c := n.Cluster; c != nil {
		o := object{r, at(in, "cluster")}
		o.text("id", c.ID)
		o.set("size", snapshot.Int(int64(c.Size)))
		o.set("quorum", snapshot.Bool(c.Quorum))
		o.text("state", c.State)
		o.set("ready", snapshot.Bool(c.Ready))
		o.set("members", snapshot.Strings(true, c.Members...))
	}
	for _, u := range n.Unknown {
		r.Missing(at(in, "node"), u.About+" cannot be seen by this role", u.Privilege, in.Scope+":replication/node#unknown")
	}
	for _, s := range n.Subscriptions {
		o := object{r, at(in, "subscription/"+snapshot.Escape(s.Name))}
		o.set("enabled", snapshot.Bool(s.Enabled))
		o.set("running", snapshot.Bool(s.Running))
		if s.SwitchedOff {
			o.set("switched_off", snapshot.Bool(true))
		}
		if s.Pending > 0 {
			o.set("pending_tables", snapshot.Int(int64(s.Pending)))
		}
	}
}

// followerName is what a replica calls itself, or where it connects from: its port changes with every connection.
func followerName(f engine.Follower) string {
	host, _, err := net.SplitHostPort(f.Address)
	if err != nil {
		host = f.Address
	}
	switch {
	case f.Name != "" && host != "":
		return f.Name + " at " + host
	case f.Name != "":
		return f.Name
	case host != "":
		return "at " + host
	}
	return "not shown"
}

// addTransactions writes sets as ORIGIN:FROM-TO.
func addTransactions(node object, sets []engine.Transactions) {
	if sets == nil {
		return
	}
	var all, own []snapshot.Value
	for _, s := range sets {
		if s.Own {
			own = append(own, snapshot.String(s.Origin))
		}
		for _, rg := range s.Ranges {
			all = append(all, snapshot.String(fmt.Sprintf("%s:%d-%d", s.Origin, rg.From, rg.To)))
		}
	}
	node.set("transactions", snapshot.Set(all...))
	node.set("own", snapshot.Set(own...))
}

// addSources gives the node what is said of its only source, or of all of them together: it runs if all run, and is as
// far behind as the last one.
func addSources(r *snapshot.Result, in snapshot.DatabaseInput, node object, sources []engine.Source) {
	if len(sources) == 0 {
		return
	}
	if len(sources) == 1 {
		addSource(node, sources[0])
	} else {
		for _, s := range sources {
			addSource(object{r, at(in, "channel/"+snapshot.Escape(s.Channel))}, s)
		}
		addSource(node, worst(sources))
	}
	for _, s := range sources {
		if s.Lag == nil && runs(s) == running {
			r.Missing(node.addr.Attr("lag_seconds"), "the replica runs, but its server does not know how far it is behind",
				"look at it again once it has applied a transaction")
			return
		}
	}
}

// worst is what is said of several channels at once.
func worst(sources []engine.Source) engine.Source {
	all := sources[0]
	for _, s := range sources[1:] {
		all.Upstream += ", " + s.Upstream
		if s.Server != all.Server {
			all.Server = "" // no single server to look for among the nodes
		}
		if s.Receiving != engine.ThreadRunning {
			all.Receiving = s.Receiving
		}
		if s.Applying != engine.ThreadRunning {
			all.Applying = s.Applying
		}
		if all.Lag != nil && (s.Lag == nil || *s.Lag > *all.Lag) {
			all.Lag = s.Lag
		}
		all.Delay = max(all.Delay, s.Delay)
		if all.Error == "" {
			all.Error = s.Error
		}
		all.Filters = append(all.Filters[:len(all.Filters):len(all.Filters)], s.Filters...)
	}
	return all
}

// state is what two threads are together.
type state int

const (
	unknown state = iota
	running
	halted
)

func runs(s engine.Source) state {
	known := map[engine.Thread]state{engine.ThreadRunning: running, engine.ThreadUnknown: unknown}
	receiving, sees := known[s.Receiving]
	applying, also := known[s.Applying]
	switch {
	case !sees || !also:
		return halted
	case receiving == running && applying == running:
		return running
	}
	return unknown
}

func addSource(o object, s engine.Source) {
	o.text("upstream", s.Upstream)
	o.text("upstream_server", s.Server)
	o.text("receiving", string(s.Receiving))
	o.text("applying", string(s.Applying))
	if now := runs(s); now != unknown {
		o.set("running", snapshot.Bool(now == running))
	}
	if s.Lag != nil {
		o.set("lag_seconds", snapshot.Int(int64(s.Lag.Seconds())))
	}
	if s.Delay > 0 {
		o.set("delay_seconds", snapshot.Int(int64(s.Delay.Seconds())))
	}
	o.text("error", s.Error)
	if len(s.Filters) > 0 {
		o.set("filters", list(s.Filters))
	}
}

// list is a sorted list that keeps what is there twice.
func list(items []string) snapshot.Value {
	sorted := slices.Clone(items)
	slices.Sort(sorted)
	return snapshot.Strings(false, sorted...)
}

// object is where the attributes of one thing go.
type object struct {
	r    *snapshot.Result
	addr snapshot.Address
}

func (o object) set(attribute string, v snapshot.Value) { o.r.Add(o.addr.Attr(attribute), v, "") }

// text sets a text that says nothing when empty.
func (o object) text(attribute, s string) {
	if s != "" {
		o.set(attribute, snapshot.String(s))
	}
}
