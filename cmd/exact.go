package cmd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/spelling"
	"github.com/envdiff/envdiff/snapshot"
)

// exactFlag is of the commands that capture rows to be compared.
func exactFlag(fs *pflag.FlagSet, o *options) {
	fs.BoolVar(&o.resume, "resume", false, "take over the rows that a run which was interrupted had finished reading, up to 24 hours ago")
	fs.StringSliceVar(&o.exact, "exact", nil, "compare the rows of `[DATABASE:]TABLE`, too, as those of databases.NAME.exact (repeatable, or with commas)")
}

// unfinished keeps the row digests of an environment's tables until the command has ended, in the store, or in the directory that would be it beside a bucket.
func (s *session) unfinished(c *config.Config, env string) *snapshot.Unfinished {
	dir := c.Path(".envdiff")
	if _, bucket := c.StoreBucket(); !bucket {
		dir = c.StoreDir()
	}
	return &snapshot.Unfinished{Store: dir, Environment: env, Resume: s.opt.resume, Now: s.world.Now}
}

// exact lists the tables of a database whose rows are compared: those of envdiff.yaml, and those that were asked for.
func (s *session) exact(c *config.Config, db string) ([]string, error) {
	var tables []string
	for _, t := range c.Databases[db].Exact {
		tables = append(tables, t.Table)
	}
	databases := databaseNames(c)
	for _, asked := range s.opt.exact {
		name, table, named := strings.Cut(asked, ":")
		switch {
		case !named && len(databases) > 1:
			return nil, hinted(fmt.Errorf("--exact %s: in which database", asked), "--exact %s:%s; the databases are %s", db, asked, strings.Join(databases, ", "))
		case !named:
			name, table = db, asked
		case !slices.Contains(databases, name):
			err := fmt.Errorf("--exact %s: envdiff.yaml has no database %q", asked, name)
			if near := spelling.Nearest(name, databases); near != "" {
				return nil, hinted(err, "did you mean %s:%s?", near, table)
			}
			return nil, hinted(err, "the databases are %s", strings.Join(databases, ", "))
		}
		if table == "" {
			return nil, hinted(fmt.Errorf("--exact %q names no table", asked), "--exact %s:TABLE", db)
		}
		if name == db {
			tables = append(tables, table)
		}
	}
	return tables, nil
}

// lenient says of the tables of envdiff.yaml what is not compared. A table that --exact names, too, is compared whole.
func (s *session) lenient(c *config.Config, db string) map[string]snapshot.Leniency {
	lenient := map[string]snapshot.Leniency{}
	for _, t := range c.Databases[db].Exact {
		if !slices.Contains(s.opt.exact, t.Table) && !slices.Contains(s.opt.exact, db+":"+t.Table) {
			lenient[t.Table] = snapshot.Leniency{Sample: t.Sample, Skip: t.Skip, Round: t.Round}
		}
	}
	return lenient
}

// databaseNames are those of all environments.
func databaseNames(c *config.Config) []string {
	names := map[string]bool{}
	for _, env := range c.Environments {
		for name := range env.Databases {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// unread are the gaps of stored sides that hold no rows of a table that envdiff.yaml names, or that was asked for. A live side says so itself.
func (s *session) unread(c *config.Config, sides []side) ([]finding.Gap, error) {
	var gaps []finding.Gap
	for _, sd := range sides {
		if sd.source == "live" {
			continue
		}
		for _, db := range slices.Sorted(maps.Keys(c.Environments[sd.environment()].Databases)) {
			tables, err := s.exact(c, db)
			if err != nil {
				return nil, err
			}
			slices.Sort(tables)
			for _, table := range slices.Compact(tables) {
				a := snapshot.Address{Scope: db, Kind: "rows", Name: table}
				if told(sd.snap, a) || !s.selection().MayTake(a.String()+"#*") {
					continue
				}
				gaps = append(gaps, finding.Gap{Environment: sd.ref.Text, Address: a.String(), Reason: "the snapshot holds no rows of the table",
					Hint: fmt.Sprintf("take a new one: envdiff snapshot %s --exact %s:%s, or databases.%s.exact", sd.environment(), db, table, db)})
			}
		}
	}
	return gaps, nil
}

// told reports that a snapshot has facts of an address, or says that it could not look.
func told(snap *snapshot.Snapshot, a snapshot.Address) bool {
	return slices.ContainsFunc(snap.Lines, func(l snapshot.Line) bool { return l.Address.Whole() == a }) ||
		slices.ContainsFunc(snap.Gaps, func(g snapshot.Gap) bool {
			return g.Address.Whole() == a || snapshot.MatchAny(g.Covers, a.String()+"#digest")
		})
}
