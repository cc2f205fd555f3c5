package ci

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/envdiff/envdiff/internal/finding"
)

// The table is for people: verdict line last, findings grouped by severity, no line wider than the style's width but
// for SQL that has no place to break. tablewriter is fenced in this file: its header formatting, trimming and wrapping
// are off, since they change names and values.

func writeTable(w io.Writer, r *Report, s Style) error {
	if s.Width == 0 {
		s.Width = 80
	}
	p := &page{w: w, style: s}
	p.line(p.bold("envdiff "+Terminal(title(r))) + factsRead(r))
	for _, severity := range finding.Severities() {
		p.severity(r, severity)
	}
	p.setAside(r)
	p.rehearsal(r)
	p.refresh(r)
	p.gaps(r)
	if !s.Quiet && len(r.Warnings) > 0 {
		p.line("")
		for _, warning := range r.Warnings {
			p.wrapped("warning: ", Terminal(warning))
		}
	}
	if text := notCompared(r); text != "" {
		p.line("")
		p.wrapped("not compared: ", Terminal(text))
	}
	p.line("")
	p.next(r)
	p.line(p.verdictColor(r.Verdict, summary(r)))
	return p.err
}

// next names once how to ask for more: of the finding that weighs most, or of what is not known. It is never wrapped, for it is pasted: an address that is longer than two lines, or does not
// print as it is, gives way to the finding's id.
func (p *page) next(r *Report) {
	if p.style.Explain == "" {
		return
	}
	var first *finding.Finding
	for i := range r.Findings {
		if f := &r.Findings[i]; counts(f) && (first == nil || f.Severity > first.Severity) {
			first = f
		}
	}
	of := ""
	if first != nil {
		of = first.Address
	} else if i := slices.IndexFunc(r.Gaps, func(g finding.Gap) bool { return g.Waived == nil }); i >= 0 {
		of = r.Gaps[i].Address
	}
	line := "next: " + p.style.Explain + " "
	if first != nil && (Terminal(of) != of || columns(line+ShellWord(of)) > 2*p.style.Width) {
		of = first.ID
	}
	if of != "" && Terminal(of) == of {
		p.line(line + ShellWord(of))
	}
}

// page writes lines and keeps the first error.
type page struct {
	w     io.Writer
	style Style
	err   error
}

func (p *page) line(text string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, NoCommand(strings.TrimRight(text, " "))+"\n")
	}
}

// wrapped writes text after a label, its continuation lines indented below the text.
func (p *page) wrapped(label, text string) {
	for i, l := range wrap(text, max(20, p.style.Width-len(label))) {
		if i > 0 {
			label = strings.Repeat(" ", len(label))
		}
		p.line(label + l)
	}
}

func (p *page) severity(r *Report, severity finding.Severity) {
	var rows [][]string
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Severity == severity && counts(f) {
			rows = append(rows, p.findingRow(f)...)
		}
	}
	if len(rows) == 0 {
		return
	}
	p.line("")
	p.line(p.severityColor(severity, strings.ToUpper(severity.String())+fmt.Sprintf("  %d", r.Verdict.Counts.Of(severity))))
	p.table(nil, rows)
}

// findingRow is the rule beside the address, with message and hint below the address.
func (p *page) findingRow(f *finding.Finding) [][]string {
	room := max(30, p.style.Width-2-ruleWidth-2)
	var lines []string
	lines = append(lines, wrap(Terminal(f.Address), room)...)
	lines = append(lines, indent(wrap(Terminal(f.Message), room-2))...)
	if p.style.Verbose && f.Why != "" {
		lines = append(lines, indent(wrap("why: "+Terminal(f.Why), room-2))...)
	}
	if hint := ownHint(f); hint != "" || p.style.Verbose && f.Hint != "" {
		lines = append(lines, indent(wrap("→ "+Terminal(f.Hint), room-2))...)
	}
	lines = append(lines, indent(queryLines(f.Queries, maxQueries, room-2))...)
	if p.style.Verbose {
		lines = append(lines, indent(FixLines(f.Fix))...) // never wrapped: what is pasted is the command
		lines = append(lines, "  id "+f.ID)
	}
	return beside(f.Rule, lines)
}

