package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/atomicfile"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/sanitize"
)

func scanCommand() command {
	return command{
		name: "scan", args: "ENV", captures: true,
		short: "propose a sanitising policy for an environment's database",
		long: `Classifies every column by its name, type and a bounded sample of its values, which are read, judged
and forgotten: no value is stored or printed. Prints a complete policy, ready to review and to use;
it errs towards masking and says why. With -w FILE the policy is written: entries that are there
already stay as they are, missing ones are added. With several databases, choose one with --only
DB:*.

  envdiff scan production                    # look at it
  envdiff scan production -w sanitize.yaml   # write it, then review it`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.StringVarP(&o.write, "write", "w", "", "write the policy to `FILE`, keeping the entries that it has")
		},
		run: runScan,
	}
}

func runScan(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) != 1 {
		return 0, hinted(errors.New("name one environment"), "envdiff scan production -w sanitize.yaml")
	}
	c, err := s.loadConfig()
	if err != nil {
		return 0, err
	}
	env := args[0]
	if _, ok := c.Environments[env]; !ok {
		return 0, s.unknownEnvironment(c, env)
	}
	db, err := s.oneDatabase(c, env)
	if err != nil {
		return 0, err
	}
	source, err := s.openReadOnly(ctx, c, env, db, "primary", c.Environments[env].Databases[db].URL)
	if err != nil {
		return 0, interrupted(ctx, hinted(err, "envdiff doctor %s", env))
	}
	defer source.Close()
	existing, err := s.existingPolicy(c, db)
	if err != nil {
		return 0, err
	}
	sch, err := source.Schema(ctx)
	if err != nil {
		return 0, interrupted(ctx, err)
	}
	s.progress.Start(env + "/" + db)
	policy, notes, err := sanitize.Scan(ctx, source, sch, existing, sanitize.ScanOptions{Versions: versionTables(c, db)})
	s.progress.Done(env + "/" + db)
	s.progress.Close()
	if err != nil {
		return 0, interrupted(ctx, err)
	}
	text, err := policy.Encode()
	if err != nil {
		return 0, err
	}
	if !s.opt.quiet {
		for _, n := range notes {
			fmt.Fprintf(s.world.Stderr, "envdiff: note: %s\n", ci.Terminal(noteText(n)))
		}
	}
	if s.opt.write == "" {
		_, err := s.world.Stdout.Write(text)
		return exitOK, err
	}
	err = atomicfile.WriteMode(s.path(s.opt.write), 0o644, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err == nil && !s.opt.quiet {
		fmt.Fprintf(s.world.Stdout, "%s: %s\n", ci.Terminal(s.opt.write), ci.Terminal(written(existing, policy)))
	}
	return exitOK, err
}

// maxNamed is how many columns a line names; the others are counted.
const maxNamed = 5

// written says what a policy's file has got, and what a person has to do now.
func written(existing, policy *sanitize.Policy) string {
	var all, masked, kept, other int
	var added, waiting []string
	for i := range policy.Tables {
		t := &policy.Tables[i]
		var before *sanitize.TablePolicy
		if existing != nil {
			before, _ = existing.Table(t.Table)
		}
		for _, c := range t.Columns {
			name := sanitize.ColumnRef{Table: t.Table, Column: c.Column}.String()
			all++
			switch c.Action {
			case sanitize.Mask:
				masked++
			case sanitize.Keep:
				kept++
			case sanitize.Review:
				waiting = append(waiting, name)
			default:
				other++
			}
			if before == nil {
				added = append(added, name)
			} else if _, ok := before.Column(c.Column); !ok {
				added = append(added, name)
			}
		}
	}
	say := fmt.Sprintf("%s: %d masked, %d kept", count(all, "column"), masked, kept)
	if other > 0 {
		say += fmt.Sprintf(", %d set or dropped", other)
	}
	if len(waiting) > 0 {
		say += fmt.Sprintf(", %d waiting for your decision, which stops the copy (%s)", len(waiting), few(waiting))
	}
	switch {
	case existing == nil:
		return say + "; review it before rows are copied by it"
	case len(added) == 0:
		return say + "; nothing was missing"
	}
	return say + fmt.Sprintf("; new: %s; review them before rows are copied", few(added))
}

// few names the first of a list.
func few(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}

// oneDatabase is the environment's only database, or the one that --only selects.
func (s *session) oneDatabase(c *config.Config, env string) (string, error) {
	var names []string
	for _, db := range slices.Sorted(maps.Keys(c.Environments[env].Databases)) {
		if s.selection().MayTake(db + ":*") {
			names = append(names, db)
		}
	}
	switch len(names) {
	case 0:
		return "", fmt.Errorf("%s has no database that is selected", env)
	case 1:
		return names[0], nil
	}
	return "", hinted(fmt.Errorf("%s has %d databases", env, len(names)), "choose one: --only '%s:*'", names[0])
}

// existingPolicy is what -w would add to; a file that is not there is an empty policy.
func (s *session) existingPolicy(c *config.Config, db string) (*sanitize.Policy, error) {
	path := policyPath(c, db)
	if s.opt.write != "" {
		path = s.path(s.opt.write)
	}
	p, err := sanitize.ReadPolicy(path)
	if errors.Is(err, sanitize.ErrNoPolicy) {
		return nil, nil
	}
	return p, err
}

// versionTables are the migration tool's tables of a database, which a policy never names.
func versionTables(c *config.Config, db string) []schema.Name {
	if c.Databases[db].Migrations == nil {
		return nil
	}
	return []schema.Name{migrationsSpec(c, db).VersionTable()}
}

func noteText(n sanitize.Note) string {
	where := n.Table
	if n.Column != "" {
		where += "." + n.Column
	}
	return where + ": " + n.Text
}
