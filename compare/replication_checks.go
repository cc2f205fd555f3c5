package compare

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// replicationChecks are what is asked of the nodes of one database, each for itself.
var replicationChecks = []func(*topology) []problem{
	missingReplicas, stoppedReplicas, laggingReplicas, writableReplicas, writablePrimaries, divergedReplicas, hungrySlots, stoppedSubscriptions, brokenCluster, contradictedMonitor,
}

// missingReplicas finds declared replicas that cannot be reached, follow nobody, or follow somebody else.
func missingReplicas(t *topology) []problem {
	var out []problem
	add := func(n *dbNode, text string) {
		out = append(out, problem{"replica-missing", "topology#replicas", n, n.name + " " + text})
	}
	for _, n := range t.replicas() {
		switch role := n.role(); {
		case n.unreachable:
			add(n, "cannot be reached"+t.witness())
		case role == "primary" || role == "standalone":
			add(n, "follows nobody: it is a "+role+" server"+t.witness())
		case role == "replica" && t.followsStranger(n):
			add(n, "follows "+or(n.text("node#upstream"), "a server")+", which is none of the declared nodes")
		}
	}
	return out
}

// witness is what the primary says about its replicas.
func (t *topology) witness() string {
	p := t.primary()
	if p == nil || !p.asked() {
		return ""
	}
	list, ok := p.facts["topology#replicas"]
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (%s sees %d of %d replicas connected)", p.name, len(list.Items()), len(t.replicas()))
}

// followsStranger reports that a replica's upstream is none of the other nodes, where all of them are known.
func (t *topology) followsStranger(n *dbNode) bool {
	upstream := n.text("node#upstream_server")
	if upstream == "" {
		return false
	}
	for _, other := range t.nodes {
		if other != n && (!other.asked() || other.text("node#server") == upstream) {
			return false
		}
	}
	return len(t.nodes) > 1
}

// stoppedReplicas finds nodes, declared or not, that follow somebody and do not get on.
func stoppedReplicas(t *topology) []problem {
	var out []problem
	for _, n := range t.nodes {
		if !n.stopped() {
			continue
		}
		text := n.name + " does not replicate"
		if up := n.text("node#upstream"); up != "" {
			text += " from " + up
		}
		text += ": receiving is " + or(n.text("node#receiving"), "unknown") + ", applying is " + or(n.text("node#applying"), "unknown")
		if e := n.text("node#error"); e != "" {
			text += ", " + e
		}
		out = append(out, problem{"replication-broken", "node#running", n, text})
	}
	return out
}

// laggingReplicas finds replicas behind the limit. A delay on purpose is no lag, unless the
// configuration itself sets a limit below it.
func laggingReplicas(t *topology) []problem {
	var out []problem
	for _, n := range t.nodes {
		lag, measured := n.number("node#lag_seconds")
		delay, _ := n.number("node#delay_seconds")
		counted := lag
		if !t.own {
			counted = lag - delay
		}
		limit := t.limit.Seconds()
		allowed := "more than " + t.limit.String()
		if t.own {
			allowed = "max_lag is " + t.limit.String()
		}
		switch {
		case measured && counted > limit:
			text := fmt.Sprintf("%s is %s behind, %s", n.name, secondsText(lag), allowed)
			if delay > 0 {
				text += fmt.Sprintf("; it was told to stay %s behind", secondsText(delay))
			}
			out = append(out, problem{"replica-lag", "node#lag_seconds", n, text})
		case t.own && delay > limit && !n.stopped():
			out = append(out, problem{"replica-lag", "node#lag_seconds", n, fmt.Sprintf("%s was told to stay %s behind, %s", n.name, secondsText(delay), allowed)})
		}
	}
	return out
}

func secondsText(s float64) string { return time.Duration(s * float64(time.Second)).String() }

// writableReplicas finds declared replicas that replicate and take writes beside it.
func writableReplicas(t *topology) []problem {
	var out []problem
	for _, n := range t.replicas() {
		if n.role() == "replica" && n.writable() {
			out = append(out, problem{"replica-writable", "node#writable", n, n.name + " is a replica and takes writes"})
		}
	}
	return out
}

