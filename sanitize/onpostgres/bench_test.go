package onpostgres

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

func TestMain(m *testing.M) { testservers.Main(m) }

// shop is a web shop of %[1]d customers with five orders and ten items each; six of its columns hold personal data.
const shop = `
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL UNIQUE, full_name text NOT NULL, phone text, address text, city text, country char(2), created_at timestamptz, notes text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, status text, total numeric(12,2), currency char(3), placed_at timestamptz, ip inet, user_agent text);
CREATE TABLE items (order_id bigint, line int, sku text, qty int, price numeric(10,2), PRIMARY KEY (order_id, line));
INSERT INTO customers SELECT n, 'someone' || n || '@mail' || n %% 89 || '.example', 'Given' || n %% 4987 || ' Family' || n %% 9941, '+44 20 7946 ' || lpad(n::text, 7, '0'), n %% 9967 || ' Station Road, Flat ' || n %% 71,
	'Town ' || n %% 997, (ARRAY['GB','DE','FR','JP'])[1 + n %% 4], timestamptz '2020-01-01' + n * interval '1 second', md5(n::text) || ' ' || md5((n + 1)::text) || ' ' || md5((n + 2)::text) FROM generate_series(1, %[1]d) n;
INSERT INTO orders SELECT n, 1 + n::bigint * 7907 %% %[1]d, (ARRAY['new','paid','sent','done'])[1 + n %% 4], n %% 99991 / 7.0, 'EUR', timestamptz '2021-01-01' + n * interval '1 second',
	('10.' || n %% 251 || '.' || n / 251 %% 251 || '.' || n / 63001 %% 251)::inet, 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 build' || n %% 47 FROM generate_series(1, 5 * %[1]d) n;
INSERT INTO items SELECT 1 + n / 2, n %% 2, 'ART' || n %% 4999, 1 + n %% 9, n %% 9973 / 9.0 FROM generate_series(0, 10 * %[1]d - 1) n;
CREATE INDEX ON orders (customer_id); CREATE INDEX ON orders (placed_at); CREATE INDEX ON items (sku);
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers (id);
ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES orders (id);
ANALYZE;
`

const policy = `
tables:
  customers:
    columns:
      id: {keep: true, reason: key}
      email: {mask: email, reason: personal data}
      full_name: {mask: name, reason: personal data}
      phone: {mask: phone, reason: personal data}
      address: {mask: address, reason: personal data}
      city: {keep: true, reason: few values}
      country: {keep: true, reason: few values}
      created_at: {keep: true, reason: time}
      notes: {mask: text, reason: free text}
  orders:
    columns:
      id: {keep: true, reason: key}
      customer_id: {keep: true, reason: key}
      status: {keep: true, reason: few values}
      total: {keep: true, reason: amount}
      currency: {keep: true, reason: few values}
      placed_at: {keep: true, reason: time}
      ip: {mask: ip, reason: personal data}
      user_agent: {keep: true, reason: few values}
  items:
    columns:
      order_id: {keep: true, reason: key}
      line: {keep: true, reason: key}
      sku: {keep: true, reason: key}
      qty: {keep: true, reason: number}
      price: {keep: true, reason: amount}
`

// rounds is how often what is compared takes turns: one time of a busy machine beside another one says little, the median of several ratios does.
const rounds = 3

// ratios are those of each round, by what they are of.
type ratios map[string][]float64

func (r ratios) add(of string, over, under time.Duration) {
	r[of] = append(r[of], over.Seconds()/under.Seconds())
}

// report tells the median of each.
func (r ratios) report(b *testing.B) {
	for of, all := range r {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2], of)
	}
}

// BenchmarkRefresh reports, each of one round beside the other: the whole refresh over pg_dump | psql, which masks nothing and checks nothing (limit 1), with and without the search for raw values; the rows
// alone over COPY | COPY (limit 1.4); and the most memory that this process had.
func BenchmarkRefresh(b *testing.B) {
	server := testservers.Postgres(b)
	source, target, plain := server.NewDatabase(b), server.NewDatabase(b), server.NewDatabase(b)
	fill(b, server, source)
	found := ratios{}
	for b.Loop() {
		for range rounds {
			server.Exec(b, source, "CHECKPOINT")
			dumped := piped(b, exec.Command("pg_dump", "-d", source), exec.Command("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", plain))
			server.Exec(b, plain, "TRUNCATE customers, orders, items; ALTER TABLE items DROP CONSTRAINT items_order_id_fkey, DROP CONSTRAINT items_pkey; ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey, DROP CONSTRAINT orders_pkey; ALTER TABLE customers DROP CONSTRAINT customers_pkey, DROP CONSTRAINT customers_email_key; DROP INDEX orders_customer_id_idx, orders_placed_at_idx, items_sku_idx")
			server.Exec(b, source, "CHECKPOINT")
			raw := time.Duration(0)
			for _, table := range []string{"customers", "orders", "items"} {
				raw += piped(b, exec.Command("psql", "-qX", "-d", source, "-c", "COPY "+table+" TO STDOUT"), exec.Command("psql", "-qX", "-d", plain, "-c", "COPY "+table+" FROM STDIN"))
			}
			server.Exec(b, plain, "DROP TABLE customers, orders, items")
			server.Exec(b, source, "CHECKPOINT")
			whole, rows, verified := refresh(b, source, target, nil)
			found.add("refresh/dump", whole, dumped)
			found.add("refresh-without-leak-check/dump", whole-verified, dumped)
			found.add("rows/copy", rows, raw)
		}
	}
	found.report(b)
	b.ReportMetric(peak(b), "peak-MiB")
}

