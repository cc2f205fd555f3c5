package mysql

import (
	"context"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Effects lets the server plan the statement, which tells whether it could run, and reads from its text which tables it touches: plans here name tables by
// their aliases. Views stand for what they read, and foreign key actions for the tables they change; triggers and functions are not followed.
func (s *session) Effects(ctx context.Context, sql string) (engine.Effects, error) {
	all, err := tokens(sql)
	if err != nil {
		return engine.Effects{}, misuse("%s", err)
	}
	for len(all) > 0 && all[len(all)-1].is(sql, ";") {
		all = all[:len(all)-1]
	}
	if len(all) == 0 {
		return engine.Effects{}, nil
	}
	w := &statementText{sql: sql, all: all}
	switch verb := all[0].lower(sql); verb {
	case "call", "do", "execute", "load", "handler":
		return engine.Effects{}, &engine.Error{Code: "0A000", Message: "what a " + strings.ToUpper(verb) + " statement reads and writes cannot be told without running it"}
	case "select", "insert", "replace", "update", "delete", "with", "values", "table", "(":
		if err := s.c.query(ctx, "EXPLAIN "+sql[all[0].start:all[len(all)-1].end], func(engine.Row) error { return nil }); err != nil {
			return engine.Effects{}, fail(ctx, s.target, err)
		}
	case "truncate":
	case "create":
		if !w.createsFromQuery() {
			return engine.Effects{}, nil
		}
	default:
		return engine.Effects{}, nil
	}
	m, err := relations(ctx, s.c, s.name)
	if err != nil {
		return engine.Effects{}, fail(ctx, s.target, err)
	}
	return w.effects(newKnownTables(m, s.name)), nil
}

// statementText is a statement of rows, taken apart by its words.
type statementText struct {
	sql  string
	all  []token
	refs []tableRef // in order
}

// tableRef is a table in the place of one.
type tableRef struct {
	name  schema.Name
	alias string
	token int
}

func (w *statementText) is(i int, words ...string) bool {
	if i < 0 || i >= len(w.all) {
		return false
	}
	for _, word := range words {
		if w.all[i].is(w.sql, word) {
			return true
		}
	}
	return false
}

// createsFromQuery recognises CREATE TABLE … SELECT.
func (w *statementText) createsFromQuery() bool {
	if !w.is(1, "table", "temporary", "or") {
		return false
	}
	for i := range w.all {
		if w.is(i, "select") && !w.is(i-1, "(") || w.is(i, "(") && w.is(i+1, "select") {
			return true
		}
	}
	return false
}

// effects tells reads from writes.
func (w *statementText) effects(k *knownTables) engine.Effects {
	w.scan()
	start := w.mainVerb()
	var e engine.Effects
	written := map[int]bool{} // refs that are only written
	var changed []schema.Name
	deletes, updates := false, false
	switch {
	case w.is(start, "insert", "replace"):
		if i := w.firstRefAfter(start); i >= 0 {
			written[i] = true
			changed = append(changed, w.refs[i].name)
			deletes = w.is(start, "replace")
		}
		updates = w.hasWords("duplicate", "key", "update")
	case w.is(start, "update"):
		changed, updates = w.updated(start), true
	case w.is(start, "delete"):
		var only int
		changed, only = w.deleted(start)
		written[only] = only >= 0 && len(w.refs) == 1 && !w.hasWords("where")
		deletes = true
	case w.is(start, "truncate"):
		for i, r := range w.refs {
			written[i] = true
			changed = append(changed, r.name)
		}
	}
	for i, r := range w.refs {
		if !written[i] {
			e.Reads = append(e.Reads, k.behind(r.name)...)
		}
	}
	for _, n := range changed {
		e.Writes = append(e.Writes, k.behind(n)...)
	}
	e.Reads, e.Writes = unique(e.Reads), unique(append(e.Writes, k.cascades(e.Writes, deletes, updates)...))
	if len(changed) == 1 && w.is(start, "insert") && !updates {
		e.InsertSelect = w.insertSelect(start, k, changed[0])
	}
	return e
}

// mainVerb is the token of INSERT, UPDATE, … also behind a WITH.
func (w *statementText) mainVerb() int {
	if !w.is(0, "with") {
		return 0
	}
	depth := 0
	for i := range w.all {
		switch {
		case w.is(i, "("):
			depth++
		case w.is(i, ")"):
			depth--
		case depth == 0 && w.is(i, "select", "update", "delete", "insert", "replace"):
			return i
		}
	}
	return 0
}

func (w *statementText) hasWords(words ...string) bool {
	for i := range w.all {
		match := true
		for j, word := range words {
			match = match && w.is(i+j, word)
		}
		if match {
			return true
		}
	}
	return false
}

func (w *statementText) firstRefAfter(start int) int {
	for i, r := range w.refs {
		if r.token > start {
			return i
		}
	}
	return -1
}

// updated are the tables that SET assigns to: by the qualifiers of its columns, or all that are updated where it has none.
func (w *statementText) updated(start int) []schema.Name {
	set := start
	for depth := 0; set < len(w.all); set++ {
		switch {
		case w.is(set, "("):
			depth++
		case w.is(set, ")"):
			depth--
		}
		if depth == 0 && w.is(set, "set") {
			break
		}
	}
	var candidates []tableRef
	for _, r := range w.refs {
		if r.token > start && r.token < set {
			candidates = append(candidates, r)
		}
	}
	var names []schema.Name
	depth := 0
	for i := set; i < len(w.all); i++ {
		switch {
		case w.is(i, "("):
			depth++
		case w.is(i, ")"):
			depth--
		case depth == 0 && w.is(i, "where", "order", "limit"):
			i = len(w.all)
		case depth == 0 && (i == set || w.is(i, ",")):
			parts, _ := nameParts(w.sql, w.all, i+1)
			names = append(names, assigned(parts, candidates)...)
		}
	}
	return unique(names)
}

func assigned(parts []string, candidates []tableRef) []schema.Name {
	var names []schema.Name
	for _, r := range candidates {
		if len(parts) < 2 || strings.EqualFold(r.alias, parts[len(parts)-2]) {
			names = append(names, r.name)
		}
	}
	return names
}

// deleted are the tables whose rows go: the one behind FROM, or the aliases listed before FROM or USING. only is the ref of a single table.
func (w *statementText) deleted(start int) (names []schema.Name, only int) {
	targets, i := []string{}, start+1
	for w.is(i, "low_priority", "quick", "ignore") {
		i++
	}
	fromFirst := w.is(i, "from")
	if fromFirst {
		i++
	}
	for {
		parts, next := nameParts(w.sql, w.all, i)
		if len(parts) == 0 {
			break
		}
		targets = append(targets, parts[len(parts)-1])
		for i = next; w.is(i, ".", "*"); i++ {
		}
		if !w.is(i, ",") {
			break
		}
		i++
	}
	if fromFirst && !w.is(i, "using") {
		if len(w.refs) == 0 {
			return nil, -1
		}
		first := w.firstRefAfter(start)
		return []schema.Name{w.refs[first].name}, first
	}
	for _, r := range w.refs {
		for _, target := range targets {
			if strings.EqualFold(r.alias, target) && r.token > i-1 {
				names = append(names, r.name)
			}
		}
	}
	return unique(names), -1
}

// unique sorts names and drops repeated ones.
func unique(names []schema.Name) []schema.Name {
	seen := map[schema.Name]bool{}
	var list []schema.Name
	for _, n := range names {
		if !seen[n] {
			seen[n] = true
			list = append(list, n)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Less(list[j]) })
	return list
}
