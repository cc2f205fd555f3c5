// Package enginetest is the conformance suite of engines: the same named cases run on every implementation
// of engine.Engine, and none is exempt. A case gives SQL in each dialect and expects the same typed model,
// rows, counts and effects from all of them.
package enginetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Harness is one engine under test.
type Harness struct {
	Engine engine.Engine
	// Base is what CreateScratch and Clone are given: a server, or nothing for engines that live in
	// files (they get a directory of the test).
	Base engine.Target
	// StorageClasses is set for engines whose values carry their type (SQLite); the others print every value as text.
	StorageClasses bool
	// BinaryCells is set for engines whose binary values are cells of their own class beside texts (MySQL).
	BinaryCells bool
	// Foreign makes a database that envdiff did not make. DropScratch must refuse it.
	Foreign func(t *testing.T) engine.Target
	// Codes are the engine's codes of the refusals that Errors provokes.
	Codes Codes

	// selection is a database with selectionRows for the cases that only read.
	selection engine.Target
}

// Codes are the values of engine.Error.Code for what is refused.
type Codes struct {
	NotNull, Unique, ForeignKey, Check, NoSuchTable, Syntax string
}

// Run runs the whole suite.
func Run(t *testing.T, h Harness) {
	h.selection = h.with(t, selectionRows)
	t.Run("schema", h.schema)
	t.Run("names", h.names)
	t.Run("rows", h.rows)
	t.Run("sessions", h.sessions)
	t.Run("probes", h.probes)
	t.Run("errors", h.errors)
	t.Run("effects", h.effects)
	t.Run("split", h.split)
	t.Run("scratch", h.scratch)
}

// dialects is one text in each engine's SQL.
type dialects map[string]string

// every is a text that all engines take.
func every(sql string) dialects { return dialects{"": sql} }

// of is the text for the engine under test. An engine without one fails: no engine is exempt.
func (d dialects) of(t *testing.T, h Harness) string {
	t.Helper()
	if sql, ok := d[h.Engine.Name()]; ok {
		return sql
	}
	sql, ok := d[""]
	if !ok {
		t.Fatalf("this case has no SQL for engine %s: write it", h.Engine.Name())
	}
	return sql
}

// deadline bounds each case.
const deadline = 60 * time.Second

// context is the context of one case.
func (h Harness) context(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// empty is a scratch database that is dropped after the case.
func (h Harness) empty(t *testing.T) engine.Target {
	t.Helper()
	target, err := h.Engine.CreateScratch(h.context(t), h.Base, t.TempDir())
	if err != nil {
		t.Fatalf("create a scratch database: %v", err)
	}
	t.Cleanup(func() { h.drop(t, target) })
	return target
}

func (h Harness) drop(t *testing.T, target engine.Target) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := h.Engine.DropScratch(ctx, target); err != nil {
		t.Errorf("drop %s: %v", target, err)
	}
}

// with is a scratch database after a script.
func (h Harness) with(t *testing.T, script string) engine.Target {
	t.Helper()
	target := h.empty(t)
	h.apply(t, target, script)
	return target
}

// apply runs a script statement by statement in one session.
func (h Harness) apply(t *testing.T, target engine.Target, script string) {
	t.Helper()
	session := h.session(t, h.open(t, target, engine.Scratch))
	h.exec(t, session, script)
	if err := session.Close(); err != nil {
		t.Fatalf("close the session: %v", err)
	}
}

func (h Harness) exec(t *testing.T, session engine.Session, script string) {
	t.Helper()
	statements, err := h.Engine.Split(script)
	if err != nil {
		t.Fatalf("split: %v", err)
	}
	for _, s := range statements {
		if _, err := session.Exec(h.context(t), s.Text); err != nil {
			t.Fatalf("line %d: %s\n%v", s.Line, s.Text, err)
		}
	}
}

