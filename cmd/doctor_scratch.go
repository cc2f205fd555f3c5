package cmd

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// leftovers removes what killed runs left in this machine's temporary directory.
func (d *checkup) leftovers() {
	if left := sweepTempDirs(os.TempDir()); len(left) > 0 {
		d.ok("leftovers", "removed what killed runs had left: %s", strings.Join(left, ", "))
	}
}

// scratch looks at where copies of a database are built, and removes what killed runs left there.
func (d *checkup) scratch(ctx context.Context, c *config.Config, env, db string, production engine.DB, sch *schema.Database) {
	what := env + " " + db + " scratch"
	if c.Databases[db].Scratch == nil || production.Engine().Name() == "sqlite" {
		return
	}
	base, _, err := d.s.scratchPlace(ctx, c, env, db, production.Engine(), "")
	d.warnings(what)
	if err != nil {
		hint := ""
		if f := (*failure)(nil); errors.As(err, &f) {
			hint = f.hint
		}
		d.bad(what, err.Error(), hint)
		return
	}
	d.ok(what, "%s", base)
	differences, err := scratchDifferences(ctx, production.Engine(), base, sch)
	if err != nil {
		d.bad(what, err.Error(), "")
	}
	for _, x := range differences {
		if x.Decides {
			d.bad(what, x.Text, "let the scratch server be what production is: what passes on another proves nothing")
		} else {
			d.note(what, x.Text, "")
		}
	}
}

// scratchDifferences are what a configured scratch server has otherwise than production.
func scratchDifferences(ctx context.Context, e engine.Engine, base engine.Target, production *schema.Database) ([]engine.Difference, error) {
	able, ok := e.(engine.Imitator)
	if !ok {
		return nil, nil
	}
	db, err := e.Open(ctx, base, engine.ReadOnly)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return able.Differences(ctx, db, production)
}

// warnings are those that came up since the last check.
func (d *checkup) warnings(what string) {
	for _, w := range d.s.warnings[d.warned:] {
		d.note(what, w, "")
	}
	d.warned = len(d.s.warnings)
}

// gapScratch says of a configured scratch server what makes it another one than production's.
func (s *session) gapScratch(ctx context.Context, c *config.Config, env, db string, e engine.Engine, base engine.Target, production *schema.Database, r *ci.Report) error {
	if c.Databases[db].Scratch == nil || e.Name() == "sqlite" {
		return nil
	}
	differences, err := scratchDifferences(ctx, e, base, production)
	for _, x := range differences {
		if x.Decides {
			r.Gaps = append(r.Gaps, finding.Gap{Environment: env, Address: snapshot.At(db, "migration", "scratch").String(),
				Reason: "what passes on the scratch server may fail in production: " + x.Text, Hint: "envdiff doctor " + env})
		}
	}
	return err
}
