package sanitize

import (
	"math"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// A copy gets more of its source than rows: defaults, comments, labels of enumerations, literals of checks and index conditions, bounds of partitions, views, routines and
// triggers. Every one of them is in the statements that make the copy's schema, so those are searched for values of masked columns, whatever the engine. Only
// values of richBits count: shorter ones are words of the trade.

// searchSchema finds raw values in the statements that make a copy that is kept. The default of a masked column is nobody's value, and statements that the policy
// names were looked at by a person. Owners and privileges are left out: they name roles that the target's server has already.
func (c *copier) searchSchema() ([]Leak, error) {
	if c.plan.Use != Keepable || c.leaks.rich.used == 0 {
		return nil, nil
	}
	bare := *c.sch
	bare.Access = nil
	before, after, err := c.src.Engine().DDL(&bare)
	if err != nil {
		return nil, err
	}
	s := &schemaSearch{set: c.leaks, nobody: map[uint64]bool{}}
	s.defaults(c.sch, c.plan)
	var out []Leak
	for _, sql := range slices.Concat(before, after) {
		head := statementHead(sql)
		if c.plan.knows(head) {
			continue
		}
		for column, values := range s.statement(sql) {
			shown := head
			if s.statement(head) != nil {
				shown = strings.Join(strings.Fields(head)[:2], " ") + " …" // the name itself is the value
			}
			out = append(out, Leak{Source: c.leaks.columns[column].at.String(), Copy: shown, Values: values})
		}
	}
	return out, nil
}

// schemaSearch looks for rich values in texts.
type schemaSearch struct {
	set    *leakSet
	nobody map[uint64]bool // digests of the defaults of masked columns
}

func (s *schemaSearch) defaults(sch *schema.Database, plan *Plan) {
	for _, t := range plan.Tables {
		table, ok := sch.Table(t.Table)
		for _, p := range t.Columns {
			if !ok || p.Action != Mask {
				continue
			}
			c, _ := table.Column(p.Column)
			if c.Default == nil {
				continue
			}
			for _, t := range tokens(*c.Default) {
				s.nobody[s.set.digest(trimmed([]byte(t.text)))] = true
			}
		}
	}
}

// statement returns how many raw values of each column are in a statement; nil for none. Quoted words are looked at as they are meant, too.
func (s *schemaSearch) statement(sql string) map[uint16]int64 {
	var found map[uint16]int64
	seen := map[uint64]bool{}
	look := func(text string) {
		column := &searchColumn{set: s.set, tallies: map[uint16]*tally{}}
		column.each(trimmed([]byte(text)), func(piece []byte) {
			digest := s.set.digest(piece)
			if e, ok := s.set.find(piece); ok && e.bits == math.MaxUint8 && !s.nobody[digest] && !seen[digest] {
				if found == nil {
					found = map[uint16]int64{}
				}
				seen[digest] = true
				found[e.column]++
			}
		})
	}
	look(sql)
	for _, t := range tokens(sql) {
		if len(t.text) >= minLeak && t.kind != tokenSymbol && t.kind != tokenNumber {
			look(t.text)
		}
	}
	return found
}

// statementHead names what a statement makes or changes: its words before the first value, list or body.
func statementHead(sql string) string {
	head := sql
	if _, inner, ok := strings.Cut(sql, "EXECUTE '"); ok && strings.HasPrefix(sql, "DO ") {
		head = inner // PostgreSQL: what a missing role may refuse is tried in a block
	}
	if i := strings.IndexAny(head, "'($\n"); i >= 0 {
		head = head[:i]
	}
	for _, word := range []string{" AS ", " IS ", " FOR VALUES ", " SET DEFAULT", " BEFORE ", " AFTER ", " INSTEAD OF "} {
		if i := strings.Index(head+" ", word); i >= 0 {
			head = head[:min(i, len(head))]
		}
	}
	return strings.Join(strings.Fields(unquoting.Replace(head)), " ")
}

var unquoting = strings.NewReplacer(`"`, "", "`", "", "[", "", "]", "")

// knows reports a statement whose text a person has looked at.
func (p *Plan) knows(head string) bool {
	return slices.ContainsFunc(p.known, func(k KnownText) bool { return k.In == head })
}

// each gives all pieces of a text that could be a value.
func (c *searchColumn) each(v []byte, fn func(piece []byte)) {
	if len(v) < minLeak {
		return
	}
	c.visit = fn
	c.pieces(engine.Cell{Type: engine.CellText}, v)
}
