package ci

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// summary is the last line of every text format: stable, greppable.
func summary(r *Report) string {
	v := r.Verdict
	var parts []string
	for _, s := range finding.Severities() {
		if n := v.Counts.Of(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "no findings")
	}
	text := strings.Join(parts, ", ")
	if v.Waived > 0 {
		text += fmt.Sprintf("; %d waived", v.Waived)
	}
	if v.Baseline > 0 {
		text += fmt.Sprintf("; %d in the baseline", v.Baseline)
	}
	if v.Gaps > 0 {
		text += fmt.Sprintf("; %s", plural(v.Gaps, "gap", "gaps"))
	}
	return fmt.Sprintf("envdiff: %s — %s", v.Status, text)
}

// title names what was done: "staging → production", or "production" alone.
func title(r *Report) string {
	return strings.Join(environmentNames(r), " → ")
}

// factsRead says how much was compared: a run that looked at nothing must not look like one that found nothing.
func factsRead(r *Report) string {
	if r.Command != "compare" && r.Command != "gate" {
		return ""
	}
	if len(r.Environments) == 1 {
		return "  (" + plural(r.Environments[0].Facts, "fact", "facts") + ")"
	}
	var parts []string
	for _, e := range r.Environments {
		parts = append(parts, fmt.Sprint(e.Facts))
	}
	return "  (" + strings.Join(parts, " and ") + " facts)"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// notCompared sums up coverage notes by kind, for the one line at the end.
func notCompared(r *Report) string {
	var parts []string
	at := map[string]int{}
	var counts []int
	for _, c := range r.Coverage {
		i, ok := at[c.Kind]
		if !ok {
			i = len(parts)
			at[c.Kind] = i
			parts = append(parts, c.Kind)
			counts = append(counts, 0)
		}
		counts[i] += c.Count
	}
	for i := range parts {
		parts[i] = fmt.Sprintf("%s (%d)", parts[i], counts[i])
	}
	return strings.Join(parts, ", ")
}

// ownHint is a finding's hint when it says more than the rule's general one.
func ownHint(f *finding.Finding) string {
	if rule, ok := finding.Lookup(f.Rule); ok && rule.Hint == f.Hint {
		return ""
	}
	return f.Hint
}

// mark says why a finding does not count.
func mark(f *finding.Finding) string {
	switch {
	case f.Waived != nil:
		return "waived until " + f.Waived.Until + ": " + f.Waived.Reason
	case f.Baseline:
		return "in the baseline"
	}
	return ""
}

// counts reports whether the finding counts for the verdict.
func counts(f *finding.Finding) bool { return f.Waived == nil && !f.Baseline }

// wrap breaks text at spaces so that no line is wider than width columns, and inside a word only where the word alone
// is wider: then after a separator of addresses and paths if there is one.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Split(text, " ") {
		for {
			room := width
			if line != "" {
				room = width - columns(line) - 1
			}
			if columns(word) <= room {
				break
			}
			if line != "" {
				lines = append(lines, line)
				line = ""
				continue
			}
			head := cut(word, width)
			if i := strings.LastIndexAny(head, "/#.,"); i > len(head)/3 {
				head = head[:i+1]
			}
			lines = append(lines, head)
			word = word[len(head):]
		}
		if line == "" {
			line = word
		} else {
			line += " " + word
		}
	}
	return append(lines, line)
}

// CountsAlone reports a finding about a column's data as a whole: what stands as its value is one of many counts, which says nothing without the others.
func CountsAlone(f *finding.Finding) bool {
	return strings.Contains(f.Address, ":profile/") && !strings.Contains(f.Address, "#")
}
