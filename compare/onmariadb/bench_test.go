package onmariadb

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

func TestMain(m *testing.M) { testservers.Main(m) }

var testKey, _ = keys.Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")

// wideTables is the size of the schema that is measured.
const wideTables = 2000

// maxPeak is what the process that captures and compares may hold at once.
const maxPeak = 300 << 20

// wide writes a schema of n tables that refer to each other.
func wide(n int) string {
	var b strings.Builder
	for i := range n {
		parent := ""
		if i > 0 {
			parent = fmt.Sprintf(", CONSTRAINT item_%d_before FOREIGN KEY (before_id) REFERENCES item_%d (id)", i, i-1)
		}
		fmt.Fprintf(&b, `CREATE TABLE item_%[1]d (id bigint AUTO_INCREMENT PRIMARY KEY, before_id bigint, label varchar(80) NOT NULL DEFAULT 'new', stock int CHECK (stock >= 0),
	price decimal(10,2), made timestamp DEFAULT current_timestamp(), extra json, active boolean, code varchar(40), due date, token binary(16),
	KEY label (label), KEY stock (stock, active), UNIQUE KEY token (token), KEY code (code)%[2]s) ENGINE=InnoDB;
`, i, parent)
		if i%5 == 0 {
			fmt.Fprintf(&b, "CREATE VIEW active_%[1]d AS SELECT id, label, stock FROM item_%[1]d WHERE active;\n", i)
		}
		if i%10 == 0 {
			fmt.Fprintf(&b, "CREATE TRIGGER stamp_%[1]d BEFORE UPDATE ON item_%[1]d FOR EACH ROW SET NEW.made = current_timestamp();\n", i)
		}
	}
	return b.String()
}

// drift are three differences somewhere in the wide schema.
const drift = `ALTER TABLE item_7 DROP KEY label; ALTER TABLE item_9 MODIFY stock int NOT NULL CHECK (stock >= 0); CREATE OR REPLACE VIEW active_10 AS SELECT id, label, stock FROM item_10 WHERE NOT active`

// taken is a snapshot of a database as envdiff takes it.
func taken(t testing.TB, dsn string) *snapshot.Snapshot {
	t.Helper()
	at := engine.Target{Engine: "mysql", DSN: dsn, Display: "the test database"}
	s, err := snapshot.Capture(context.Background(), snapshot.Plan{
		Environment: "x", Redact: snapshot.NewRedactor(testKey, nil), Now: func() time.Time { return time.Unix(0, 0) }, Timeout: time.Minute, TempDir: t.TempDir(),
		Databases: []snapshot.DatabaseTarget{{Scope: "main", Instance: "primary", Open: func(ctx context.Context) (engine.DB, error) {
			return mysql.New().Open(ctx, at, engine.ReadOnly)
		}}},
	}, snapshot.Registry{Databases: []snapshot.DatabaseCollector{database.Schema{}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// inChild names the two databases to the process that is measured.
const inChild = "ENVDIFF_WIDE_PAIR"

// TestWidePair is the process that BenchmarkWideSchema measures; without its two databases there is nothing to do.
func TestWidePair(t *testing.T) {
	pair := strings.Fields(os.Getenv(inChild))
	if len(pair) != 2 {
		return
	}
	debug.SetGCPercent(60) // as the command does
	var sides [2]compare.Side
	var wait sync.WaitGroup
	for i, dsn := range pair {
		wait.Add(1)
		go func() {
			defer wait.Done()
			sides[i] = compare.Side{Name: []string{"a", "b"}[i], Snapshot: taken(t, dsn)}
		}()
	}
	wait.Wait()
	captured := time.Now()
	r, err := compare.Compare(context.Background(), sides[:], compare.Options{Kinds: database.Schema{}.Kinds()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("compared in %s", time.Since(captured))
	if len(r.Findings) != 3 {
		for _, f := range r.Findings[:min(len(r.Findings), 20)] {
			t.Logf("%s %s %s", f.Rule, f.Address, f.Message)
		}
		t.Fatalf("%d findings, want 3", len(r.Findings))
	}
}

// BenchmarkWideSchema captures and compares two wide schemas, beside what mariadb-dump --no-data takes for the two in turn. It fails where
// that is not faster, or needs more memory than maxPeak.
func BenchmarkWideSchema(b *testing.B) {
	server := testservers.NewMariaDB(b)
	first, second := server.NewDatabase(b), server.NewDatabase(b)
	server.Exec(b, first, wide(wideTables))
	server.Exec(b, second, wide(wideTables))
	server.Exec(b, second, drift)
	dump := func(name string) []string {
		return []string{"mariadb-dump", "--no-defaults", "--no-data", "--protocol=tcp", "-h127.0.0.1", "-P" + strconv.Itoa(server.Port), "-uroot", name}
	}
	for b.Loop() {
		testservers.Beside(b, "TestWidePair", inChild+"="+server.DSN(first)+" "+server.DSN(second), 1, maxPeak, dump(first), dump(second))
	}
}