// fill makes the shop in a database, as a server has it that has run for a while: the first who reads a row that was never vacuumed writes its page.
func fill(b *testing.B, server *testservers.Server, database string) {
	b.Helper()
	server.Exec(b, database, fmt.Sprintf(shop, 300_000))
	server.Exec(b, database, "VACUUM ANALYZE")
}

// BenchmarkSample reports how many times as long the whole copy takes as one of 1 %: one that reads every row for its features (limit 1.5, from below), and a second one of
// unchanged rows, whose scan is stored (limit 5, from below).
func BenchmarkSample(b *testing.B) {
	server := testservers.Postgres(b)
	source, target := server.NewDatabase(b), server.NewDatabase(b)
	fill(b, server, source)
	found := ratios{}
	for b.Loop() {
		for range rounds {
			whole, _, _ := refresh(b, source, target, nil)
			scans := &sanitize.Scans{}
			sampled, _, _ := refresh(b, source, target, &sanitize.Sample{Percent: 1, Scans: scans})
			again, _, _ := refresh(b, source, target, &sanitize.Sample{Percent: 1, Scans: scans})
			found.add("whole/sample", whole, sampled)
			found.add("whole/second-sample", whole, again)
		}
	}
	found.report(b)
	b.ReportMetric(peak(b), "peak-MiB")
}

// piped runs two programs, the first one's output into the second.
func piped(b *testing.B, from, to *exec.Cmd) time.Duration {
	b.Helper()
	start := time.Now()
	pipe, err := from.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	var said bytes.Buffer
	to.Stdin, to.Stderr, from.Stderr = pipe, &said, &said
	if err := from.Start(); err != nil {
		b.Fatal(err)
	}
	if err := to.Run(); err != nil {
		b.Fatalf("%v: %s", err, said.String())
	}
	if err := from.Wait(); err != nil {
		b.Fatalf("%v: %s", err, said.String())
	}
	return time.Since(start)
}

// refresh runs one as the command does and tells how long the whole took, the rows, and the search for raw values.
func refresh(b *testing.B, from, to string, sample *sanitize.Sample) (whole, rows, verified time.Duration) {
	b.Helper()
	ctx, e := b.Context(), postgres.New()
	start := time.Now()
	src, err := e.Open(ctx, engine.Target{Engine: "postgres", DSN: from, Display: "source"}, engine.ReadOnly)
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	if sample != nil {
		if sample.Marks, err = src.(engine.Watermarker).Watermarks(ctx); err != nil {
			b.Fatal(err)
		}
	}
	sch, err := src.Schema(ctx)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "sanitize.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		b.Fatal(err)
	}
	rules, err := sanitize.ReadPolicy(file)
	if err != nil {
		b.Fatal(err)
	}
	plan, err := sanitize.NewPlan(rules, sch, sanitize.Keepable, nil)
	if err != nil {
		b.Fatal(err)
	}
	locked, err := e.(engine.Refresher).BeginRefresh(ctx, engine.Target{Engine: "postgres", DSN: to, Display: "target"}, false)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := locked.Close(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	var mutex sync.Mutex
	var began, searching time.Time
	key := testKey(b)
	_, err = sanitize.Refresh(ctx, sanitize.Refreshing{Source: src, Schema: sch, Plan: plan, Key: key, Target: locked, Now: time.Now,
		Mark: engine.Mark{CapturedAt: start, Source: "production", Key: key.ID(), Version: "bench"},
		Step: func(what string) {
			if what == "copy the rows" {
				began = time.Now()
			}
		},
		Copy: sanitize.CopyOptions{Workers: 4, Sample: sample, Phase: func(p sanitize.Phase) {
			mutex.Lock()
			defer mutex.Unlock()
			switch p {
			case sanitize.RowsIn:
				rows = time.Since(began)
			case sanitize.Search:
				searching = time.Now()
			case sanitize.Searched:
				verified = time.Since(searching)
			}
		}}})
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(start), rows, verified
}

// peak is the most memory that this process had, in MiB.
func peak(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}
