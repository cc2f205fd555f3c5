package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/objectstore"
	"github.com/envdiff/envdiff/internal/spelling"
	"github.com/envdiff/envdiff/snapshot"
)

// side is one ENV of the command line with its snapshot.
type side struct {
	ref        snapshot.Ref
	source     string // live, store or file
	snap       *snapshot.Snapshot
	reread     compare.Reread // nil unless live
	unfinished *snapshot.Unfinished
}

// environment is the side's name in envdiff.yaml, also for a snapshot file.
func (sd side) environment() string {
	if sd.ref.Environment != "" {
		return sd.ref.Environment
	}
	return sd.snap.Manifest.Environment
}

// resolve reads the configuration and says what each ENV of a command line is. Nothing is contacted yet: what is wrong
// with the policy or the outputs is to be said before a capture, not after it.
func (s *session) resolve(args []string) (*config.Config, []side, error) {
	sides := make([]side, len(args))
	onlyFiles := true
	for i, a := range args {
		ref, err := snapshot.ParseRef(a)
		if err != nil {
			return nil, nil, err
		}
		sides[i].ref = ref
		onlyFiles = onlyFiles && ref.Path != ""
	}
	c, err := s.loadConfig()
	if err != nil {
		if !onlyFiles || s.opt.config != "" {
			return nil, nil, err
		}
		c = &config.Config{} // snapshot files compare without a configuration
	}
	return c, sides, s.checkNames(c, sides)
}

// checkNames finds unknown environments, and selections that leave nothing of them, before anything is contacted.
func (s *session) checkNames(c *config.Config, sides []side) error {
	var live []string
	for _, sd := range sides {
		if sd.ref.Live() {
			if _, ok := c.Environments[sd.ref.Environment]; !ok {
				return s.unknownEnvironment(c, sd.ref.Environment)
			}
			live = append(live, sd.ref.Environment)
		}
	}
	return s.checkSelection(c, live...)
}

func (s *session) unknownEnvironment(c *config.Config, name string) error {
	names := slices.Sorted(maps.Keys(c.Environments))
	for _, cmd := range commands() {
		names = append(names, cmd.name)
	}
	err := fmt.Errorf("%q is neither an environment of envdiff.yaml nor a command", name)
	if near := spelling.Nearest(name, names); near != "" {
		return hinted(err, "did you mean %s?", near)
	}
	return hinted(err, "environments: %s; envdiff --help lists the commands; the path of a snapshot needs a slash", strings.Join(slices.Sorted(maps.Keys(c.Environments)), ", "))
}

// needStoredKey reports whether a live side meets a stored one: their digests compare only under the configured key.
func needStoredKey(sides []side) bool {
	live, stored := false, false
	for _, sd := range sides {
		live = live || sd.ref.Live()
		stored = stored || !sd.ref.Live()
	}
	return live && stored
}

// readSides fills in the snapshots: live environments are captured at once, the others read from the store or a path.
func (s *session) readSides(ctx context.Context, c *config.Config, sides []side) error {
	_, err := s.readSidesRedacted(ctx, c, sides)
	return err
}

// readSidesRedacted is readSides for those who capture more under the same key.
func (s *session) readSidesRedacted(ctx context.Context, c *config.Config, sides []side) (*snapshot.Redactor, error) {
	key, err := s.key(c.Keys.Redact, "redact", needStoredKey(sides))
	if err != nil {
		return nil, err
	}
	redact := snapshot.NewRedactor(key, c.Secrets)
	errs := make([]error, len(sides))
	var wg sync.WaitGroup
	for i := range sides {
		if !sides[i].ref.Live() {
			sides[i].snap, sides[i].source, errs[i] = s.readStored(ctx, c, sides[i].ref)
			continue
		}
		sides[i].source = "live"
		plan, err := s.plan(c, sides[i].ref.Environment, redact)
		if err != nil {
			return nil, err
		}
		sides[i].reread = s.reread(plan)
		wg.Add(1)
		go func() {
			defer wg.Done()
			sides[i].snap, errs[i] = snapshot.Capture(ctx, plan, s.world.Collectors)
			sides[i].unfinished = plan.Unfinished
			if errs[i] == nil {
				s.progress.Say("captured %s: %s, %s, %s", plan.Environment, count(len(plan.Hosts), "host"), count(len(plan.Databases), "database"), count(len(sides[i].snap.Gaps), "gap"))
			}
		}()
	}
	wg.Wait()
	s.progress.Close()
	if err := errors.Join(errs...); err != nil {
		return nil, interrupted(ctx, err)
	}
	for i := range sides {
		if err := sides[i].unfinished.Forget(); err != nil {
			s.warn("removing what an interrupted run would have gone on from: %v", err)
		}
	}
	return redact, ctx.Err()
}

