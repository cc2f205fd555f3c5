package onpostgres

import (
	"net/url"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
)

// as is a URL for another user of the same database.
func as(t *testing.T, server *testservers.Server, dsn, user, password string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("the URL does not parse")
	}
	return server.UserDSN(user, password, strings.TrimPrefix(u.Path, "/"))
}

// TestARoleThatMayOnlyReadTheCatalogue sees the schema as its owner does. What it may not see is a gap with the privilege that is missing,
// and no difference.
func TestARoleThatMayOnlyReadTheCatalogue(t *testing.T) {
	server := testservers.NewPostgres(t)
	dsn := worldOn(t, server)
	server.Exec(t, dsn, `CREATE ROLE w_looker LOGIN PASSWORD 'looks'; CREATE SUBSCRIPTION sub CONNECTION 'host=db.example password=hidden-secret-5' PUBLICATION pub WITH (connect = false)`)
	t.Cleanup(func() { server.Exec(t, dsn, leaveSubscription) })
	owner, looker := taken(t, dsn), taken(t, as(t, server, dsn, "w_looker", "looks"))
	unlike(t, "what a role without privileges sees", owner, looker)
	var gaps []string
	for _, g := range looker.Gaps {
		gaps = append(gaps, g.Address.String()+": "+g.Hint)
	}
	for _, want := range []string{"main:subscription: GRANT SELECT (subname, subconninfo) ON pg_subscription", "main:migration/applied#schema_migrations: GRANT SELECT ON schema_migrations",
		"main:setting: GRANT pg_read_all_settings", "main:user_mapping: "} {
		if !strings.Contains(strings.Join(gaps, "\n"), want) {
			t.Errorf("no gap %q among\n%s", want, strings.Join(gaps, "\n"))
		}
	}
	if len(owner.Gaps) > 0 {
		t.Errorf("the owner has gaps: %+v", owner.Gaps)
	}
}

// TestARefusedCatalogueIsAGapAndNotTheEnd: a hardened server hides the code of functions.
func TestARefusedCatalogueIsAGapAndNotTheEnd(t *testing.T) {
	server := testservers.NewPostgres(t)
	dsn := worldOn(t, server)
	server.Exec(t, dsn, `CREATE ROLE w_looker LOGIN PASSWORD 'looks'; REVOKE SELECT ON pg_proc, pg_policy FROM PUBLIC; GRANT SELECT ON schema_migrations TO w_looker; GRANT pg_read_all_settings TO w_looker`)
	owner, looker := taken(t, dsn), taken(t, as(t, server, dsn, "w_looker", "looks"))
	unlike(t, "what remains", owner, looker)
	hidden := map[string]bool{}
	for _, g := range looker.Gaps {
		hidden[g.Address.Kind] = true
	}
	for _, kind := range []string{"routine", "policy"} {
		if !hidden[kind] {
			t.Errorf("no gap for %s: %+v", kind, looker.Gaps)
		}
	}
	if !strings.Contains(strings.Join(addresses(looker), "\n"), "main:column/users.bio#type") {
		t.Error("the columns are not there")
	}
}
