package mysql

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Analyze gathers the statistics of all tables of the database.
func (s *session) Analyze(ctx context.Context) error {
	var tables []string
	err := s.c.query(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY table_name", func(r engine.Row) error {
		tables = append(tables, string(r[0].Data))
		return nil
	})
	for _, some := range slices.Collect(slices.Chunk(tables, 100)) {
		if err == nil {
			err = s.c.query(ctx, "ANALYZE NO_WRITE_TO_BINLOG TABLE "+quoteAll(some), func(engine.Row) error { return nil })
		}
	}
	return fail(ctx, s.target, err)
}

// Plan explains a statement in the tabular form, which all versions have alike. The optimizer looks at values, and a NULL would make it say "impossible": each
// placeholder gets one of the copy, of the column that it is compared with, the same before and after. The cost is in rows: what each join step reads,
// for every row that the steps before it let through. Digests write COUNT ( * ), which only IGNORE_SPACE reads.
func (s *session) Plan(ctx context.Context, text string, small bool) (engine.QueryPlan, error) {
	if s.filled == nil {
		s.filled = map[string]string{}
	}
	sql, ok := s.filled[text]
	if !ok {
		var err error
		if sql, err = s.fill(ctx, text); err != nil {
			return engine.QueryPlan{}, err
		}
		s.filled[text] = sql
	}
	settings := []string{"SET @envdiff_mode = @@SESSION.sql_mode, @envdiff_seeks = @@SESSION.max_seeks_for_key", "SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',IGNORE_SPACE')"}
	if small {
		settings = append(settings, "SET SESSION max_seeks_for_key = 1")
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
		defer cancel()
		_ = s.c.exec(end, "SET SESSION sql_mode = @envdiff_mode, SESSION max_seeks_for_key = @envdiff_seeks")
	}()
	for _, set := range settings {
		if err := s.c.exec(ctx, set); err != nil {
			return engine.QueryPlan{}, fail(ctx, s.target, err)
		}
	}
	var head []string
	var steps []planStep
	_, err := s.c.queryNamed(ctx, "EXPLAIN FORMAT=TRADITIONAL "+sql, func(names []string) error { head = names; return nil }, func(r engine.Row) error {
		steps = append(steps, newPlanStep(head, r))
		return nil
	})
	if err != nil {
		return engine.QueryPlan{}, fail(ctx, s.target, err)
	}
	return describePlan(steps, small), nil
}

// planStep is a row of EXPLAIN.
type planStep struct {
	id, table, access, key, extra string
	possible                      bool
	rows, filtered                float64
}

func newPlanStep(head []string, r engine.Row) planStep {
	p := planStep{filtered: 100}
	for i, name := range head {
		if i >= len(r) || r[i].Type == engine.CellNull {
			continue
		}
		switch value := string(r[i].Data); strings.ToLower(name) {
		case "id":
			p.id = value
		case "table":
			p.table = value
		case "type":
			p.access = value
		case "possible_keys":
			p.possible = true
		case "key":
			p.key = value
		case "rows":
			p.rows, _ = strconv.ParseFloat(value, 64)
		case "filtered":
			p.filtered, _ = strconv.ParseFloat(value, 64)
		case "extra":
			p.extra = value
		}
	}
	return p
}

// describePlan writes the steps on one line. In a small table a whole read is told only where no index would serve: the optimizer prefers it there anyway.
func describePlan(steps []planStep, small bool) engine.QueryPlan {
	var p engine.QueryPlan
	var parts []string
	through, id := 1.0, ""
	for _, st := range steps {
		if st.id != id {
			through, id = 1, st.id
		}
		if st.table == "" {
			parts = append(parts, strings.ToLower(st.extra))
			continue
		}
		reads := through * max(st.rows, 1)
		p.Cost += reads
		through = reads * st.filtered / 100
		text := st.access
		switch st.access {
		case "ALL":
			text = "full scan"
		case "index":
			text = "full index scan"
		}
		text += " of " + st.table
		if st.key != "" {
			text += " by " + st.key
		}
		for sign, word := range map[string]string{"Using filesort": "sorts", "Using temporary": "temporary table"} {
			if strings.Contains(st.extra, sign) {
				text += ", " + word
			}
		}
		parts = append(parts, text)
		if st.access == "ALL" && !strings.HasPrefix(st.table, "<") && !(small && st.possible) {
			p.Scans = append(p.Scans, schema.Name{Name: st.table})
		}
	}
	p.Text = strings.Join(parts, "; ")
	return p
}

