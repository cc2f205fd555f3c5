package engine

import "context"

// Measurer is a database that can tell how long rows are without fetching them. As finds it behind wrappers.
type Measurer interface {
	// Longest is about how many bytes the longest row of a read has as text.
	Longest(ctx context.Context, r Read) (bytes int64, err error)
}
