package engine

import (
	"context"
	"time"
)

// Gauge is a database whose server's load can be looked at, over a connection beside those that read it. As finds it behind wrappers.
type Gauge interface {
	// Load looks at what the server is doing at this moment, not at that of the session.
	Load(ctx context.Context) (Load, error)
}

// Load is what a server is doing.
type Load struct {
	Running int           // statements that run, but the one that looks; Unseen where the role may not see them
	Lag     time.Duration // of the replica that is furthest behind, as far as this server knows, or its own; 0 where it knows of none
}

// Unseen is a count that the role may not see.
const Unseen = -1
