package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// Analyze runs ANALYZE on all that the role owns.
func (s *session) Analyze(ctx context.Context) error {
	_, err := s.Exec(ctx, "ANALYZE")
	return err
}

var placeholder = regexp.MustCompile(`\$(\d{1,4})`)

// Plan prepares the statement and explains it with nulls under a generic plan, which does not look at them. EXPLAIN (GENERIC_PLAN) came with 16.
func (s *session) Plan(ctx context.Context, text string, small bool) (engine.QueryPlan, error) {
	one, err := postgres{}.Split(text)
	if err != nil || len(one) != 1 {
		return engine.QueryPlan{}, misuse("not one statement")
	}
	last := 0
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil {
			last = max(last, n)
		}
	}
	call := "envdiff_plan"
	if last > 0 {
		call += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", last), ", ") + ")"
	}
	begin := "BEGIN READ ONLY; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL lock_timeout = '5s'"
	if small {
		begin += "; SET LOCAL enable_seqscan = off"
	}
	defer func() {
		end, cancel := bounded(ctx)
		defer cancel()
		_, _ = execute(end, s.pg, "ROLLBACK")
		_, _ = execute(end, s.pg, "DEALLOCATE envdiff_plan")
	}()
	for _, sql := range []string{begin, "PREPARE envdiff_plan AS " + one[0].Text} {
		if _, err := execute(ctx, s.pg, sql); err != nil {
			return engine.QueryPlan{}, fail(ctx, s.target, err)
		}
	}
	var plans []struct{ Plan planNode }
	err = query(ctx, s.pg, "EXPLAIN (FORMAT JSON) EXECUTE "+call, func(v [][]byte) error { return json.Unmarshal(v[0], &plans) })
	if err != nil || len(plans) != 1 {
		return engine.QueryPlan{}, fail(ctx, s.target, err)
	}
	p := engine.QueryPlan{Cost: plans[0].Plan.Cost}
	p.Text = plans[0].Plan.describe(&p)
	return p, nil
}

// planNode is a node of EXPLAIN's JSON.
type planNode struct {
	Type     string     `json:"Node Type"`
	Schema   string     `json:"Schema"`
	Relation string     `json:"Relation Name"`
	Index    string     `json:"Index Name"`
	Cost     float64    `json:"Total Cost"`
	Plans    []planNode `json:"Plans"`
}

func (n *planNode) describe(p *engine.QueryPlan) string {
	text := n.Type
	if n.Index != "" {
		text += " by " + n.Index
	}
	if n.Relation != "" {
		text += " of " + n.Relation
	}
	if n.Type == "Seq Scan" {
		p.Scans = append(p.Scans, nameOf(defaultSchema, n.Relation))
	}
	var below []string
	for i := range n.Plans {
		below = append(below, n.Plans[i].describe(p))
	}
	if len(below) > 0 {
		text += fmt.Sprintf(" (%s)", strings.Join(below, ", "))
	}
	return text
}
