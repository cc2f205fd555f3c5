package postgres

import (
	"context"
	"encoding/json"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Effects asks the planner, which knows what names, views and rules stand for; it does not run the statement. Rows that triggers and functions
// touch are not in a plan; those that foreign key actions touch are looked up.
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
	text := sql[all[0].start:all[len(all)-1].end]
	switch verb := strings.ToLower(sql[all[0].start:all[0].end]); {
	case verb == "do" || verb == "call" || verb == "execute" || verb == "copy":
		return engine.Effects{}, &engine.Error{Code: "0A000", Message: "what a " + strings.ToUpper(verb) + " statement reads and writes cannot be told without running it"}
	case verb == "truncate":
		return s.truncated(ctx, sql, all)
	case !plannable(sql, all, verb):
		return engine.Effects{}, nil
	}
	var effects engine.Effects
	err = aside(ctx, s.pg, "BEGIN", func() (err error) {
		effects, err = s.planned(ctx, text)
		return err
	})
	if err != nil {
		return engine.Effects{}, fail(ctx, s.target, err)
	}
	return effects, nil
}

// plannable tells the statements that EXPLAIN takes.
func plannable(sql string, all []token, verb string) bool {
	switch verb {
	case "select", "insert", "update", "delete", "merge", "with", "values", "table", "(":
		return true
	case "create":
		return createsFromQuery(sql, all)
	}
	return false
}

// createsFromQuery recognises CREATE TABLE … AS and CREATE MATERIALIZED VIEW … AS.
func createsFromQuery(sql string, all []token) bool {
	depth, table := 0, false
	for _, t := range all[1:] {
		switch {
		case t.is(sql, "("):
			depth++
		case t.is(sql, ")"):
			depth--
		case depth > 0:
		case t.is(sql, "table"), t.is(sql, "materialized"):
			table = true
		case t.is(sql, "function"), t.is(sql, "procedure"), t.is(sql, "trigger"), t.is(sql, "rule"):
			return false
		case t.is(sql, "as") && table:
			return true
		}
	}
	return false
}

// node is what a plan says about one step. Target Tables has the partitions or children that a step writes when they are several.
type node struct {
	Type      string `json:"Node Type"`
	Operation string `json:"Operation"`
	Schema    string `json:"Schema"`
	Relation  string `json:"Relation Name"`
	Conflict  string `json:"Conflict Resolution"`
	Targets   []struct {
		Schema   string `json:"Schema"`
		Relation string `json:"Relation Name"`
	} `json:"Target Tables"`
	Plans []node `json:"Plans"`
}

// touched collects tables by name and by what is done to them.
type touched struct {
	reads, writes, deletes, updates map[[2]string]bool
	modifies                        int
	conflict                        bool
}

func (w *touched) walk(n node) {
	if n.Type != "ModifyTable" {
		if n.Relation != "" {
			w.reads[[2]string{n.Schema, n.Relation}] = true
		}
	} else {
		w.modifies++
		w.conflict = w.conflict || n.Conflict != ""
		targets := [][2]string{{n.Schema, n.Relation}}
		for _, t := range n.Targets {
			targets = append(targets, [2]string{t.Schema, t.Relation})
		}
		for _, t := range targets {
			if t[1] == "" {
				continue
			}
			w.writes[t] = true
			w.deletes[t] = w.deletes[t] || n.Operation == "Delete" || n.Operation == "Merge"
			w.updates[t] = w.updates[t] || n.Operation == "Update" || n.Operation == "Merge"
		}
	}
	for _, p := range n.Plans {
		w.walk(p)
	}
}

func (s *session) planned(ctx context.Context, text string) (engine.Effects, error) {
	plan, err := s.explain(ctx, text)
	if err != nil {
		return engine.Effects{}, err
	}
	w := &touched{reads: map[[2]string]bool{}, writes: map[[2]string]bool{}, deletes: map[[2]string]bool{}, updates: map[[2]string]bool{}}
	for _, n := range plan {
		w.walk(n)
	}
	var e engine.Effects
	if e.Reads, err = s.roots(ctx, keysOf(w.reads)); err != nil {
		return e, err
	}
	if e.Writes, err = s.roots(ctx, keysOf(w.writes)); err != nil {
		return e, err
	}
	cascades, err := s.cascades(ctx, w)
	if err != nil {
		return e, err
	}
	e.Writes = union(e.Writes, cascades)
	if w.modifies == 1 && !w.conflict {
		e.InsertSelect, err = s.insertSelect(ctx, text, e.Writes)
	}
	return e, err
}

