package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	_ "embed" // the files that init writes

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/atomicfile"
)

//go:embed init.yaml
var initConfig []byte

//go:embed init.ci.yaml
var initCI []byte

func initCommand() command {
	return command{
		name: "init", args: "[DIR]",
		short: "write a commented envdiff.yaml, keys and a CI snippet",
		long: `Writes into DIR (default: here): envdiff.yaml, commented and valid as it is; .envdiff/keys.env with
the two keys, mode 0600 and ignored by git; .envdiff/envdiff.schema.json for editors;
envdiff.ci.yaml, a job to copy into your CI configuration. A file that is there already is never
overwritten.`,
		run: runInit,
	}
}

func runInit(_ context.Context, s *session, args []string) (int, error) {
	dir := s.world.Dir
	if len(args) > 1 {
		return 0, errors.New("name one directory")
	}
	if len(args) == 1 {
		dir = s.path(args[0])
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return 0, fmt.Errorf("%s is no directory", dir)
	}
	schema, err := config.Schema()
	if err != nil {
		return 0, err
	}
	if err := makeStore(filepath.Join(dir, ".envdiff")); err != nil {
		return 0, err
	}
	for _, f := range []struct {
		name    string
		mode    os.FileMode
		content []byte
	}{
		{config.Name, 0o644, initConfig},
		{keyFile, 0o600, newKeyFile()},
		{".envdiff/envdiff.schema.json", 0o644, schema},
		{"envdiff.ci.yaml", 0o644, initCI},
	} {
		if err := s.writeNew(filepath.Join(dir, f.name), f.name, f.mode, f.content); err != nil {
			return 0, err
		}
	}
	fmt.Fprint(s.world.Stdout, "next: edit envdiff.yaml, then\n  envdiff doctor\n  envdiff ENV             (this-machine, as envdiff.yaml is written)\n")
	return exitOK, nil
}

// writeNew writes a file that is not there and says what it did.
func (s *session) writeNew(path, name string, mode os.FileMode, content []byte) error {
	if _, err := os.Lstat(path); err == nil {
		fmt.Fprintf(s.world.Stdout, "kept    %s (it was there)\n", ci.Terminal(name))
		return nil
	}
	err := atomicfile.WriteMode(path, mode, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	if err == nil {
		fmt.Fprintf(s.world.Stdout, "written %s\n", ci.Terminal(name))
	}
	return err
}
