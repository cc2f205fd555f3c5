package mysql

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

// tracer finds out how the server changes a table by asking for the cheapest way first: a way that it refuses costs nothing, and the one that it
// takes is the one that it would have chosen by itself.
type tracer struct {
	now  func() time.Time
	log  logPosition
	took time.Duration // of the statement, or of the way in which it was taken
	eye  *eye          // nil where the server does not show metadata locks
}

// StartTrace begins to observe.
func (s *session) StartTrace(ctx context.Context, now func() time.Time) error {
	s.trace = &tracer{now: now}
	var err error
	if s.trace.log, err = s.logged(ctx); err == nil {
		s.trace.eye = s.openEye(ctx)
	}
	return fail(ctx, s.target, err)
}

// way is one way to change a table.
type way struct {
	name   string // as told
	clause []string
	lock   engine.TableLock
	work   bool // it reads or writes the rows
}

// ways are tried in this order. An exclusive metadata lock at the end is a moment of every one; under COPY nobody writes while rows are copied.
var ways = []way{
	{"INSTANT", []string{"ALGORITHM=INSTANT"}, engine.TableLock{Mode: "EXCLUSIVE", Blocks: engine.BlocksReadsAndWrites, Brief: true}, false},
	{"INPLACE, LOCK=NONE", []string{"ALGORITHM=INPLACE", "LOCK=NONE"}, engine.TableLock{Mode: "SHARED_UPGRADABLE", Blocks: engine.BlocksNothing}, true},
	{"INPLACE, LOCK=SHARED", []string{"ALGORITHM=INPLACE", "LOCK=SHARED"}, engine.TableLock{Mode: "SHARED_NO_WRITE", Blocks: engine.BlocksWrites}, true},
	{"INPLACE, LOCK=EXCLUSIVE", []string{"ALGORITHM=INPLACE"}, engine.TableLock{Mode: "EXCLUSIVE", Blocks: engine.BlocksReadsAndWrites}, true},
	{"COPY, LOCK=NONE", []string{"ALGORITHM=COPY", "LOCK=NONE"}, engine.TableLock{Mode: "SHARED_UPGRADABLE", Blocks: engine.BlocksNothing}, true}, // MariaDB 11.2
	{"COPY", nil, engine.TableLock{Mode: "SHARED_NO_WRITE", Blocks: engine.BlocksWrites}, true},
}

// Traced runs a statement.
func (s *session) Traced(ctx context.Context, sql string) (int64, engine.Trace, error) {
	if s.trace == nil {
		rows, err := s.Exec(ctx, sql)
		return rows, engine.Trace{}, err
	}
	var t engine.Trace
	var rows int64
	var err error
	s.trace.took = 0
	table, kind := s.changes(sql)
	switch kind {
	case altersTable, makesIndex:
		rows, t, err = s.tracedAlter(ctx, sql, table, kind)
	case dropsIndex: // MariaDB's DROP INDEX takes no ALGORITHM; InnoDB needs no rows for it
		rows, err = s.c.affected(ctx, sql)
		t.Locks = []engine.TableLock{{Table: table, Mode: "EXCLUSIVE", Blocks: engine.BlocksReadsAndWrites, Brief: true, Derived: true}}
		t.Algorithm = ways[1].name
	case dropsTable:
		rows, err = s.c.affected(ctx, sql)
		t.Locks = []engine.TableLock{{Table: table, Mode: "EXCLUSIVE", Blocks: engine.BlocksReadsAndWrites, Brief: true, Derived: true}}
	default:
		began := s.trace.now()
		rows, err = s.c.affected(ctx, sql)
		s.trace.took = s.trace.now().Sub(began)
	}
	if err != nil {
		return rows, engine.Trace{}, fail(ctx, s.target, err)
	}
	t.Took = s.trace.took
	s.trace.log, t.LogBytes, t.Log, err = s.loggedSince(ctx, s.trace.log)
	return rows, t, fail(ctx, s.target, err)
}

// tracedAlter changes a table in the first way that the server takes.
func (s *session) tracedAlter(ctx context.Context, sql string, table schema.Name, kind statementKind) (int64, engine.Trace, error) {
	before := s.storage(ctx, table)
	w, own := declared(sql)
	if own {
		rows, lock, err := s.seen(ctx, sql, table)
		if err == nil && w.name == "" && rows > 0 {
			w = ways[len(ways)-1] // only a copy counts rows
		}
		if err != nil || w.name == "" {
			return rows, engine.Trace{}, err
		}
		return rows, s.told(ctx, w, table, before, lock), nil
	}
	for _, w := range ways {
		rows, lock, err := s.seen(ctx, asked(sql, w, kind), table)
		if len(w.clause) > 0 && unwilling(err) {
			continue
		}
		if err != nil {
			return rows, engine.Trace{}, err
		}
		return rows, s.told(ctx, w, table, before, lock), nil
	}
	return 0, engine.Trace{}, nil
}

// asked is the statement with the clauses that ask for a way.
func asked(sql string, w way, kind statementKind) string {
	if len(w.clause) == 0 {
		return sql
	}
	text := strings.TrimRight(sql, "; \t\r\n") + "\n" // a comment may end the statement
	if kind == makesIndex {
		return text + strings.Join(w.clause, " ")
	}
	return text + ", " + strings.Join(w.clause, ", ")
}