var (
	// manyValues is how digests shorten the rows of an INSERT, and manyIn the list behind IN.
	manyValues = regexp.MustCompile(`(?i)\bvalues?\s*\(\s*\.\.\.\s*\)(\s*/\*\s*,\s*\.\.\.\s*\*/)?`)
	manyIn     = regexp.MustCompile(`\(\s*\.\.\.\s*\)`)
)

// fill puts a value for each placeholder of a digest.
func (s *session) fill(ctx context.Context, text string) (string, error) {
	short := manyIn.ReplaceAllString(manyValues.ReplaceAllString(text, "VALUES (§)"), "(?)")
	all, err := tokens(short)
	if err != nil || len(all) == 0 {
		return "", misuse("not one statement")
	}
	columns, err := s.columnsOf(ctx, all, short)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	at, column, limit := 0, "", false
	for i, t := range all {
		b.WriteString(short[at:t.start])
		at = t.end
		word := t.lower(short)
		switch {
		case word == ";" && i < len(all)-1:
			return "", misuse("not one statement")
		case word == "§" || strings.HasPrefix(short[t.start:], "§"):
			b.WriteString(strings.TrimSuffix(strings.Repeat("NULL, ", inserted(all, short, columns)), ", "))
			at = t.start + len("§")
			continue
		case word == "limit" || word == "offset":
			limit = true
		case word == "?" && limit:
			b.WriteString("100")
			continue
		case word == "?":
			value, err := s.sample(ctx, columns[strings.ToLower(column)])
			if err != nil {
				return "", err
			}
			b.WriteString(value)
			continue
		}
		if name, ok := t.name(short); ok {
			if _, known := columns[strings.ToLower(name)]; known {
				column = name
			}
		}
		b.WriteString(short[t.start:t.end])
	}
	return strings.TrimRight(b.String(), "; \n\t"), nil
}

// sampled is a column of which a value is taken.
type sampled struct {
	table, name, kind string
}

// columnsOf are the columns, by lower-case name, of the tables that a statement names.
func (s *session) columnsOf(ctx context.Context, all []token, text string) (map[string]sampled, error) {
	var names []string
	for _, t := range all {
		if name, ok := t.name(text); ok && !slices.Contains(names, literal(name)) {
			names = append(names, literal(name))
		}
	}
	columns := map[string]sampled{}
	if len(names) == 0 {
		return columns, nil
	}
	err := s.c.query(ctx, "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN ("+strings.Join(names, ", ")+") ORDER BY table_name, ordinal_position",
		func(r engine.Row) error {
			key := strings.ToLower(string(r[1].Data))
			if _, ok := columns[key]; !ok {
				columns[key] = sampled{string(r[0].Data), string(r[1].Data), string(r[2].Data)}
			}
			return nil
		})
	return columns, fail(ctx, s.target, err)
}

// inserted is how many values an INSERT's row has: those of its list of columns, or of its table.
func inserted(all []token, text string, columns map[string]sampled) int {
	n, depth := 0, 0
	for _, t := range all {
		switch word := t.lower(text); {
		case word == "(":
			depth++
		case word == ")":
			depth--
		case word == "values" || word == "value":
			return max(n, 1)
		case depth > 0 && word != ",":
			n++
		}
	}
	return max(len(columns), 1)
}

// sample is a value of a column in the copy, as a literal; one of its kind where it has none. It is never shown.
func (s *session) sample(ctx context.Context, c sampled) (string, error) {
	number := strings.HasSuffix(c.kind, "int") && !strings.HasSuffix(c.kind, "point") || slices.Contains([]string{"decimal", "float", "double", "year", "bit"}, c.kind)
	value := "'x'"
	switch {
	case number, c.name == "":
		value = "1"
	case strings.Contains(c.kind, "date") || strings.Contains(c.kind, "time"):
		value = "'2020-01-01'"
	}
	if c.name == "" {
		return value, nil
	}
	read := "QUOTE(" + quote(c.name) + ")"
	switch {
	case number:
		read = quote(c.name) + " + 0"
	case strings.Contains(c.kind, "blob") || strings.Contains(c.kind, "binary"):
		read = "CONCAT('0x', HEX(" + quote(c.name) + "))"
	}
	err := s.c.query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s IS NOT NULL LIMIT 1", read, quote(c.table), quote(c.name)), func(r engine.Row) error {
		if text := string(r[0].Data); text != "" && text != "0x" {
			value = text
		}
		return nil
	})
	return value, fail(ctx, s.target, err)
}
