// Package engine is the seam to databases: one interface, implemented in the folders below, which are the only rooms
// with SQL and drivers. Every implementation passes enginetest.
package engine

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// Mode says what a connection may do.
type Mode int

// The modes.
const (
	// ReadOnly opens a session that cannot write, under timeouts, whose reads all see one
	// moment. It is the only mode for environments.
	ReadOnly Mode = iota
	// Scratch opens a database that envdiff itself made and may change or remove.
	Scratch
)

// Target says where a database is. It prints without credentials and parameters.
type Target struct {
	Engine  string // sqlite, postgres, mysql
	DSN     string // the driver's own; secret
	Display string // scheme, host, port, database and user only
	Path    string // SQLite: the file
	// Run is whose scratch databases are made on it: a Tenant's. "" is nobody's in particular.
	Run Run
	// Init is what sessions begin with: an Imitator's, one setting a line.
	Init string
}

// String is the safe display form.
func (t Target) String() string { return t.Display }

// GoString is String, so that %#v is safe too.
func (t Target) GoString() string { return t.Display }

// Engine opens databases of one kind and knows its SQL.
type Engine interface {
	Name() string
	// Open connects. The error names the target and what to do next, and holds no credential.
	Open(ctx context.Context, t Target, m Mode) (DB, error)
	// CreateScratch makes an empty database that envdiff may write to: in dir for engines that live in files,
	// on the server that base names for others.
	CreateScratch(ctx context.Context, base Target, dir string) (Target, error)
	// DropScratch removes what CreateScratch or Clone made. It refuses anything else.
	DropScratch(ctx context.Context, t Target) error
	// DDL writes the statements that make an empty database have this schema: what must stand before the rows,
	// and what is faster or only possible after.
	DDL(db *schema.Database) (beforeRows, afterRows []string, err error)
	// Split cuts a script into statements as the engine's own shell would: quotes,
	// comments, trigger and routine bodies respected.
	Split(script string) ([]Statement, error)
	// Probe writes the read-only question how many rows of rel break o. The query yields two integers: violations, rows
	// checked. For unique keys the violations are the rows in groups of more than one.
	Probe(o schema.Obligation, rel schema.Relation) (string, error)
	// Quote quotes an identifier.
	Quote(ident string) string
}

// Finder is an engine that can also write the question which rows break an obligation, for people to
// ask: their keys and nothing else of them.
type Finder interface {
	// Find writes the query. key are columns of rel. The error says that there is none for this obligation.
	Find(o schema.Obligation, rel schema.Relation, key []string) (string, error)
}

// Statement is one statement of a script.
type Statement struct {
	Text string
	Line int // 1-based line in the script where it starts
}

// Identity tells databases apart whatever their URLs say.
type Identity struct {
	Server   string // system identifier, server uuid, or device number
	Database string // oid, name, or inode
	Version  string
	Replica  bool
}

// CellType is the storage class of a cell.
type CellType uint8

// The cell types. Engines with typed columns use Text for everything that is not null: the column has the type.
const (
	CellNull CellType = iota
	CellText
	CellInteger
	CellReal
	CellBlob
)

// Cell is one value in the engine's own text form: what COPY or the shell prints, unescaped; blobs are raw bytes.
type Cell struct {
	Type CellType
	Data []byte
}

// Row is one row in the order of the columns asked for. It and its cells are only valid until the callback returns.
type Row []Cell

// Match restricts a read to rows whose Columns equal one of Tuples; nulls never match. Callers
// keep chunks below a few thousand tuples.
type Match struct {
	Columns []string
	Tuples  []Row
}

// Modulo restricts a read to rows whose Column, a column of whole numbers, leaves one of In when it is divided by Of. Remainders
// are never negative; nulls never match.
type Modulo struct {
	Column string
	Of     int64
	In     []int64
	// Indexed is how many rows the table has, about, where an index finds a value of Column; 0 is no index.
	Indexed int64
}

const (
	// lookupCost is how many rows are read, one after the other, in the time in which an index finds one, at least.
	lookupCost = 20
	// maxLookups bounds a list of values.
	maxLookups = 100_000
)

