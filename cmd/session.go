package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/progress"
	"github.com/envdiff/envdiff/internal/strictyaml"
	"github.com/envdiff/envdiff/internal/throwaway"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// session is one run of a command: its world, its flags, and what both lead to.
type session struct {
	world    World
	opt      options
	progress *progress.Reporter
	tempDir  string                       // private, made when first needed
	tempLock *os.File                     // held as long as tempDir is used
	servers  map[string]*throwaway.Server // by engine and version, started when first needed
	places   map[string]engine.Place      // on scratch servers, by engine and DSN
	fileVars map[string]string            // of the key file
	warnings []string
	explains string          // the command that says more of what this run found; "" where nothing is kept that it could read
	compared []side          // what the report is about, for what it shows beside its findings
	jumps    transport.Jumps // limits how many ssh connections are made at once through one jump host
}

func newSession(w World, o options) (*session, error) {
	s := &session{world: w, opt: o}
	switch o.color {
	case "auto", "always", "never":
	default:
		return nil, fmt.Errorf("--color %q: use auto, always or never", o.color)
	}
	if o.timeout < 0 || o.jobs < 0 {
		return nil, errors.New("--timeout and --jobs cannot be negative")
	}
	mode := progress.None
	switch o.progress {
	case "auto":
		mode = progress.Plain
		if w.StderrTerminal {
			mode = progress.Line
		}
	case "plain":
		mode = progress.Plain
	case "none":
	default:
		return nil, fmt.Errorf("--progress %q: use auto, plain or none", o.progress)
	}
	if o.quiet {
		mode = progress.None
	}
	s.progress = progress.New(w.Stderr, mode, w.Width, ci.Terminal)
	return s, nil
}

func (s *session) close() {
	s.progress.Close()
	for _, place := range s.places {
		place.Close()
	}
	for _, server := range s.servers {
		server.Close()
	}
	if s.tempDir != "" {
		os.RemoveAll(s.tempDir)
		s.tempLock.Close()
	}
}

// scratch is a private temporary directory of this run; it is removed at its end.
func (s *session) scratch() (string, error) {
	if s.tempDir == "" {
		dir, lock, err := makeTempDir()
		if err != nil {
			return "", err
		}
		s.tempDir, s.tempLock = dir, lock
	}
	return s.tempDir, nil
}

// path resolves a path of the command line.
func (s *session) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(s.world.Dir, p)
}

// loadConfig finds and reads envdiff.yaml.
func (s *session) loadConfig() (*config.Config, error) {
	path := s.opt.config
	if path == "" {
		path, _ = s.world.LookupEnv("ENVDIFF_CONFIG")
	}
	if path == "" {
		found, err := config.Find(s.world.Dir)
		if errors.Is(err, config.ErrNotFound) {
			return nil, hinted(err, "envdiff init writes one, or name it with --config")
		}
		if err != nil {
			return nil, err
		}
		path = found
	} else {
		path = s.path(path)
	}
	c, err := config.Load(path)
	if err != nil {
		return nil, shortPaths(err, s.world.Dir)
	}
	for _, w := range c.Warnings {
		s.warn("%s: %s", config.Name, w)
	}
	s.readKeyFile(filepath.Join(c.Dir(), keyFile))
	return c, nil
}

// shortPaths shows mistakes relative to the working directory, as editors link them.
func shortPaths(err error, dir string) error {
	var es strictyaml.Errors
	if !errors.As(err, &es) {
		return err
	}
	for i := range es {
		if rel, relErr := filepath.Rel(dir, es[i].File); relErr == nil && !strings.HasPrefix(rel, "..") {
			es[i].File = rel
		}
	}
	return es
}

// selection is --only and --skip.
func (s *session) selection() snapshot.Selection {
	return snapshot.Selection{Only: s.opt.only, Skip: s.opt.skip}
}

// warn keeps a warning for the report.
func (s *session) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// interrupted turns a cancelled run into its error, so that nothing is judged on half a capture.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted: nothing was written")
	}
	return err
}
