package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// CopyIn loads rows through COPY FROM STDIN in one transaction. Triggers and foreign keys do not fire where the role may say so: the rows are
// a copy of what is there, not news.
func (d *database) CopyIn(ctx context.Context, table schema.Name, columns []string, next func() (engine.Row, error)) (int64, error) {
	if d.mode != engine.Scratch {
		return 0, errProtected(d.target, "rows are loaded")
	}
	source := &rowReader{columns: len(columns), next: next}
	rows, err := d.load(ctx, table, columns, source)
	if source.failed != nil {
		return 0, source.failed
	}
	return rows, err
}

// load runs COPY FROM with what a reader has, which it closes as soon as the server wants no more.
func (d *database) load(ctx context.Context, table schema.Name, columns []string, source interface {
	io.Reader
	close()
}) (rows int64, err error) {
	err = d.use(ctx, func(pg *pgconn.PgConn) error {
		if _, err := execute(ctx, pg, "BEGIN; SAVEPOINT role"); err != nil {
			return err
		}
		if _, err := execute(ctx, pg, "SET LOCAL session_replication_role = replica"); err != nil {
			if _, err := execute(ctx, pg, "ROLLBACK TO SAVEPOINT role"); err != nil {
				return err
			}
		}
		options, err := freeze(ctx, pg, table)
		if err != nil {
			return err
		}
		tag, err := pg.CopyFrom(ctx, source, "COPY "+qualified(table)+" ("+quoteAll(columns)+") FROM STDIN"+options)
		source.close()
		if err != nil {
			return err
		}
		rows = tag.RowsAffected()
		_, err = execute(ctx, pg, "COMMIT")
		return err
	})
	if err != nil {
		return 0, err
	}
	return rows, nil
}

// freeze lets rows come in as old ones, which are not written again when they are first read. That goes for a table that was emptied in the same
// transaction, which an empty one is, unless something refers to it or it is in parts.
func freeze(ctx context.Context, pg *pgconn.PgConn, table schema.Name) (options string, err error) {
	plain := false
	err = query(ctx, pg, "SELECT relkind = 'r' AND relpersistence <> 't' AND NOT EXISTS (SELECT FROM "+qualified(table)+") FROM pg_catalog.pg_class WHERE oid = "+literal(qualified(table))+"::regclass",
		func(v [][]byte) error { plain = string(v[0]) == "t"; return nil })
	if err != nil || !plain {
		return "", err
	}
	_, err = execute(ctx, pg, "SAVEPOINT envdiff_freeze; TRUNCATE ONLY "+qualified(table))
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		_, err = execute(ctx, pg, "ROLLBACK TO SAVEPOINT envdiff_freeze")
		return "", err
	}
	if err != nil {
		return "", err
	}
	_, err = execute(ctx, pg, "RELEASE SAVEPOINT envdiff_freeze")
	return " WITH (FREEZE)", err
}

// making are the settings of a session that finishes a fresh copy. A setting that is more generous already stays.
const making = `SET synchronous_commit = off; SELECT set_config('maintenance_work_mem', '192MB', false)
	WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('192MB')`

// Make runs DDL on one connection.
func (d *database) Make(ctx context.Context, statements []string) error {
	if d.mode != engine.Scratch {
		return errProtected(d.target, "tables are changed")
	}
	if len(statements) == 0 {
		return nil
	}
	return d.use(ctx, func(pg *pgconn.PgConn) error {
		return runAll(ctx, pg, append([]string{making}, statements...))
	})
}

func runAll(ctx context.Context, pg *pgconn.PgConn, statements []string) error {
	for _, sql := range statements {
		if _, err := execute(ctx, pg, sql); err != nil {
			return err
		}
	}
	return nil
}

// rowReader turns rows into COPY text. The driver reads it in a goroutine of its own, which may outlive the statement by one call.
type rowReader struct {
	mutex   sync.Mutex
	columns int
	next    func() (engine.Row, error)
	buffer  []byte
	done    bool
	failed  error // of next or of a row; the load is then abandoned
}

// errAbandoned is all that the server is told when the source of the rows fails.
var errAbandoned = errors.New("envdiff abandoned the load")

// batch is how much is encoded ahead of what the driver asks for.
const batch = 32 << 10

func (r *rowReader) Read(p []byte) (int, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if err := r.fill(); err != nil {
		r.failed = err
		return 0, errAbandoned
	}
	if len(r.buffer) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.buffer)
	r.buffer = r.buffer[:copy(r.buffer, r.buffer[n:])]
	return n, nil
}

func (r *rowReader) fill() error {
	for !r.done && len(r.buffer) < batch {
		row, err := r.next()
		if errors.Is(err, io.EOF) {
			r.done = true
			return nil
		}
		if err != nil {
			return err
		}
		if len(row) != r.columns {
			return fmt.Errorf("a row of %d cells for %d columns", len(row), r.columns)
		}
		if r.buffer, err = appendRow(r.buffer, row); err != nil {
			return err
		}
	}
	return nil
}

func (r *rowReader) close() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.done = true
}

func errProtected(t engine.Target, what string) error {
	return &engine.Error{Code: "25006", Message: t.String() + " is opened for reading; " + what + " in scratch databases only"}
}
