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
	}
}

// FormatByName finds a format.
func FormatByName(name string) (FormatWriter, error) {
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	if near := spelling.Nearest(name, names); near != "" {
		return FormatWriter{}, fmt.Errorf("unknown output format %q: did you mean %q?", name, near)
	}
	return FormatWriter{}, fmt.Errorf("unknown output format %q: use %s", name, strings.Join(names, ", "))
}
