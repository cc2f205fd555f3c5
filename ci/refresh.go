package ci

import (
	"fmt"
	"math"
	"strings"
)

// refreshed says what became of each target, in one line each.
func refreshed(r *Report) []string {
	if r.Refresh == nil {
		return nil
	}
	var lines []string
	for _, t := range r.Refresh.Targets {
		if t.Status != "swapped" {
			lines = append(lines, fmt.Sprintf("%s of %s keeps its old data", t.Database, t.Environment))
			continue
		}
		text := fmt.Sprintf("%s of %s has %d rows in %s of %s", t.Database, t.Environment, t.Rows, plural(t.Tables, "table", "tables"), t.CapturedAt)
		if len(t.Migrations) > 0 {
			text += ", migrated to " + t.Migrations[len(t.Migrations)-1] + " by " + strings.Join(t.Migrations, ", ")
		}
		lines = append(lines, text+fmt.Sprintf(", in %.1f s", t.Seconds))
	}
	if len(lines) == 0 {
		return nil
	}
	lines = append(lines, smallGroups(r)...)
	if text := searched(r); text != "" {
		lines = append(lines, text)
	}
	return lines
}

// smallGroups says of each table with groups what was done to the rows that few others are like, and what they still show.
func smallGroups(r *Report) (lines []string) {
	if r.Sanitize == nil {
		return nil
	}
	for _, t := range r.Sanitize.Tables {
		g := t.SmallGroups
		if g == nil {
			continue
		}
		text := fmt.Sprintf("small groups of %s by %s (fewer than %d alike): %s", t.Table, strings.Join(g.By, ", "), g.K, plural(int(g.Rows), "row", "rows"))
		if g.Rows > 0 {
			text += fmt.Sprintf(", %d made coarser, %d emptied", g.Generalised, g.Suppressed)
		}
		var shown []string
		for _, v := range g.Verbatim {
			shown = append(shown, fmt.Sprintf("%s (%d)", v.Column, v.Cells))
		}
		if len(shown) > 0 {
			text += "; cells of them that are as in the source: " + strings.Join(shown, ", ")
		}
		lines = append(lines, text)
	}
	return lines
}

// searched tells what the leak check looked for, and beside what it met by chance how much chance there was.
func searched(r *Report) string {
	if r.Sanitize == nil || r.Sanitize.Searched == nil {
		return ""
	}
	s := r.Sanitize.Searched
	text := fmt.Sprintf("leak check: %s looked for, %s", plural(int(s.Values), "source value", "source values"), plural(int(r.Sanitize.Leaks), "leak", "leaks"))
	if s.Share < 1 {
		text += fmt.Sprintf(" (1 value in %.0f was looked for beyond its own cell)", 1/s.Share)
	}
	return text + fmt.Sprintf("; values of less than 64 bits were met %s by chance, at most %.0f expected", plural(int(s.Observed), "time", "times"), math.Ceil(s.Expected))
}

func (p *page) refresh(r *Report) {
	lines := refreshed(r)
	if len(lines) == 0 {
		return
	}
	p.line("")
	for _, text := range lines {
		p.wrapped("  ", Terminal(text))
	}
}
