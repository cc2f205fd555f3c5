package onpostgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/testservers"
)

// worldOf is the world as far as a version can have it.
func worldOf(major int) string {
	w := world
	if major < 15 {
		w = strings.NewReplacer("users (id, email) WHERE (id > 5), plans", "users, plans", "CREATE PUBLICATION in_audit FOR TABLES IN SCHEMA audit;", "").Replace(w)
	}
	if major < 14 {
		w = strings.NewReplacer(" COMPRESSION pglz", "", "BEGIN ATOMIC SELECT m::text; END;", "AS 'SELECT m::text';").Replace(w)
	}
	return w
}

// since says from which version on an address has what is found at it.
type since struct {
	major   int
	address string
}

// reallyDiffers is what the same script makes otherwise on two versions: where one side is older than the version and the other is not, it is
// found, and nowhere else.
var reallyDiffers = []since{
	{14, "main:type/span#multirange"},         // every range type has a multirange type
	{15, "main:grant/schema/public#PUBLIC"},   // the schema public is no longer everybody's to create in
	{14, "main:extension/btree_gist#version"}, // what a version brings along
	{15, "main:extension/btree_gist#version"},
	{18, "main:extension/btree_gist#version"},
	{18, "main:extension/citext#version"},
}

// between are the addresses where two versions differ.
func between(a, b int) (addresses []string) {
	for _, s := range reallyDiffers {
		if min(a, b) < s.major && s.major <= max(a, b) && !slices.Contains(addresses, s.address) {
			addresses = append(addresses, s.address)
		}
	}
	slices.Sort(addresses)
	return addresses
}

// ofTheServer is what is found of the servers and not of what the script made: settings that both versions have and begin with otherwise (one that only one of
// them has is none), the ICU library that a package was built with, and the summary that says that schemas differ at one version of the migrations.
func ofTheServer(f finding.Finding) bool {
	return strings.HasPrefix(f.Address, "main:setting/") && f.Change == finding.Changed || strings.HasPrefix(f.Address, "main:collation/") && strings.HasSuffix(f.Address, "#version") ||
		f.Rule == "same-version-different-schema"
}

// TestTheSameScriptOnTwoVersions: what differs is what the versions really do otherwise, and not how their servers print or keep it: views over one
// relation (16), memberships that are not inherited (16), NOT NULL constraints (18).
func TestTheSameScriptOnTwoVersions(t *testing.T) {
	for _, pair := range [][2]int{{13, 18}, {13, 15}, {15, 18}, {14, 16}, {16, 17}} {
		t.Run(fmt.Sprintf("%d and %d", pair[0], pair[1]), func(t *testing.T) {
			script := worldOf(min(pair[0], pair[1]))
			a := taken(t, scriptOn(t, testservers.PostgresMajor(t, pair[0]), script))
			b := taken(t, scriptOn(t, testservers.PostgresMajor(t, pair[1]), script))
			for direction, all := range map[string][]finding.Finding{"forth": found(t, a, b), "back": found(t, b, a)} {
				var got []string
				for _, f := range all {
					if !ofTheServer(f) {
						got = append(got, f.Address)
					}
				}
				slices.Sort(got)
				if want := between(pair[0], pair[1]); !slices.Equal(got, want) {
					t.Errorf("%s: want %q, got\n%s", direction, want, lines(all))
				}
			}
		})
	}
}

// TestACopyIsNoDifferenceOnAnyVersion: captured twice and rebuilt by our own DDL.
func TestACopyIsNoDifferenceOnAnyVersion(t *testing.T) {
	own := testservers.Postgres(t).Major
	for _, major := range testservers.PostgresMajors(t) {
		if major == own {
			continue // TestACopyIsNoDifference
		}
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			dsn := worldOn(t, testservers.PostgresMajor(t, major))
			original := taken(t, dsn)
			unlike(t, "a second capture", original, taken(t, dsn))
			rebuilt, _ := rebuild(t, dsn)
			for _, f := range found(t, original, taken(t, rebuilt)) {
				if !leadsOut(f.Address) {
					t.Errorf("the copy: %s %s", f.Address, f.Message)
				}
			}
		})
	}
}
