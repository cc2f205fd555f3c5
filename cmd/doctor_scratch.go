package cmd

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
)

// leftovers removes what killed runs left in this machine's temporary directory.
func (d *checkup) leftovers() {
	if left := sweepTempDirs(os.TempDir()); len(left) > 0 {
		d.ok("leftovers", "removed what killed runs had left: %s", strings.Join(left, ", "))
	}
}

// scratch looks at where copies of a database are built, and removes what killed runs left there.
func (d *checkup) scratch(ctx context.Context, c *config.Config, env, db string, production engine.DB) {
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
}

// warnings are those that came up since the last check.
func (d *checkup) warnings(what string) {
	for _, w := range d.s.warnings[d.warned:] {
		d.note(what, w, "")
	}
	d.warned = len(d.s.warnings)
}
