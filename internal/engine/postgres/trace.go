package postgres

import (
	"context"
	"errors"
	"sort"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// tracer observes a session's statements from within: its own locks, the files of the tables that it has locked, and what
// the server tells at the level debug1, where every scan and index build of DDL is announced.
type tracer struct {
	now    func() time.Time
	known  map[string]heap            // tables and materialised views that were there when tracing began, by oid
	held   map[string]map[string]bool // modes that the open transaction holds, by oid
	scans  map[string]int64           // sequential scans of the open transaction, by oid
	lsn    int64
	notice notices
}

// heap is one table's storage.
type heap struct {
	name     schema.Name
	filenode string
}

// notices are the announcements of the running statement.
type notices struct {
	rewritten, scanned, built []string // names as the server says them: without their schema
}

// hear takes one message. The texts are those of tablecmds.c and index.c (PostgreSQL 12 to 18), untranslated at this level.
func (n *notices) hear(text string) {
	quoted := func(after string) string {
		_, rest, ok := strings.Cut(text, after+` "`)
		if !ok {
			return ""
		}
		name, _, _ := strings.Cut(rest, `"`)
		return name
	}
	switch {
	case strings.HasPrefix(text, "rewriting table "):
		n.rewritten = append(n.rewritten, quoted("rewriting table"))
	case strings.HasPrefix(text, "verifying table "):
		n.scanned = append(n.scanned, quoted("verifying table"))
	case strings.HasPrefix(text, "building index "):
		if strings.HasPrefix(text, `building index "pg_toast_`) {
			return
		}
		n.built = append(n.built, quoted("building index"))
		n.scanned = append(n.scanned, quoted("on table"))
	}
}

// StartTrace raises the session's own message level and learns the tables' files.
func (s *session) StartTrace(ctx context.Context, now func() time.Time) error {
	s.trace = &tracer{now: now, known: map[string]heap{}, held: map[string]map[string]bool{}, scans: map[string]int64{}}
	if _, err := execute(ctx, s.pg, "SET client_min_messages = debug1"); err != nil {
		return fail(ctx, s.target, err)
	}
	err := query(ctx, s.pg, "SELECT pg_catalog.pg_current_wal_insert_lsn() - '0/0'", func(v [][]byte) error {
		s.trace.lsn = number(v[0])
		return nil
	})
	if err != nil {
		return fail(ctx, s.target, err)
	}
	err = query(ctx, s.pg, `SELECT c.oid, n.nspname, c.relname, c.relfilenode FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`, func(v [][]byte) error {
		s.trace.known[string(v[0])] = heap{nameOf(string(v[1]), string(v[2])), string(v[3])}
		return nil
	})
	return fail(ctx, s.target, err)
}

// Traced runs a statement. One that stands alone gets a transaction of its own around it, as the server would give it, so that its locks are still there
// to be seen; one that refuses that is watched by a second connection.
func (s *session) Traced(ctx context.Context, sql string) (int64, engine.Trace, error) {
	if s.trace == nil {
		rows, err := s.Exec(ctx, sql)
		return rows, engine.Trace{}, err
	}
	s.trace.notice = notices{}
	if s.pg.TxStatus() == 'I' {
		clear(s.trace.held)
		clear(s.trace.scans)
		if alone(sql) {
			return s.tracedAlone(ctx, sql)
		}
	}
	began := s.trace.now()
	rows, err := execute(ctx, s.pg, sql)
	took := s.trace.now().Sub(began)
	if err != nil {
		return rows, engine.Trace{}, fail(ctx, s.target, err)
	}
	t, err := s.observe(ctx, sql)
	t.Took = took
	return rows, t, fail(ctx, s.target, err)
}

// alone reports a statement that means the same inside a transaction block as without one, unless it refuses to run there.
func alone(sql string) bool {
	switch firstWord(sql) {
	case "alter", "create", "drop", "insert", "update", "delete", "truncate", "with", "merge", "comment", "refresh", "grant", "revoke", "reindex", "cluster", "lock":
		return true
	}
	return false
}

func firstWord(sql string) string {
	l := lexer{text: sql}
	for {
		t, more, err := l.next()
		if err != nil || !more {
			return ""
		}
		if t.kind == tokenWord {
			return strings.ToLower(sql[t.start:t.end])
		}
	}
}

const activeTransaction = "25001" // "cannot run inside a transaction block"

func (s *session) tracedAlone(ctx context.Context, sql string) (int64, engine.Trace, error) {
	if _, err := execute(ctx, s.pg, "BEGIN"); err != nil {
		return 0, engine.Trace{}, fail(ctx, s.target, err)
	}
	began := s.trace.now()
	rows, err := execute(ctx, s.pg, sql)
	took := s.trace.now().Sub(began)
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) && refusal.Code == activeTransaction {
		if _, err := execute(ctx, s.pg, "ROLLBACK"); err != nil {
			return 0, engine.Trace{}, fail(ctx, s.target, err)
		}
		return s.watched(ctx, sql)
	}
	var t engine.Trace
	if err == nil {
		t, err = s.observe(ctx, sql)
	}
	if err == nil {
		began = s.trace.now()
		_, err = execute(ctx, s.pg, "COMMIT")
		t.Took = took + s.trace.now().Sub(began)
	}
	if err != nil {
		cleanup, cancel := bounded(ctx)
		defer cancel()
		_, _ = execute(cleanup, s.pg, "ROLLBACK")
		return rows, t, fail(ctx, s.target, err)
	}
	return rows, t, nil
}

