package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/migrations"
	"github.com/envdiff/envdiff/sanitize"
	"github.com/envdiff/envdiff/snapshot"
)

func doctorCommand() command {
	return command{
		name: "doctor", args: "[ENV]", captures: true,
		short: "say what of each environment can be read, and what is missing",
		long: `Checks the configuration, the keys, the store, and each part of each environment (or of ENV): can
the host or database be reached, can what the collectors want be read, is there a policy and are
there migrations. Each problem comes with the next command. Exit 0 when all is well, 3 when
something cannot be read, 2 when the configuration cannot be read. What runs that were killed have left
on this machine and on scratch servers is removed.`,
		run: runDoctor,
	}
}

// checkup writes one line per check and remembers whether one failed.
type checkup struct {
	s      *session
	failed bool
	warned int // so many of the session's warnings are printed
}

func (d *checkup) ok(what, detail string, args ...any) {
	fmt.Fprintf(d.s.world.Stdout, "ok    %-34s %s\n", ci.Terminal(what), ci.Terminal(fmt.Sprintf(detail, args...)))
}

func (d *checkup) note(what, detail, hint string) {
	d.line("note", what, detail, hint)
}

func (d *checkup) bad(what, detail, hint string) {
	d.failed = true
	d.line("FAIL", what, detail, hint)
}

func (d *checkup) line(state, what, detail, hint string) {
	fmt.Fprintf(d.s.world.Stdout, "%-5s %-34s %s\n", state, ci.Terminal(what), ci.Terminal(detail))
	if hint != "" {
		fmt.Fprintf(d.s.world.Stdout, "      %-34s → %s\n", "", ci.Terminal(hint))
	}
}

func runDoctor(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) > 1 {
		return 0, errors.New("name one environment, or none for all")
	}
	c, err := s.loadConfig()
	if err != nil {
		return 0, err
	}
	names := slices.Sorted(maps.Keys(c.Environments))
	if len(args) == 1 {
		if _, ok := c.Environments[args[0]]; !ok {
			return 0, s.unknownEnvironment(c, args[0])
		}
		names = args
	}
	d := &checkup{s: s}
	d.ok("configuration", "%s", c.File)
	d.warnings("configuration")
	d.leftovers()
	d.keys(c)
	d.store(ctx, c)
	if _, err := s.judgement(c); err != nil {
		d.bad("policy", err.Error(), "")
	}
	for _, name := range names {
		if err := d.environment(ctx, c, name); err != nil {
			return 0, interrupted(ctx, err)
		}
	}
	if d.failed {
		return exitIncomplete, nil
	}
	return exitOK, nil
}

func (d *checkup) keys(c *config.Config) {
	for _, k := range []struct {
		name string
		text config.Text
		use  string
	}{{"redact", c.Keys.Redact, "needed to store snapshots"}, {"pseudonym", c.Keys.Pseudonym, "needed where rows of production are copied"}} {
		key, err := d.s.key(k.text, k.name, true)
		if err != nil {
			var f *failure
			hint := ""
			if errors.As(err, &f) {
				hint = f.hint
			}
			d.note("keys."+k.name, err.Error()+"; "+k.use, hint)
			continue
		}
		d.ok("keys."+k.name, "id %s", key.ID())
	}
}

func (d *checkup) environment(ctx context.Context, c *config.Config, name string) error {
	plan, err := d.s.plan(c, name, snapshot.NewRedactor(keys.New(), c.Secrets)) // nothing is kept, so any key will do
	if err != nil {
		return err
	}
	for _, h := range plan.Hosts {
		d.host(ctx, name, h)
		for _, dump := range h.Dumps { // doctor runs nothing on hosts
			d.note(strings.TrimSpace(name+" "+dump.Scope+"/"+h.Instance+" "+dump.Spec.Name), "asked of the host at a capture: "+dump.Want.Doc, "")
		}
	}
	for _, t := range plan.Databases {
		d.database(ctx, c, name, t)
	}
	for _, t := range plan.Dumps {
		d.dump(ctx, name, t)
	}
	return ctx.Err()
}

