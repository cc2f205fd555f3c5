package blowups

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/migrations"
	"github.com/envdiff/envdiff/sanitize"
)

func TestMain(m *testing.M) { testservers.Main(m) }

// planted is part of every personal text.
const planted = "zqtoken"

// estate makes databases of one engine with the tables of base.txt.
type estate struct {
	engine engine.Engine
	// production makes one more with the base tables, after a statement that makes a row odd.
	production func(t testing.TB, odd string) engine.Target
	scratch    engine.Target // where copies are built
	shared     *shared
}

// shared are the databases that cases have in common: they are only read, so one for each odd row, and one for all cases without, serves every mode.
type shared struct {
	owner testing.TB // whose end is theirs
	mu    sync.Mutex
	made  map[string]*production
}

// production is one database, what it looks like, and the policy that scan proposes for it.
type production struct {
	once   sync.Once
	target engine.Target
	schema *schema.Database
	policy *sanitize.Policy
}

// ready gives the production with an odd row, made by the first case that asks.
func (e estate) ready(ctx context.Context, t testing.TB, odd string) *production {
	e.shared.mu.Lock()
	p := e.shared.made[odd]
	if p == nil {
		p = &production{}
		e.shared.made[odd] = p
	}
	e.shared.mu.Unlock()
	p.once.Do(func() {
		target := e.production(e.shared.owner, odd)
		db, err := e.engine.Open(ctx, target, engine.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		sch, err := db.Schema(ctx)
		if err != nil {
			t.Fatal(err)
		}
		policy, _, err := sanitize.Scan(ctx, db, sch, nil, sanitize.ScanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p.target, p.schema, p.policy = target, sch, policy
	})
	if p.schema == nil {
		t.Fatal("the database of this case could not be made: another case says why")
	}
	return p
}

func estates(t testing.TB) map[string]estate {
	scripts, _ := bases(t)
	all := map[string]estate{"sqlite": sqliteEstate(t, scripts["sqlite"]), "postgres": postgresEstate(t, scripts["postgres"]), "mariadb": mariaEstate(t, scripts["mariadb"])}
	for name, e := range all {
		e.shared = &shared{owner: t, made: map[string]*production{}}
		all[name] = e
	}
	return all
}

func sqliteEstate(t testing.TB, script string) estate {
	base := filepath.Join(t.TempDir(), "base.db")
	run := func(t testing.TB, path, script string) {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("PRAGMA synchronous=off;" + script); err != nil {
			t.Fatal(err)
		}
	}
	run(t, base, script)
	return estate{engine: sqlite.New(), scratch: engine.Target{Engine: "sqlite"}, production: func(t testing.TB, odd string) engine.Target {
		text, err := os.ReadFile(base)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "production.db")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, path, odd)
		return engine.Target{Engine: "sqlite", Path: path, DSN: path, Display: "sqlite:production.db"}
	}}
}

func postgresEstate(t testing.TB, script string) estate {
	server := testservers.Postgres(t)
	base := server.NewDatabase(t)
	server.Exec(t, base, script)
	target := func(dsn string) engine.Target {
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatal("the server's URL does not parse")
		}
		return engine.Target{Engine: "postgres", DSN: dsn, Display: "postgres://" + u.Host + u.Path}
	}
	var one sync.Mutex // a template must not be in use
	return estate{engine: postgres.New(), scratch: target(server.DSN("postgres")), production: func(t testing.TB, odd string) engine.Target {
		one.Lock()
		dsn := server.CopyDatabase(t, base)
		one.Unlock()
		server.Exec(t, dsn, odd+";ANALYZE")
		return target(dsn)
	}}
}

