package database

import (
	"testing"

	"github.com/envdiff/envdiff/internal/schema"
)

func TestPartitionsOfATimeAreToldByNameOrBound(t *testing.T) {
	for _, c := range []struct {
		name, bound string
		want        bool
	}{
		{"events_2026", "FOR VALUES FROM (1) TO (2)", true},
		{"events_p2026_01", "", true},
		{"p202601", "VALUES LESS THAN (738187)", true},
		{"p20260131", "", true},
		{"events_y2026m01", "", true},
		{"week", "FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-01-08 00:00:00+00')", true},
		{"p0", "HISTORY", true},
		{"pn", "CURRENT", true},
		{"regions_north", "FOR VALUES IN ('n')", false},
		{"rest", "DEFAULT", false},
		{"orders_2", "FOR VALUES WITH (modulus 4, remainder 2)", false},
		{"shop_120265", "FOR VALUES FROM (120265) TO (120266)", false},
		{"p0", "VALUES LESS THAN (2026)", false},
	} {
		if got := ofATime(schema.Partition{Name: schema.Name{Name: c.name}, Bound: c.bound}); got != c.want {
			t.Errorf("%s %s: %v", c.name, c.bound, got)
		}
	}
}
