package onengines

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

// shop is a web shop of %[1]d customers with five orders each (%[2]d); six of its columns hold personal data.
const shop = `
CREATE TABLE customers (id BIGINT PRIMARY KEY, email VARCHAR(190) NOT NULL UNIQUE, full_name VARCHAR(190) NOT NULL, phone VARCHAR(40), address VARCHAR(190), city VARCHAR(80), country CHAR(2), created_at DATETIME, notes TEXT) DEFAULT CHARSET=utf8mb4;
CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT NOT NULL, status VARCHAR(20), total DECIMAL(12,2), currency CHAR(3), placed_at DATETIME, ip VARCHAR(45), user_agent VARCHAR(190), KEY (customer_id), KEY (placed_at), FOREIGN KEY (customer_id) REFERENCES customers (id)) DEFAULT CHARSET=utf8mb4;
INSERT INTO customers SELECT seq, CONCAT('someone', seq, '@mail', seq %% 89, '.example'), CONCAT('Given', seq %% 4987, ' Family', seq %% 9941), CONCAT('+44 20 7946 ', LPAD(seq, 7, '0')), CONCAT(seq %% 9967, ' Station Road, Flat ', seq %% 71),
	CONCAT('Town ', seq %% 997), ELT(1 + seq %% 4, 'GB', 'DE', 'FR', 'JP'), '2020-01-01' + INTERVAL seq SECOND, CONCAT(MD5(seq), ' ', MD5(seq + 1), ' ', MD5(seq + 2)) FROM seq_1_to_%[1]d;
INSERT INTO orders SELECT seq, 1 + (seq * 7907) %% %[1]d, ELT(1 + seq %% 4, 'new', 'paid', 'sent', 'done'), (seq %% 99991) / 7.0, 'EUR', '2021-01-01' + INTERVAL seq SECOND,
	CONCAT('10.', seq %% 251, '.', seq DIV 251 %% 251, '.', seq DIV 63001 %% 251), CONCAT('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 build', seq %% 47) FROM seq_1_to_%[2]d;
ANALYZE TABLE customers, orders;`

const shopPolicy = `
tables:
  customers: {columns: {id: {keep: true}, email: {mask: email}, full_name: {mask: name}, phone: {mask: phone}, address: {mask: address}, city: {keep: true}, country: {keep: true}, created_at: {keep: true}, notes: {mask: text}}}
  orders: {columns: {id: {keep: true}, customer_id: {keep: true}, status: {keep: true}, total: {keep: true}, currency: {keep: true}, placed_at: {keep: true}, ip: {mask: ip}, user_agent: {keep: true}}}
`

// BenchmarkRefreshMariaDB reports, each of one run beside the other, the whole refresh over mariadb-dump | mariadb, which masks nothing and checks nothing
// (limit 1), with and without the search for raw values.
func BenchmarkRefreshMariaDB(b *testing.B) {
	server := testservers.MariaDB(b)
	source, target, plain := server.NewDatabase(b), server.NewDatabase(b), server.NewDatabase(b)
	access := []string{"--no-defaults", "-h127.0.0.1", "-P" + strconv.Itoa(server.Port), "-uroot"}
	piped(b, exec.Command("printf", "%s", fmt.Sprintf(shop, 300_000, 1_500_000)), exec.Command("mariadb", append(access, source)...))
	for b.Loop() {
		dump := exec.Command("mariadb-dump", append(access, "--single-transaction", source)...)
		dumped := piped(b, dump, exec.Command("mariadb", append(access, plain)...))
		server.Exec(b, plain, "SET foreign_key_checks = 0; DROP TABLE customers, orders")
		whole, searched := refreshed(b, server.DSN(source), server.DSN(target), nil)
		b.ReportMetric(whole.Seconds()/dumped.Seconds(), "refresh/dump")
		b.ReportMetric((whole-searched).Seconds()/dumped.Seconds(), "refresh-without-leak-check/dump")
	}
}

// BenchmarkSampleMariaDB reports how many times as long the whole copy takes as one of 1 %: one that reads every row for its features (limit 1.5, from below), and a second one
// of unchanged rows, whose scan is stored (limit 5, from below).
func BenchmarkSampleMariaDB(b *testing.B) {
	server := testservers.MariaDB(b)
	source, target := server.NewDatabase(b), server.NewDatabase(b)
	piped(b, exec.Command("printf", "%s", fmt.Sprintf(shop, 300_000, 1_500_000)), exec.Command("mariadb", "--no-defaults", "-h127.0.0.1", "-P"+strconv.Itoa(server.Port), "-uroot", source))
	for b.Loop() {
		whole, _ := refreshed(b, server.DSN(source), server.DSN(target), nil)
		scans := &sanitize.Scans{}
		sampled, _ := refreshed(b, server.DSN(source), server.DSN(target), &sanitize.Sample{Percent: 1, Scans: scans})
		again, _ := refreshed(b, server.DSN(source), server.DSN(target), &sanitize.Sample{Percent: 1, Scans: scans})
		b.ReportMetric(whole.Seconds()/sampled.Seconds(), "whole/sample")
		b.ReportMetric(whole.Seconds()/again.Seconds(), "whole/second-sample")
	}
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
	to.Stdin, to.Stderr = pipe, &said
	if err := from.Start(); err != nil {
		b.Fatal(err)
	}
	if err := to.Run(); err != nil {
		b.Fatalf("%v: %s", err, said.String())
	}
	if err := from.Wait(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// refreshed runs one as the command does and tells how long the whole took, and the search for raw values.
func refreshed(b *testing.B, from, to string, sample *sanitize.Sample) (whole, searched time.Duration) {
	b.Helper()
	ctx, e := b.Context(), mysql.New()
	start := time.Now()
	src, err := e.Open(ctx, engine.Target{Engine: "mysql", DSN: from, Display: "source"}, engine.ReadOnly)
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	sch, err := src.Schema(ctx)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "sanitize.yaml")
	if err := os.WriteFile(file, []byte(shopPolicy), 0o600); err != nil {
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
	locked, err := e.(engine.Refresher).BeginRefresh(ctx, engine.Target{Engine: "mysql", DSN: to, Display: "target"}, false)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := locked.Close(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	var mutex sync.Mutex
	var searching time.Time
	if sample != nil {
		if sample.Marks, err = src.(engine.Watermarker).Watermarks(ctx); err != nil {
			b.Fatal(err)
		}
	}
	key := keyOfEachRun(b)
	_, err = sanitize.Refresh(ctx, sanitize.Refreshing{Source: src, Schema: sch, Plan: plan, Key: key, Target: locked, Now: time.Now,
		Mark: engine.Mark{CapturedAt: start, Source: "production", Key: key.ID(), Version: "bench"},
		Copy: sanitize.CopyOptions{Workers: 4, Sample: sample, Phase: func(p sanitize.Phase) {
			mutex.Lock()
			defer mutex.Unlock()
			switch p {
			case sanitize.Search:
				searching = time.Now()
			case sanitize.Searched:
				searched = time.Since(searching)
			}
		}}})
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(start), searched
}
