package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/git"
	"github.com/envdiff/envdiff/migrations"
	"github.com/envdiff/envdiff/snapshot"
)

func pendingCommand() command {
	return command{
		name: "pending", args: "FROM TO", captures: true,
		short: "what the next deploy brings: commits, migrations, packages, configuration",
		long: `Says what FROM has and TO will get: the commits between the deployed revisions (of Capistrano's
deployments, in the repository that envdiff.yaml is in, or --repository), the migrations that TO has
not applied, and the packages and configuration in which TO differs from FROM. Both may be stored
snapshots. Nothing is replayed or judged: that is the gate's. Exit 3 when something could not be
looked at. A store that there is keeps the list for envdiff serve and its feed.

  envdiff pending staging production
  envdiff pending staging@latest production@latest -o atom=pending.atom`,
		flags: func(fs *pflag.FlagSet, o *options) {
			overviewFlags(fs, o)
			fs.StringVar(&o.repo, "repository", "", "look the commits up in the repository `DIR`")
		},
		run: runPending,
	}
}

// pendingCommits bounds how many commits are listed of one deployment.
const pendingCommits = 200

// onTheWay is one thing that the next deploy brings.
type onTheWay struct {
	What    string    `json:"what"` // commit, migration, package, config, service
	Address string    `json:"address"`
	Text    string    `json:"text"`
	Who     string    `json:"who,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Since   time.Time `json:"since,omitzero"` // as far as the store remembers
	ID      string    `json:"id"`
}

func runPending(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) != 2 {
		return 0, hinted(errors.New("name two environments: where the release was tested, and where it goes"), "envdiff pending staging production")
	}
	c, sides, err := s.resolve(args)
	if err != nil {
		return 0, err
	}
	defer closeSides(sides)
	if err := s.readSides(ctx, c, sides); err != nil {
		return 0, err
	}
	r, err := s.compareSides(ctx, c, sides)
	if err != nil {
		return 0, err
	}
	items, notes := s.deployments(ctx, c, sides)
	steps, more := pendingMigrations(c, sides[1])
	items, notes = append(items, steps...), append(notes, more...)
	items = append(items, changes(r)...)
	p := keptPending{From: sides[0].environment(), To: sides[1].environment(), At: newest(sides), Items: items}
	s.keepPending(ctx, c, p)
	if err := s.writeOverview(pendingOverview(args, p, notes, r.Gaps)); err != nil {
		return 0, err
	}
	if len(r.Gaps) > 0 {
		return exitIncomplete, nil
	}
	return exitOK, nil
}

// deployments lists the commits between what the two sides run, for each directory that both have deployed to.
func (s *session) deployments(ctx context.Context, c *config.Config, sides []side) (items []onTheWay, notes []string) {
	from, to := revisions(sides[0].snap), revisions(sides[1].snap)
	repository := c.Dir()
	if s.opt.repo != "" {
		repository = s.path(s.opt.repo)
	}
	for _, address := range slices.Sorted(maps.Keys(from)) {
		there, deployed := to[address]
		if !deployed || there == from[address] {
			continue
		}
		commits, err := git.Between(ctx, repository, there, from[address], pendingCommits)
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s: %.12s in %s, %.12s in %s; the commits between them are not in %s (name it with --repository)", address, there, sides[1].ref.Text, from[address], sides[0].ref.Text, filepath.Base(repository)))
			continue
		}
		for _, commit := range commits {
			items = append(items, onTheWay{What: "commit", Address: address, Text: fmt.Sprintf("%.12s %s", commit.Hash, commit.Subject), Who: commit.Author.String(), At: commit.At, ID: commit.Hash})
		}
	}
	return items, notes
}

// revisions are the revisions that most hosts run, by deployment.
func revisions(snap *snapshot.Snapshot) map[string]string {
	found := map[string]string{}
	for _, l := range snap.Lines {
		if l.Address.Kind == "deployment" && l.Address.Attribute == "revision" && len(l.Values) > 0 {
			if text, ok := l.Values[0].Value.Text(); ok && text != "" {
				found[l.Address.Whole().String()] = text
			}
		}
	}
	return found
}

// pendingMigrations lists the files after the version that TO's snapshot says is applied.
func pendingMigrations(c *config.Config, to side) (items []onTheWay, notes []string) {
	for _, db := range slices.Sorted(maps.Keys(c.Environments[to.environment()].Databases)) {
		m := c.Databases[db].Migrations
		if m == nil || m.Path == "" {
			continue
		}
		spec := migrationsSpec(c, db)
		src, err := migrations.ReadSource(spec)
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s: %v", db, err))
			continue
		}
		applied, known := appliedVersion(to.snap, db)
		if !known {
			notes = append(notes, fmt.Sprintf("%s: which migration is applied in %s is not known, so all of them are listed", db, to.ref.Text))
		}
		for _, migration := range src.Migrations {
			if !known || laterVersion(migration.Version, applied) {
				a := snapshot.At(db, "migration", migration.Version+"_"+migration.Name).String()
				items = append(items, onTheWay{What: "migration", Address: a, Text: migration.Up, ID: a})
			}
		}
	}
	return items, notes
}

// appliedVersion is the last version that a snapshot says is applied; of a table with a row per migration that is the
// first word of what it says.
func appliedVersion(snap *snapshot.Snapshot, db string) (string, bool) {
	for _, l := range snap.Lines {
		if l.Address.Scope == db && l.Address.Kind == "migration" && l.Address.Name == "applied" && len(l.Values) > 0 {
			text, ok := l.Values[0].Value.Text()
			version, _, _ := strings.Cut(text, ",")
			return strings.TrimSpace(version), ok
		}
	}
	return "", false
}

// laterVersion compares versions as numbers where both are, else as text, which is how dates are numbered.
func laterVersion(version, than string) bool {
	a, errA := strconv.ParseUint(version, 10, 64)
	b, errB := strconv.ParseUint(than, 10, 64)
	if errA == nil && errB == nil {
		return a > b
	}
	return version > than
}

// changes are the differences that come with a deploy of hosts: packages, configuration, services.
func changes(r *ci.Report) []onTheWay {
	var items []onTheWay
	for _, f := range r.Findings {
		if f.Change != finding.Odd && f.Rule != "secret-shared" && slices.Contains([]finding.Area{finding.AreaPackage, finding.AreaConfig, finding.AreaService}, f.Area) {
			items = append(items, onTheWay{What: string(f.Area), Address: f.Address, Text: f.Message, ID: f.ID})
		}
	}
	return items
}

// newest is when the newer of the sides was captured.
func newest(sides []side) time.Time {
	var at time.Time
	for _, sd := range sides {
		if sd.snap.Manifest.CapturedAt.After(at) {
			at = sd.snap.Manifest.CapturedAt
		}
	}
	return at
}

func pendingOverview(args []string, p keptPending, notes []string, gaps []finding.Gap) overview {
	l := overview{feed: p.feed()}
	var b strings.Builder
	fmt.Fprintf(&b, "envdiff pending %s\n", ci.Terminal(args[0]+" → "+args[1]))
	what := ""
	for _, item := range p.Items {
		if item.What != what {
			what = item.What
			fmt.Fprintf(&b, "\n%s\n", strings.ToUpper(what))
		}
		fmt.Fprintf(&b, "  %s\n      %s", ci.Terminal(item.Address), ci.Terminal(item.Text))
		if item.Who != "" {
			fmt.Fprintf(&b, "  (%s, %s)", ci.Terminal(item.Who), item.At.Format(time.DateOnly))
		}
		b.WriteString("\n")
	}
	for _, note := range notes {
		fmt.Fprintf(&b, "\nnote: %s\n", ci.Terminal(note))
	}
	for _, g := range gaps {
		fmt.Fprintf(&b, "\nnot known: %s %s: %s\n", ci.Terminal(g.Environment), ci.Terminal(g.Address), ci.Terminal(g.Reason))
	}
	fmt.Fprintf(&b, "\n%s on the way\n", countOf(len(p.Items), "change", "changes"))
	l.text = b.String()
	l.data = map[string]any{"format": "envdiff.pending/1", "from": args[0], "to": args[1], "items": append([]onTheWay{}, p.Items...), "notes": append([]string{}, notes...), "gaps": append([]finding.Gap{}, gaps...)}
	return l
}