func (s *session) readStored(ctx context.Context, c *config.Config, ref snapshot.Ref) (*snapshot.Snapshot, string, error) {
	if ref.Path != "" {
		snap, err := snapshot.Read(s.path(ref.Path))
		return snap, "file", err
	}
	store, err := s.store(c)
	if err != nil {
		return nil, "", err
	}
	snap, _, err := store.Open(ctx, ref)
	if err == nil {
		return snap, "store", nil
	}
	if problem := (*objectstore.Problem)(nil); errors.As(err, &problem) {
		return nil, "", err // with its own hint
	}
	if stored, listErr := store.List(ctx, ref.Environment); listErr == nil && len(stored) > 0 {
		return nil, "", hinted(err, "the newest one is %s@latest", ref.Environment)
	}
	return nil, "", hinted(err, "envdiff snapshot %s stores one", ref.Environment)
}

func closeSides(sides []side) {
	for _, sd := range sides {
		if sd.snap != nil {
			sd.snap.Close()
		}
	}
}

// compareSides compares captured sides and makes the report, not yet judged.
func (s *session) compareSides(ctx context.Context, c *config.Config, sides []side) (*ci.Report, error) {
	res, err := s.compareFacts(ctx, c, sides, nil)
	if err != nil {
		return nil, err
	}
	r := s.newReport("compare", sides)
	r.Findings, r.Gaps, r.Coverage = res.Findings, res.Gaps, res.Coverage
	r.Warnings = append(r.Warnings, res.Warnings...)
	return r, nil
}

// compareFacts compares captured sides. pending reports columns that pending migrations touch; it may be nil.
func (s *session) compareFacts(ctx context.Context, c *config.Config, sides []side, pending func(scope, column string) bool) (compare.Result, error) {
	in := make([]compare.Side, len(sides))
	for i, sd := range sides {
		env := c.Environments[sd.environment()]
		in[i] = compare.Side{Name: sd.ref.Text, Snapshot: sd.snap, Params: env.Params, HostParams: hostParams(env), MaxLag: maxLags(env), MaxDataAge: maxDataAge(env), Reread: sd.reread}
	}
	opt := compare.Options{Kinds: s.world.Collectors.Kinds(), Severities: severities(c), AllParams: allParams(c), KnownNames: knownNames(c), Pending: pending}
	res, err := compare.Compare(ctx, in, opt)
	if err != nil {
		return res, interrupted(ctx, err)
	}
	return res, nil
}

func (s *session) newReport(command string, sides []side) *ci.Report {
	r := &ci.Report{Command: command, Context: lookedAt(sides)}
	s.compared = sides
	for _, sd := range sides {
		m := sd.snap.Manifest
		facts := 0
		for _, l := range sd.snap.Lines {
			for _, h := range l.Values {
				facts += len(h.On)
			}
		}
		r.Environments = append(r.Environments, ci.Environment{Name: sd.ref.Text, Source: sd.source, CapturedAt: m.CapturedAt, Facts: facts, RedactKey: m.RedactKey})
	}
	return r
}

func severities(c *config.Config) map[string]finding.Severity {
	m := map[string]finding.Severity{}
	for id, name := range c.Rules {
		if sev, err := finding.ParseSeverity(name); err == nil { // checked when the file was read
			m[id] = sev
		}
	}
	return m
}

func allParams(c *config.Config) map[string]map[string]string {
	m := map[string]map[string]string{}
	for name, env := range c.Environments {
		m[name] = env.Params
	}
	return m
}

// maxDataAge is the limit of the age of sanitised rows.
func maxDataAge(env config.Environment) time.Duration {
	limit, err := config.Duration(env.MaxDataAge)
	if err != nil { // checked when the file was read
		return 0
	}
	return limit
}

// maxLags are the limits of replicas' lag by database.
func maxLags(env config.Environment) map[string]time.Duration {
	m := map[string]time.Duration{}
	for db, loc := range env.Databases {
		if limit, err := config.Duration(loc.MaxLag); err == nil && loc.MaxLag != "" { // checked when the file was read
			m[db] = limit
		}
	}
	return m
}

// hostParams are the parameters of hosts by instance.
func hostParams(env config.Environment) map[string]map[string]string {
	m := map[string]map[string]string{}
	for _, hosts := range env.Hosts {
		for _, h := range hosts {
			if len(h.Params) > 0 {
				m[h.Instance()] = h.Params
			}
		}
	}
	return m
}
