package database

import (
	"regexp"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// partitions lists the parts of a table with their bounds: without one of them rows are refused. Those of a time come and go with it, each environment
// has its own, and they are folded into their table.
func (f *flattener) partitions(o object, t *schema.Table) {
	var kept []string
	folded := 0
	var walk func(within string, parts []schema.Partition)
	walk = func(within string, parts []schema.Partition) {
		for _, p := range parts {
			if ofATime(p) {
				folded++
				f.fold(p)
				continue
			}
			text := within + p.Name.String()
			if p.Bound != "" {
				text += " " + p.Bound
			}
			if p.PartitionBy != "" {
				text += " by " + p.PartitionBy
			}
			kept = append(kept, f.redact.Text(text))
			walk(within+p.Name.String()+": ", p.Partitions)
		}
	}
	walk("", t.Partitions)
	if len(kept) > 0 {
		o.set("partitions", snapshot.Strings(true, kept...))
	}
	if folded > 0 {
		f.Notes = append(f.Notes, snapshot.Note{Kind: "partition of a time, folded into its table", Count: folded})
	}
}

// fold remembers a partition of a time and its own partitions: what they have for themselves comes and goes with them too.
func (f *flattener) fold(p schema.Partition) {
	if f.folded == nil {
		f.folded = map[schema.Name]bool{}
	}
	f.folded[p.Name] = true
	for _, below := range p.Partitions {
		f.fold(below)
	}
}

var (
	dateInName  = regexp.MustCompile(`(?:^|\D)(?:19|20)\d\d(?:\D|[01]\d(?:\D|$)|[01]\d[0-3]\d|$)`)
	dateInBound = regexp.MustCompile(`'\d{4}-\d\d(?:-\d\d)?[^']*'`)
)

// ofATime reports a partition that is named by a date, bounded by one, or holds old versions of rows.
func ofATime(p schema.Partition) bool {
	return p.Bound == "HISTORY" || p.Bound == "CURRENT" || dateInName.MatchString(p.Name.Name) || dateInBound.MatchString(p.Bound)
}