// host asks for everything that the collectors want, and sums up what could not be had.
func (d *checkup) host(ctx context.Context, env string, h snapshot.HostTarget) {
	roles := slices.Sorted(maps.Keys(h.Roles))
	what := env + " " + strings.Join(roles, ",") + "/" + h.Instance
	ctx, cancel := context.WithTimeout(ctx, d.deadline())
	defer cancel()
	t, err := h.Open(ctx)
	if err != nil {
		d.bad(what, err.Error(), "correct the host's url in envdiff.yaml")
		return
	}
	defer t.Close()
	seen, err := d.tally(ctx, t, h)
	if err != nil {
		d.bad(what, err.Error(), "")
		return
	}
	if seen.files == 0 {
		d.bad(what, t.Describe()+" holds nothing that a collector knows", "is it the root of a host's file system?")
		return
	}
	d.ok(what, "%s: %d files to read", t.Describe(), seen.files)
	for _, p := range slices.Sorted(maps.Keys(seen.problems)) {
		found := seen.problems[p]
		d.note(what, fmt.Sprintf("%d files: %s (such as %s)", len(found), p, found[0]), "")
	}
}

// tally is what a host holds of what the collectors want.
type tally struct {
	files    int
	problems map[transport.Problem][]string // the paths that cannot be read, by why
}

// tally looks at what every collector would read, for each role of the host.
func (d *checkup) tally(ctx context.Context, t transport.Transport, h snapshot.HostTarget) (tally, error) {
	out := tally{problems: map[transport.Problem][]string{}}
	for _, role := range slices.Sorted(maps.Keys(h.Roles)) {
		for _, col := range d.s.world.Collectors.Hosts {
			sections, err := t.Fetch(ctx, namesOnly(col.Wants(h.Roles[role])))
			if err != nil {
				return out, fmt.Errorf("reading for %s: %w", col.Name(), err)
			}
			for _, id := range slices.Sorted(maps.Keys(sections)) {
				for _, f := range sections[id].Files {
					out.files++
					if f.Problem != transport.OK && f.Problem != transport.NotFound {
						out.problems[f.Problem] = append(out.problems[f.Problem], f.Path)
					}
				}
			}
		}
	}
	return out, nil
}

// namesOnly asks for the metadata of what a collector would read, and runs nothing.
func namesOnly(wants []transport.Want) []transport.Want {
	var out []transport.Want
	for _, w := range wants {
		if len(w.Command) == 0 {
			w.Content = transport.Names
			out = append(out, w)
		}
	}
	return out
}

func (d *checkup) deadline() time.Duration {
	if d.s.opt.timeout > 0 {
		return d.s.opt.timeout
	}
	return time.Minute
}

// dump asks for an endpoint as a capture would, and sums up what it tells.
func (d *checkup) dump(ctx context.Context, env string, t snapshot.DumpTarget) {
	what := env + " " + t.Scope + "/" + t.Instance
	seen, err := snapshot.Capture(ctx, snapshot.Plan{Environment: env, Dumps: []snapshot.DumpTarget{t}, Redact: snapshot.NewRedactor(keys.New(), nil),
		Now: d.s.world.Now, Timeout: d.deadline()}, d.s.world.Collectors)
	if err != nil {
		return // interrupted, which the caller sees
	}
	defer seen.Close()
	for _, g := range seen.Gaps {
		d.bad(what, g.Reason, g.Hint)
	}
	if len(seen.Gaps) == 0 {
		d.ok(what, "%s", count(len(seen.Lines), "value"))
	}
}

