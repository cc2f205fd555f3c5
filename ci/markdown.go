package ci

import (
	"fmt"
	"io"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// writeMarkdown is our own writer: tablewriter's Markdown renderer escapes no pipes and turns line ends into rows.
func writeMarkdown(w io.Writer, r *Report, _ Style) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### envdiff: %s — %s\n\n", r.Verdict.Status, MarkdownText(title(r)))
	fmt.Fprintf(&b, "%s\n", MarkdownText(strings.TrimPrefix(summary(r), "envdiff: "+r.Verdict.Status+" — ")))
	markdownFindings(&b, r)
	markdownRehearsal(&b, r)
	if lines := refreshed(r); len(lines) > 0 {
		b.WriteString("\n")
		for _, text := range lines {
			fmt.Fprintf(&b, "- %s\n", MarkdownText(text))
		}
	}
	markdownGaps(&b, r)
	if len(r.Warnings) > 0 {
		b.WriteString("\n")
		for _, text := range r.Warnings {
			fmt.Fprintf(&b, "- warning: %s\n", MarkdownText(text))
		}
	}
	if text := notCompared(r); text != "" {
		fmt.Fprintf(&b, "\nNot compared: %s\n", MarkdownText(text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownFindings(b *strings.Builder, r *Report) {
	var open, aside []*finding.Finding
	for i := range r.Findings {
		if f := &r.Findings[i]; counts(f) {
			open = append(open, f)
		} else {
			aside = append(aside, f)
		}
	}
	if len(open) > 0 {
		b.WriteString("\n| severity | rule | where | what |\n|---|---|---|---|\n")
		for _, f := range open {
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", f.Severity, MarkdownText(f.Rule), MarkdownCode(f.Address), MarkdownText(f.Message))
		}
	}
	for _, f := range open {
		markdownQueries(b, f)
	}
	markdownFixes(b, open)
	if len(aside) > 0 {
		fmt.Fprintf(b, "\n<details><summary>%d set aside</summary>\n\n| rule | where | why |\n|---|---|---|\n", len(aside))
		for _, f := range aside {
			fmt.Fprintf(b, "| %s | %s | %s |\n", MarkdownText(f.Rule), MarkdownCode(f.Address), MarkdownText(mark(f)))
		}
		b.WriteString("\n</details>\n")
	}
}

// mostFixes is how many findings' commands a comment holds: more belong into the report.
const mostFixes = 20

// markdownFixes gives the commands in a folded block, where nothing of them is escaped or wrapped.
func markdownFixes(b *strings.Builder, open []*finding.Finding) {
	var with []*finding.Finding
	for _, f := range open {
		if len(f.Fix) > 0 {
			with = append(with, f)
		}
	}
	if len(with) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary>commands to paste for %s</summary>\n", plural(len(with), "finding", "findings"))
	for i, f := range with {
		if i == mostFixes {
			fmt.Fprintf(b, "\nand of %d more findings: see the report\n", len(with)-i)
			break
		}
		for _, x := range f.Fix {
			if Terminal(x.Command) != x.Command {
				continue // escaped, it would be another command
			}
			fence := strings.Repeat("`", max(3, longestRun(x.Command, '`')+1))
			fmt.Fprintf(b, "\n%s on %s\n\n%s\n%s\n%s\n", MarkdownCode(f.Address), MarkdownText(x.Where), fence, x.Command, fence)
		}
	}
	b.WriteString("\n</details>\n")
}

// markdownQueries gives SQL in blocks, where nothing of it is escaped or wrapped.
func markdownQueries(b *strings.Builder, f *finding.Finding) {
	for i, q := range f.Queries {
		if i == maxQueries {
			fmt.Fprintf(b, "\nand %d more: see the report\n", len(f.Queries)-i)
			return
		}
		if Terminal(q.SQL) != q.SQL {
			continue // escaped, it would be another statement
		}
		fence := strings.Repeat("`", max(3, longestRun(q.SQL, '`')+1))
		fmt.Fprintf(b, "\n%s: %s; find them with\n\n%ssql\n%s;\n%s\n", MarkdownCode(f.Address), MarkdownText(q.Finds), fence, q.SQL, fence)
	}
}

func markdownRehearsal(b *strings.Builder, r *Report) {
	if r.Rehearsal == nil {
		return
	}
	for _, d := range r.Rehearsal.Databases {
		fmt.Fprintf(b, "\n**Rehearsal of %s**: %s\n", MarkdownText(d.Name), MarkdownText(rehearsalSays(d)))
		if len(d.Migrations) > 0 {
			b.WriteString("\n| replay | migration | statements | seconds |\n|---|---|---|---|\n")
			for _, m := range d.Migrations {
				fmt.Fprintf(b, "| %s | %s | %d | %.2f |\n", MarkdownText(m.Status), MarkdownCode(migrationLabel(m)), len(m.Statements), m.Seconds)
			}
		}
		for _, q := range d.Probes {
			if q.Violations > 0 {
				fmt.Fprintf(b, "\n- %s: %d of %d rows violate %s\n", MarkdownText(q.Status), q.Violations, q.RowsChecked, MarkdownCode(probeSubject(q)))
			}
		}
	}
}

func markdownGaps(b *strings.Builder, r *Report) {
	if len(r.Gaps) == 0 {
		return
	}
	b.WriteString("\n| not known | instance | why | what to do |\n|---|---|---|---|\n")
	for _, g := range r.Gaps {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", MarkdownCode(g.Address), MarkdownText(strings.Trim(g.Environment+"/"+g.Instance, "/")), MarkdownText(g.Reason), MarkdownText(g.Hint))
	}
}
