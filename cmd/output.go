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
	path   string // "" is standard output, or the socket
	socket string // of collectd
}

func (o output) toStdout() bool { return o.path == "" && o.socket == "" }

// outputs are the -o flags with their paths resolved, read before anything is captured.
func (s *session) outputs() ([]output, error) {
	outs, err := parseOutputs(s.opt.outputs)
	for i := range outs {
		if socket, ok := strings.CutPrefix(outs[i].path, socketPrefix); ok && outs[i].format.Name == "collectd" {
			outs[i].socket, outs[i].path = s.path(socket), ""
		} else if outs[i].path != "" {
			outs[i].path = s.path(outs[i].path)
		}
	}
	return outs, err
}

// parseOutputs reads the values of -o. The table goes to standard output unless another format has no path.
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
		outs = append(outs, output{format: format, path: path})
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

// writeOutputs renders and writes everything before the first file gets its name, so that a failure leaves
// every file as it was; then standard output.
func (s *session) writeOutputs(outs []output, r *ci.Report) error {
	rendered := make([]bytes.Buffer, len(outs))
	for i, o := range outs {
		style := ci.Style{Verbose: s.opt.verbose, Quiet: s.opt.quiet, Explain: s.explains}
		s.collectdStyle(&style)
		if o.toStdout() {
			style.Color, style.Width = s.colorStdout(), min(s.world.Width, 120)
		}
		if err := o.format.Write(&rendered[i], r, style); err != nil {
			return fmt.Errorf("rendering %s: %w", o.format.Name, err)
		}
	}
	var staged []*atomicfile.Staged
	for i, o := range outs {
		if o.path == "" {
			continue
		}
		f, err := atomicfile.Stage(o.path, 0o600, func(w io.Writer) error {
			_, err := w.Write(rendered[i].Bytes())
			return err
		})
		if err != nil {
			for _, f := range staged {
				f.Discard()
			}
			return err
		}
		staged = append(staged, f)
	}
	for _, f := range staged {
		if err := f.Commit(); err != nil {
			return err
		}
	}
	for i, o := range outs {
		if o.format.Name == "github" {
			s.stepSummary(r)
		}
		if o.socket != "" {
			if err := toCollectd(o.socket, rendered[i].Bytes()); err != nil {
				return err
			}
		}
		if o.toStdout() {
			if _, err := s.world.Stdout.Write(rendered[i].Bytes()); err != nil {
				return fmt.Errorf("writing to standard output: %w", err)
			}
		}
	}
	return nil
}

// colorStdout decides by --color, then FORCE_COLOR and CLICOLOR_FORCE, NO_COLOR, TERM=dumb,
// and whether standard output is a terminal.
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

// writer is a report in one format, as atomicfile writes it.
func writer(f ci.FormatWriter, r *ci.Report) func(io.Writer) error {
	return func(w io.Writer) error { return f.Write(w, r, ci.Style{}) }
}
