package cmd

import (
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// compare compares FROM with TO, and with TO as it will be, and tells what the deploy explains.
func (g *gate) compare(ctx context.Context) error {
	now, err := g.compareFacts(ctx, g.config, []side{g.from, g.to}, g.touches)
	if err != nil {
		return err
	}
	found := now.Findings
	if g.after != nil {
		will := g.to
		will.snap = g.after
		after, err := g.compareFacts(ctx, g.config, []side{g.from, will}, g.touches)
		if err != nil {
			return err
		}
		found = g.explain(found, after.Findings)
	}
	for i := range found {
		g.link(&found[i])
	}
	r := g.report
	r.Findings = append(r.Findings, found...)
	r.Gaps = append(r.Gaps, now.Gaps...)
	r.Coverage = now.Coverage
	r.Warnings = append(r.Warnings, now.Warnings...)
	return nil
}

// touches reports a column that a pending migration touches.
func (g *gate) touches(scope, column string) bool {
	_, ok := g.changes[scope].Touches(column)
	return ok
}

// explain joins what differs today with what will differ: what is gone then is
// information, and what only comes then is told as that.
func (g *gate) explain(today, then []finding.Finding) []finding.Finding {
	stays, known := map[string]bool{}, map[string]bool{}
	for _, f := range then {
		stays[f.ID] = true
	}
	for i := range today {
		f := &today[i]
		known[f.ID] = true
		if stays[f.ID] {
			g.unseen(f)
			continue
		}
		if by, ok := g.responsible(f.Address); ok {
			f.Severity, f.Weighed, f.ExplainedBy = finding.Info, true, &by
			f.Hint = "nothing: " + by + " removes this difference"
		}
	}
	for _, f := range then {
		if !known[f.ID] {
			f.Message = "once the pending migrations are applied: " + f.Message
			today = append(today, f)
		}
	}
	return today
}

// unseen is about rows that a pending migration writes while no copy shows what they will be: the
// rehearsal's gap says that it is not known.
func (g *gate) unseen(f *finding.Finding) {
	a, err := snapshot.ParseAddress(f.Address)
	if err != nil || a.Kind != "rows" || g.to.ref.Live() && !g.rowless[a.Scope] {
		return
	}
	if by, ok := g.changes[a.Scope].Object(a); ok {
		f.Severity, f.Weighed, f.ExplainedBy = finding.Info, true, &by
		f.Hint = by + " writes these rows, and no copy shows what they will be"
	}
}

// responsible is the pending migration that changes what an address names, or else the last one of its database.
func (g *gate) responsible(address string) (string, bool) {
	a, err := snapshot.ParseAddress(address)
	if err != nil {
		return "", false
	}
	changes, ok := g.changes[a.Scope]
	if !ok {
		return "", false
	}
	if by, ok := changes.By(a); ok {
		return by, true
	}
	return changes.Last()
}

// weighMore are the rules about what a schema is made of: drift there meets the migration.
var weighMore = map[string]bool{
	"table-missing": true, "column-missing": true, "column-different": true, "constraint-different": true, "constraint-not-valid": true,
	"index-missing": true, "index-invalid": true, "index-different": true, "routine-different": true, "object-different": true,
}

// link names the migration that a finding meets, on both sides, and raises drift that lies in its way to high at most.
func (g *gate) link(f *finding.Finding) {
	if f.ExplainedBy != nil {
		return
	}
	a, err := snapshot.ParseAddress(f.Address)
	if err != nil {
		return
	}
	by, ok := g.meets(a)
	if !ok {
		return
	}
	if weighMore[f.Rule] && f.Severity > finding.Off && f.Severity < finding.High {
		f.Severity++
	}
	f.Related = addTo(f.Related, by)
	for i := range g.report.Findings {
		if m := &g.report.Findings[i]; m.Address == by {
			m.Related = addTo(m.Related, f.Address)
		}
	}
}

// meets is the migration that touches the column of an address, or changes its object.
func (g *gate) meets(a snapshot.Address) (string, bool) {
	changes := g.changes[a.Scope]
	if a.Kind == "column" || a.Kind == "profile" {
		if by, ok := changes.Touches(a.Name); ok {
			return by, true
		}
	}
	if a.Kind == "profile" || a.Kind == "rows" {
		return "", false
	}
	if by, ok := changes.Object(a); ok {
		return by, true
	}
	for _, side := range []side{g.from, g.to} {
		for _, column := range columnsOf(side.snap, a) {
			if by, ok := changes.Touches(column); ok {
				return by, true
			}
		}
	}
	return "", false
}

// columnsOf are the columns that a key, check or index is about, where the snapshot has it.
func columnsOf(s *snapshot.Snapshot, a snapshot.Address) []string {
	table := a.Name[:max(strings.LastIndexByte(a.Name, '.'), 0)]
	prefix := a.Whole().String() + "#"
	var out []string
	for i := sort.Search(len(s.Lines), func(i int) bool { return s.Lines[i].Address.String() >= prefix }); i < len(s.Lines) && s.Lines[i].Address.Whole() == a.Whole(); i++ {
		for _, held := range s.Lines[i].Values {
			for _, item := range held.Value.Items() {
				switch text, _ := item.Text(); s.Lines[i].Address.Attribute {
				case "@columns":
					out = append(out, text)
				case "columns":
					out = append(out, table+"."+snapshot.Escape(text))
				}
			}
		}
	}
	return out
}

func addTo(list []string, address string) []string {
	if slices.Contains(list, address) || strings.TrimSpace(address) == "" {
		return list
	}
	return append(list, address)
}
