package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/internal/spelling"
)

// command is one line of the command table; each has a file of its own.
type command struct {
	name  string
	args  string // "FROM TO…"
	short string // one line
	long  string // help text; EXIT STATUS is added
	exits string // EXIT STATUS, where it is the command's own
	flags func(*pflag.FlagSet, *options)
	run   func(ctx context.Context, s *session, args []string) (int, error)
	// groups of flags that the command takes
	captures, reports bool
}

// commands is the command table, in the order of the help text.
func commands() []command {
	return []command{
		compareCommand(),
		gateCommand(),
		rehearseCommand(),
		refreshCommand(),
		snapshotCommand(),
		scanCommand(),
		renderCommand(),
		commentCommand(),
		explainCommand(),
		baselineCommand(),
		waiveCommand(),
		waiversCommand(),
		historyCommand(),
		pendingCommand(),
		pruneCommand(),
		serveCommand(),
		doctorCommand(),
		initCommand(),
		schemaCommand(),
		completionCommand(),
		versionCommand(),
		demoCommand(),
	}
}

func dispatch(ctx context.Context, w World) (int, error) {
	name, args := splitCommand(w.Args)
	if name == "help" {
		if len(args) == 0 {
			return exitOK, usage(w.Stdout)
		}
		name, args = args[0], []string{"--help"}
	}
	if name == "" {
		if wantsHelp(args) {
			return exitOK, usage(w.Stdout)
		}
		name = "compare"
	}
	for _, c := range commands() {
		if c.name == name {
			return runCommand(ctx, w, c, args)
		}
	}
	return 0, hinted(fmt.Errorf("unknown command %q", name), "envdiff --help lists the commands")
}

// splitCommand takes the command's name from the first argument that is no flag; anything
// else there is an environment to compare.
func splitCommand(args []string) (string, []string) {
	for i, a := range args {
		if a == "--" {
			break
		}
		if strings.HasPrefix(a, "-") {
			if i == 0 && (a == "-h" || a == "--help") {
				return "", args
			}
			if a == "--version" {
				return "version", nil
			}
			continue
		}
		if i > 0 && takesValue(args[i-1]) {
			continue
		}
		for _, c := range commands() {
			if c.name == a {
				return a, append(args[:i:i], args[i+1:]...)
			}
		}
		if a == "help" {
			return a, args[i+1:]
		}
		return "", args
	}
	return "", args
}

// takesValue reports whether a flag before the command's name swallows the next argument.
func takesValue(flag string) bool {
	if strings.Contains(flag, "=") {
		return false
	}
	var o options
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	commonFlags(fs, &o)
	captureFlags(fs, &o)
	reportFlags(fs, &o)
	var f *pflag.Flag
	switch {
	case strings.HasPrefix(flag, "--"):
		f = fs.Lookup(strings.TrimPrefix(flag, "--"))
	case strings.HasPrefix(flag, "-") && len(flag) == 2:
		f = fs.ShorthandLookup(flag[1:])
	}
	return f != nil && f.NoOptDefVal == ""
}

func runCommand(ctx context.Context, w World, c command, args []string) (int, error) {
	var o options
	fs := newFlagSet(c, &o)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return exitOK, commandHelp(w.Stdout, c)
		}
		return 0, flagError(fs, c, err)
	}
	s, err := newSession(w, o)
	if err != nil {
		return 0, err
	}
	defer s.close()
	return c.run(ctx, s, fs.Args())
}

func newFlagSet(c command, o *options) *pflag.FlagSet {
	fs := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.Usage = func() {}
	if c.flags != nil {
		c.flags(fs, o)
	}
	if c.reports {
		reportFlags(fs, o)
	}
	if c.captures {
		captureFlags(fs, o)
	}
	commonFlags(fs, o)
	return fs
}

// flagError turns pflag's typed errors into an error with a did-you-mean.
func flagError(fs *pflag.FlagSet, c command, err error) error {
	help := "envdiff help " + c.name
	var missing *pflag.NotExistError
	if errors.As(err, &missing) {
		var names []string
		fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := spelling.Nearest(missing.GetSpecifiedName(), names); near != "" {
			return hinted(fmt.Errorf("unknown flag --%s", missing.GetSpecifiedName()), "did you mean --%s?", near)
		}
	}
	return hinted(err, "%s", help)
}

func wantsHelp(args []string) bool {
	for _, a := range args {
		if a == "-h" || a == "--help" {
			return true
		}
	}
	return len(args) == 0
}