// lockedQuery reads, for this session or the one of $1, what it has locked; the first column is the end of the write-ahead log.
const lockedQuery = `
SELECT pg_catalog.pg_current_wal_insert_lsn() - '0/0', x.* FROM (SELECT 1) one LEFT JOIN (
	SELECT c.oid, n.nspname, c.relname, c.relkind, c.relfilenode, string_agg(DISTINCT l.mode, ',') AS modes, pg_catalog.pg_stat_get_xact_numscans(c.oid) AS scans,
		pg_catalog.pg_stat_get_xact_tuples_returned(c.oid) AS read, coalesce(pg_catalog.pg_relation_size(c.oid), 0) AS size
	FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE l.locktype = 'relation' AND l.pid = $1 AND l.granted AND c.relkind IN ('r', 'm', 'p', 'i') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
	GROUP BY c.oid, n.nspname, c.relname, c.relkind, c.relfilenode) x ON true`

// observe looks at what the statement left: locks that the transaction did not hold before, files that are new.
func (s *session) observe(ctx context.Context, sql string) (engine.Trace, error) {
	tr := s.trace
	heard := tr.notice
	if firstWord(sql) == "truncate" { // it announces the empty indexes that it makes
		heard = notices{}
	}
	var t engine.Trace
	before := tr.lsn
	scanned := map[schema.Name]bool{}
	names := map[string]schema.Name{}
	err := query(ctx, s.pg, strings.Replace(lockedQuery, "$1", "pg_backend_pid()", 1), func(v [][]byte) error {
		tr.lsn = number(v[0])
		if v[1] == nil {
			return nil
		}
		oid, name, kind, filenode, size := string(v[1]), nameOf(string(v[2]), string(v[3])), string(v[4]), string(v[5]), number(v[9])
		old, known := tr.known[oid]
		if kind == "i" {
			for _, built := range heard.built {
				if built == name.Name {
					t.DiskBytes += size
				}
			}
			return nil
		}
		if !known {
			return nil
		}
		names[name.Name] = old.name
		if filenode != old.filenode {
			tr.known[oid] = heap{old.name, filenode}
			if firstWord(sql) != "truncate" {
				t.Rewrites = append(t.Rewrites, engine.Rewrite{Table: old.name, Bytes: size})
				t.DiskBytes += size
			}
		}
		if lock, ok := tr.fresh(oid, old.name, string(v[6])); ok {
			t.Locks = append(t.Locks, lock)
		}
		if n := number(v[7]); n > tr.scans[oid] {
			tr.scans[oid] = n
			scanned[old.name] = number(v[8]) > 0
		}
		return nil
	})
	t.LogBytes, t.Log = max(0, tr.lsn-before), "WAL"
	for _, table := range heard.scanned {
		if name, ok := names[table]; ok {
			scanned[name] = true
		}
	}
	for name, really := range scanned {
		if really {
			t.Scans = append(t.Scans, name)
		}
	}
	t.Builds = heard.built
	sort.Slice(t.Scans, func(i, j int) bool { return t.Scans[i].Less(t.Scans[j]) })
	sort.Slice(t.Locks, func(i, j int) bool { return t.Locks[i].Table.Less(t.Locks[j].Table) })
	return t, err
}

// strength orders the table lock modes, weakest first, with what they block.
var strength = []struct {
	mode   string
	blocks engine.Blocks
}{
	{"AccessShareLock", engine.BlocksNothing}, {"RowShareLock", engine.BlocksNothing}, {"RowExclusiveLock", engine.BlocksNothing},
	{"ShareUpdateExclusiveLock", engine.BlocksNothing}, {"ShareLock", engine.BlocksWrites}, {"ShareRowExclusiveLock", engine.BlocksWrites},
	{"ExclusiveLock", engine.BlocksWrites}, {"AccessExclusiveLock", engine.BlocksReadsAndWrites},
}

// fresh is the strongest mode that the transaction did not hold on a table before; reading alone is no news.
func (tr *tracer) fresh(oid string, name schema.Name, modes string) (engine.TableLock, bool) {
	if tr.held[oid] == nil {
		tr.held[oid] = map[string]bool{}
	}
	have := map[string]bool{}
	for _, m := range strings.Split(modes, ",") {
		have[m] = !tr.held[oid][m]
		tr.held[oid][m] = true
	}
	for i := len(strength) - 1; i > 0; i-- {
		if have[strength[i].mode] {
			return engine.TableLock{Table: name, Mode: strength[i].mode, Blocks: strength[i].blocks}, true
		}
	}
	return engine.TableLock{}, false
}
