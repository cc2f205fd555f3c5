package onengines

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

// counting counts the reads of each table, and holds some up.
type counting struct {
	engine.DB
	reads *sync.Map // table → *atomic.Int64
	stop  func(table string) error
}

func (c counting) CopyOut(ctx context.Context, r engine.Read, fn func(engine.Row) error) error {
	n, _ := c.reads.LoadOrStore(r.Table.Name, &atomic.Int64{})
	n.(*atomic.Int64).Add(1)
	if err := c.stop(r.Table.Name); err != nil {
		return err
	}
	return c.DB.CopyOut(ctx, r, fn)
}

func TestAnInterruptedRunIsGoneOnFromWithoutReadingFinishedTablesAgain(t *testing.T) {
	t.Run("rows", func(t *testing.T) { goneOnFrom(t, database.Rows{}) })
	t.Run("profile", func(t *testing.T) { goneOnFrom(t, database.Profile{}) })
}

func goneOnFrom(t *testing.T, collector snapshot.DatabaseCollector) {
	p := newPlace(t, "sqlite")
	p.exec(t, "CREATE TABLE a (id INTEGER NOT NULL PRIMARY KEY, n INTEGER)", "CREATE TABLE b (id INTEGER NOT NULL PRIMARY KEY)", "INSERT INTO a SELECT i, i FROM "+numbersTo("sqlite", 20_000), "INSERT INTO b VALUES (1)")
	store, now := t.TempDir(), time.Now()
	capture := func(ctx context.Context, resume bool, stop func(string) error) (*snapshot.Snapshot, *sync.Map, *snapshot.Unfinished, error) {
		var reads sync.Map
		u := &snapshot.Unfinished{Store: store, Environment: "a", Resume: resume, Now: func() time.Time { return now }}
		s, err := snapshot.Capture(ctx, snapshot.Plan{
			Environment: "a", Redact: snapshot.NewRedactor(testKey, nil), Now: func() time.Time { return now }, Timeout: 2 * time.Minute, TempDir: t.TempDir(), Unfinished: u,
			Databases: []snapshot.DatabaseTarget{{Scope: "main", Instance: "primary", Spec: snapshot.DatabaseSpec{Exact: []string{"a", "b"}, Profile: snapshot.GradeScan}, Open: func(ctx context.Context) (engine.DB, error) {
				db, err := p.engine.Open(ctx, p.target, engine.ReadOnly)
				return counting{db, &reads, stop}, err
			}}},
		}, snapshot.Registry{Databases: []snapshot.DatabaseCollector{collector}})
		return s, &reads, u, err
	}
	goesOn := func(string) error { return nil }
	ctx, kill := context.WithCancel(t.Context())
	_, _, _, err := capture(ctx, false, func(table string) error {
		if table == "b" {
			kill()
			return ctx.Err()
		}
		return nil
	})
	if err == nil {
		t.Fatal("the first run was not interrupted")
	}
	p.exec(t, "UPDATE a SET n = 3 WHERE id = 2")
	now = now.Add(time.Hour)
	s, reads, u, err := capture(t.Context(), true, goesOn)
	if err != nil {
		t.Fatal(err)
	}
	if _, again := reads.Load("a"); again || len(s.Gaps) > 0 {
		t.Errorf("the finished table was read again; gaps %+v", s.Gaps)
	}
	if at, ok := s.Value(snapshot.Object("main", collector.Name(), "a").Attr("@resumed")); !ok || !strings.Contains(at.JSON(), now.Add(-time.Hour).UTC().Format(time.DateTime)) {
		t.Errorf("said to be of %s", at.JSON())
	}
	if v, ok := s.Value(snapshot.Object("main", "profile", "a", "n").Attr("nulls")); collector.Name() == "profile" && (!ok || v.JSON() != "0") {
		t.Errorf("what was known of the finished table is gone: %s", v.JSON())
	}
	// Without --resume, a day later, or once the run has ended, all is read.
	for _, c := range []struct {
		what    string
		resume  bool
		arrange func()
	}{
		{"not asked for", false, func() {}},
		{"a day later", true, func() { now = now.Add(25 * time.Hour) }},
		{"ended", true, func() {
			if err := u.Forget(); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		c.arrange()
		if _, reads, _, err = capture(t.Context(), c.resume, goesOn); err != nil {
			t.Fatal(err)
		}
		if _, read := reads.Load("a"); !read {
			t.Errorf("%s: the table was not read", c.what)
		}
	}
	if err := u.Forget(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(store + "/" + snapshot.UnfinishedDir); len(left) > 0 {
		t.Errorf("%d directories are left", len(left))
	}
}

// TestReadersOfOneSideSeeOneMoment has a writer move amounts between two tables, so that the sum over both is always the same, while both are read side by side.
func TestReadersOfOneSideSeeOneMoment(t *testing.T) {
	for _, name := range []string{"postgres", "mysql"} {
		p := newPlace(t, name)
		if name == "mysql" {
			p = loggedPlace(t)
		}
		p.exec(t, "CREATE TABLE one (id int PRIMARY KEY, n int NOT NULL)", "CREATE TABLE two (id int PRIMARY KEY, n int NOT NULL)", "INSERT INTO one VALUES (1, 1000)", "INSERT INTO two VALUES (1, 1000)")
		ctx, cancel := context.WithCancel(t.Context())
		var writing sync.WaitGroup
		writing.Go(func() {
			db, err := p.engine.Open(context.WithoutCancel(ctx), p.target, engine.Scratch)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			s, err := db.Session(context.WithoutCancel(ctx))
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for i := 0; ctx.Err() == nil; i++ {
				for _, sql := range []string{"BEGIN", "UPDATE one SET n = n - 1", "UPDATE two SET n = n + 1", "COMMIT"} {
					if _, err := s.Exec(context.WithoutCancel(ctx), sql); err != nil {
						t.Error(err)
						return
					}
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
		aligned := 0
		for range 10 {
			db, err := p.engine.Open(t.Context(), p.target, engine.ReadOnly)
			if err != nil {
				t.Fatal(err)
			}
			aligner, ok := engine.As[engine.Aligner](db)
			if !ok {
				t.Fatalf("%s has no Aligner", name)
			}
			opened, err := aligner.Aligned(t.Context(), 3)
			if err == nil {
				aligned++
			}
			var seen []string
			for i, o := range opened {
				sum := ""
				time.Sleep(5 * time.Millisecond)
				if err := o.Query(t.Context(), fmt.Sprintf("SELECT (SELECT n FROM one) + (SELECT n FROM two), (SELECT n FROM %s)", []string{"one", "one", "one"}[i]), func(r engine.Row) error {
					sum = string(r[0].Data) + " " + string(r[1].Data)
					return nil
				}); err != nil {
					t.Error(err)
				}
				seen = append(seen, sum)
				o.Close()
			}
			for _, s := range seen {
				if s != seen[0] || !strings.HasPrefix(s, "2000 ") {
					t.Errorf("%s: %q", name, seen)
				}
			}
			db.Close()
		}
		cancel()
		writing.Wait()
		if aligned == 0 {
			t.Errorf("%s: no attempt found a moment", name)
		}
	}
}

func TestReadingPausesWhileTheServerIsBusy(t *testing.T) {
	for _, c := range []struct {
		engine string
		by     snapshot.DatabaseCollector
	}{{"postgres", database.Rows{}}, {"mysql", database.Rows{}}, {"postgres", database.Profile{}}} {
		name := c.engine
		p := newPlace(t, name)
		p.exec(t, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
		ctx, rest := context.WithCancel(context.Background())
		defer rest()
		var busy sync.WaitGroup
		for range 3 {
			db, err := p.engine.Open(t.Context(), p.target, engine.Scratch)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			s, err := db.Session(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			busy.Go(func() {
				_, _ = s.Exec(ctx, map[string]string{"postgres": "SELECT pg_sleep(600)", "mysql": "SELECT SLEEP(600)"}[name])
			})
		}
		awaitRunning(t, p, 3)
		done := make(chan *snapshot.Snapshot, 1)
		go func() {
			done <- p.side(t, "a", snapshot.DatabaseSpec{Exact: []string{"t"}, Profile: snapshot.GradeScan, Load: snapshot.LoadLimit{Running: 1}}, testKey, c.by).Snapshot
		}()
		select {
		case <-done:
			t.Errorf("%s: rows were read while three statements ran", name)
			rest()
		case <-time.After(2 * time.Second):
			rest()
			if s := <-done; len(s.Gaps) > 0 {
				t.Errorf("%s: %+v", name, s.Gaps)
			}
		}
		busy.Wait()
	}
}

// loggedPlace is a database of a server with a binary log.
func loggedPlace(t *testing.T) *place {
	t.Helper()
	server := testservers.NewMariaDB(t, "--log-bin=binlog", "--server-id=7")
	return &place{name: "mysql", engine: mysql.New(), target: engine.Target{Engine: "mysql", DSN: server.DSN(server.NewDatabase(t)), Display: "the test database"}}
}

// awaitRunning waits until a server says that so many statements run.
func awaitRunning(t *testing.T, p *place, want int) {
	t.Helper()
	db, err := p.engine.Open(t.Context(), p.target, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	gauge, ok := engine.As[engine.Gauge](db)
	if !ok {
		t.Fatalf("%s has no Gauge", p.name)
	}
	for range 600 {
		load, err := gauge.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if load.Running >= want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the statements do not run")
}
