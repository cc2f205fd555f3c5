// Package dbhost finds the database hosts that the configuration of a host names, and asks from that host whether their names resolve and
// they take a connection: what a connection string says is true only where it is used.
package dbhost

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// New returns the collector of database hosts.
func New() snapshot.HostCollector { return collector{} }

type collector struct{}

func (collector) Name() string { return "dbhost" }

// maxTargets bounds what one host is asked to connect to.
const maxTargets = 40

//go:embed probe.sh
var probe string

func (collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Database hosts that the configuration names, seen from the host itself",
		Text: "Looks through the configuration files of a role for PostgreSQL, MySQL and MariaDB hosts: URLs (`DATABASE_URL`, jdbc), DSNs of libpq, PDO and Go, the client sections of my.cnf, and keys such as `DB_HOST`, `db.host`, `pg_host`, " +
			"or `host` beside an adapter or in a file or section of a database's name. Sections that are called like another environment are left out, and so are samples, backups, placeholders, sockets and this machine itself.\n\n" +
			"Each one is then asked for from that host, as a second question over the same connection: does the name resolve (getent), and does the port take a connection (bash's /dev/tcp, or nc), within 5 seconds and all at once. " +
			"Nothing is sent over it. `db-host-unreachable` is what does not resolve, refuses, or does not answer; where the host has no tool to ask with, a coverage note says so. Without a known port only the name is looked up.\n\n" +
			"`db-host-undeclared` is a host that no database, host or parameter of the environment in envdiff.yaml names. It is not judged where the environment declares no database, or a URL there needs a variable that is not set.\n\n" +
			"MySQL and MariaDB count a connection that says nothing as an error of that client and block it after `max_connect_errors` of them without a good one in between; `--skip 'ROLE:dbhost/*'` leaves the question out.",
		Needs: []string{"the files that `config:` names", "on the host: getent; bash with timeout, or nc"},
		Attributes: []string{
			"dbhost/HOST#named_in: addresses of the keys that name it",
			"dbhost/HOST#resolves, #port_N: whether the name resolves (true, false, or timeout where no name server answers), and what connecting says: open, refused, timeout or unreachable",
			"dbhost/HOST#declared: whether envdiff.yaml names it",
		},
	}
}

func (collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{{Pattern: "dbhost/*", Axis: snapshot.Context, Area: finding.AreaConfig, Doc: "a database host that configuration names: rules judge it by itself"}}
}

func (collector) Wants(snapshot.RoleSpec) []transport.Want { return nil }

func (collector) Parse(snapshot.Input) snapshot.Result { return snapshot.Result{Looked: []string{}} }

func (collector) Reads() []string { return []string{"config"} }

const section = "probe"

func (collector) Ask(in snapshot.Input, known []snapshot.Fact) []transport.Want {
	targets := find(known, in.Spec.Environment)
	if len(targets) == 0 {
		return nil
	}
	argv := []string{"sh", "-c", probe, "sh"}
	for _, t := range targets[:min(len(targets), maxTargets)] {
		argv = append(argv, t.host, strconv.Itoa(t.port))
	}
	return []transport.Want{{ID: section, Command: argv, MaxBytes: 64 << 10, Doc: "whether the database hosts of the configuration can be reached from here"}}
}

func (collector) Learn(in snapshot.Input, known []snapshot.Fact) snapshot.Result {
	res := snapshot.Result{Looked: []string{}}
	targets := find(known, in.Spec.Environment)
	names := map[string][]string{}
	for _, t := range targets {
		names[t.host] = append(names[t.host], t.namedIn...)
	}
	for _, host := range slices.Sorted(maps.Keys(names)) {
		at := snapshot.At(in.Scope, "dbhost", host)
		slices.Sort(names[host])
		res.Add(at.Attr("named_in"), snapshot.Strings(true, names[host]...), "")
		if in.Spec.Nodes != nil {
			res.Add(at.Attr("declared"), snapshot.Bool(declared(host, in.Spec.Nodes)), "")
		}
	}
	if over := len(targets) - maxTargets; over > 0 {
		res.Notes = append(res.Notes, snapshot.Note{Scope: in.Scope, Kind: fmt.Sprintf("database hosts beyond the first %d", maxTargets), Count: over})
		targets = targets[:maxTargets]
	}
	s, ok := in.Sections[section]
	switch {
	case ok && s.Problem == transport.OK:
		answers(in.Scope, &res, targets, string(s.Output))
	case ok && s.Problem == transport.Unable:
		res.Notes = append(res.Notes, unasked(in.Scope, len(targets)))
	default:
		reason := "the host did not say whether it reaches its database hosts"
		if s.Detail != "" {
			reason += ": " + s.Detail
		}
		res.Missing(snapshot.Address{Scope: in.Scope, Kind: "dbhost"}, reason, "raise --timeout, or skip this part with --skip", in.Scope+":dbhost/*")
	}
	return res
}

// unasked is the note of hosts that this host has no tool to ask, or that nothing can be asked from.
func unasked(scope string, n int) snapshot.Note {
	return snapshot.Note{Scope: scope, Kind: "database hosts not asked from the host", Count: n}
}

// answers reads lines "envdiff INDEX RESOLVES CONNECTS". What is not among the words that the program knows is not known.
func answers(scope string, res *snapshot.Result, targets []target, output string) {
	told := make([]bool, len(targets))
	resolved := map[string]bool{}
	for line := range strings.Lines(output) {
		words := strings.Fields(line)
		if len(words) != 4 || words[0] != "envdiff" {
			continue
		}
		i, err := strconv.Atoi(words[1])
		if err != nil || i < 0 || i >= len(targets) || told[i] {
			continue
		}
		t := targets[i]
		at := snapshot.At(scope, "dbhost", t.host)
		if r := words[2]; (r == "yes" || r == "no") && !resolved[t.host] {
			resolved[t.host] = true
			res.Add(at.Attr("resolves"), snapshot.Bool(r == "yes"), "")
		}
		if words[2] == "slow" && !resolved[t.host] {
			resolved[t.host], told[i] = true, true
			res.Add(at.Attr("resolves"), snapshot.String("timeout"), "")
			continue
		}
		switch words[3] {
		case "open", "refused", "timeout", "unreachable":
			res.Add(at.Attr("port_"+strconv.Itoa(t.port)), snapshot.String(words[3]), "")
			told[i] = true
		default:
			told[i] = words[2] == "no" || t.port == 0 && words[2] == "yes"
		}
	}
	n := 0
	for _, ok := range told {
		if !ok {
			n++
		}
	}
	if n > 0 {
		res.Notes = append(res.Notes, unasked(scope, n))
	}
}

// declared reports a host that one of the nodes is, by its whole name or the first label of it.
func declared(host string, nodes []string) bool {
	for _, n := range nodes {
		n = strings.ToLower(strings.TrimSuffix(n, "."))
		if short, _, _ := strings.Cut(n, "."); n == host || short == host {
			return true
		}
	}
	return false
}
