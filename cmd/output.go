package cmd

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/internal/atomicfile"
)

// output is one -o FORMAT[=PATH].
type output struct {
	format ci.FormatWriter
	path   string // "" is standard output
}

// parseOutputs reads the -o flags before anything is captured. The table goes to standard output unless another format has no path.
func parseOutputs(flags []string) ([]output, error) {
	var outs []output
	toStdout := 0
	for _, f := range flags {
		name, path, withPath := strings.Cut(f, "=")
		format, err := ci.FormatByName(name)
		if err != nil {
			return nil, err
		}
		if withPath && path == "" {
			return nil, fmt.Errorf("-o %s has an empty path", f)
		}
		if !withPath {
			toStdout++
		}
		outs = append(outs, output{format, path})
	}
	if toStdout > 1 {
		return nil, hinted(fmt.Errorf("%d formats would go to standard output", toStdout), "give all but one a path: -o json=report.json")
	}
	if toStdout == 0 {
		table, err := ci.FormatByName("table")
		if err != nil {
			return nil, err
		}
		outs = append(outs, output{format: table})
	}
	return outs, nil
}

// writeOutputs renders everything first, so that a failure leaves every file as it was, then writes the files, then standard output.
func (s *session) writeOutputs(outs []output, r *ci.Report) error {
	rendered := make([]bytes.Buffer, len(outs))
	for i, o := range outs {
		style := ci.Style{Verbose: s.opt.verbose}
		if o.path == "" {
			style.Color, style.Width = s.colorStdout(), min(s.world.Width, 120)
		}
		if err := o.format.Write(&rendered[i], r, style); err != nil {
			return fmt.Errorf("rendering %s: %w", o.format.Name, err)
		}
	}
	for i, o := range outs {
		if o.path == "" {
			continue
		}
		if err := atomicfile.Write(o.path, func(w io.Writer) error {
			_, err := w.Write(rendered[i].Bytes())
			return err
		}); err != nil {
			return err
		}
	}
	for i, o := range outs {
		if o.path == "" {
			if _, err := s.world.Stdout.Write(rendered[i].Bytes()); err != nil {
				return fmt.Errorf("writing to standard output: %w", err)
			}
		}
	}
	return nil
}

// colorStdout decides by --color, then FORCE_COLOR and CLICOLOR_FORCE, NO_COLOR, TERM=dumb, and whether standard output is a terminal.
func (s *session) colorStdout() bool {
	switch s.opt.color {
	case "always":
		return true
	case "never":
		return false
	}
	set := func(name string) bool { v, ok := s.world.LookupEnv(name); return ok && v != "" }
	if set("FORCE_COLOR") || set("CLICOLOR_FORCE") {
		return true
	}
	if set("NO_COLOR") {
		return false
	}
	if t, _ := s.world.LookupEnv("TERM"); t == "dumb" {
		return false
	}
	return s.world.StdoutTerminal
}
