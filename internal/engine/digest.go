package engine

import "context"

// OwnPrefix begins a name in every statement of envdiff's that reads rows and may take long. Servers count statements without their comments, but with their names: so envdiff's
// are told from the application's.
const OwnPrefix = "envdiff_"

// Digester is a database whose server counts statements by their shape. As finds it behind wrappers.
type Digester interface {
	// Digests streams what the server has counted in this database; the same statement may
	// come several times, by user or by nesting.
	Digests(ctx context.Context, fn func(Digest) error) (DigestSource, error)
}

// Digest is what a server has counted of one statement.
type Digest struct {
	Text    string // with the server's own placeholders; long ones are cut
	Calls   int64
	Seconds float64
	Rows    int64
}

// DigestSource says where digests come from and what is not among them.
type DigestSource struct {
	Name      string // pg_stat_statements, performance_schema, slow log
	Missing   string // why there are none: the extension is not installed, the instrument is off; "" when there are
	Privilege string // the statement that lets the role see the rest
	Hidden    int    // statements whose text the role may not see
	Unclear   int    // logged statements left out because it is not certain where their literals end
	Evicted   bool   // not every statement that ran is here: the server forgets for lack of room, or logs slow ones alone
}
