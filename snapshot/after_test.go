package snapshot

import (
	"strings"
	"testing"
)

// TestAfterHoldsWhatTheCopyBecame: what a change does to a copy is carried over, and nothing else of the copy.
func TestAfterHoldsWhatTheCopyBecame(t *testing.T) {
	built := func(facts ...string) *Snapshot {
		b := NewBuilder(Selection{})
		for _, instance := range []string{"primary", "db2"} {
			b.Instance("main", "database", "sqlite", instance)
			r := Result{Looked: []string{"*"}}
			for _, f := range facts {
				address, value, _ := strings.Cut(f, "=")
				a, err := ParseAddress(address)
				if err != nil {
					t.Fatal(err)
				}
				r.Add(a, String(value), "")
			}
			b.Add("main", instance, r, nil)
		}
		return b.Finish(Manifest{Environment: "production"})
	}
	production := built("main:column/users.email#type=text", "main:column/users.old#type=text", "main:owner/users#owner=app", "main:rows/countries#digest=1", "main:rows/plans#digest=7", "main:table/users=yes")
	before := built("main:column/users.email#type=text", "main:column/users.old#type=text", "main:owner/users#owner=scratch", "main:rows/countries#digest=1", "main:rows/plans#digest=masked", "main:table/users=yes")
	after := built("main:column/users.country#type=text", "main:column/users.email#type=varchar", "main:owner/users#owner=scratch", "main:rows/countries#digest=2", "main:rows/plans#digest=masked too", "main:table/users=yes")
	var got []string
	for _, l := range production.After("main", before, after).Lines {
		got = append(got, l.Address.String()+"="+l.Values[0].Value.Display()+" on "+strings.Join(l.Values[0].On, ","))
	}
	want := []string{"main:column/users.country#type=text on db2,primary", "main:column/users.email#type=varchar on db2,primary", "main:owner/users#owner=app on db2,primary",
		"main:rows/countries#digest=2 on db2,primary", "main:rows/plans#digest=7 on db2,primary", "main:table/users=yes on db2,primary"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