func mariaEstate(t testing.TB, script string) estate {
	server := testservers.MariaDB(t)
	target := func(database string) engine.Target {
		return engine.Target{Engine: "mysql", DSN: server.DSN(database), Display: fmt.Sprintf("mariadb://127.0.0.1:%d/%s", server.Port, database)}
	}
	return estate{engine: mysql.New(), scratch: target("mysql"), production: func(t testing.TB, odd string) engine.Target {
		database := server.NewDatabase(t)
		server.Exec(t, database, script+odd)
		return target(database)
	}}
}

// outcome is what the rehearsal of one migration said.
type outcome struct {
	detected bool     // a verdict about it
	alarms   []string // what else weighs high or more, and gaps
	raw      []string // where a planted text was found
}

// rehearse runs the whole of it, with the policy that scan proposes: a copy of percent of the rows, replay, probes.
func (e estate) rehearse(t testing.TB, s story, percent float64) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	for name, text := range map[string]string{"1_base.up.sql": "SELECT 1;", "2_case.up.sql": strings.Join(s.up, ";\n") + ";\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := e.ready(ctx, t, s.odd)
	sch, policy := p.schema, p.policy
	db, err := e.engine.Open(ctx, p.target, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	spec := migrations.Spec{Dir: dir}
	var out outcome
	result, err := migrations.Rehearse(ctx, migrations.Input{
		Scope: "main", Environment: "production", Engine: e.engine, Production: db, Schema: sch, Spec: spec, ScratchBase: e.scratch, ScratchDir: t.TempDir(), Now: time.Now,
		BuildCopy: func(ctx context.Context, demands []schema.Obligation) (migrations.CopyResult, error) {
			plan, err := sanitize.NewPlan(policy, sch, sanitize.Rehearsal, demands, spec.VersionTable())
			if err != nil {
				return migrations.CopyResult{}, err
			}
			var opt sanitize.CopyOptions
			mode := "full"
			if percent < 100 {
				opt.Sample, mode = &sanitize.Sample{Percent: percent, Obligations: demands}, "sample"
			}
			built, err := sanitize.Build(ctx, db, e.scratch, t.TempDir(), sch, plan, keys.New(), opt)
			if err != nil {
				return migrations.CopyResult{}, err
			}
			return migrations.CopyResult{Target: built.Target, Sanitization: built.Report, Copy: finding.Copy{Mode: mode, Rows: built.Rows, Sampled: opt.Sample != nil}}, nil
		},
		Watch: func(ctx context.Context, moment migrations.Moment, copy engine.Target) error {
			if moment == migrations.Before {
				out.raw = append(out.raw, e.plantedIn(ctx, t, copy)...)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	for _, f := range result.Findings {
		switch {
		case f.Rule == "migration-failed" || f.Rule == "migration-predicted":
			out.detected = true
			out.alarms = append(out.alarms, f.Rule+": "+f.Message)
		case f.Severity >= finding.High:
			out.alarms = append(out.alarms, f.Rule+": "+f.Message)
		}
	}
	for _, g := range result.Gaps {
		if percent < 100 && strings.Contains(g.Reason, "the copy is a sample") {
			continue // it says that it does not know
		}
		out.alarms = append(out.alarms, "gap: "+g.Reason)
	}
	text, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(bytes.ToLower(text), []byte(planted)) {
		out.raw = append(out.raw, "the report")
	}
	return out
}

// plantedIn looks for the planted text in every cell of a copy.
func (e estate) plantedIn(ctx context.Context, t testing.TB, copy engine.Target) []string {
	db, err := e.engine.Open(ctx, copy, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sch, err := db.Schema(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, table := range sch.Tables {
		var columns []string
		for _, c := range table.Columns {
			columns = append(columns, c.Name)
		}
		seen := map[int]bool{}
		err := db.CopyOut(ctx, engine.Read{Table: table.Name, Columns: columns}, func(r engine.Row) error {
			for i, c := range r {
				if !seen[i] && bytes.Contains(bytes.ToLower(c.Data), []byte(planted)) {
					seen[i] = true
					found = append(found, table.Name.String()+"."+columns[i])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}
