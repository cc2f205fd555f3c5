package compare

import (
	"context"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/snapshot"
)

// ofEngine says which engine a side's database is of.
func ofEngine(s Side, engine string) Side {
	scope := s.Snapshot.Manifest.Scopes["main"]
	scope.Engine = engine
	s.Snapshot.Manifest.Scopes["main"] = scope
	return s
}

// shops are two environments whose databases have nothing in common but a name.
func shops() (staging, production *env) {
	staging, production = newEnv("staging"), newEnv("production")
	for _, e := range []*env{staging, production} {
		e.instances("main", "database", "primary", "replica")
		e.set("main:table/users", true).set("main:migration/1_users#applied", true)
	}
	staging.set("main:column/users.id#type", "bigint").set("main:table/plans", true).set("main:setting/sql_mode#value", "ANSI").set("main:profile/users#rows", 1)
	production.set("main:column/users.id#type", "integer").set("main:profile/users#rows", 900)
	return staging, production
}

func compareSides(t *testing.T, sides ...Side) Result {
	t.Helper()
	r, err := Compare(context.Background(), sides, Options{Kinds: append(productKinds(), snapshot.Kind{Pattern: "migration/*"})})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSchemasAreNotComparedAcrossEngines(t *testing.T) {
	staging, production := shops()
	r := compareSides(t, ofEngine(staging.side(), "mysql"), ofEngine(production.side(), "postgres"))
	if got := lines(r); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	if len(r.Coverage) != 2 || r.Coverage[0].Kind != "schema of main: mysql here, postgres in production; not compared across engines" ||
		r.Coverage[1].Environment != "production" || !strings.Contains(r.Coverage[1].Kind, "postgres here, mysql in staging") {
		t.Errorf("coverage %+v", r.Coverage)
	}
	same := compareSides(t, ofEngine(staging.side(), "mysql"), ofEngine(production.side(), "mysql"))
	if len(same.Findings) == 0 || len(same.Coverage) > 0 {
		t.Errorf("with one engine %q, coverage %+v", lines(same), same.Coverage)
	}
}

func TestReplicasOfOneEngineStayComparedBesideAnother(t *testing.T) {
	staging, production := shops()
	staging.unset("main:table/plans", "replica")
	r := compareSides(t, ofEngine(staging.side(), "mysql"), ofEngine(production.side(), "postgres"))
	if got := lines(r); len(got) != 1 || !strings.Contains(got[0], "main:table/plans") {
		t.Errorf("got %q", got)
	}
}
