package ci

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// CommentLimit is how many bytes of a comment every forge takes: GitHub names 65,536 characters.
const CommentLimit = 65000

// commentRows is how many findings the short form of a comment lists.
const commentRows = 20

// CommentMarker is the hidden line by which a comment about the same comparison is found again.
func CommentMarker(r *Report) string {
	return fmt.Sprintf("<!-- envdiff:%s:%s -->", CollectdName(r.Command), CollectdName(strings.Join(comparedEnvironments(r), ".")))
}

// Comment is the report as a comment or summary of at most limit bytes: the whole of it, or a shorter form, never a
// part of one that is cut off.
func Comment(r *Report, limit int) string {
	var full strings.Builder
	if err := writeMarkdown(&full, r, Style{}); err == nil && full.Len()+len(foot(r)) <= limit {
		return full.String() + foot(r)
	}
	for rows := commentRows; rows >= 0; rows /= 2 {
		if text := shortComment(r, rows); len(text) <= limit {
			return text
		}
		if rows == 0 {
			break
		}
	}
	return ""
}

// shortComment has the verdict, the worst findings and numbers for the rest.
func shortComment(r *Report, rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### envdiff: %s — %s\n\n%s\n", r.Verdict.Status, MarkdownText(title(r)), MarkdownText(strings.TrimPrefix(summary(r), "envdiff: "+r.Verdict.Status+" — ")))
	var open []*finding.Finding
	for i := range r.Findings {
		if f := &r.Findings[i]; counts(f) {
			open = append(open, f)
		}
	}
	if rows > 0 && len(open) > 0 {
		b.WriteString("\n| severity | rule | where |\n|---|---|---|\n")
		for _, f := range open[:min(rows, len(open))] {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", f.Severity, MarkdownText(f.Rule), MarkdownCode(f.Address))
		}
	}
	if n := len(open) - rows; n > 0 {
		fmt.Fprintf(&b, "\n%s and the details are in the report: this one is too long for a comment.\n", plural(n, "more finding", "more findings"))
	}
	return b.String() + foot(r)
}

// foot says how to get the same again.
func foot(r *Report) string {
	if r.context().Reproduce == "" {
		return ""
	}
	return fmt.Sprintf("\nagain: %s\n", MarkdownCode(r.context().Reproduce))
}
