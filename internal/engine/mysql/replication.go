package mysql

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

// Refusals that leave something unknown: a privilege is missing.
const (
	codeDenied      = "1227"
	codeCommandOnly = "1142"
)

// Replication reads the server's own view of it. SHOW statements are live and not of the session's moment.
func (d *database) Replication(ctx context.Context) (engine.Replication, error) {
	var r engine.Replication
	err := d.use(ctx, func(c *conn) error {
		v, err := c.named(ctx, replicationVariables)
		if err != nil {
			return err
		}
		r = engine.Replication{Role: engine.RoleStandalone, Server: v["server_id"], Host: v["hostname"], Version: c.server.version, Writable: off(v["read_only"])}
		r.Transactions, r.Position = transactions(c.server, v)
		if strings.EqualFold(v["wsrep_on"], "ON") || v["wsrep_on"] == "1" {
			if r.Cluster, err = c.galera(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	if err := d.readSources(ctx, &r); err != nil {
		return r, err
	}
	if err := d.readFollowers(ctx, &r); err != nil {
		return r, err
	}
	switch {
	case r.Cluster != nil:
		r.Role = engine.RoleMember
		r.Writable = r.Writable && r.Cluster.Quorum && r.Cluster.Ready
	case len(r.Sources) > 0:
		r.Role = engine.RoleReplica
	case len(r.Followers) > 0:
		r.Role = engine.RolePrimary
	}
	return r, nil
}

const replicationVariables = `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_id', 'server_uuid', 'hostname', 'read_only', 'log_bin', 'wsrep_on',
	'gtid_binlog_state', 'gtid_slave_pos', 'gtid_current_pos', 'gtid_domain_id', 'gtid_executed')`

func off(value string) bool { return strings.EqualFold(value, "OFF") || value == "0" }

// named reads rows of a name and a value.
func (c *conn) named(ctx context.Context, sql string) (map[string]string, error) {
	m := map[string]string{}
	err := c.query(ctx, sql, func(r engine.Row) error {
		m[strings.ToLower(string(r[0].Data))] = string(r[1].Data)
		return nil
	})
	return m, err
}

// records runs a statement whose columns differ between versions, and are therefore read by name, in lower case. NULL
// is missing.
func (d *database) records(ctx context.Context, sql string) ([]map[string]string, error) {
	var out []map[string]string
	err := d.use(ctx, func(c *conn) error {
		var names []string
		_, err := c.queryNamed(ctx, sql, func(n []string) error {
			names = append(names, n...)
			return nil
		}, func(r engine.Row) error {
			m := map[string]string{}
			for i, cell := range r {
				if cell.Type != engine.CellNull {
					m[strings.ToLower(names[i])] = string(cell.Data)
				}
			}
			out = append(out, m)
			return nil
		})
		return err
	})
	return out, err
}

// denied reports a missing privilege, which the caller tells instead of failing.
func denied(err error) bool {
	var refusal *engine.Error
	return errors.As(err, &refusal) && (refusal.Code == codeDenied || refusal.Code == codeCommandOnly)
}

// readSources reads one source per channel. MySQL renamed the statement in 8.0.22 and dropped the old name in 8.4.
func (d *database) readSources(ctx context.Context, r *engine.Replication) error {
	s := d.c.server
	show, privilege := "SHOW REPLICA STATUS", "GRANT REPLICATION CLIENT ON *.* TO the user"
	switch {
	case s.maria:
		show, privilege = "SHOW ALL SLAVES STATUS", "GRANT REPLICA MONITOR ON *.* TO the user"
	case !s.replicaNames():
		show = "SHOW SLAVE STATUS"
	}
	rows, err := d.records(ctx, show)
	if denied(err) {
		r.Unknown = append(r.Unknown, engine.Unknown{About: "whether the server is a replica", Privilege: privilege})
		return nil
	}
	for _, row := range rows {
		r.Sources = append(r.Sources, source(row))
	}
	return err
}

// replicaNames reports MySQL 8.0.22 and later, which say replica where earlier ones say slave.
func (s server) replicaNames() bool {
	if s.major != 8 || s.minor != 0 {
		return s.major >= 8
	}
	parts := strings.SplitN(s.version, ".", 3)
	if len(parts) < 3 {
		return false
	}
	patch, _, _ := strings.Cut(parts[2], "-")
	n, err := strconv.Atoi(patch)
	return err == nil && n >= 22
}

// either is a column under its old or its new name.
func either(row map[string]string, names ...string) string {
	for _, n := range names {
		if v, ok := row[n]; ok {
			return v
		}
	}
	return ""
}

func source(row map[string]string) engine.Source {
	s := engine.Source{
		Channel:   either(row, "connection_name", "channel_name"),
		Upstream:  net.JoinHostPort(either(row, "master_host", "source_host"), either(row, "master_port", "source_port")),
		Server:    either(row, "master_server_id", "source_server_id"),
		Receiving: thread(either(row, "slave_io_running", "replica_io_running")),
		Applying:  thread(either(row, "slave_sql_running", "replica_sql_running")),
		Position:  either(row, "relay_master_log_file", "relay_source_log_file") + ":" + either(row, "exec_master_log_pos", "exec_source_log_pos"),
	}
	if s.Server == "0" {
		s.Server = "" // it has never been connected
	}
	lag, err := strconv.ParseInt(either(row, "seconds_behind_master", "seconds_behind_source"), 10, 64)
	if err == nil && s.Receiving == engine.ThreadRunning {
		d := time.Duration(lag) * time.Second
		s.Lag = &d
	}
	if delay, err := strconv.ParseInt(row["sql_delay"], 10, 64); err == nil {
		s.Delay = time.Duration(delay) * time.Second
	}
	var wrong []string
	if n := row["last_io_errno"]; n != "" && n != "0" {
		wrong = append(wrong, "receiver error "+n)
	}
	if n := row["last_sql_errno"]; n != "" && n != "0" {
		wrong = append(wrong, "applier error "+n)
	}
	s.Error = strings.Join(wrong, ", ")
	for _, name := range []string{"do_db", "ignore_db", "do_table", "ignore_table", "wild_do_table", "wild_ignore_table", "rewrite_db"} {
		if v := row["replicate_"+name]; v != "" {
			s.Filters = append(s.Filters, name+" = "+v)
		}
	}
	return s
}

// thread reads Yes and No. Connecting and Preparing are neither, and for hours if need be.
func thread(state string) engine.Thread {
	switch state {
	case "Yes":
		return engine.ThreadRunning
	case "No":
		return engine.ThreadStopped
	case "":
		return engine.ThreadUnknown
	}
	return engine.ThreadConnecting
}

// readFollowers reads the replicas that have registered; they register when they connect and are forgotten when they
// leave.
func (d *database) readFollowers(ctx context.Context, r *engine.Replication) error {
	show, privilege := "SHOW SLAVE HOSTS", "GRANT REPLICATION SLAVE ON *.* TO the user"
	if s := d.c.server; s.maria {
		privilege = "GRANT REPLICATION MASTER ADMIN ON *.* TO the user"
	} else if s.replicaNames() {
		show = "SHOW REPLICAS"
	}
	rows, err := d.records(ctx, show)
	if denied(err) {
		r.Unknown = append(r.Unknown, engine.Unknown{About: "the connected replicas", Privilege: privilege})
		return nil
	}
	for _, row := range rows {
		f := engine.Follower{Name: "server " + row["server_id"], State: "registered"}
		if host := row["host"]; host != "" {
			f.Address = net.JoinHostPort(host, row["port"])
		}
		r.Followers = append(r.Followers, f)
	}
	return err
}

// galera reads a member's view of its cluster. These counters are answered also by a member that refuses queries.
func (c *conn) galera(ctx context.Context) (*engine.Cluster, error) {
	v, err := c.named(ctx, `SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_cluster_status', 'wsrep_cluster_state_uuid',
	'wsrep_local_state_comment', 'wsrep_ready', 'wsrep_incoming_addresses')`)
	if err != nil {
		return nil, err
	}
	g := &engine.Cluster{
		ID: v["wsrep_cluster_state_uuid"], Quorum: v["wsrep_cluster_status"] == "Primary", State: v["wsrep_local_state_comment"],
		Ready: strings.EqualFold(v["wsrep_ready"], "ON"),
	}
	g.Size, _ = strconv.Atoi(v["wsrep_cluster_size"])
	for _, a := range strings.Split(v["wsrep_incoming_addresses"], ",") {
		if a = strings.TrimSpace(a); a != "" {
			g.Members = append(g.Members, a)
		}
	}
	return g, nil
}
