// Package hotquery is the collector of what a database spends its time on: the server's own counters of statements, or
// its log of slow ones, by a fingerprint of their normal form that is the same on every server. Literals are never stored. compare says which of
// production's statements staging has never run.
package hotquery

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// New returns the collector.
func New() snapshot.DatabaseCollector { return collector{} }

type collector struct{}

const (
	// top is how many statements are stored with their text and counters, by time.
	top = 50
	// maxText bounds a stored text.
	maxText = 1000
	// maxFingerprints bounds the statements that are remembered: PostgreSQL keeps 5000 unless told otherwise, MySQL
	// 10000.
	maxFingerprints = 20000
)

// Name is the collector's name.
func (collector) Name() string { return "hotquery" }

// Doc describes the collector.
func (collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Hot queries",
		Text: "The 50 statements that took most time since the server's counters were reset, with calls, seconds and rows, and the fingerprints of all others. A fingerprint is made of the " +
			"statement's normal form: lower case, placeholders for literals, one placeholder for a list of any length, no comments. Query ids of servers are not used: they differ between " +
			"servers and versions. Only statements that read or change rows count, and neither those on the server's own catalogue nor what envdiff asks.\n\n" +
			"Times depend on machines and are not compared. A statement that takes more than a hundredth of the last environment's time and that another one has never run is a finding of severity low, unless " +
			"that server has forgotten statements. Where MySQL or MariaDB run without performance_schema, which is MariaDB's default, or it may not be read, the newest 50 000 rows of the slow log are counted in its place, if log_output has TABLE. " +
			"It holds slow statements alone, so nothing is said to have never run on such a server. A logged statement is left out, and noted, if it is longer than 16 384 characters or if it is not certain where its literals end. " +
			"A server without any of these, or whose slow log goes to a file, is a coverage note.",
		Needs: []string{
			"PostgreSQL: the extension pg_stat_statements in the database, and `GRANT pg_read_all_stats TO envdiff`",
			"MySQL, MariaDB: `performance_schema = ON`, and `GRANT SELECT ON performance_schema.* TO envdiff`",
			"or else `log_output = TABLE`, `slow_query_log = ON`, and `GRANT SELECT ON mysql.slow_log TO envdiff`",
		},
		Attributes: []string{
			"query/FINGERPRINT#text: the normal form; #calls, #seconds, #rows, #share: of the time of all statements",
			"query/all#fingerprints: every statement that the server remembers; #forgetful: there may have been more; #source: pg_stat_statements, performance_schema or slow log",
		},
	}
}

// Kinds are context: how often a statement runs is the environment's own affair.
func (collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{{Pattern: "query/*", Axis: snapshot.Context, Area: finding.AreaQuery,
		Doc: "a statement that the server has counted; compared by whether it has ever run"}}
}

// hot is what is counted of one statement.
type hot struct {
	fingerprint string
	text        string
	calls, rows int64
	seconds     float64
}

// Collect reads the counters and adds up what has one normal form.
func (c collector) Collect(ctx context.Context, in snapshot.DatabaseInput) snapshot.Result {
	r := snapshot.Result{Looked: []string{}}
	db, ok := engine.As[engine.Digester](in.DB)
	if !ok {
		return r
	}
	quote := in.DB.Engine().Quote("a")[0]
	byText := map[string]*hot{}
	dropped := 0
	source, err := db.Digests(ctx, func(d engine.Digest) error {
		s := normalise(d.Text, quote)
		if s.catalogue || s.own || !countedVerb(s.first) {
			return nil
		}
		h := byText[s.text]
		if h == nil {
			if len(byText) == maxFingerprints {
				dropped++
				return nil
			}
			h = &hot{text: s.text, fingerprint: fingerprint(s.text)}
			byText[s.text] = h
		}
		h.calls, h.rows, h.seconds = h.calls+d.Calls, h.rows+d.Rows, h.seconds+d.Seconds
		return nil
	})
	a := snapshot.At(in.Scope, "query", "all")
	switch {
	case err != nil:
		r.Missing(a, "the counters of statements cannot be read: "+err.Error(), "run envdiff doctor", in.Scope+":query/*")
		return r
	case source.Missing != "":
		note(&r, in, source.Missing, 1, source.Privilege)
		return r
	}
	if source.Hidden > 0 {
		note(&r, in, "statement whose text the role may not see", source.Hidden, source.Privilege)
	}
	if source.Unclear > 0 {
		note(&r, in, "statement of the slow log whose literals cannot be told from its text", source.Unclear, "")
	}
	if dropped > 0 {
		note(&r, in, "statement beyond the first 20000", dropped, "")
	}
	r.Looked = append(r.Looked, "query/*")
	r.Add(a.Attr("source"), snapshot.String(source.Name), "")
	c.add(&r, in, a, byText)
	if source.Evicted || source.Hidden > 0 || dropped > 0 {
		r.Add(a.Attr("forgetful"), snapshot.Bool(true), "")
	}
	return r
}

func note(r *snapshot.Result, in snapshot.DatabaseInput, kind string, count int, detail string) {
	r.Notes = append(r.Notes, snapshot.Note{Scope: in.Scope, Kind: "hot queries: " + kind, Count: count, Detail: detail})
}

func (collector) add(r *snapshot.Result, in snapshot.DatabaseInput, all snapshot.Address, byText map[string]*hot) {
	var total float64
	var prints []snapshot.Value
	queries := make([]*hot, 0, len(byText))
	for _, h := range byText {
		queries = append(queries, h)
		prints = append(prints, snapshot.String(h.fingerprint))
	}
	slices.SortFunc(queries, func(x, y *hot) int {
		return cmp.Or(cmp.Compare(y.seconds, x.seconds), cmp.Compare(x.fingerprint, y.fingerprint))
	})
	for _, h := range queries {
		total += h.seconds
	}
	r.Add(all.Attr("fingerprints"), snapshot.Set(prints...), "")
	for _, h := range queries[:min(top, len(queries))] {
		a := snapshot.At(in.Scope, "query", h.fingerprint)
		r.Add(a.Attr("text"), in.Redact.Line(shortened(h.text)), "")
		r.Add(a.Attr("calls"), snapshot.Int(h.calls), "")
		r.Add(a.Attr("rows"), snapshot.Int(h.rows), "")
		r.Add(a.Attr("seconds"), snapshot.Float(math.Round(h.seconds*1000)/1000), "")
		if total > 0 {
			r.Add(a.Attr("share"), snapshot.Float(math.Round(h.seconds/total*1000)/1000), "")
		}
	}
}

// countedVerb reports a statement that reads or changes rows.
func countedVerb(word string) bool {
	switch word {
	case "select", "with", "insert", "update", "delete", "merge", "replace", "call", "table", "values":
		return true
	}
	return false
}

func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText-1]) + "…"
	}
	return text
}
