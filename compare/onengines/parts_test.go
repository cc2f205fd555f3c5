package onengines

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

// A table that is read in parts, by several connections, has the profile of one that is read as a whole.
func TestProfileOfPartsIsThatOfTheWhole(t *testing.T) {
	for _, name := range []string{"postgres", "mysql"} {
		p := newPlace(t, name)
		if name == "mysql" {
			p = loggedPlace(t)
		}
		p.exec(t, ordersOf(name, 900, 7)...)
		p.exec(t, "INSERT INTO orders SELECT id * 10 + 100000, status, 'twice', comment, 0 FROM orders", map[string]string{"postgres": "ANALYZE orders", "mysql": "ANALYZE TABLE orders"}[name])
		facts := func(collector database.Profile, jobs int) map[string]string {
			s, err := snapshot.Capture(context.Background(), snapshot.Plan{
				Environment: "a", Redact: snapshot.NewRedactor(testKey, nil), Now: time.Now, Timeout: 2 * time.Minute, TempDir: t.TempDir(), Jobs: jobs,
				Databases: []snapshot.DatabaseTarget{{Scope: "main", Instance: "primary", Spec: keepAll(snapshot.GradeScan), Open: func(ctx context.Context) (engine.DB, error) { return p.engine.Open(ctx, p.target, engine.ReadOnly) }}},
			}, snapshot.Registry{Databases: []snapshot.DatabaseCollector{collector}})
			if err != nil || len(s.Gaps) > 0 {
				t.Fatalf("%v, %+v", err, s.Gaps)
			}
			defer s.Close()
			all := map[string]string{}
			for _, l := range s.Lines {
				all[l.Address.String()] = fmt.Sprint(l.Values)
			}
			return all
		}
		db, err := p.engine.Open(t.Context(), p.target, engine.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		model, err := db.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		parter, _ := engine.As[engine.Parter](db)
		if parts, err := parter.Parts(t.Context(), model.Tables[0].Name, 16<<10); err != nil || len(parts) < 4 {
			t.Fatalf("%s: %d parts, %v", name, len(parts), err)
		}
		whole, cut := facts(database.Profile{}, 1), facts(database.Profile{Part: 16 << 10}, 12)
		if len(whole) < 30 || len(whole) != len(cut) {
			t.Errorf("%s: %d facts and %d", name, len(whole), len(cut))
		}
		for at, v := range whole {
			// Quantiles of kept numbers and ages are within the sketch's bound, which a test of its own holds.
			if cut[at] != v && !strings.HasSuffix(at, "#quantiles") {
				t.Errorf("%s: %s is %s of all, %s of parts", name, at, v, cut[at])
			}
		}
	}
}
