package migrations

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// back reads what undoes a migration; nil where nothing does: no file, or one without a statement, which is how an
// irreversible migration is written.
func (s *Source) back(m Migration, e engine.Engine) (*planned, error) {
	file := s.backFile(m)
	if file == "" {
		return nil, nil
	}
	text, err := readBounded(s.root(), file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sc, ok := script{text: text}, true
	if s.tool != nil && s.tool.back != nil {
		sc, ok = s.tool.back(text, m.section)
	}
	if !ok {
		return nil, nil
	}
	statements, err := e.Split(sc.text)
	if err != nil || len(statements) == 0 {
		return nil, err
	}
	way := &planned{Migration: m, noTx: sc.noTx}
	way.Up = file
	for _, st := range statements {
		way.statements = append(way.statements, plannedStatement{Statement: st})
	}
	return way, nil
}

// backFile is the file with the way back, which may be absent; "" where the tool has none.
func (s *Source) backFile(m Migration) string {
	t := s.tool
	switch {
	case t == nil:
		return m.Down
	case t.back != nil:
		return m.Up
	case t.layout.down == "" || !strings.HasSuffix(m.Up, ".sql"):
		return ""
	case t.layout.inside != "":
		return path.Join(path.Dir(m.Up), t.layout.down)
	}
	return strings.Replace(t.layout.down, "$", strings.TrimSuffix(strings.TrimSuffix(m.Up, ".sql"), ".up"), 1)
}
