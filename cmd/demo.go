package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/internal/atomicfile"
	"github.com/envdiff/envdiff/internal/world"
	"github.com/envdiff/envdiff/testdata/worlds"
)

func demoCommand() command {
	return command{
		name:  "demo",
		short: "show the main job on a made-up web shop, without any server",
		long: `Builds a web shop with two environments, staging and production: directory trees of three web hosts
each (400 packages, 70 files) and SQLite databases with 200,000 rows in production. Then it runs the
commands that an operator would, and says what their exit status is. It reads and writes nothing but
a temporary directory, or --dir, and needs no network. Exits 0 when every command found what it
should.`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.StringVar(&o.dir, "dir", "", "build the shop in this empty `DIR` and keep it")
		},
		run: runDemo,
	}
}

// scene is one command of the demo.
type scene struct {
	say    string
	args   []string
	status int
}

func demoScenes() []scene {
	return []scene{
		{"Is production the same on every host? One command, nothing installed anywhere:",
			[]string{"production"}, exitFinding},
		{"Has staging drifted from production? Log, cache, mail and database hosts differ as they should: they are parameters, no drift.",
			[]string{"staging", "production"}, exitFinding},
		{"Two migrations are pending. On staging's data they pass:",
			[]string{"rehearse", "staging"}, exitOK},
		{"Before the deploy: the same migrations on a sanitised copy of production's 200,000 rows, and asked of production itself, read-only:",
			[]string{"rehearse", "production"}, exitFinding},
		{"Why did staging not tell? Its data is not production's. Every night, a copy that is: pseudonyms in place of people, the same shape, keys and oddities:",
			[]string{"refresh", "production", "uat"}, exitOK},
		{"So uat is production in everything that a migration can meet, without anybody's data:",
			[]string{"uat", "production", "--only", "main:*"}, exitOK},
	}
}

func runDemo(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) > 0 {
		return 0, errors.New("demo takes no arguments")
	}
	dir, err := s.demoDir()
	if err != nil {
		return 0, err
	}
	shop, err := fs.Sub(worlds.FS, "shop")
	if err != nil {
		return 0, err
	}
	if err := world.Build(ctx, shop, dir); err != nil {
		return 0, interrupted(ctx, err)
	}
	if err := shopKeys(dir); err != nil {
		return 0, err
	}
	for _, sc := range demoScenes() {
		if err := s.play(ctx, dir, sc); err != nil {
			return 0, err
		}
	}
	s.narrate("That is the whole tool. Your own environments: envdiff init && envdiff doctor")
	return exitOK, nil
}

// shopKeys gives the shop keys of its own, as init would.
func shopKeys(dir string) error {
	if err := makeStore(filepath.Join(dir, ".envdiff")); err != nil {
		return err
	}
	return atomicfile.WriteMode(filepath.Join(dir, keyFile), 0o600, func(w io.Writer) error {
		_, err := w.Write(newKeyFile())
		return err
	})
}

func (s *session) demoDir() (string, error) {
	if s.opt.dir == "" {
		return s.scratch()
	}
	dir := s.path(s.opt.dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", hinted(fmt.Errorf("%s is not empty", s.opt.dir), "name an empty directory, or one that does not exist yet")
	}
	return dir, nil
}

// play runs one command in the shop's directory, with the same program, terminal and clock.
func (s *session) play(ctx context.Context, dir string, sc scene) error {
	s.narrate(sc.say)
	fmt.Fprintf(s.world.Stdout, "$ envdiff %s\n", strings.Join(sc.args, " "))
	w := s.world
	w.Dir = dir
	w.Args = append(append([]string{}, sc.args...), "--color", s.opt.color) // its envdiff.yaml is the directory's
	if !s.world.StderrTerminal {
		w.Args = append(w.Args, "--progress", "none")
	}
	w.LookupEnv = func(name string) (string, bool) {
		if strings.HasPrefix(name, "ENVDIFF_") { // the shop has keys of its own
			return "", false
		}
		return s.world.LookupEnv(name)
	}
	status := Run(ctx, w)
	if ctx.Err() != nil {
		return interrupted(ctx, ctx.Err())
	}
	fmt.Fprintf(s.world.Stdout, "(exit status %d)\n", status)
	if status != sc.status {
		return fmt.Errorf("the demo expected exit status %d of envdiff %s and got %d", sc.status, strings.Join(sc.args, " "), status)
	}
	return nil
}

func (s *session) narrate(text string) {
	color, end := "", ""
	if s.colorStdout() {
		color, end = "\x1b[1;34m", "\x1b[0m"
	}
	fmt.Fprintf(s.world.Stdout, "\n%s# %s%s\n", color, ci.Terminal(text), end)
}
