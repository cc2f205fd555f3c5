package database

import (
	"context"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// Age reads the mark that a refresh leaves in a database: how old its rows are, and whose.
type Age struct{}

// Name is the collector's name.
func (Age) Name() string { return "age" }

// Doc describes the collector.
func (Age) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Age of sanitised data",
		Text: "`envdiff refresh` marks the databases that it fills. The mark says which moment of which environment the rows show. Where an environment has " +
			"`max_data_age`, older rows are the finding data-stale, and a database without a mark is a gap.",
		Needs:      []string{"nothing beyond connecting; in SQLite and MySQL, SELECT on the mark's table"},
		Attributes: []string{"data/age#captured_at, #refreshed_at: moments in UTC", "data/age#source: the environment that the rows come from"},
	}
}

// Kinds are context: two environments are not refreshed at the same moment.
func (Age) Kinds() []snapshot.Kind {
	return []snapshot.Kind{{Pattern: "data/age*", Axis: snapshot.Context, Area: finding.AreaData, Doc: "how old refreshed rows are: held against max_data_age"}}
}

// Collect reads the mark. A database that no refresh has filled has none.
func (Age) Collect(ctx context.Context, in snapshot.DatabaseInput) snapshot.Result {
	var r snapshot.Result
	a := snapshot.Address{Scope: in.Scope, Kind: "data", Name: "age"}
	marker, ok := engine.As[engine.Marker](in.DB)
	if !ok {
		return r
	}
	mark, err := marker.Mark(ctx)
	switch {
	case err != nil:
		r.Missing(a, "the mark of a refresh cannot be read: "+refusal(err), engine.Advice(err), a.String()+"#*")
	case mark != nil:
		r.Add(a.Attr("captured_at"), snapshot.String(mark.CapturedAt.UTC().Format(time.RFC3339)), "")
		r.Add(a.Attr("refreshed_at"), snapshot.String(mark.RefreshedAt.UTC().Format(time.RFC3339)), "")
		r.Add(a.Attr("source"), snapshot.String(mark.Source), "")
	}
	return r
}
