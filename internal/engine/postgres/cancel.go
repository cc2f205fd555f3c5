package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// cancelGrace is how long a cancelled statement may take to end before its connection is given up.
	cancelGrace = 5 * time.Second
	// cancelEvery is the pause between cancel requests. One is not enough: a server that is still about to begin the statement ignores it, and
	// would then run the statement to its end for nobody.
	cancelEvery = 250 * time.Millisecond
	// cancelSettle is how long a request that was already sent may take to reach the session; the next statement must not get it.
	cancelSettle = 50 * time.Millisecond
)

// canceller stops a statement on the server when its context ends. It implements ctxwatch.Handler.
type canceller struct {
	pg    *pgconn.PgConn
	ended context.CancelFunc
	done  chan struct{}
}

// HandleCancel asks the server until the statement has ended, and gives the connection up after the grace.
func (c *canceller) HandleCancel(context.Context) {
	deadline := time.Now().Add(cancelGrace)
	_ = c.pg.Conn().SetDeadline(deadline)
	ctx, ended := context.WithDeadline(context.Background(), deadline)
	c.ended, c.done = ended, make(chan struct{})
	go func() {
		defer close(c.done)
		for ctx.Err() == nil {
			_ = c.pg.CancelRequest(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(cancelEvery):
			}
		}
		time.Sleep(cancelSettle)
	}()
}

// HandleUnwatchAfterCancel returns when no request is on its way any more.
func (c *canceller) HandleUnwatchAfterCancel() {
	c.ended()
	<-c.done
	_ = c.pg.Conn().SetDeadline(time.Time{})
}
