package engine

import (
	"context"

	"github.com/envdiff/envdiff/internal/schema"
)

// Planner is a session that can tell how a statement that a server counted would run, without its values and without running it.
type Planner interface {
	// Analyze gathers the statistics of what was loaded, without which plans say little.
	Analyze(ctx context.Context) error
	// Plan plans a Digest's text outside of any transaction. With small, a table is read as a whole only where no index serves: a planner does that to a small copy anyway.
	// An *Error is the server's refusal: the text is no statement here, or names what is not there.
	Plan(ctx context.Context, text string, small bool) (QueryPlan, error)
}

// QueryPlan is how a statement would run.
type QueryPlan struct {
	Text  string // its nodes on one line
	Cost  float64
	Scans []schema.Name // tables read as a whole
}
