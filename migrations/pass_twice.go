package migrations

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
)

// twice runs each migration a second time, as somebody does after a deploy that stopped half-way: it is to pass and to change nothing more.
func (p *passing) twice(ctx context.Context) error {
	for i := range p.plan.migrations {
		m := &p.plan.migrations[i]
		p.doing = "running " + m.Label() + " a second time on a clone"
		p.progress("run "+m.Label()+" a second time", i+1, len(p.plan.migrations))
		if err := p.up(ctx, m); err != nil {
			return err
		}
		if len(m.statements) == 0 {
			continue
		}
		if err := p.secondRun(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (p *passing) secondRun(ctx context.Context, i int) error {
	m := &p.plan.migrations[i]
	p.did.Tried++
	before, err := p.s.Schema(ctx)
	if err != nil {
		return err
	}
	tables := p.concerned(before, m)
	was, err := readContents(ctx, p.db, before, tables)
	if err != nil {
		return err
	}
	at, undone, err := p.run(ctx, m)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.find(m, at, nil, finding.Finding{Rule: "not-repeatable", Change: finding.Failed, Message: "a second run of " + m.Label() + " fails: " + errorText(err) + "; " + m.position(at)})
		if !undone {
			return p.leave(i, "a second run")
		}
		return nil
	}
	after, err := p.s.Schema(ctx)
	if err != nil {
		return err
	}
	is, err := readContents(ctx, p.db, after, tables)
	if err != nil {
		return err
	}
	changes := p.unlike(before, after)
	losses := is.since(was, after, isMoment)
	if len(losses) > 0 {
		changes = append(changes, lossesText(losses))
	}
	if len(changes) > 0 {
		at := -1
		if len(losses) > 0 {
			at = m.blamed(losses[0])
		}
		text := "a second run of " + m.Label() + " passes and changes more: " + enumerate(changes)
		if at >= 0 {
			text += "; " + m.position(at)
		}
		p.find(m, at, nil, finding.Finding{Rule: "not-repeatable", Change: finding.Failed, Message: text})
	}
	return nil
}

// indexAlone are statements that make or drop an index and look at no row's value but to sort it.
var indexAlone = regexp.MustCompile(`(?is)^(create\s+(unique\s+)?index|drop\s+index)\b`)

// movesRows are statements that add or take away whole rows.
var movesRows = regexp.MustCompile(`(?is)^(insert|delete|replace|merge|with|truncate|drop\s+table|update)\b`)

// wordsOf are the words of a text in lower case.
func wordsOf(text string) map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return r != '_' && r != '$' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && r < 128
	}) {
		words[w] = true
	}
	return words
}

func sortedColumns(columns []schema.Column) []schema.Column {
	out := slices.Clone(columns)
	slices.SortFunc(out, func(a, b schema.Column) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func sortedText(list []string) []string {
	slices.Sort(list)
	return list
}
