// Package rowfile keeps the rows of a database in files, one zstd-compressed text per table beside an index, and gives them back through the engine seam. It is
// how sanitised rows lie in a snapshot.
//
// The text is that of PostgreSQL's COPY: a line per row, tabs between cells, \N for null, backslash escapes. What is no text (SQLite's numbers, the bytes of
// SQLite, MariaDB and MySQL) begins with \I, \R or \B and stands in digits, the last in hexadecimal ones.
package rowfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Format is the index's format name.
const Format = "envdiff.copy/1"

// IndexFile is the name of the index among the files.
const IndexFile = "index.json"

// Index describes the files.
type Index struct {
	Format     string           `json:"format"`
	Engine     string           `json:"engine"`
	CapturedAt time.Time        `json:"captured_at"`
	Key        string           `json:"pseudonym_key"`
	Tables     []Table          `json:"tables"`
	Schema     *schema.Database `json:"schema"`
}

// Table is one file.
type Table struct {
	Schema  string   `json:"schema,omitempty"`
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
	File    string   `json:"file"`
}

// Files is where they are.
type Files interface {
	Create(name string) (io.WriteCloser, error)
	Open(name string) (io.ReadCloser, error)
}

// DB is a database whose rows are files. It knows no SQL: it loads whole tables and gives whole tables back.
type DB struct {
	engine engine.Engine
	files  Files
	mutex  sync.Mutex
	index  Index
}

var _ engine.DB = (*DB)(nil)

// New begins an empty one with a schema.
func New(e engine.Engine, files Files, sch *schema.Database, capturedAt time.Time, key string) *DB {
	return &DB{engine: e, files: files, index: Index{Format: Format, Engine: e.Name(), CapturedAt: capturedAt.UTC(), Key: key, Tables: []Table{}, Schema: sch}}
}

// Open reads the index. engines are those that it may be of.
func Open(engines map[string]engine.Engine, files Files) (*DB, error) {
	f, err := files.Open(IndexFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := &DB{files: files}
	if err := json.NewDecoder(f).Decode(&d.index); err != nil {
		return nil, fmt.Errorf("the index of the stored rows cannot be read: %w", err)
	}
	if d.index.Format != Format || d.index.Schema == nil {
		return nil, fmt.Errorf("the stored rows are of the format %q, which this version does not read", d.index.Format)
	}
	var ok bool
	if d.engine, ok = engines[d.index.Engine]; !ok {
		return nil, fmt.Errorf("the stored rows are of a %s database, which this version does not know", d.index.Engine)
	}
	return d, nil
}

// Finish writes the index.
func (d *DB) Finish() error {
	w, err := d.files.Create(IndexFile)
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return errors.Join(e.Encode(d.index), w.Close())
}

// Index is what the files are.
func (d *DB) Index() Index { return d.index }

// Engine is the engine that the rows are of.
func (d *DB) Engine() engine.Engine { return d.engine }

// Identity is nobody's: files are no server.
func (d *DB) Identity(context.Context) (engine.Identity, error) {
	return engine.Identity{Server: "stored rows", Database: d.index.CapturedAt.Format(time.RFC3339)}, nil
}

// Schema is the schema of the database that the rows are of.
func (d *DB) Schema(context.Context) (*schema.Database, error) { return d.index.Schema, nil }

// Close keeps nothing open.
func (d *DB) Close() error { return nil }

// errNoServer is said by what needs a database that runs.
var errNoServer = errors.New("stored rows answer no questions: that needs the database itself")

// Query is refused.
func (d *DB) Query(context.Context, string, func(engine.Row) error) error { return errNoServer }

// Session is refused.
func (d *DB) Session(context.Context) (engine.Session, error) { return nil, errNoServer }

// Clone is refused.
func (d *DB) Clone(context.Context, engine.Target, string) (engine.Target, error) {
	return engine.Target{}, errNoServer
}

func (d *DB) table(name schema.Name) (Table, bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	for _, t := range d.index.Tables {
		if t.Schema == name.Schema && t.Name == name.Name {
			return t, true
		}
	}
	return Table{}, false
}

// Stored are the columns of a table that the files hold: not the generated ones. ok is false for a table that they do not hold.
func (d *DB) Stored(name schema.Name) (columns []string, ok bool) {
	t, ok := d.table(name)
	return t.Columns, ok
}

// CopyIn writes a table's file.
func (d *DB) CopyIn(ctx context.Context, name schema.Name, columns []string, next func() (engine.Row, error)) (int64, error) {
	if _, twice := d.table(name); twice {
		return 0, fmt.Errorf("%s is stored already", name)
	}
	d.mutex.Lock()
	n := len(d.index.Tables)
	t := Table{Schema: name.Schema, Name: name.Name, Columns: columns, File: strconv.Itoa(n+1) + ".tsv.zst"}
	d.index.Tables = append(d.index.Tables, t)
	d.mutex.Unlock()
	rows, err := d.write(ctx, t, next)
	if err != nil {
		return 0, fmt.Errorf("storing %s: %w", name, err)
	}
	d.mutex.Lock()
	d.index.Tables[n].Rows = rows
	d.mutex.Unlock()
	return rows, nil
}

// CopyOut gives a whole table back.
func (d *DB) CopyOut(ctx context.Context, r engine.Read, fn func(engine.Row) error) error {
	t, ok := d.table(r.Table)
	if !ok {
		return nil // excluded or preserved when the rows were stored
	}
	if r.Where != "" || r.Match != nil || r.Limit > 0 || len(r.OrderBy) > 0 && t.Rows > 1 {
		return fmt.Errorf("%s is stored whole: rows of a snapshot are neither chosen nor sorted", r.Table)
	}
	at := make([]int, len(r.Columns))
	for i, c := range r.Columns {
		at[i] = -1
		for j, have := range t.Columns {
			if have == c {
				at[i] = j
			}
		}
		if at[i] < 0 {
			return fmt.Errorf("the column %s of %s is not stored", c, r.Table)
		}
	}
	return d.read(ctx, t, at, fn)
}
