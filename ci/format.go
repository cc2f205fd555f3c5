package ci

import (
	"fmt"
	"io"
	"strings"

	"github.com/envdiff/envdiff/internal/spelling"
)

// Style says how a text format may look.
type Style struct {
	Width   int  // columns; 0 means 80
	Color   bool // SGR colours; words carry the meaning without them
	Verbose bool // why and what to do, for every finding
	Quiet   bool // no warnings
	// Explain is the command that says more of an address of this report; "" is none: then the table names no next step.
	Explain string

	Host     string // whom collectd is told the values are of; "" is envdiff
	Interval int    // seconds until collectd expects the next ones; 0 is a day
}

// FormatWriter is one output format.
type FormatWriter struct {
	Name  string
	Doc   string // one line
	Write func(w io.Writer, r *Report, s Style) error
}

// Formats is the registry of output formats, in the order of the help text.
func Formats() []FormatWriter {
	return []FormatWriter{
		{"table", "for people: grouped by severity, 80 columns", writeTable},
		{"json", "the whole report, format " + Format, writeJSON},
		{"jsonl", "one JSON object a line: header, findings, gaps, verdict", writeJSONL},
		{"markdown", "for a comment, a wiki or a step summary", writeMarkdown},
		{"html", "one page that works offline and without JavaScript, to look at, share and print", writeHTML},
		{"junit", "JUnit XML: a case per part looked at, finding and gap; waived is skipped, a gap an error", writeJUnit},
		{"sarif", "SARIF 2.1.0 for code scanning: each result at its line of envdiff.yaml or its migration", writeSARIF},
		{"github", "GitHub annotations, at most 10 of a level, and the step summary", writeGitHub},
		{"gitlab", "GitLab code quality", writeGitLab},
		{"prometheus", "for the node exporter's textfile collector", writePrometheus},
		{"collectd", "PUTVAL lines for the exec plugin; PATH unix:SOCKET sends them to the unixsock plugin", writeCollectd},
		{"atom", "an Atom feed: the verdict, then what counts for it", writeAtom},
	}
}

// FormatByName finds a format.
func FormatByName(name string) (FormatWriter, error) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
	}
	names := FormatNames()
	if near := spelling.Nearest(name, names); near != "" {
		return FormatWriter{}, fmt.Errorf("unknown output format %q: did you mean %q?", name, near)
	}
	return FormatWriter{}, fmt.Errorf("unknown output format %q: use %s", name, strings.Join(names, ", "))
}

// FormatNames are the names of the formats, in the order of the registry.
func FormatNames() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}
