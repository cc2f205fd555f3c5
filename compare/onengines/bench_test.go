package onengines

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

// shopOrders is the size of the shop that is measured.
const shopOrders = 1_500_000

// maxPeak is what the process that captures and compares may hold at once, whatever the size of the shop.
const maxPeak = 200 << 20

// postgresShop and mariaShop make the orders of a web shop.
const (
	postgresShop = `CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, status text, total numeric(12,2), currency char(3), placed_at timestamptz, ip inet, user_agent text);
INSERT INTO orders SELECT i, 1+(i::bigint*7919)%%300000, (ARRAY['new','paid','sent','done'])[1+i%%4], (i%%100000)/7.0, 'USD', timestamptz '2021-01-01'+(i||' seconds')::interval,
	('10.'||(i%%250)||'.'||(i/250%%250)||'.'||(i/62500%%250))::inet, 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 rev'||(i%%50) FROM generate_series(1, %d) i;
CREATE INDEX ON orders (customer_id); CREATE INDEX ON orders (placed_at); ANALYZE;`
	mariaShop = `CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT NOT NULL, status VARCHAR(20), total DECIMAL(12,2), currency CHAR(3), placed_at DATETIME, ip VARCHAR(45), user_agent VARCHAR(190),
	KEY (customer_id), KEY (placed_at)) DEFAULT CHARSET=utf8mb4;
INSERT INTO orders SELECT seq, 1+(seq*7919)%%300000, ELT(1+seq%%4,'new','paid','sent','done'), (seq%%100000)/7.0, 'USD', '2021-01-01'+INTERVAL seq SECOND,
	CONCAT('10.',seq%%250,'.',seq DIV 250%%250,'.',seq DIV 62500%%250), CONCAT('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 rev',seq%%50) FROM seq_1_to_%d;
ANALYZE TABLE orders;`
)

// fourRows are the differences between the two shops: one added, one removed, two that swap values of equal length.
var fourRows = []string{
	"DELETE FROM orders WHERE id = 700001",
	"INSERT INTO orders (id, customer_id, status) VALUES (90000001, 1, 'new')",
	"UPDATE orders SET status = 'sent' WHERE id = 1000000 AND status = 'new'",
	"UPDATE orders SET status = 'new' WHERE id = 1000002 AND status = 'sent'",
}

const inChild = "ENVDIFF_ROWS_PAIR"

// TestRowsPair is the process that the benchmarks of rows measure; without its two databases there is nothing to do.
func TestRowsPair(t *testing.T) {
	pair := strings.Fields(os.Getenv(inChild))
	if len(pair) != 3 {
		return
	}
	debug.SetGCPercent(60) // as the command does
	var sides [2]compare.Side
	var wait sync.WaitGroup
	for i, dsn := range pair[1:] {
		wait.Go(func() {
			p := &place{name: pair[0], engine: map[string]engine.Engine{"postgres": postgres.New(), "mysql": mysql.New()}[pair[0]],
				target: engine.Target{Engine: pair[0], DSN: dsn, Display: "the test database"}}
			sides[i] = p.side(t, []string{"a", "b"}[i], snapshot.DatabaseSpec{Exact: []string{"orders"}}, testKey, database.Rows{})
		})
	}
	wait.Wait()
	messages, r := compared(t, sides[:]...)
	if got := messages["rows-different main:rows/orders"]; got != "rows of orders: 1 added, 1 removed, 2 changed in b against a, in status" || len(r.Findings) != 1 || len(r.Gaps) > 0 {
		t.Errorf("%q, gaps %+v", got, r.Gaps)
	}
}

const profileInChild = "ENVDIFF_PROFILE_OF"

// TestProfileOf is the process that BenchmarkProfilePostgres measures; without its database there is nothing to do.
func TestProfileOf(t *testing.T) {
	dsn := os.Getenv(profileInChild)
	if dsn == "" {
		return
	}
	debug.SetGCPercent(60)
	p := &place{name: "postgres", engine: postgres.New(), target: engine.Target{Engine: "postgres", DSN: dsn, Display: "the test database"}}
	everything := func(string, string) bool { return true }
	s := p.side(t, "a", snapshot.DatabaseSpec{Profile: snapshot.GradeScan, Keep: everything}, testKey, database.Profile{}).Snapshot
	if v, ok := s.Value(snapshot.Object("main", "profile", "orders").Attr("rows")); !ok || v.JSON() != strconv.Itoa(shopOrders) {
		t.Errorf("%s rows", v.JSON())
	}
}

const memoryInChild = "ENVDIFF_MEMORY_OF"

