package migrations

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// The old application runs on until the new one is deployed, and its statements meet the new schema. Those that production spends most time on are planned on
// the copy before the migrations and after them.

// worse is how many times dearer a plan has to become to be a finding, and dear what it has to cost then: below, the planner's guesses differ by themselves.
const (
	worse = 3.0
	dear  = 1000.0
)

// hotQuery is a statement of production and its plan on the copy before the migrations.
type hotQuery struct {
	text   string
	before engine.QueryPlan
}

var asked = []string{"select", "insert", "update", "delete", "replace", "with", "merge"}

// planBefore plans production's hot queries on the copy. What cannot be planned there cannot be compared, and is left out.
func (r *rehearsal) planBefore(ctx context.Context, s engine.Session) error {
	r.hot = nil
	planner, ok := s.(engine.Planner)
	if r.in.Queries <= 0 {
		return nil
	}
	address := snapshot.At(r.in.Scope, "query", "all").String()
	digester, counts := engine.As[engine.Digester](r.in.Production)
	if !ok || !counts {
		r.gap(address, "plans of hot queries are not compared in "+r.in.Engine.Name(), "remove databases.NAME.rehearsal.queries")
		return nil
	}
	digests, source, err := r.shapes(ctx, digester)
	if err != nil {
		return err
	}
	if source.Missing != "" {
		r.gap(address, "plans of hot queries are not compared: "+source.Missing, source.Privilege)
		return nil
	}
	slices.SortFunc(digests, func(a, b engine.Digest) int { return strings.Compare(a.Text, b.Text) })
	slices.SortStableFunc(digests, func(a, b engine.Digest) int { return int(b.Seconds*1e6) - int(a.Seconds*1e6) })
	if err := planner.Analyze(ctx); err != nil {
		return err
	}
	for _, d := range digests {
		if len(r.hot) == r.in.Queries {
			break
		}
		if plan, err := planner.Plan(ctx, d.Text, r.copy.Copy.Sampled); err == nil {
			r.hot = append(r.hot, hotQuery{d.Text, plan})
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// shapes are the statements that production counts, each once. What it logged with values loses them here: they are nobody's business, and the copy has others.
func (r *rehearsal) shapes(ctx context.Context, digester engine.Digester) ([]engine.Digest, engine.DigestSource, error) {
	var digests []engine.Digest
	at := map[string]int{}
	source, err := digester.Digests(ctx, func(d engine.Digest) error {
		text := withoutComments(d.Text)
		if r.in.Engine.Name() == "mysql" {
			text = r.redact.literals(text)
		}
		if !slices.Contains(asked, strings.ToLower(firstWord(text))) || catalogs.MatchString(text) {
			return nil
		}
		if i, ok := at[text]; ok {
			digests[i].Seconds += d.Seconds
			return nil
		}
		at[text] = len(digests)
		d.Text = text
		digests = append(digests, d)
		return nil
	})
	return digests, source, err
}

// catalogs are where tools like this one look.
var catalogs = regexp.MustCompile(`(?i)\b(pg_catalog|information_schema|performance_schema)\b`)

// planAfter plans them again. What the new schema refuses breaks the old application.
func (r *rehearsal) planAfter(ctx context.Context, s engine.Session) error {
	planner, ok := s.(engine.Planner)
	if !ok || len(r.hot) == 0 {
		return nil
	}
	if err := planner.Analyze(ctx); err != nil {
		return err
	}
	for _, q := range r.hot {
		after, err := planner.Plan(ctx, q.text, r.copy.Copy.Sampled)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		shown := finding.Plan{Query: r.redact.literals(withoutComments(q.text)), Before: q.before.Text, After: after.Text, Verdict: "alike"}
		var refusal *engine.Error
		switch {
		case errors.As(err, &refusal):
			shown.After, shown.Verdict = errorText(err), "broken"
			r.findQuery("query-broken", shown, "fails once the pending migrations are applied: "+errorText(err))
		case err != nil:
			return err
		case regressed(q.before, after):
			shown.Verdict = "worse"
			r.findQuery("plan-regression", shown, fmt.Sprintf("costs %.0f where it cost %.0f once the pending migrations are applied: %s, before %s", after.Cost, q.before.Cost, after.Text, q.before.Text))
		case after.Text != q.before.Text:
			shown.Verdict = "other"
		}
		r.out.Database.Plans = append(r.out.Database.Plans, shown)
	}
	return nil
}

// regressed plans are much dearer, or read a table as a whole that they did not, at a price.
func regressed(before, after engine.QueryPlan) bool {
	fresh := slices.ContainsFunc(after.Scans, func(n schema.Name) bool { return !slices.Contains(before.Scans, n) })
	return after.Cost > dear && (after.Cost > worse*before.Cost || fresh && after.Cost > before.Cost*1.5)
}

func (r *rehearsal) findQuery(rule string, p finding.Plan, message string) {
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(p.Query), " ")))
	f := finding.Finding{Rule: rule, Severity: severityOf(rule), Area: finding.AreaQuery, Change: finding.Predicted,
		Address: snapshot.At(r.in.Scope, "query", hex.EncodeToString(sum[:6])).String(), Message: "a hot query of production " + message + "; the query: " + p.Query}
	f.Seal(r.in.Environments)
	r.out.Findings = append(r.out.Findings, f)
}