// ruleWidth fits all rules but the longest, which break after a hyphen.
const ruleWidth = 20

// beside puts a rule to the left of lines.
func beside(rule string, lines []string) [][]string {
	names := []string{""}
	for _, part := range strings.SplitAfter(Terminal(rule), "-") {
		if last := &names[len(names)-1]; len(*last)+len(part) <= ruleWidth {
			*last += part
		} else {
			names = append(names, part)
		}
	}
	rows := make([][]string, max(len(lines), len(names)))
	for i := range rows {
		rows[i] = []string{strings.Repeat(" ", ruleWidth), ""}
		if i < len(names) {
			rows[i][0] = fmt.Sprintf("%-*s", ruleWidth, names[i])
		}
		if i < len(lines) {
			rows[i][1] = lines[i]
		}
	}
	return rows
}

func indent(lines []string) []string {
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}

// setAside lists what does not count, in one line each.
func (p *page) setAside(r *Report) {
	var rows [][]string
	for i := range r.Findings {
		if f := &r.Findings[i]; !counts(f) {
			if f.Baseline && f.Waived == nil && !p.style.Verbose {
				continue
			}
			room := max(30, p.style.Width-2-ruleWidth-2)
			lines := append(wrap(Terminal(f.Address), room), indent(wrap(Terminal(mark(f)), room-2))...)
			rows = append(rows, beside(f.Rule, lines)...)
		}
	}
	if len(rows) == 0 {
		return
	}
	p.line("")
	p.line(p.bold("SET ASIDE"))
	p.table(nil, rows)
}

func (p *page) gaps(r *Report) {
	if len(r.Gaps) == 0 {
		return
	}
	p.line("")
	p.line(p.bold(fmt.Sprintf("NOT KNOWN  %d", len(r.Gaps))))
	room := max(30, p.style.Width-4)
	for _, g := range r.Gaps {
		where := g.Environment
		if g.Instance != "" {
			where += "/" + g.Instance
		}
		head := wrap(Terminal(where)+"  "+Terminal(g.Address), room)
		text := Terminal(g.Reason)
		if g.Waived != nil {
			text += " (waived until " + g.Waived.Until + ")"
		}
		body := indent(wrap(text, room-2))
		if g.Hint != "" {
			body = append(body, indent(wrap("→ "+Terminal(g.Hint), room-2))...)
		}
		for _, l := range append(head, body...) {
			p.line("  " + l)
		}
	}
}

// table writes borderless, left-aligned columns, two spaces in. Cells are single lines, already escaped and wrapped.
func (p *page) table(header []string, rows [][]string) {
	if p.err != nil {
		return
	}
	var text strings.Builder
	t := tablewriter.NewTable(&text,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithPadding(tw.Padding{Left: "", Right: "  ", Overwrite: true}),
	)
	if header != nil {
		t.Header(header)
	}
	for _, row := range rows {
		if p.err = t.Append(append([]string(nil), row...)); p.err != nil { // tablewriter keeps the slice
			return
		}
	}
	if p.err = t.Render(); p.err != nil {
		return
	}
	for _, l := range strings.Split(strings.TrimRight(text.String(), "\n"), "\n") {
		p.line("  " + l)
	}
}

func (p *page) bold(text string) string { return p.sgr("1", text) }

func (p *page) severityColor(s finding.Severity, text string) string {
	switch s {
	case finding.Critical:
		return p.sgr("1;97;41", text)
	case finding.High:
		return p.sgr("1;31", text)
	case finding.Medium:
		return p.sgr("1;33", text)
	}
	return p.sgr("1;36", text)
}

func (p *page) verdictColor(v Verdict, text string) string {
	switch v.Status {
	case "fail":
		return p.sgr("1;31", text)
	case "incomplete":
		return p.sgr("1;33", text)
	}
	return p.sgr("1;32", text)
}

func (p *page) sgr(code, text string) string {
	if !p.style.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