// Values are the numbers from low to high that leave such remainders, in order, where there are so few that an index finds them sooner than all rows are read.
func (m *Modulo) Values(low, high int64) (values []int64, few bool) {
	if high < low || len(m.In) == 0 {
		return nil, m.Indexed > 0
	}
	if low < math.MinInt64+m.Of || high > math.MaxInt64-m.Of {
		return nil, false
	}
	// Of numbers that are far apart the difference has no room in 64 bits.
	if most := ((float64(high)-float64(low))/float64(m.Of) + 1) * float64(len(m.In)); most > maxLookups || most*lookupCost > float64(m.Indexed) {
		return nil, false
	}
	sorted := slices.Sorted(slices.Values(m.In))
	for block := low - (low%m.Of+m.Of)%m.Of; block <= high; block += m.Of {
		for _, rest := range sorted {
			if n := block + rest; n >= low && n <= high {
				values = append(values, n)
			}
		}
	}
	return values, true
}

// Condition writes it in SQL that all engines read alike, given the quoted column.
func (m *Modulo) Condition(column string) string {
	if len(m.In) == 0 {
		return "1 = 0"
	}
	var list strings.Builder
	for i, n := range m.In {
		if i > 0 {
			list.WriteString(", ")
		}
		list.WriteString(strconv.FormatInt(n, 10))
	}
	of := strconv.FormatInt(m.Of, 10)
	return "(" + column + " % " + of + " + " + of + ") % " + of + " IN (" + list.String() + ")"
}

// Read says what CopyOut reads.
type Read struct {
	Table   schema.Name
	Columns []string
	Where   string   // a condition from the user's policy, in the engine's SQL; "" is all
	Match   *Match   // nil is all
	Modulo  *Modulo  // nil is all
	Part    *Part    // nil is all; one of those that a Parter cut the table into
	OrderBy []string // columns, in the engine's binary order; nil is any order
	Limit   int64    // 0 is all
	// Cut is how much of a long text or value of bytes is read, in characters or bytes; 0 is all of it. A value of another type that is much longer may come as null.
	Cut int64
}

// DB is an open database. It has one connection: calls from several goroutines wait for each other, and a callback
// must not call the database that calls it.
type DB interface {
	Engine() Engine
	Identity(ctx context.Context) (Identity, error)
	// Schema captures the typed model. Queries are set-based: their number does not grow with the number of tables.
	Schema(ctx context.Context) (*schema.Database, error)
	// CopyOut streams rows. An error of fn stops the read and is returned.
	CopyOut(ctx context.Context, r Read, fn func(Row) error) error
	// CopyIn loads rows until next returns io.EOF, in one transaction: all of them or none. Scratch only.
	CopyIn(ctx context.Context, table schema.Name, columns []string, next func() (Row, error)) (int64, error)
	// Clone copies this whole database to a new scratch beside base or in dir, cheaply where the engine can.
	Clone(ctx context.Context, base Target, dir string) (Target, error)
	// Query runs a read-only query and streams its rows.
	Query(ctx context.Context, sql string, fn func(Row) error) error
	// Session is one connection for running scripts. Scratch only.
	Session(ctx context.Context) (Session, error)
	Close() error
}

// Session runs statements on one connection, as a migration tool would.
type Session interface {
	Exec(ctx context.Context, sql string) (rows int64, err error)
	// Effects tells what a statement would read and write if it ran now, without running it.
	Effects(ctx context.Context, sql string) (Effects, error)
	// Schema captures the model as this session sees it, inside its transaction.
	Schema(ctx context.Context) (*schema.Database, error)
	Query(ctx context.Context, sql string, fn func(Row) error) error
	Close() error
}

// Effects are a statement's reads and writes of rows.
type Effects struct {
	Reads  []schema.Name
	Writes []schema.Name // rows inserted, updated or deleted; not DDL
	// InsertSelect is set when the statement is INSERT INTO … SELECT: the rows are those of Query.
	InsertSelect *InsertSelect
}

// InsertSelect is an INSERT whose rows come from a query.
type InsertSelect struct {
	Table   schema.Name
	Columns []string
	Query   string
}

// Error is a database's refusal, with everything that could hold a row value taken out.
type Error struct {
	Code       string // SQLSTATE or the engine's name of the error
	Constraint string
	Table      string
	Column     string
	Message    string // safe to print and store
	Err        error  // the driver's own; never printed
}

func (e *Error) Error() string { return e.Message }

// Unwrap gives errors.Is the driver's error (context.Canceled).
func (e *Error) Unwrap() error { return e.Err }

// ErrUnsafeWAL is returned by SQLite's Open for a -wal file without its -shm:
// reading it would write into the directory.
var ErrUnsafeWAL = errors.New("the database has a -wal file but no -shm: opening it would write into its directory")