// TestMemoryOf is the process whose memory BenchmarkMemory measures; without its table there is nothing to do.
func TestMemoryOf(t *testing.T) {
	what := strings.Fields(os.Getenv(memoryInChild))
	if len(what) != 2 {
		return
	}
	debug.SetGCPercent(60)
	p := &place{name: "postgres", engine: postgres.New(), target: engine.Target{Engine: "postgres", DSN: what[0], Display: "the test database"}}
	everything := func(string, string) bool { return true }
	s := p.side(t, "a", snapshot.DatabaseSpec{Exact: []string{"events"}, Profile: snapshot.GradeScan, Keep: everything}, testKey, database.Rows{}, database.Profile{}).Snapshot
	for _, kind := range []string{"rows", "profile"} {
		attribute := map[string]string{"rows": "count", "profile": "rows"}[kind]
		if v, ok := s.Value(snapshot.Object("main", kind, "events").Attr(attribute)); !ok || v.JSON() != what[1] {
			t.Errorf("%s: %s rows", kind, v.JSON())
		}
	}
	digests := s.Attachments[snapshot.RowsAttachment("main", "primary", "events")]
	if d, err := snapshot.CompareRows(digests, digests); err != nil || !d.None() {
		t.Errorf("%+v, %v", d, err)
	}
}

// BenchmarkMemory digests and profiles narrow rows, a million and twenty of them, beside a bare COPY of them. It fails where the process holds more than maxPeak of either, and above five
// times of that: two reads, one of which looks at every cell.
func BenchmarkMemory(b *testing.B) {
	server := testservers.Postgres(b)
	for _, rows := range []int{1_000_000, 20_000_000} {
		b.Run(fmt.Sprintf("%dM", rows/1_000_000), func(b *testing.B) {
			dsn := server.NewDatabase(b)
			server.Exec(b, dsn, fmt.Sprintf(`CREATE UNLOGGED TABLE events (id bigint NOT NULL, kind text, n integer);
INSERT INTO events SELECT i, (ARRAY['new','paid','sent','done'])[1+i%%4], i%%1000003 FROM generate_series(1, %d) i; ALTER TABLE events ADD PRIMARY KEY (id); ANALYZE`, rows))
			peer := []string{"psql", "-q", dsn, "-c", `\copy events to /dev/null`}
			for b.Loop() {
				testservers.Beside(b, "TestMemoryOf", memoryInChild+"="+dsn+" "+strconv.Itoa(rows), 5, maxPeak, peer)
			}
			server.Exec(b, dsn, "DROP TABLE events")
		})
	}
}

// BenchmarkProfilePostgres profiles the orders in one scan, beside a bare COPY of them. It fails above three times of that.
func BenchmarkProfilePostgres(b *testing.B) {
	server := testservers.Postgres(b)
	dsn := server.NewDatabase(b)
	server.Exec(b, dsn, fmt.Sprintf(postgresShop, shopOrders))
	peer := []string{"psql", "-q", dsn, "-c", `\copy orders to /dev/null`}
	for b.Loop() {
		testservers.Beside(b, "TestProfileOf", profileInChild+"="+dsn, 3, maxPeak, peer)
	}
}

// BenchmarkRowsPostgres compares two shops, beside pg_comparator with its extension in C, which adds up 64 bits per row in the server and
// writes temporary tables there. Half of its time is the aim; of the processor's time both servers and envdiff take two thirds of what it takes, on two cores that all of them
// share: 2 of the 4.5 seconds are the servers' COPY, in binary, of which nothing can be saved, 0.5 are SHA-256. It fails above three quarters.
func BenchmarkRowsPostgres(b *testing.B) {
	server := testservers.Postgres(b)
	first := server.NewDatabase(b)
	server.Exec(b, first, fmt.Sprintf(postgresShop, shopOrders)+"CREATE EXTENSION pgcmp")
	second := server.CopyDatabase(b, first)
	server.Exec(b, second, strings.Join(fourRows, "; "))
	const columns = "/orders?id:customer_id,status,total,currency,placed_at,ip,user_agent"
	peer := []string{"pg_comparator", pgcmpURL(first) + columns, pgcmpURL(second) + columns}
	for b.Loop() {
		testservers.Beside(b, "TestRowsPair", inChild+"=postgres "+first+" "+second, 0.75, maxPeak, peer)
	}
}

// pgcmpURL is a database's URL as pg_comparator takes it.
func pgcmpURL(dsn string) string {
	dsn, _, _ = strings.Cut(dsn, "?")
	return strings.Replace(dsn, "postgres://", "pgsql://", 1)
}

// BenchmarkRowsMariaDB compares two shops, beside pt-table-sync's comparison by CRC32. It fails where that is faster.
func BenchmarkRowsMariaDB(b *testing.B) {
	server := testservers.MariaDB(b)
	first, second := server.NewDatabase(b), server.NewDatabase(b)
	server.Exec(b, first, fmt.Sprintf(mariaShop, shopOrders))
	server.Exec(b, second, "CREATE TABLE orders LIKE "+first+".orders; INSERT INTO orders SELECT * FROM "+first+".orders; ANALYZE TABLE orders; "+strings.Join(fourRows, "; "))
	at := "h=127.0.0.1,u=root,P=" + strconv.Itoa(server.Port) + ",t=orders,D="
	peer := []string{"pt-table-sync", "--print", "--function=CRC32", "--no-check-slave", "--charset=utf8mb4", "--no-foreign-key-checks", at + first, at + second}
	for b.Loop() {
		testservers.Beside(b, "TestRowsPair", inChild+"=mysql "+server.DSN(first)+" "+server.DSN(second), 1, maxPeak, peer)
	}
}
