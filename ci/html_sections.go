package ci

import (
	"fmt"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

type htmlObject struct {
	Address string
	Sides   []htmlDefinition
}

type htmlDefinition struct {
	Environment string
	Lines       []htmlPart
}

// htmlObjects puts the definitions of each object side by side; a line that another environment lacks is marked.
func htmlObjects(r *Report) []htmlObject {
	var objects []htmlObject
	at := map[string]int{}
	for _, o := range r.context().Objects {
		i, ok := at[o.Address]
		if !ok {
			i = len(objects)
			at[o.Address] = i
			objects = append(objects, htmlObject{Address: Terminal(o.Address)})
		}
		side := htmlDefinition{Environment: Terminal(o.Environment)}
		for _, line := range strings.Split(o.Definition, "\n") {
			side.Lines = append(side.Lines, htmlPart{Text: Terminal(line)})
		}
		if o.Definition == "" {
			side.Lines = []htmlPart{{Text: "-- not there"}}
		}
		objects[i].Sides = append(objects[i].Sides, side)
	}
	for _, o := range objects {
		for i := range o.Sides {
			markMissing(o.Sides, i)
		}
	}
	return objects
}

// markMissing marks the lines of a side that some other side lacks.
func markMissing(sides []htmlDefinition, i int) {
	for j := range sides[i].Lines {
		line := &sides[i].Lines[j]
		for k := range sides {
			if k != i && strings.TrimSpace(line.Text) != "" && !slices.ContainsFunc(sides[k].Lines, func(l htmlPart) bool {
				return strings.TrimRight(l.Text, ",") == strings.TrimRight(line.Text, ",")
			}) {
				line.Differs = true
			}
		}
	}
}

type htmlSanitized struct {
	Says   string
	Groups []string
	Rows   []htmlColumn
}

type htmlColumn struct{ Column, Action, Kept string }

func htmlSanitization(r *Report) *htmlSanitized {
	if r.Sanitize == nil {
		return nil
	}
	out := &htmlSanitized{}
	var rows int64
	for _, t := range r.Sanitize.Tables {
		rows += t.Rows
		for _, c := range t.Columns {
			out.Rows = append(out.Rows, htmlColumn{Terminal(t.Table + "." + c.Column), Terminal(c.Action), Terminal(strings.Join(c.Kept, ", "))})
		}
	}
	out.Says = fmt.Sprintf("%s of %s, pseudonymised; %s.", plural(int(rows), "row", "rows"), plural(len(r.Sanitize.Tables), "table", "tables"), plural(int(r.Sanitize.Leaks), "leak", "leaks"))
	for _, text := range smallGroups(r) {
		out.Groups = append(out.Groups, Terminal(strings.ToUpper(text[:1])+text[1:]+"."))
	}
	if text := searched(r); text != "" {
		out.Says += " " + strings.ToUpper(text[:1]) + text[1:] + "."
	}
	return out
}

type htmlStatement struct {
	Migration, Status, Seconds, Production, SQL, Error string

	Locks, Touches []string
}

type htmlProbe struct {
	About, Status       string
	Violations, Checked int64
}

// htmlStatements are the rows of a rehearsal's table: one for each statement, and one for a migration without any.
func htmlStatements(d finding.RehearsedDatabase) []htmlStatement {
	var rows []htmlStatement
	for _, m := range d.Migrations {
		name := Terminal(m.Version + "_" + m.Name)
		if len(m.Statements) == 0 {
			rows = append(rows, htmlStatement{Migration: name, Status: m.Status, Seconds: fmt.Sprintf("%.2f", m.Seconds)})
		}
		for _, s := range m.Statements {
			row := htmlStatement{Migration: name, Status: "ok", Seconds: fmt.Sprintf("%.2f", s.Seconds), SQL: Terminal(s.SQL)}
			if s.Error != nil {
				row.Status, row.Error = "failed", Terminal(strings.TrimSpace(s.Error.Code+" "+s.Error.Message))
			}
			if len(s.ProductionSeconds) == 2 {
				row.Production = fmt.Sprintf("%.1f to %.1f", s.ProductionSeconds[0], s.ProductionSeconds[1])
				if s.Derived != "" {
					row.Production += " (" + Terminal(s.Derived) + ")"
				}
			}
			for _, l := range s.Locks {
				row.Locks = append(row.Locks, Terminal(fmt.Sprintf("%s: %s for %.2f s, blocks %s", l.Table, l.Mode, l.Seconds, l.Blocks)))
			}
			for _, t := range s.Rewrites {
				row.Touches = append(row.Touches, Terminal("rewrites "+t))
			}
			for _, t := range s.Scans {
				row.Touches = append(row.Touches, Terminal("scans "+t))
			}
			rows = append(rows, row)
		}
	}
	return rows
}
