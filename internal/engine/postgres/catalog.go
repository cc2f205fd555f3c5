package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// capture reads the model in one round trip, whatever the database holds. The transaction it runs in is rolled back to before it: it empties
// search_path, so that deparsed text names every schema but pg_catalog.
func capture(ctx context.Context, pg *pgconn.PgConn) (*schema.Database, error) {
	version, err := majorOf(pg.ParameterStatus("server_version"))
	if err != nil {
		return nil, &engine.Error{Code: "0A000", Message: "the server does not say which PostgreSQL it is", Err: err}
	}
	var h held
	for {
		c := newCatalog(version)
		more, err := c.fill(ctx, pg, &h)
		if err != nil {
			return nil, err
		}
		if !more {
			h.gaps(c.db)
			return c.finish(), nil
		}
	}
}

// fill reads the whole catalogue around what is held. More says that something else turned out to be held: what was read is to be thrown away.
func (c *catalog) fill(ctx context.Context, pg *pgconn.PgConn, h *held) (more bool, err error) {
	steps := c.steps()
	for _, s := range steps {
		s.sql = h.guarded(s.sql)
	}
	prepare := "SET LOCAL search_path = ''; SET LOCAL quote_all_identifiers = off; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0; SAVEPOINT envdiff_step; "
	for len(steps) > 0 {
		done, err := c.read(ctx, pg, prepare, steps)
		if err == nil {
			break
		}
		var refusal *pgconn.PgError
		if !errors.As(err, &refusal) || done >= len(steps) {
			return false, err
		}
		prepare = "ROLLBACK TO SAVEPOINT envdiff_step; "
		switch refusal.Code {
		case "42501":
			c.refuse(steps[done])
		case lockNotAvailable:
			if more, err := h.look(ctx, pg); more || err != nil {
				return more, err
			}
			c.busy(steps[done])
			prepare += shortWait
		default:
			return false, err
		}
		steps = steps[done+1:]
	}
	return false, c.conninfo(ctx, pg)
}

// read asks all steps at once and returns how many were answered. preparation are statements without rows.
func (c *catalog) read(ctx context.Context, pg *pgconn.PgConn, preparation string, steps []*step) (done int, err error) {
	var sql strings.Builder
	sql.WriteString(preparation)
	for _, s := range steps {
		sql.WriteString(s.sql)
		sql.WriteString(";")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	results := pg.Exec(ctx, sql.String())
	r := &record{texts: map[string]string{}}
	for results.NextResult() {
		rows := results.ResultReader()
		if len(rows.FieldDescriptions()) == 0 {
			if _, err := rows.Close(); err != nil {
				break
			}
			continue
		}
		for r.err == nil && rows.NextRow() {
			r.values, r.next = rows.Values(), 0
			steps[done].each(r)
		}
		if r.err != nil {
			stop()
			_ = results.Close()
			return done, &engine.Error{Code: "XX000", Message: "the catalogue answered about " + steps[done].about + " in a form that this version of envdiff does not know", Err: r.err}
		}
		if _, err := rows.Close(); err != nil {
			break
		}
		done++
	}
	return done, results.Close()
}

// refuse notes that the role may not read what a step asks.
func (c *catalog) refuse(s *step) {
	c.db.Gaps = append(c.db.Gaps, schema.Gap{
		Kinds: s.covers, Reason: "the role may not read the catalogue's " + s.about,
		Hint: "GRANT SELECT ON ALL TABLES IN SCHEMA pg_catalog TO the role of the URL, and the functions there as they are by default",
	})
}

// captureAside is capture on a connection whose transaction, if any, is not ours.
func captureAside(ctx context.Context, pg *pgconn.PgConn) (*schema.Database, error) {
	var s *schema.Database
	err := aside(ctx, pg, "BEGIN ISOLATION LEVEL REPEATABLE READ", func() (err error) {
		s, err = capture(ctx, pg)
		return err
	})
	return s, err
}

// aside runs f without a trace: in a savepoint when a transaction is open, else in one of its own.
func aside(ctx context.Context, pg *pgconn.PgConn, begin string, f func() error) error {
	end := "ROLLBACK"
	switch pg.TxStatus() {
	case 'T':
		begin, end = "SAVEPOINT envdiff_aside", "ROLLBACK TO SAVEPOINT envdiff_aside; RELEASE SAVEPOINT envdiff_aside"
	case 'E':
		return &engine.Error{Code: "25P02", Message: "the transaction has failed: roll it back first"}
	}
	if _, err := execute(ctx, pg, begin); err != nil {
		return err
	}
	err := f()
	if pg.IsClosed() {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if _, lost := execute(ctx, pg, end); lost != nil && err == nil {
		err = lost
	}
	return err
}

// record is one row of a catalogue query, read column by column. The first value that does not parse stays as its error.
type record struct {
	values [][]byte
	next   int
	err    error
	texts  map[string]string // short texts: most are the same again and again
}

func (r *record) bytes() []byte {
	if r.next >= len(r.values) {
		r.next++
		if r.err == nil {
			r.err = strconv.ErrRange
		}
		return nil
	}
	v := r.values[r.next]
	r.next++
	return v
}

func (r *record) text() string {
	v := r.bytes()
	if len(v) == 0 || len(v) > maxShared || r.texts == nil {
		return string(v)
	}
	if s, ok := r.texts[string(v)]; ok {
		return s
	}
	s := string(v)
	r.texts[s] = s
	return s
}

// maxShared bounds the texts that are looked up before they are copied.
const maxShared = 32

func (r *record) flag() bool { return string(r.bytes()) == "t" }

func (r *record) optional() *string {
	v := r.bytes()
	if v == nil {
		return nil
	}
	r.next--
	s := r.text()
	return &s
}

func (r *record) number() int64 {
	n, err := strconv.ParseInt(string(r.bytes()), 10, 64)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n
}

// json decodes a to_json column. NULL leaves the target as it is.
func (r *record) json(into any) {
	v := r.bytes()
	if v == nil {
		return
	}
	if err := json.Unmarshal(v, into); err != nil && r.err == nil {
		r.err = err
	}
}

func (r *record) list() []string {
	var l []string
	r.json(&l)
	if len(l) == 0 {
		return nil
	}
	return l
}

// fail keeps the first error.
func (r *record) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// properties reads a JSON object of texts; none is nil.
func (r *record) properties() map[string]string {
	var p map[string]string
	r.json(&p)
	if len(p) == 0 {
		return nil
	}
	return p
}

// vector reads a list of numbers as the catalogue prints arrays ({1,2}) and vectors (1 2).
func (r *record) vector() []string {
	return strings.FieldsFunc(string(r.bytes()), func(c rune) bool { return c == '{' || c == '}' || c == ',' || c == ' ' })
}

// numbers is vector for small numbers. The first subscript of a slice ([2:3]={1,2}) is left out by the queries.
func (r *record) numbers() []int {
	texts := r.vector()
	if len(texts) == 0 {
		return nil
	}
	numbers := make([]int, len(texts))
	for i, text := range texts {
		n, err := strconv.Atoi(text)
		if err != nil {
			r.fail(err)
		}
		numbers[i] = n
	}
	return numbers
}

// name reads two columns: schema and name.
func (r *record) name() schema.Name {
	namespace := r.text()
	return nameOf(namespace, r.text())
}
