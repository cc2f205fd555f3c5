package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/atomicfile"
)

// waiverFlags are what envdiff waive is told.
type waiverFlags struct {
	rule, reason, until                 string
	environments, instances, approvedBy []string
	gap                                 bool
}

func waiveCommand() command {
	return command{
		name: "waive", args: "ADDRESS|FINDING-ID",
		short: "accept one exception: write it to envdiff.waivers.yaml",
		long: `Adds one waiver to the end of envdiff.waivers.yaml and leaves the rest of the file as it is. An ADDRESS
may hold * in its name and attribute; its scope and kind are literal. A FINDING-ID of the newest
report stands for its address and rule. Reason, two different approvers and a last day are needed, at
most a year away: after it the exception is a finding itself.

  envdiff waive 'web:config/etc/php/*#PHP.memory_limit' --reason "web3 is being resized" \
    --approved-by ops@shop.example --approved-by dba@shop.example --until 2026-12-31`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.StringVar(&o.waiver.reason, "reason", "", "`WHY` it is accepted")
			fs.StringArrayVar(&o.waiver.approvedBy, "approved-by", nil, "a `PERSON` who approves (twice, two different people)")
			fs.StringVar(&o.waiver.until, "until", "", "the last `DAY`, YYYY-MM-DD, UTC")
			fs.StringVar(&o.waiver.rule, "rule", "", "only findings of this `RULE`")
			fs.StringArrayVar(&o.waiver.environments, "environment", nil, "only differences that involve `NAME` (repeatable)")
			fs.StringArrayVar(&o.waiver.instances, "instance", nil, "only when no other instance than `NAME` is concerned (repeatable)")
			fs.BoolVar(&o.waiver.gap, "gap", false, "it covers what could not be looked at, no finding")
		},
		run: runWaive,
	}
}

// longestWaiver is how far away the last day of a new waiver may be.
const longestWaiver = 366 * 24 * time.Hour

func runWaive(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) != 1 {
		return 0, hinted(errors.New("name one address or finding"), "envdiff help waive")
	}
	c, err := s.loadConfig()
	if err != nil {
		return 0, err
	}
	w, err := s.waiver(ctx, args[0])
	if err != nil {
		return 0, err
	}
	path, _ := waiverFile(c)
	src, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("reading the waivers: %w", err)
	}
	text, err := ci.Append(path, src, w)
	if err != nil {
		return 0, shortPaths(err, s.world.Dir)
	}
	if err := atomicfile.WriteMode(path, 0o644, func(out io.Writer) error {
		_, err := out.Write(text)
		return err
	}); err != nil {
		return 0, err
	}
	fmt.Fprintf(s.world.Stdout, "%s: %s until %s\nenvdiff waivers lists them; commit the file with the second person's approval\n", ci.Terminal(inRepository(c, path)), ci.Terminal(w.Match), w.Until)
	return exitOK, nil
}

// waiver is what the command line asks for.
func (s *session) waiver(ctx context.Context, what string) (ci.Waiver, error) {
	f := s.opt.waiver
	w := ci.Waiver{Match: what, Rule: f.rule, Environments: f.environments, Instances: f.instances, Gap: f.gap, Reason: f.reason, ApprovedBy: f.approvedBy, Until: f.until}
	for flag, missing := range map[string]bool{"--reason": strings.TrimSpace(f.reason) == "", "--until": f.until == "", "--approved-by, twice": len(f.approvedBy) < 2} {
		if missing {
			return w, hinted(fmt.Errorf("a waiver needs %s", flag), "envdiff help waive shows one")
		}
	}
	day, err := time.Parse(time.DateOnly, f.until)
	if err != nil {
		return w, fmt.Errorf("--until %q: write a day as YYYY-MM-DD", f.until)
	}
	switch now := s.world.Now(); {
	case day.Add(24 * time.Hour).Before(now):
		return w, fmt.Errorf("--until %s is over", f.until)
	case day.Sub(now) > longestWaiver:
		return w, hinted(fmt.Errorf("--until %s is more than a year away", f.until), "an exception for ever is a rule: set it under rules: in envdiff.yaml, or declare the difference under params")
	}
	if !findingID.MatchString(what) {
		return w, nil
	}
	r, err := s.newestReport(ctx)
	if err != nil {
		return w, err
	}
	for _, found := range r.Findings {
		if found.ID == what {
			w.Match, w.Rule = found.Address, found.Rule
			return w, nil
		}
	}
	return w, hinted(fmt.Errorf("the newest report has no finding %s", what), "name its address")
}

// waiverFile is where the waivers are, and whether the file may be missing.
func waiverFile(c *config.Config) (path string, optional bool) {
	if c.Waivers == "" {
		return c.Path("envdiff.waivers.yaml"), true
	}
	return c.Path(c.Waivers), false
}
