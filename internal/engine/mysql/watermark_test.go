package mysql

import (
	"context"
	"strconv"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

// A transaction that is open leaves UPDATE_TIME at the second in which it began: nothing from that second on is final. Who may not see it waits.
func TestAnOpenTransactionKeepsTablesFromBeingFinal(t *testing.T) {
	server, base := arrange(t, "CREATE TABLE busy (id INT PRIMARY KEY); CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2; INSERT INTO parts VALUES (1)")
	server.Exec(t, "", "CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'x'; GRANT SELECT ON "+databaseOf(base)+".* TO plain@'127.0.0.1'")
	t.Cleanup(func() { server.Exec(t, "", "DROP USER plain@'127.0.0.1'") })
	writer := holdWrite(t, base, "BEGIN")
	defer writer.Close()
	if _, err := writer.Exec(t.Context(), "INSERT INTO busy VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	began := secondOf(t, base, "SELECT UNIX_TIMESTAMP()")
	if before := secondOf(t, base, ""); before > began {
		t.Errorf("final before %d, and a transaction is open that began at %d", before, began)
	}
	plain := engine.Target{Engine: "mysql", DSN: server.UserDSN("plain", "x", databaseOf(base)), Display: "d"}
	if before := secondOf(t, plain, ""); before > began-unseenWriters+30 {
		t.Errorf("final before %d at %d for an account that sees no transactions", before, began)
	}
	if _, err := writer.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	marks, err := openRead(t, base).(engine.Watermarker).Watermarks(t.Context())
	if err != nil || len(marks) > 1 {
		t.Errorf("%v %v: a partitioned table cannot be told", marks, err)
	}
}

// secondOf is the number that a query yields; without one, the second before which a time is final.
func secondOf(t *testing.T, at engine.Target, sql string) int64 {
	t.Helper()
	c, err := dial(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if sql == "" {
		before, err := writtenBefore(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		sql = "SELECT " + before
	}
	var n int64
	err = c.query(t.Context(), sql, func(r engine.Row) (err error) {
		n, err = strconv.ParseInt(string(r[0].Data), 10, 64)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
