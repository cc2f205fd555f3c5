package testservers

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// NewMariaDB starts a MariaDB server for one test alone, with further options such as "--performance-schema=ON".
func NewMariaDB(t testing.TB, options ...string) *MariaServer {
	t.Helper()
	s, err := newMariaDB(options...)
	if err != nil {
		t.Fatalf("starting MariaDB: %v", err)
	}
	t.Cleanup(s.stop)
	return s
}

// NewReplica starts a server that replicates from this one by global transaction ids, for one test alone. This one has
// to write a binary log ("--log-bin"), and have a server id of its own.
func (s *MariaServer) NewReplica(t testing.TB, id int, options ...string) *MariaServer {
	t.Helper()
	r := NewMariaDB(t, append([]string{fmt.Sprintf("--server-id=%d", id), "--log-bin", "--log-slave-updates", "--read-only"}, options...)...)
	r.Follow(t, s)
	return r
}

// Follow makes a server replicate from another one, from its beginning.
func (s *MariaServer) Follow(t testing.TB, primary *MariaServer) {
	t.Helper()
	s.Exec(t, "", fmt.Sprintf(`CHANGE MASTER TO master_host = '127.0.0.1', master_port = %d, master_user = '%s', master_use_gtid = slave_pos,
	master_connect_retry = 1, master_heartbeat_period = 1; START SLAVE`, primary.Port, mariaRoot))
}

// Kill ends the server at once, as a crash of its machine would. Its port answers nobody afterwards.
func (s *MariaServer) Kill(t testing.TB) {
	t.Helper()
	s.stop()
}

// Restart ends the server at once, whoever is connected, and starts it again at the same port. It may be called beside what uses the server.
func (s *MariaServer) Restart(t testing.TB) {
	t.Helper()
	s.process.End(syscall.SIGKILL)
	p, err := s.launch()
	if err != nil {
		t.Errorf("starting MariaDB again: %v", err)
		return
	}
	s.process = p
}

// Ask is the first value that a query yields, for a test to wait by.
func (s *MariaServer) Ask(t testing.TB, database, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	c, err := mysql.ParseDSN(s.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	c.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		t.Fatalf("asking: %v", err)
	}
	defer conn.Close()
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, sql, nil)
	if err != nil {
		t.Fatalf("asking: %v\n%s", err, sql)
	}
	defer rows.Close()
	values := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(values); err == io.EOF {
		return ""
	} else if err != nil {
		t.Fatalf("asking: %v\n%s", err, sql)
	}
	if text, ok := values[0].([]byte); ok {
		return string(text)
	}
	return fmt.Sprint(values[0])
}
