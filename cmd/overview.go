package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/envdiff/envdiff/internal/atomicfile"
)

// writeOverview writes an overview as -o asks, everything rendered before the first file is written.
func (s *session) writeOverview(l overview) error {
	type target struct {
		path string
		text []byte
	}
	var targets []target
	toStdout := 0
	for _, o := range s.opt.outputs {
		format, path, withPath := strings.Cut(o, "=")
		if !withPath {
			toStdout++
		} else if path == "" {
			return fmt.Errorf("-o %s has an empty path", o)
		}
		text, err := l.in(format)
		if err != nil {
			return err
		}
		targets = append(targets, target{path, text})
	}
	if toStdout > 1 {
		return hinted(fmt.Errorf("%d formats would go to standard output", toStdout), "give all but one a path: -o atom=changes.atom")
	}
	if toStdout == 0 {
		targets = append(targets, target{"", []byte(l.text)})
	}
	for _, t := range targets {
		if t.path == "" {
			if _, err := s.world.Stdout.Write(t.text); err != nil {
				return err
			}
			continue
		}
		if err := atomicfile.WriteMode(s.path(t.path), 0o600, func(w io.Writer) error {
			_, err := w.Write(t.text)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (l overview) in(format string) ([]byte, error) {
	var b bytes.Buffer
	switch format {
	case "table":
		b.WriteString(l.text)
	case "json":
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		if err := e.Encode(l.data); err != nil {
			return nil, err
		}
	case "atom":
		if err := l.feed.Write(&b); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("unknown output format %q: use table, json or atom", format)
	}
	return b.Bytes(), nil
}
