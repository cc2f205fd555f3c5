package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// exitStatus is what a verdict means for the process.
const exitStatus = `EXIT STATUS
  0  nothing at or above --fail-on        1  a finding at or above --fail-on
  2  trouble: usage, configuration, policy, internal error; no output file is touched
  3  incomplete: no failing finding, but something could not be looked at
  130, 143  interrupted. Treat any other status as a failure.`

// plainExitStatus is that of commands that judge nothing.
const plainExitStatus = `EXIT STATUS
  0  done                                 1, 3  only where the text above says so
  2  trouble: usage, configuration, policy, internal error; no output file is touched
  130, 143  interrupted. Treat any other status as a failure.`

func usage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`envdiff captures what each environment is, compares the captures, and rehearses pending
migrations on a sanitised copy of production: before the deploy.

USAGE
  envdiff ENV [ENV...]            compare: one environment within itself, more across
  envdiff COMMAND [ARGUMENTS]

COMMANDS
`)
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.short)
	}
	b.WriteString(`
  An ENV is a name in envdiff.yaml, NAME@latest, NAME@2026-11-01[T02:00:00Z] (from the store),
  or the path of a snapshot, with a slash in it. envdiff help COMMAND says more.

FIRST STEPS
  envdiff init && envdiff doctor && envdiff this-machine

` + exitStatus + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func commandHelp(w io.Writer, c command) error {
	_, err := io.WriteString(w, helpText(c))
	return err
}

// helpText is the help page of a command; docs/ holds the same text.
func helpText(c command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "envdiff %s — %s\n\nUSAGE\n  envdiff %s\n", c.name, c.short, strings.TrimSpace(c.name+" [flags] "+c.args))
	if c.name == "compare" {
		fmt.Fprintf(&b, "  envdiff [flags] %s\n", c.args)
	}
	fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(c.long))
	var o options
	section := func(title string, add func(*pflag.FlagSet, *options)) {
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		fs.SortFlags = false
		add(fs, &o)
		if fs.HasFlags() {
			fmt.Fprintf(&b, "\n%s\n%s", title, fs.FlagUsagesWrapped(100))
		}
	}
	if c.flags != nil {
		section("FLAGS", c.flags)
	}
	if c.reports {
		section("OUTPUT AND VERDICT", reportFlags)
	}
	if c.captures {
		section("CAPTURE", captureFlags)
	}
	section("COMMON", commonFlags)
	switch {
	case c.exits != "":
		fmt.Fprintf(&b, "\n%s\n", c.exits)
	case c.reports:
		fmt.Fprintf(&b, "\n%s\n", exitStatus)
	default:
		fmt.Fprintf(&b, "\n%s\n", plainExitStatus)
	}
	return b.String()
}
