package sanitize

import (
	"context"
	"fmt"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// maxRow is how long the text of a row may be, in bytes. Every row passes through memory whole, several times over: as it came, masked, and as it goes.
const maxRow = 32 << 20

// longRow is from when on only one table of such rows is copied at a time.
const longRow = 4 << 20

// longRows looks for rows that a copy could not hold within its memory, before any row is copied, and returns the tables whose rows take much of it.
func longRows(ctx context.Context, src engine.DB, plan *Plan) (map[schema.Name]bool, error) {
	m, ok := engine.As[engine.Measurer](src)
	if !ok {
		return nil, nil
	}
	long := map[schema.Name]bool{}
	for i := range plan.Tables {
		t := &plan.Tables[i]
		read := readColumns(t)
		if t.Exclude || t.Preserve || len(t.Columns) == 0 {
			continue
		}
		longest, err := m.Longest(ctx, engine.Read{Table: t.Table, Columns: read, Where: t.Where})
		if err != nil {
			return nil, fmt.Errorf("measuring %s: %w", TableKey(t.Table), err)
		}
		if longest > maxRow {
			return nil, fmt.Errorf("%s has a row of about %d MiB as text, and a copy holds rows of up to %d MiB in memory: nothing was copied; in sanitize.yaml, set or drop its long columns, exclude the table, or leave such rows out by where: (octet_length(COLUMN) < %d)",
				TableKey(t.Table), longest>>20, maxRow>>20, maxRow/2)
		}
		long[t.Table] = longest > longRow
	}
	return long, nil
}
