package ci

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	_ "embed" // the committed schema of the report

	"github.com/envdiff/envdiff/internal/finding"
)

// ReportSchema is the JSON Schema of a report, as committed.
//
//go:embed report.schema.json
var ReportSchema []byte

func writeJSON(w io.Writer, r *Report, _ Style) error {
	r.fillEmpty()
	e := json.NewEncoder(visible{w})
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// visible writes JSON with characters that hide or reorder text as \uXXXX: the same document, harmless on a terminal.
// The encoder writes one whole value at a time, so no character is split between two writes.
type visible struct{ w io.Writer }

func (v visible) Write(p []byte) (int, error) {
	var out []byte
	for i := 0; i < len(p); {
		r, size := utf8.DecodeRune(p[i:])
		if r >= 0x7f && hidden(r) {
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		} else {
			out = append(out, p[i:i+size]...)
		}
		i += size
	}
	if _, err := v.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// writeJSONL writes a header (the report without its lists), one line per finding and gap, and the verdict as trailer:
// a reader that sees no trailer knows that the file is cut off.
func writeJSONL(w io.Writer, r *Report, _ Style) error {
	r.fillEmpty()
	e := json.NewEncoder(visible{w})
	header := struct {
		Format       string        `json:"format"`
		Command      string        `json:"command"`
		Environments []Environment `json:"environments"`
		Warnings     []string      `json:"warnings"`
	}{r.Format, r.Command, r.Environments, r.Warnings}
	if err := e.Encode(header); err != nil {
		return err
	}
	for i := range r.Findings {
		if err := e.Encode(map[string]*finding.Finding{"finding": &r.Findings[i]}); err != nil {
			return err
		}
	}
	for i := range r.Gaps {
		if err := e.Encode(map[string]*finding.Gap{"gap": &r.Gaps[i]}); err != nil {
			return err
		}
	}
	return e.Encode(map[string]Verdict{"verdict": r.Verdict})
}

// ReadReport reads a report that -o json wrote, for render and explain.
func ReadReport(src []byte) (*Report, error) {
	var r Report
	if err := json.Unmarshal(src, &r); err != nil {
		return nil, fmt.Errorf("the report is not JSON or is cut off: %w", err)
	}
	if r.Format != Format {
		return nil, fmt.Errorf("the report's format is %q, this envdiff reads %s", r.Format, Format)
	}
	r.fillEmpty()
	return &r, nil
}