func (s *session) explain(ctx context.Context, text string) ([]node, error) {
	var plans []struct{ Plan node }
	var bad error
	err := query(ctx, s.pg, "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) "+text, func(values [][]byte) error {
		bad = json.Unmarshal(values[0], &plans)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, misuse("the server's plan is in an unknown form")
	}
	nodes := make([]node, len(plans))
	for i := range plans {
		nodes[i] = plans[i].Plan
	}
	return nodes, nil
}

// roots turns partitions into the tables that they are parts of, and drops duplicates.
func (s *session) roots(ctx context.Context, names [][2]string) ([]schema.Name, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var roots []schema.Name
	err := query(ctx, s.pg, `SELECT DISTINCT rn.nspname, r.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = coalesce(CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid) END, c.oid)
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE (n.nspname, c.relname) IN (VALUES `+pairs(names)+`)`, func(values [][]byte) error {
		roots = append(roots, (&record{values: values}).name())
		return nil
	})
	return sorted(roots), err
}

// cascades are the tables that the actions of foreign keys change when rows are deleted or updated.
func (s *session) cascades(ctx context.Context, w *touched) ([]schema.Name, error) {
	deletes, updates := keysOf(w.deletes), keysOf(w.updates)
	if len(deletes)+len(updates) == 0 {
		return nil, nil
	}
	none := [2]string{}
	var names []schema.Name
	err := query(ctx, s.pg, `WITH RECURSIVE changed AS (
	SELECT c.oid, (n.nspname, c.relname) IN (VALUES `+pairs(append(deletes, none))+`) AS deleted
	FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE (n.nspname, c.relname) IN (VALUES `+pairs(append(append(deletes, updates...), none))+`)
UNION
	SELECT k.conrelid, p.deleted AND k.confdeltype = 'c'
	FROM changed p JOIN pg_catalog.pg_constraint k ON k.confrelid = p.oid AND k.contype = 'f'
		AND (p.deleted AND k.confdeltype IN ('c', 'n', 'd') OR NOT p.deleted AND k.confupdtype IN ('c', 'n', 'd'))
)
SELECT DISTINCT n.nspname, c.relname FROM changed x JOIN pg_catalog.pg_class c ON c.oid = x.oid AND NOT c.relispartition JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
		func(values [][]byte) error {
			names = append(names, (&record{values: values}).name())
			return nil
		})
	return names, err
}

// truncated are the tables that TRUNCATE names; with CASCADE those that reference them too.
func (s *session) truncated(ctx context.Context, sql string, all []token) (engine.Effects, error) {
	i := 1
	if i < len(all) && all[i].is(sql, "table") {
		i++
	}
	var e engine.Effects
	cascade := all[len(all)-1].is(sql, "cascade")
	for i < len(all) {
		if all[i].is(sql, "only") {
			i++
		}
		_, next, ok := readName(sql, all, i)
		if !ok {
			break
		}
		name, err := s.resolve(ctx, sql[all[i].start:all[next-1].end], cascade)
		if err != nil {
			return engine.Effects{}, err
		}
		e.Writes = union(e.Writes, name)
		if i = next; i < len(all) && all[i].is(sql, "*") {
			i++
		}
		if i >= len(all) || !all[i].is(sql, ",") {
			break
		}
		i++
	}
	return e, nil
}

// resolve finds a table by its name as written, and on demand all that reference it.
func (s *session) resolve(ctx context.Context, written string, referencing bool) ([]schema.Name, error) {
	var names []schema.Name
	err := aside(ctx, s.pg, "BEGIN", func() error {
		sql := `WITH RECURSIVE t AS (SELECT ` + literal(written) + `::regclass::oid AS oid UNION SELECT k.conrelid FROM t JOIN pg_catalog.pg_constraint k ON k.confrelid = t.oid AND k.contype = 'f'`
		if !referencing {
			sql += " AND false"
		}
		return query(ctx, s.pg, sql+`) SELECT DISTINCT n.nspname, c.relname FROM t JOIN pg_catalog.pg_class c USING (oid) JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
			func(values [][]byte) error {
				names = append(names, (&record{values: values}).name())
				return nil
			})
	})
	return names, fail(ctx, s.target, err)
}

// keysOf are the names whose flag is set, sorted.
func keysOf(set map[[2]string]bool) [][2]string {
	var keys [][2]string
	for k, set := range set {
		if set {
			keys = append(keys, k)
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		return keys[i][0] < keys[j][0] || keys[i][0] == keys[j][0] && keys[i][1] < keys[j][1]
	})
	return keys
}

func pairs(names [][2]string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = "(" + literal(n[0]) + ", " + literal(n[1]) + ")"
	}
	return strings.Join(list, ", ")
}

func union(a, b []schema.Name) []schema.Name {
	seen := map[schema.Name]bool{}
	var all []schema.Name
	for _, n := range append(append([]schema.Name{}, a...), b...) {
		if !seen[n] {
			seen[n] = true
			all = append(all, n)
		}
	}
	return sorted(all)
}

func sorted(names []schema.Name) []schema.Name {
	sort.Slice(names, func(i, j int) bool { return names[i].Less(names[j]) })
	return names
}
