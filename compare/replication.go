package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// topologies remembers what the nodes of every database say of replication, as the merge passes over it. Each
// environment is judged by itself: nothing of it is compared across, because environments are meant to differ in size.
type topologies struct{ rows map[string][]*row }

func (t *topologies) note(r *row) {
	scope, rest, _ := strings.Cut(r.key, ":")
	if !strings.HasPrefix(rest, "replication/") {
		return
	}
	if t.rows == nil {
		t.rows = map[string][]*row{}
	}
	t.rows[scope] = append(t.rows[scope], r)
}

// findings judges the databases of each side.
func (t *topologies) findings(c *comparison) []finding.Finding {
	var out []finding.Finding
	for i := range c.sides {
		for _, scope := range slices.Sorted(maps.Keys(c.sides[i].Snapshot.Manifest.Scopes)) {
			if c.sides[i].Snapshot.Manifest.Scopes[scope].Type != "database" {
				continue
			}
			top := newTopology(c, i, scope, t.rows[scope])
			var found []problem
			for _, check := range replicationChecks {
				found = append(found, check(top)...)
			}
			out = append(out, top.report(c, found)...)
		}
	}
	return out
}

// topology is one database of one environment.
type topology struct {
	side  int
	scope string
	limit time.Duration // how far replicas may be behind
	own   bool          // the limit is the configuration's, not the default
	nodes []*dbNode     // by instance
	addrs map[string]snapshot.Address
}

// dbNode is one instance of a database.
type dbNode struct {
	name        string
	replica     bool // it is declared as one
	unreachable bool // capture could not open it
	facts       map[string]snapshot.Value
}

// defaultMaxLag is the limit where envdiff.yaml sets none.
const defaultMaxLag = 5 * time.Minute

func newTopology(c *comparison, side int, scope string, rows []*row) *topology {
	snap := c.sides[side].Snapshot
	declared := snap.Manifest.Scopes[scope]
	t := &topology{side: side, scope: scope, addrs: map[string]snapshot.Address{}}
	if t.limit, t.own = c.sides[side].MaxLag[scope]; !t.own {
		t.limit = defaultMaxLag
	}
	byName := map[string]*dbNode{}
	for _, name := range c.views[side][scope].instances {
		n := &dbNode{name: name, facts: map[string]snapshot.Value{}}
		t.nodes, byName[name] = append(t.nodes, n), n
	}
	for _, name := range declared.Replicas {
		if n := byName[name]; n != nil {
			n.replica = true
		}
	}
	reachable := snapshot.At(scope, "database", "reachable")
	for _, g := range snap.Gaps {
		if n := byName[g.Instance]; n != nil && g.Address == reachable {
			n.unreachable = true
		}
	}
	view := c.views[side][scope]
	for _, r := range rows {
		cell := &r.cells[side]
		key := strings.TrimPrefix(body(r.address()), "replication/")
		t.addrs[key] = r.address()
		for _, g := range cell.groups {
			for _, name := range view.names(g.on) {
				byName[name].facts[key] = g.value
			}
		}
	}
	return t
}

// text, number and truth are what a node says at an address below replication/; missing is "", not ok.
func (n *dbNode) text(key string) string {
	s, _ := n.facts[key].Text()
	return s
}

func (n *dbNode) number(key string) (float64, bool) {
	v, ok := n.facts[key]
	if !ok {
		return 0, false
	}
	return v.Number()
}

func (n *dbNode) truth(key string) (value, ok bool) {
	v, there := n.facts[key]
	if !there {
		return false, false
	}
	return v.Truth()
}

func (n *dbNode) role() string   { return n.text("node#role") }
func (n *dbNode) writable() bool { w, _ := n.truth("node#writable"); return w }
func (n *dbNode) stopped() bool  { r, ok := n.truth("node#running"); return ok && !r }

// asked reports that the node answered about replication.
func (n *dbNode) asked() bool { return n.role() != "" }