// writablePrimaries finds databases with declared replicas that no node takes writes for,
// or several that do not follow each other.
func writablePrimaries(t *topology) []problem {
	if len(t.replicas()) == 0 {
		return nil
	}
	var writers []*dbNode
	for _, n := range t.nodes {
		switch {
		case n.role() == "member":
			return nil
		case n.writable() && !n.replica:
			writers = append([]*dbNode{n}, writers...)
		case n.writable() && n.role() != "replica":
			writers = append(writers, n)
		}
	}
	p := t.primary()
	switch {
	case len(writers) == 0 && p != nil && t.allAsked():
		return []problem{{"replication-broken", "topology#primaries", p, "no node takes writes: " + p.name + " is " + p.refusal()}}
	case len(writers) > 1 && p != nil:
		var names []string
		for _, n := range writers {
			names = append(names, n.name)
		}
		return []problem{{"replication-broken", "topology#primaries", writers[len(writers)-1], enumerate(names) + " take writes, each on its own"}}
	}
	return nil
}

// refusal is why a node takes no writes.
func (n *dbNode) refusal() string {
	if n.role() == "replica" {
		return "a replica"
	}
	return "read-only"
}

// divergedReplicas finds transactions that a replica has and its primary lacks. What the primary itself writes does not
// count: it may have been written after the primary was asked. Neither does anything where the two follow each other,
// or where every member of a cluster numbers for itself.
func divergedReplicas(t *topology) []problem {
	p := t.primary()
	if p == nil || p.role() == "replica" || p.role() == "member" {
		return nil
	}
	known, ok := p.facts["node#transactions"]
	if !ok {
		return nil
	}
	has := map[string][]span{}
	for _, item := range known.Items() {
		text, _ := item.Text()
		if origin, s, ok := transactionSpan(text); ok {
			has[origin] = append(has[origin], s)
		}
	}
	own := map[string]bool{}
	for _, item := range p.facts["node#own"].Items() {
		origin, _ := item.Text()
		own[origin] = true
	}
	var out []problem
	for _, n := range t.replicas() {
		var origins []string
		for _, item := range n.facts["node#transactions"].Items() {
			text, _ := item.Text()
			if origin, s, ok := transactionSpan(text); ok && !own[origin] && !s.within(has[origin]) {
				origins = append(origins, origin)
			}
		}
		if len(origins) > 0 {
			out = append(out, problem{"replica-diverged", "node#transactions", n,
				n.name + " has transactions of " + enumerate(slices.Compact(slices.Sorted(slices.Values(origins)))) + " that " + p.name + " lacks"})
		}
	}
	return out
}

// span is a range of transactions, both ends inclusive.
type span struct{ from, to uint64 }

// transactionSpan reads ORIGIN:FROM-TO.
func transactionSpan(text string) (origin string, s span, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", s, false
	}
	from, to, ok := strings.Cut(text[i+1:], "-")
	var errFrom, errTo error
	s.from, errFrom = strconv.ParseUint(from, 10, 64)
	s.to, errTo = strconv.ParseUint(to, 10, 64)
	return text[:i], s, ok && errFrom == nil && errTo == nil && s.from <= s.to
}

// within reports that every transaction of s is in one of the spans, which do not overlap each other.
func (s span) within(spans []span) bool {
	left := s.to - s.from + 1
	for _, o := range spans {
		if from, to := max(s.from, o.from), min(s.to, o.to); from <= to {
			left -= min(left, to-from+1)
		}
	}
	return left == 0
}

// A slot that nobody reads may keep slotLimit; one that is read may be behind by more while its consumer catches up.
const (
	slotLimit       = 1 << 30
	activeSlotLimit = 10 << 30
)

// hungrySlots finds slots for which too much log is kept, and those that have lost what their consumer still needs.
func hungrySlots(t *topology) []problem {
	var out []problem
	for _, n := range t.nodes {
		for _, key := range slices.Sorted(maps.Keys(n.facts)) {
			name, attribute, _ := strings.Cut(key, "#")
			if !strings.HasPrefix(name, "slot/") {
				continue
			}
			slot := strings.TrimPrefix(name, "slot/")
			switch attribute {
			case "retained_bytes":
				kept, _ := n.number(key)
				active, _ := n.truth(name + "#active")
				if active && kept > activeSlotLimit || !active && kept > slotLimit {
					state := "that nobody reads"
					if active {
						state = "whose consumer is behind"
					}
					out = append(out, problem{"slot-retains-wal", key, n, fmt.Sprintf("%s keeps %s of log for slot %s, %s", n.name, bytesText(kept), slot, state)})
				}
			case "status":
				if n.text(key) == "lost" {
					out = append(out, problem{"replication-broken", key, n, "the log that slot " + slot + " needs is gone from " + n.name + ": its consumer cannot go on"})
				}
			}
		}
	}
	return out
}

