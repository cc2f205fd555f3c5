package onengines

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

func TestMain(m *testing.M) { testservers.Main(m) }

var testKey, _ = keys.Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")

// engines are those that rows are compared on.
var engines = []string{"sqlite", "postgres", "mysql"}

// place is one database.
type place struct {
	name   string // of the engine
	engine engine.Engine
	target engine.Target
}

// newPlace makes an empty database.
func newPlace(t testing.TB, name string) *place {
	t.Helper()
	p := &place{name: name}
	switch name {
	case "postgres":
		p.engine = postgres.New()
		p.target = engine.Target{Engine: name, DSN: testservers.Postgres(t).NewDatabase(t), Display: "the test database"}
	case "mysql":
		server := testservers.MariaDB(t)
		p.engine = mysql.New()
		p.target = engine.Target{Engine: name, DSN: server.DSN(server.NewDatabase(t)), Display: "the test database"}
	default:
		p.engine = sqlite.New()
		target, err := p.engine.CreateScratch(t.Context(), engine.Target{Engine: name}, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		p.target = target
	}
	return p
}

// exec runs statements.
func (p *place) exec(t testing.TB, statements ...string) {
	t.Helper()
	db, err := p.engine.Open(context.Background(), p.target, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := db.Session(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, sql := range statements {
		if _, err := s.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v\n%.300s", p.name, err, sql)
		}
	}
}

// side captures a database, and can read it again.
func (p *place) side(t testing.TB, name string, spec snapshot.DatabaseSpec, key keys.Key, collectors ...snapshot.DatabaseCollector) compare.Side {
	t.Helper()
	open := func(ctx context.Context) (engine.DB, error) { return p.engine.Open(ctx, p.target, engine.ReadOnly) }
	redact, known := snapshot.NewRedactor(key, nil), &snapshot.KnownTables{}
	target := snapshot.DatabaseTarget{Scope: "main", Instance: "primary", Spec: spec, Open: open}
	s, err := snapshot.Capture(context.Background(), snapshot.Plan{
		Environment: name, Redact: redact, Now: time.Now, Timeout: 2 * time.Minute, TempDir: t.TempDir(), Known: known,
		Databases: []snapshot.DatabaseTarget{target},
	}, snapshot.Registry{Databases: collectors})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return compare.Side{Name: name, Snapshot: s, Reread: func(ctx context.Context, scope, instance, table string, buckets []uint16) (snapshot.Attachment, error) {
		if scope != "main" || instance != "primary" {
			return nil, errors.New("asked for another database")
		}
		db, err := open(ctx)
		if err != nil {
			return nil, err
		}
		defer db.Close()
		return database.Rows{}.Reread(ctx, snapshot.DatabaseInput{Scope: scope, Instance: instance, Spec: spec, DB: known.Of(target, db), Redact: redact}, table, buckets)
	}}
}

// compared are the messages of the findings by address, and the result.
func compared(t testing.TB, sides ...compare.Side) (map[string]string, compare.Result) {
	t.Helper()
	r, err := compare.Compare(context.Background(), sides, compare.Options{Kinds: append(database.Rows{}.Kinds(), database.Profile{}.Kinds()...)})
	if err != nil {
		t.Fatal(err)
	}
	messages := map[string]string{}
	for _, f := range r.Findings {
		messages[fmt.Sprintf("%s %s", f.Rule, f.Address)] = f.Message
	}
	return messages, r
}
