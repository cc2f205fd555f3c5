package engine

import (
	"context"

	"github.com/envdiff/envdiff/internal/schema"
)

// Watermarker is a database that can tell whether its tables were written to since it was last asked. As finds it behind wrappers.
type Watermarker interface {
	// Watermarks are texts that are others once rows of their tables were written. They are asked for as soon as the database is open: what is written later
	// than its moment has to be news the next time. Tables that cannot be told are missing. What a server counts may lag behind what was committed by seconds.
	Watermarks(ctx context.Context) (map[schema.Name]string, error)
}