func (d *checkup) database(ctx context.Context, c *config.Config, env string, t snapshot.DatabaseTarget) {
	what := env + " " + t.Scope + "/" + t.Instance
	ctx, cancel := context.WithTimeout(ctx, d.deadline())
	defer cancel()
	db, err := t.Open(ctx)
	if err != nil {
		d.bad(what, err.Error(), "check the url in envdiff.yaml, and that this user may read")
		return
	}
	defer db.Close()
	sch, err := db.Schema(ctx)
	if err != nil {
		d.bad(what, err.Error(), "")
		return
	}
	d.ok(what, "%s %s, %d tables, opened read-only", sch.Engine, sch.Version, len(sch.Tables))
	d.privileges(ctx, what, db, sch)
	if t.Instance != "primary" {
		return
	}
	spec := c.Databases[t.Scope]
	d.exact(ctx, what, spec, db, sch)
	if spec.Migrations == nil {
		return
	}
	d.migrations(c, env, t.Scope)
	d.scratch(ctx, c, env, t.Scope, db, sch)
	policy, err := d.s.policy(c, t.Scope)
	if err == nil {
		_, err = sanitize.NewPlan(policy, sch, sanitize.Rehearsal, nil, migrationsSpec(c, t.Scope).VersionTable())
	}
	var open *sanitize.PlanError
	if errors.As(err, &open) && len(open.Missing) > 0 {
		d.bad(what, err.Error(), fmt.Sprintf("envdiff scan %s -w %s", env, policyPath(c, t.Scope)))
		return
	}
	if errors.Is(err, sanitize.ErrNoPolicy) {
		d.note(what, "no sanitising policy: rows cannot be copied", fmt.Sprintf("envdiff scan %s -w %s", env, policyPath(c, t.Scope)))
	} else if err != nil {
		d.bad(what, err.Error(), "")
	}
}

// privileges says what the role may not see of the catalogue, of replication and of what runs, and the GRANT that shows it.
func (d *checkup) privileges(ctx context.Context, what string, db engine.DB, sch *schema.Database) {
	for _, g := range sch.Gaps {
		d.bad(what, g.Reason, g.Hint)
	}
	if replicator, ok := engine.As[engine.Replicator](db); ok {
		r, err := replicator.Replication(ctx)
		if err != nil {
			d.bad(what, "its part in replication cannot be read: "+err.Error(), "")
		}
		for _, u := range r.Unknown {
			d.bad(what, u.About+" cannot be seen by this role", u.Privilege)
		}
	}
	if digester, ok := engine.As[engine.Digester](db); ok {
		source, err := digester.Digests(ctx, func(engine.Digest) error { return errEnough })
		if err == nil && source.Missing != "" {
			d.note(what, "hot queries are not compared: "+source.Missing, source.Privilege)
		}
	}
}

// errEnough ends a question whose answer has begun to come.
var errEnough = errors.New("enough")

// exact finds reference tables that the database does not have, or that this role may not read.
func (d *checkup) exact(ctx context.Context, what string, spec config.Database, db engine.DB, sch *schema.Database) {
	for _, exact := range spec.Exact {
		name := exact.Table
		i := slices.IndexFunc(sch.Tables, func(t schema.Table) bool { return sanitize.TableKey(t.Name) == name })
		if i < 0 {
			d.bad(what, fmt.Sprintf("exact names the table %s, which is not there", name), "correct databases in envdiff.yaml")
			continue
		}
		t := &sch.Tables[i]
		if len(t.Columns) == 0 {
			continue
		}
		err := db.CopyOut(ctx, engine.Read{Table: t.Name, Columns: []string{t.Columns[0].Name}, Limit: 1}, func(engine.Row) error { return nil })
		if err != nil {
			d.bad(what, err.Error(), "")
		}
	}
}

func (d *checkup) migrations(c *config.Config, env, db string) {
	what := env + " " + db + " migrations"
	m := c.Databases[db].Migrations
	if m.Path == "" {
		d.ok(what, "run by command")
		return
	}
	src, err := migrations.ReadSource(migrationsSpec(c, db))
	if err != nil {
		d.bad(what, err.Error(), "correct databases."+db+".migrations in envdiff.yaml")
		return
	}
	d.ok(what, "%d migrations in %s", len(src.Migrations), m.Path)
	for _, problem := range src.Problems {
		d.note(what, problem.Message, problem.Hint)
	}
}
