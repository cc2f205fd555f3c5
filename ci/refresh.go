package ci

import (
	"fmt"
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
	return lines
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