// declared is the way that a statement asks for itself; one without a name is not known.
func declared(sql string) (way, bool) {
	switch {
	case hasWord(sql, "algorithm") && hasWord(sql, "instant"):
		return ways[0], true
	case hasWord(sql, "algorithm") && (hasWord(sql, "inplace") || hasWord(sql, "nocopy")):
		return ways[1], true
	case hasWord(sql, "algorithm") && hasWord(sql, "copy"):
		return ways[len(ways)-1], true
	}
	for _, word := range []string{"algorithm", "lock", "partition", "engine"} { // MariaDB takes ALGORITHM=INSTANT with another engine, and copies
		if hasWord(sql, word) {
			return way{}, true
		}
	}
	return way{}, false
}

// seen runs a statement while the eye looks at its locks; nil where nothing was seen of them.
func (s *session) seen(ctx context.Context, sql string, table schema.Name) (rows int64, lock *engine.TableLock, err error) {
	began := s.trace.now()
	defer func() { s.trace.took = s.trace.now().Sub(began) }()
	if s.trace.eye == nil {
		rows, err = s.c.affected(ctx, sql)
		return rows, nil, err
	}
	held, ok, err := s.trace.eye.watch(ctx, table, func() error {
		var err error
		rows, err = s.c.affected(ctx, sql)
		return err
	})
	if ok {
		lock = &held
	}
	return rows, lock, err
}

// told is what a way means for the table. before is its storage's id: another one after it is a rebuild. seen is the lock that was observed; without it
// the way's own is told, as derived.
func (s *session) told(ctx context.Context, w way, table schema.Name, before string, seen *engine.TableLock) engine.Trace {
	lock := w.lock
	lock.Table, lock.Derived = table, true
	if seen != nil {
		lock = *seen
	}
	t := engine.Trace{Algorithm: w.name, Locks: []engine.TableLock{lock}}
	if w.work {
		t.Scans = []schema.Name{table}
	}
	if after := s.storage(ctx, table); strings.HasPrefix(w.name, "COPY") || w.work && before != "" && after != "" && before != after {
		size := s.size(ctx, table)
		t.Rewrites, t.DiskBytes = []engine.Rewrite{{Table: table, Bytes: size}}, size
	}
	return t
}

// storage identifies the file that holds a table's rows; "" where the role may not see it.
func (s *session) storage(ctx context.Context, table schema.Name) string {
	view := "innodb_tables"
	if s.c.server.maria || s.c.server.major < 8 {
		view = "innodb_sys_tables"
	}
	space := s.name
	if table.Schema != "" {
		space = table.Schema
	}
	id := ""
	_ = s.c.query(ctx, "SELECT table_id FROM information_schema."+view+" WHERE name = "+literal(space+"/"+table.Name), func(r engine.Row) error {
		id = string(r[0].Data)
		return nil
	})
	return id
}

// size is a table's data and indexes, as the server estimates them; 0 unknown.
func (s *session) size(ctx context.Context, table schema.Name) int64 {
	var size int64
	space := s.name
	if table.Schema != "" {
		space = table.Schema
	}
	_ = s.c.query(ctx, "SELECT data_length + index_length FROM information_schema.tables WHERE table_schema = "+literal(space)+" AND table_name = "+literal(table.Name), func(r engine.Row) error {
		size, _ = strconv.ParseInt(string(r[0].Data), 10, 64)
		return nil
	})
	return size
}

// unwilling reports that the server will not change the table in this way: 1845 and 1846, and 1064 and 1221 from versions that do not know the clause.
func unwilling(err error) bool {
	var e *driver.MySQLError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Number {
	case 1845, 1846, 1064, 1221, 1235, 4092:
		return true
	}
	return false
}

// statementKind is what a statement does to tables.
type statementKind int

const (
	otherStatement statementKind = iota
	altersTable
	makesIndex
	dropsTable
	dropsIndex
)

// changes reads from a statement which table it changes and how. A statement that makes the table itself is none of these.
func (s *session) changes(sql string) (schema.Name, statementKind) {
	all, err := tokens(sql)
	if err != nil {
		return schema.Name{}, otherStatement
	}
	at := func(i int) string {
		if i < len(all) {
			return all[i].lower(sql)
		}
		return ""
	}
	name := func(i int) schema.Name {
		if at(i) == "if" { // IF EXISTS
			i += 2
		}
		if i >= len(all) {
			return schema.Name{}
		}
		first, _ := all[i].name(sql)
		if at(i+1) != "." || i+2 >= len(all) {
			return schema.Name{Name: first}
		}
		second, _ := all[i+2].name(sql)
		if first == s.name {
			first = ""
		}
		return schema.Name{Schema: first, Name: second}
	}
	switch {
	case at(0) == "alter" && at(1) == "table":
		return name(2), altersTable
	case at(0) == "alter" && (at(1) == "online" || at(1) == "ignore") && at(2) == "table":
		return name(3), altersTable
	case (at(0) == "drop" || at(0) == "truncate" || at(0) == "rename") && at(1) == "table":
		return name(2), dropsTable
	case at(0) == "create" || at(0) == "drop":
		for i := 1; i < 6; i++ {
			if at(i) != "index" {
				continue
			}
			for j := i; j < len(all); j++ {
				if at(j) == "on" && at(0) == "drop" {
					return name(j + 1), dropsIndex
				}
				if at(j) == "on" {
					return name(j + 1), makesIndex
				}
			}
		}
	}
	return schema.Name{}, otherStatement
}

// hasWord reports a word outside of quotes and comments.
func hasWord(sql, word string) bool {
	all, err := tokens(sql)
	if err != nil {
		return true
	}
	for _, t := range all {
		if t.kind == tokenWord && t.lower(sql) == word {
			return true
		}
	}
	return false
}
