package ci

import (
	"fmt"
	"html/template"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// Drawings are SVG without any style of their own: the page's policy allows none, and its classes follow light, dark
// and print.

type svg struct{ strings.Builder }

// open starts a drawing that says in words what it shows.
func (s *svg) open(width, height int, label string) {
	fmt.Fprintf(s, `<svg viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`, width, height, width, height, template.HTMLEscapeString(Terminal(label)))
}

func (s *svg) bar(class string, x, y, width, height float64, says string) {
	fmt.Fprintf(s, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2"><title>%s</title></rect>`, class, x, y, max(width, 1.5), height, template.HTMLEscapeString(Terminal(says)))
}

func (s *svg) text(class string, x, y float64, anchor, text string) {
	fmt.Fprintf(s, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, class, x, y, anchor, template.HTMLEscapeString(Terminal(text)))
}

func (s *svg) line(x1, y1, x2, y2 float64) {
	fmt.Fprintf(s, `<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, x1, y1, x2, y2)
}

func (s *svg) done() template.HTML {
	s.WriteString("</svg>")
	return template.HTML(s.String()) //nolint:gosec // every text in it went through HTMLEscapeString
}

type htmlRehearsal struct {
	Name, Engine, Head string

	Drawing    template.HTML
	Statements []htmlStatement
	Probes     []htmlProbe
	Plans      []finding.Plan
}

func htmlRehearsals(r *Report) []htmlRehearsal {
	if r.Rehearsal == nil {
		return nil
	}
	var out []htmlRehearsal
	for _, d := range r.Rehearsal.Databases {
		h := htmlRehearsal{Name: Terminal(d.Name), Engine: Terminal(d.Engine), Head: rehearsalSays(d), Drawing: timeline(d), Statements: htmlStatements(d)}
		for _, q := range d.Probes {
			h.Probes = append(h.Probes, htmlProbe{Terminal(probeSubject(q)), Terminal(q.Status), q.Violations, q.RowsChecked})
		}
		sort.SliceStable(h.Probes, func(i, j int) bool { return h.Probes[i].Violations > h.Probes[j].Violations })
		for _, p := range d.Plans {
			h.Plans = append(h.Plans, finding.Plan{Query: Terminal(p.Query), Before: xmlLines(p.Before), After: xmlLines(p.After), Verdict: Terminal(p.Verdict)})
		}
		out = append(out, h)
	}
	return out
}

// timeline draws a replay: a bar for each statement where it ran, and below it one for each lock that it took, from the
// start of the statement as long as it was held.
func timeline(d finding.RehearsedDatabase) template.HTML {
	total, rows := 0.0, 0
	for _, m := range d.Migrations {
		for _, st := range m.Statements {
			total += st.Seconds
			rows += 1 + len(blocking(st))
		}
	}
	if rows == 0 || total <= 0 {
		return ""
	}
	const label, width, row = 330.0, 560.0, 20.0
	var s svg
	s.open(int(label+width+70), int(float64(rows)*row+26), fmt.Sprintf("replay of %s: %d migrations in %.2f seconds", d.Name, len(d.Migrations), total))
	for i := 0; i <= 4; i++ {
		x := label + width*float64(i)/4
		s.line(x, 4, x, float64(rows)*row+6)
		s.text("q", x, float64(rows)*row+20, "middle", fmt.Sprintf("%.2f s", total*float64(i)/4))
	}
	y, at := 4.0, 0.0
	for _, m := range d.Migrations {
		for _, st := range m.Statements {
			class := "ok"
			if st.Error != nil {
				class = "failed"
			}
			x := label + width*at/total
			s.text("", label-10, y+13, "end", m.Version+"  "+clipped(st.SQL, 40))
			s.bar(class, x, y+3, width*st.Seconds/total, row-6, fmt.Sprintf("%.3f s: %s", st.Seconds, clipped(st.SQL, 200)))
			y += row
			for _, l := range blocking(st) {
				s.text("q", label-10, y+12, "end", clipped(l.Table+" "+l.Mode, 44))
				s.bar(lockClass(l), x, y+6, width*min(l.Seconds, total-at)/total, row-13, fmt.Sprintf("%s of %s for %.3f s blocks %s", l.Mode, l.Table, l.Seconds, l.Blocks))
				y += row
			}
			at += st.Seconds
		}
	}
	return s.done()
}

// blocking are the locks that others wait for.
func blocking(st finding.Statement) []finding.Lock {
	var locks []finding.Lock
	for _, l := range st.Locks {
		if l.Blocks != "nothing" {
			locks = append(locks, l)
		}
	}
	return locks
}

func lockClass(l finding.Lock) string {
	if l.Blocks == "writes" {
		return "writes"
	}
	return "all"
}

// clipped is the beginning of a text, on one line.
func clipped(text string, most int) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

// trendShown is how many runs the trend shows, the newest ones.
const trendShown = 60

// trendChart draws the findings of the last runs as columns, the worst at the bottom.
func trendChart(points []TrendPoint) template.HTML {
	if len(points) < 2 {
		return ""
	}
	points = points[max(len(points)-trendShown, 0):]
	most := 1
	for _, p := range points {
		total := 0
		for _, severity := range finding.Severities() {
			total += p.Counts.Of(severity)
		}
		most = max(most, total)
	}
	const left, height, step = 40.0, 120.0, 14.0
	var s svg
	last := points[len(points)-1]
	s.open(int(left+step*float64(len(points))+90), int(height)+34, fmt.Sprintf("findings of the last %d runs, %s to %s", len(points), points[0].At.Format("2006-01-02"), last.At.Format("2006-01-02")))
	s.line(left, height+6, left+step*float64(len(points)), height+6)
	s.text("q", left-6, 16, "end", fmt.Sprint(most))
	s.text("q", left-6, height+8, "end", "0")
	for i, p := range points {
		y := height + 6
		for _, severity := range finding.Severities() {
			n := p.Counts.Of(severity)
			if n == 0 {
				continue
			}
			h := height * float64(n) / float64(most)
			y -= h
			s.bar(severity.String(), left+step*float64(i)+2, y, step-4, h, fmt.Sprintf("%s: %d %s", p.At.UTC().Format("2006-01-02 15:04"), n, severity))
		}
	}
	s.text("q", left, height+24, "start", points[0].At.UTC().Format("2006-01-02"))
	if width := step * float64(len(points)); width > 80 { // else one date would stand on the other
		s.text("q", left+width, height+24, "start", last.At.UTC().Format("2006-01-02"))
	}
	return s.done()
}