func (h Harness) open(t *testing.T, target engine.Target, mode engine.Mode) engine.DB {
	t.Helper()
	db, err := h.Engine.Open(h.context(t), target, mode)
	if err != nil {
		t.Fatalf("open %s: %v", target, err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (h Harness) session(t *testing.T, db engine.DB) engine.Session {
	t.Helper()
	session, err := db.Session(h.context(t))
	if err != nil {
		t.Fatalf("session: %v", err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

// capture reads the schema as an environment's is read.
func (h Harness) capture(t *testing.T, target engine.Target) *schema.Database {
	t.Helper()
	db := h.open(t, target, engine.ReadOnly)
	defer db.Close()
	got, err := db.Schema(h.context(t))
	if err != nil {
		t.Fatalf("capture the schema: %v", err)
	}
	return got
}

// rebuild makes a database from a captured schema.
func (h Harness) rebuild(t *testing.T, db *schema.Database) engine.Target {
	t.Helper()
	before, after, err := h.Engine.DDL(db)
	if err != nil {
		t.Fatalf("DDL: %v", err)
	}
	target := h.empty(t)
	session := h.session(t, h.open(t, target, engine.Scratch))
	defer session.Close()
	for _, sql := range append(before, after...) {
		if _, err := session.Exec(h.context(t), sql); err != nil {
			t.Fatalf("apply the DDL: %s\n%v", sql, err)
		}
	}
	return target
}

// modelText is the model without what holds in one database only.
func modelText(t *testing.T, db *schema.Database) string {
	t.Helper()
	c := *db
	c.Tables = append([]schema.Table(nil), db.Tables...)
	for i := range c.Tables {
		c.Tables[i].StorageID = ""
		c.Tables[i].EstimatedRows = 0
	}
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sameModel fails with the first line that differs.
func sameModel(t *testing.T, what string, want, got *schema.Database) {
	t.Helper()
	sameText(t, what, modelText(t, want), modelText(t, got))
}

func sameText(t *testing.T, what, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			from := max(0, i-12)
			t.Fatalf("%s differs at line %d\nwant:\n%s\ngot:\n%s", what, i+1,
				strings.Join(a[from:min(len(a), i+6)], "\n"), strings.Join(b[from:min(len(b), i+6)], "\n"))
		}
	}
	t.Fatalf("%s differs in length: want %d lines, got %d", what, len(a), len(b))
}

// table finds a table of the default schema.
func table(t *testing.T, db *schema.Database, name string) *schema.Table {
	t.Helper()
	found, ok := db.Table(schema.Name{Name: name})
	if !ok {
		t.Fatalf("table %q is not in the captured schema", name)
	}
	return found
}

// Cells, in the form of the engine under test.

func null() engine.Cell { return engine.Cell{Type: engine.CellNull} }

func text(s string) engine.Cell { return engine.Cell{Type: engine.CellText, Data: []byte(s)} }

func (h Harness) integer(s string) engine.Cell { return h.cell(engine.CellInteger, s) }

func (h Harness) real(s string) engine.Cell { return h.cell(engine.CellReal, s) }

func (h Harness) cell(class engine.CellType, s string) engine.Cell {
	if !h.StorageClasses {
		class = engine.CellText
	}
	return engine.Cell{Type: class, Data: []byte(s)}
}

func (h Harness) blob(b string) engine.Cell {
	if h.StorageClasses || h.BinaryCells {
		return engine.Cell{Type: engine.CellBlob, Data: []byte(b)}
	}
	return text(`\x` + hex.EncodeToString([]byte(b)))
}

// copyRow keeps a row beyond its callback.
func copyRow(r engine.Row) engine.Row {
	c := make(engine.Row, len(r))
	for i, cell := range r {
		c[i] = engine.Cell{Type: cell.Type, Data: append([]byte(nil), cell.Data...)}
	}
	return c
}

// show is one row as a line that shows every byte and class.
func show(r engine.Row) string {
	names := [...]string{"null", "text", "integer", "real", "blob"}
	var b strings.Builder
	for i, c := range r {
		if i > 0 {
			b.WriteString(" | ")
		}
		b.WriteString(names[c.Type])
		if c.Type != engine.CellNull {
			b.WriteString(" " + quoteBytes(c.Data))
		}
	}
	return b.String()
}

func quoteBytes(b []byte) string {
	if len(b) > 200 {
		return fmt.Sprintf("%s… (%d bytes, sha256 %x)", quoteBytes(b[:20]), len(b), sha256.Sum256(b))
	}
	text, _ := json.Marshal(string(b))
	if strings.Contains(string(text), `\ufffd`) {
		return "0x" + hex.EncodeToString(b)
	}
	return string(text)
}

func showAll(rows []engine.Row) string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = show(r)
	}
	return strings.Join(lines, "\n")
}

// feed gives rows to CopyIn.
func feed(rows []engine.Row) func() (engine.Row, error) {
	return func() (engine.Row, error) {
		if len(rows) == 0 {
			return nil, io.EOF
		}
		r := rows[0]
		rows = rows[1:]
		return r, nil
	}
}

func (h Harness) copyOut(t *testing.T, db engine.DB, r engine.Read) []engine.Row {
	t.Helper()
	var rows []engine.Row
	err := db.CopyOut(h.context(t), r, func(row engine.Row) error {
		rows = append(rows, copyRow(row))
		return nil
	})
	if err != nil {
		t.Fatalf("copy out of %s: %v", r.Table, err)
	}
	return rows
}

func (h Harness) copyIn(t *testing.T, target engine.Target, name string, columns []string, rows []engine.Row) {
	t.Helper()
	db := h.open(t, target, engine.Scratch)
	defer db.Close()
	h.copyInto(t, db, name, columns, rows)
}

func (h Harness) copyInto(t *testing.T, db engine.DB, name string, columns []string, rows []engine.Row) {
	t.Helper()
	n, err := db.CopyIn(h.context(t), schema.Name{Name: name}, columns, feed(rows))
	if err != nil {
		t.Fatalf("copy into %s: %v", name, err)
	}
	if n != int64(len(rows)) {
		t.Fatalf("copied %d rows into %s, gave %d", n, name, len(rows))
	}
}

// querier is what a database and a session share.
type querier interface {
	Query(ctx context.Context, sql string, fn func(engine.Row) error) error
}

// value is the single cell that a query yields.
func (h Harness) value(t *testing.T, q querier, sql string) string {
	t.Helper()
	rows := h.query(t, q, sql)
	if len(rows) != 1 || len(rows[0]) != 1 {
		t.Fatalf("%s: want one value, got %d rows", sql, len(rows))
	}
	return string(rows[0][0].Data)
}

func (h Harness) query(t *testing.T, q querier, sql string) []engine.Row {
	t.Helper()
	var rows []engine.Row
	err := q.Query(h.context(t), sql, func(row engine.Row) error {
		rows = append(rows, copyRow(row))
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

// refused wants an *engine.Error.
func refused(t *testing.T, what string, err error) *engine.Error {
	t.Helper()
	var refusal *engine.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("%s: want an *engine.Error, got %v", what, err)
	}
	return refusal
}
