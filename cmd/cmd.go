// Package cmd is the command line: it reads envdiff.yaml, wires capture, compare, sanitize and migrations
// to it, and turns what comes out into output and one exit status. It is the only room that reads
// environment variables, the clock and the terminal.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/strictyaml"
	"github.com/envdiff/envdiff/snapshot"
)

// The exit statuses. A verdict's own are in ci.Verdict.ExitStatus.
const (
	exitOK         = 0
	exitFinding    = 1
	exitTrouble    = 2
	exitIncomplete = 3
)

// World is everything outside of the program, so that a test can stand in for it.
type World struct {
	Args           []string // without the program's name
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
	Dir            string // working directory
	Now            func() time.Time
	StdoutTerminal bool
	StderrTerminal bool
	Width          int // of the terminal; 0 unknown
	Engines        map[string]engine.Engine
	Collectors     snapshot.Registry
}

// gcPercent keeps the memory of a comparison, most of which is facts that stay until its end, nearer to what it holds than
// Go's own 100 would, for a few per cent more time.
const gcPercent = 60

// Main runs the process: its arguments, its terminal, its signals.
func Main() int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, interrupted := signalContext()
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "envdiff: error: the working directory is gone")
		return exitTrouble
	}
	w := World{
		Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv, Dir: dir, Now: time.Now,
		StdoutTerminal: isatty.IsTerminal(os.Stdout.Fd()), StderrTerminal: isatty.IsTerminal(os.Stderr.Fd()),
		Engines: engines(), Collectors: collectors(),
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		w.Width = width
	}
	status := Run(ctx, w)
	if s := interrupted(); s != 0 {
		return s
	}
	return status
}

// signalContext is cancelled by the first SIGINT or SIGTERM; the second one kills the process at
// once. interrupted is 130 or 143 after one.
func signalContext() (ctx context.Context, interrupted func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	status := make(chan int, 1)
	go func() {
		s := <-signals
		signal.Stop(signals)
		status <- 128 + int(s.(syscall.Signal))
		cancel()
	}()
	return ctx, func() int {
		select {
		case s := <-status:
			return s
		default:
			return 0
		}
	}
}

// Run runs one command line and returns the exit status. A panic is an internal error: status 2, no
// stack trace, nothing of what was captured.
func Run(ctx context.Context, w World) (status int) {
	defer func() {
		if p := recover(); p != nil {
			if _, debug := w.LookupEnv("ENVDIFF_DEBUG"); debug {
				panic(p)
			}
			fmt.Fprintf(w.Stderr, "envdiff: error: internal error (%T)\nenvdiff: hint: run again with ENVDIFF_DEBUG=1 for a stack trace, and report it\n", p)
			status = exitTrouble
		}
	}()
	status, err := dispatch(ctx, w)
	if err != nil {
		report(w.Stderr, err)
		return exitTrouble
	}
	return status
}

// count is a number with its noun: "1 host", "3 hosts".
func count(n int, noun string) string { return countOf(n, noun, noun+"s") }

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// failure is an error with what to do next.
type failure struct {
	err  error
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// hinted adds the next command to an error.
func hinted(err error, hint string, args ...any) error {
	return &failure{err, fmt.Sprintf(hint, args...)}
}

// report is the one place that prints an error: "envdiff: error: …" and "envdiff: hint: …", lower case, escaped.
func report(w io.Writer, err error) {
	var mistakes strictyaml.Errors
	if errors.As(err, &mistakes) {
		for _, m := range mistakes {
			fmt.Fprintf(w, "envdiff: error: %s\n", ci.Terminal(m.Error()))
		}
		fmt.Fprintf(w, "envdiff: hint: %s\n", "nothing was read or written: correct the file and run again")
		return
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(w, "envdiff: error: %s\n", ci.Terminal(line))
	}
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "envdiff: hint: %s\n", ci.Terminal(hint))
	}
}
