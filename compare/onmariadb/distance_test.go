package onmariadb

import (
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/testservers"
)

// maxRoundTrips bounds a capture: at 50 ms each they cost at most 3 s.
const maxRoundTrips = 60

// TestTablesCostNoRoundTrips: a capture asks for kinds of objects and not for tables, so that a far server is nearly as fast as a near one.
func TestTablesCostNoRoundTrips(t *testing.T) {
	server := testservers.MariaDB(t)
	trips := func(tables int) int {
		name := server.NewDatabase(t)
		server.Exec(t, name, wide(tables))
		way := testservers.NewDistance(t, server.Port, 50*time.Millisecond)
		far := testservers.MariaServer{Port: way.Port}
		taken(t, far.DSN(name))
		return way.RoundTrips()
	}
	few, many := trips(10), trips(300)
	t.Logf("%d round trips", many)
	if few != many || many > maxRoundTrips {
		t.Errorf("%d round trips for 10 tables, %d for 300: want as many, at most %d", few, many, maxRoundTrips)
	}
}
