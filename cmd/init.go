package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	_ "embed" // the files that init writes

	"github.com/spf13/pflag"

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
overwritten.

With --from, the environments and roles are those of another system in DIR, or at PATH:
  ansible     inventories/NAME, production, staging, hosts, … (INI, YAML, directories, or a file
              that ansible-inventory --list printed); groups are roles
  capistrano  config/deploy/STAGE.rb; where cap is there it is asked (doctor:servers), which runs
              the project's own Capfile
  puppet      what Puppet keeps below its cache directory (catalogues, nodes, reports, classes.txt;
              of a server or an agent), PuppetDB (puppet:https://HOST:8081?cert=FILE&key=FILE&ca=FILE),
              or manifests/site.pp, of each of environments/NAME where there are any: nodes, and
              their classes role::NAME`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.StringVar(&o.from, "from", "", "take environments and roles from `SYSTEM`: ansible, capistrano or puppet, or SYSTEM:PATH")
		},
		run: runInit,
	}
}

func runInit(ctx context.Context, s *session, args []string) (int, error) {
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
	content, next := initConfig, "this-machine, as envdiff.yaml is written"
	if s.opt.from != "" {
		var err error
		if content, next, err = s.importSystem(ctx, dir, s.opt.from); err != nil {
			return 0, err
		}
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
		{config.Name, 0o644, content},
		{keyFile, 0o600, newKeyFile()},
		{".envdiff/envdiff.schema.json", 0o644, schema},
		{"envdiff.ci.yaml", 0o644, initCI},
	} {
		if err := s.writeNew(filepath.Join(dir, f.name), f.name, f.mode, f.content); err != nil {
			return 0, err
		}
	}
	fmt.Fprintf(s.world.Stdout, "next: edit envdiff.yaml, then\n  envdiff doctor\n  envdiff ENV             (%s)\n", ci.Terminal(next))
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