// primary is the node that the environment's URL names, if it is the only one that is no
// replica by declaration; shards have several.
func (t *topology) primary() *dbNode {
	var found *dbNode
	for _, n := range t.nodes {
		if !n.replica {
			if found != nil {
				return nil
			}
			found = n
		}
	}
	return found
}

// replicas are the nodes declared as replicas.
func (t *topology) replicas() []*dbNode {
	var out []*dbNode
	for _, n := range t.nodes {
		if n.replica {
			out = append(out, n)
		}
	}
	return out
}

func (t *topology) allAsked() bool {
	for _, n := range t.nodes {
		if !n.asked() {
			return false
		}
	}
	return true
}

// problem is one thing that is wrong with one node, or with the database as a whole.
type problem struct {
	rule string
	key  string // below replication/
	node *dbNode
	text string // "db2 …": a clause of the message
}

// report makes one finding of the problems at one address by one rule.
func (t *topology) report(c *comparison, found []problem) []finding.Finding {
	at := map[string][]problem{}
	for _, p := range found {
		key := p.key + "\x00" + p.rule
		at[key] = append(at[key], p)
	}
	var out []finding.Finding
	for _, key := range slices.Sorted(maps.Keys(at)) {
		ps := at[key]
		severity := c.severity(ps[0].rule)
		if severity == finding.Off {
			continue
		}
		addr, known := t.addrs[ps[0].key]
		if !known {
			name, attribute, _ := strings.Cut(ps[0].key, "#")
			addr = snapshot.At(t.scope, "replication", name).Attr(attribute)
		}
		f := finding.Finding{Rule: ps[0].rule, Severity: severity, Area: finding.AreaReplication, Address: addr.String(), Change: finding.Odd}
		var clauses []string
		for _, p := range ps {
			clauses = append(clauses, p.text)
			f.Values = append(f.Values, t.value(c, p))
		}
		sort.SliceStable(f.Values, func(i, j int) bool { return fmt.Sprint(f.Values[i].Instances) < fmt.Sprint(f.Values[j].Instances) })
		if more := len(clauses) - maxNames; more > 0 {
			clauses = append(clauses[:maxNames], fmt.Sprintf("and %d more", more))
		}
		in := ""
		if len(c.sides) > 1 {
			in = " in " + c.sides[t.side].Name
		}
		f.Message = t.scope + in + ": " + strings.Join(clauses, "; ")
		f.Seal([]string{c.sides[t.side].Name})
		out = append(out, f)
	}
	return out
}

func (t *topology) value(c *comparison, p problem) finding.Side {
	side := finding.Side{Environment: c.sides[t.side].Name, State: finding.Absent, Instances: []string{p.node.name}}
	if v, ok := p.node.facts[p.key]; ok {
		side.State, side.Value = finding.Present, json.RawMessage(v.JSON())
	}
	return side
}

// betweenNodes reports a schema that differs between the nodes of one database. Settings are
// set node by node and keep their own rule.
func (j *judgement) betweenNodes() bool {
	if !j.d.within || strings.HasPrefix(j.body, "setting/") {
		return false
	}
	return j.c.sides[j.d.sides[0]].Snapshot.Manifest.Scopes[j.d.node.addr.Scope].Type == "database"
}

// patchIsLow weighs versions of one series, such as 15.4 and 15.7, one level lower.
func (j *judgement) patchIsLow(s finding.Severity) finding.Severity {
	series := map[string]bool{}
	for _, share := range j.d.shares {
		for _, g := range share.groups {
			text, _ := g.value.Text()
			series[versionSeries(text)] = true
		}
	}
	if len(series) > 1 {
		return s
	}
	return s.Lower()
}

// versionSeries is what servers of one series share: PostgreSQL's first number, the first two
// of MariaDB and MySQL, which write three.
func versionSeries(version string) string {
	parts := strings.Split(version, ".")
	if len(parts) > 2 {
		return parts[0] + "." + parts[1]
	}
	return parts[0]
}
