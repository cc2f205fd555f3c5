package snapshot

import (
	"testing"

	"github.com/envdiff/envdiff/internal/schema"
)

func TestASecondLookKnowsTheTablesUnderExact(t *testing.T) {
	var k KnownTables
	here := DatabaseTarget{Scope: "main", Instance: "primary", Spec: DatabaseSpec{Exact: []string{"plans", "billing.rates"}}}
	k.remember(here, &schema.Database{Engine: "postgres", Tables: []schema.Table{{Name: schema.Name{Name: "plans"}}, {Name: schema.Name{Name: "users"}}, {Name: schema.Name{Schema: "billing", Name: "rates"}}}})
	got, err := k.Of(here, nil).Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Tables) != 2 || got.Tables[0].Name.Name != "plans" || got.Tables[1].Name.Name != "rates" {
		t.Errorf("%+v", got.Tables)
	}
	if db := k.Of(DatabaseTarget{Scope: "main", Instance: "db2"}, nil); db != nil {
		t.Error("another instance is known, too")
	}
}
