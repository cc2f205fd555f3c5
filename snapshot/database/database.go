// Package database holds the collectors that read any database through its engine: the schema as facts, the age of sanitised rows, a profile of every column, and digests of the
// rows of the tables that are to be equal. It knows no SQL.
//
// Flow: snapshot.Capture opens a database read-only and runs the collectors one after the other on its one moment.
package database

import (
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// New returns the collectors in the order in which they run: the schema, which is quick, before the rows.
func New() []snapshot.DatabaseCollector {
	return []snapshot.DatabaseCollector{Schema{}, Age{}, Rows{}, Profile{}}
}

// tableName is a table's name as addresses, exact and ignore spell it.
func tableName(n schema.Name) string { return snapshot.Ident(n.Idents()...) }

// ignored reports whether envdiff.yaml leaves the table out.
func ignored(spec snapshot.DatabaseSpec, n schema.Name) bool {
	return snapshot.MatchAny(spec.Ignore, tableName(n))
}

// unreadable is the result of a collector that could not even read the schema.
func unreadable(scope, kind string, kinds []snapshot.Kind, err error) snapshot.Result {
	r := snapshot.Result{Looked: []string{}}
	var covers []string
	for _, k := range kinds {
		covers = append(covers, scope+":"+k.Pattern)
	}
	r.Missing(snapshot.Address{Scope: scope, Kind: kind}, "the schema cannot be read: "+err.Error(), "run envdiff doctor", covers...)
	return r
}