// stoppedSubscriptions finds logical subscriptions that are to run and do not. One that somebody has disabled is as it should be.
func stoppedSubscriptions(t *topology) []problem {
	var out []problem
	for _, n := range t.nodes {
		for _, key := range slices.Sorted(maps.Keys(n.facts)) {
			object, ok := strings.CutSuffix(key, "#enabled")
			name, is := strings.CutPrefix(object, "subscription/")
			if !ok || !is {
				continue
			}
			enabled, _ := n.truth(key)
			running, _ := n.truth(object + "#running")
			off, _ := n.truth(object + "#switched_off")
			switch {
			case enabled && !running:
				out = append(out, problem{"replication-broken", object + "#running", n, n.name + " subscribes by " + name + ", which is enabled and does not run"})
			case off:
				out = append(out, problem{"replication-broken", object + "#switched_off", n, n.name + " subscribes by " + name + ", which its first error has switched off"})
			}
		}
	}
	return out
}

// brokenCluster finds members that are out of their cluster, halves of a cluster, and
// clusters with fewer members than are declared.
func brokenCluster(t *topology) []problem {
	var out []problem
	ids := map[string]string{}
	members, smallest := 0, -1
	var witness *dbNode
	for _, n := range t.nodes {
		if n.role() != "member" {
			continue
		}
		members++
		quorum, _ := n.truth("cluster#quorum")
		ready, _ := n.truth("cluster#ready")
		state := n.text("cluster#state")
		switch {
		case !quorum:
			out = append(out, problem{"replication-broken", "cluster#state", n, n.name + " is cut off from its cluster (" + or(state, "unknown") + ")"})
			continue
		case !ready:
			out = append(out, problem{"replication-broken", "cluster#state", n, n.name + " is not ready (" + or(state, "unknown") + ")"})
		}
		if id := n.text("cluster#id"); id != "" {
			ids[id] = n.name
		}
		if size, ok := n.number("cluster#size"); ok && (smallest < 0 || int(size) < smallest) {
			smallest, witness = int(size), n
		}
	}
	if len(ids) > 1 {
		var names []string
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			names = append(names, ids[id])
		}
		out = append(out, problem{"replication-broken", "cluster#id", t.nodes[0], enumerate(names) + " belong to different clusters"})
	}
	if witness != nil && members == len(t.nodes) && smallest < members {
		out = append(out, problem{"replica-missing", "cluster#size", witness, fmt.Sprintf("%s sees %d members of %d that are declared", witness.name, smallest, members)})
	}
	return out
}

// contradictedMonitor holds what the MMM monitor says of a host against what the host says of itself.
func contradictedMonitor(t *topology) []problem {
	var out []problem
	for _, teller := range t.nodes {
		for _, key := range slices.Sorted(maps.Keys(teller.facts)) {
			host, ok := strings.CutSuffix(key, "#state")
			if !ok || !strings.HasPrefix(host, "mmm/") {
				continue
			}
			name := strings.TrimPrefix(host, "mmm/")
			n := t.known(name, teller.text(host+"#address"))
			if n == nil {
				continue
			}
			state := teller.text(key)
			says := "the monitor says " + name + " is " + state + ", but "
			add := func(text string) { out = append(out, problem{"monitor-contradicted", key, n, says + text}) }
			writer := false
			for _, r := range teller.facts[host+"#roles"].Items() {
				role, _ := r.Text()
				writer = writer || strings.HasPrefix(role, "writer(")
			}
			switch {
			case state == "ONLINE" && n.unreachable:
				add(n.name + " cannot be reached")
			case state == "ONLINE" && n.stopped():
				add(n.name + " does not replicate")
			case state != "ONLINE" && state != "ADMIN_OFFLINE" && n.asked() && !n.stopped():
				add(n.name + " answers and runs")
			case writer && n.asked() && !n.writable():
				add(n.name + ", which has the writer role, takes no writes")
			}
		}
	}
	return out
}

// known is the node that the monitor calls by this name or address.
func (t *topology) known(name, address string) *dbNode {
	for _, n := range t.nodes {
		host := n.text("node#host")
		short, _, _ := strings.Cut(host, ".")
		if n.name == name || host != "" && (host == name || short == name || host == address) {
			return n
		}
	}
	return nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
