package onpostgres

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot/database"
)

// wideTables make about 36,000 relations: each has a sequence, a primary key and four indexes, every fifth a view.
const wideTables = 5000

// maxPeak is what the process that captures and compares may hold at once.
const maxPeak = 300 << 20

// wide writes a schema of n tables that refer to each other.
func wide(n int) string {
	var b strings.Builder
	for i := range n {
		if i%200 == 0 {
			b.WriteString("COMMIT; BEGIN;\n")
		}
		parent := ""
		if i > 0 {
			parent = fmt.Sprintf(" REFERENCES item_%d (id)", i-1)
		}
		fmt.Fprintf(&b, `CREATE TABLE item_%[1]d (id bigserial PRIMARY KEY, before_id bigint%[2]s, label text NOT NULL DEFAULT 'new', stock int CHECK (stock >= 0), price numeric(10,2),
	made timestamptz DEFAULT now(), extra jsonb, active boolean, code varchar(40), due date, token uuid);
CREATE INDEX item_%[1]d_label ON item_%[1]d (label); CREATE INDEX item_%[1]d_stock ON item_%[1]d (stock) WHERE active;
CREATE UNIQUE INDEX item_%[1]d_token ON item_%[1]d (token); CREATE INDEX item_%[1]d_code ON item_%[1]d (lower(code));
`, i, parent)
		if i%5 == 0 {
			fmt.Fprintf(&b, "CREATE VIEW active_%[1]d AS SELECT id, label, stock FROM item_%[1]d WHERE active;\n", i)
		}
		if i%10 == 0 {
			fmt.Fprintf(&b, `CREATE FUNCTION stamp_%[1]d() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.made := now(); RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON item_%[1]d FOR EACH ROW EXECUTE FUNCTION stamp_%[1]d();
`, i)
		}
	}
	return "BEGIN;\n" + b.String() + "COMMIT;"
}

// drift are three differences somewhere in the wide schema.
const drift = `DROP INDEX item_7_label; ALTER TABLE item_9 ALTER stock SET NOT NULL; CREATE OR REPLACE VIEW active_10 AS SELECT id, label, stock FROM item_10 WHERE NOT active`

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
	t.Logf("compared in %s: %d facts", time.Since(captured), facts(sides[:]))
	if len(r.Findings) != 3 {
		t.Fatalf("want 3 findings, got\n%s", lines(r.Findings))
	}
}

func facts(sides []compare.Side) (n int) {
	for _, s := range sides {
		n += len(s.Snapshot.Lines)
	}
	return n
}

// BenchmarkWideSchema captures and compares two wide schemas, beside what pg_dump -s takes for the two in turn. It fails where that is not
// at most half of pg_dump's time, or needs more memory than maxPeak.
func BenchmarkWideSchema(b *testing.B) {
	server := testservers.NewPostgres(b, "max_locks_per_transaction = 512", "shared_buffers = 128MB")
	first := server.NewDatabase(b)
	server.Exec(b, first, wide(wideTables))
	second := server.CopyDatabase(b, first)
	server.Exec(b, second, drift)
	server.Exec(b, server.DSN("postgres"), "CHECKPOINT")
	for b.Loop() {
		testservers.Beside(b, "TestWidePair", inChild+"="+first+" "+second, 0.5, maxPeak, []string{"pg_dump", "-s", first}, []string{"pg_dump", "-s", second})
	}
}
