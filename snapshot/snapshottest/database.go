package snapshottest

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/snapshot"
)

// Database runs the suite on a database collector. open returns a database,
// read-only and filled, as often as it is called.
func Database(t *testing.T, c snapshot.DatabaseCollector, spec snapshot.DatabaseSpec, open func(t *testing.T) engine.DB) {
	t.Helper()
	t.Run("declarations", func(t *testing.T) { declares(t, c) })
	t.Run("facts", func(t *testing.T) {
		r, kept := collect(t, context.Background(), c, spec, open)
		valid(t, c, r)
		vouched(t, c, r)
		if len(r.Facts) == 0 {
			t.Errorf("no facts; gaps %v, notes %v", r.Gaps, r.Notes)
		}
		again, keptAgain := collect(t, context.Background(), c, spec, open)
		if !slices.Equal(sorted(r), sorted(again)) {
			t.Errorf("the same database gave other facts:\n%v\n%v", sorted(r), sorted(again))
		}
		if !slices.Equal(kept, keptAgain) {
			t.Errorf("the same database gave other attachments: %v, %v", kept, keptAgain)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		began := time.Now()
		r, _ := collect(t, ctx, c, spec, open)
		valid(t, c, r)
		if len(r.Gaps) == 0 {
			t.Error("a cancelled collection gave no gap")
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("a cancelled collection took %s", took)
		}
	})
}

// collect runs the collector once and returns the names of the attachments that it kept, sorted.
func collect(t *testing.T, ctx context.Context, c snapshot.DatabaseCollector, spec snapshot.DatabaseSpec, open func(t *testing.T) engine.DB) (snapshot.Result, []string) {
	t.Helper()
	db := open(t)
	defer db.Close()
	var kept []string
	r := c.Collect(ctx, snapshot.DatabaseInput{
		Scope: scope, Instance: "primary", Spec: spec, DB: db, Redact: snapshot.NewRedactor(redactKey, nil), TempDir: t.TempDir(),
		Attach: func(name string) (snapshot.AttachmentWriter, error) {
			return &attachment{name: name, kept: &kept, w: io.Discard}, nil
		},
	})
	slices.Sort(kept)
	return r, kept
}

// attachment forgets what it is given and remembers whether it was committed.
type attachment struct {
	name string
	kept *[]string
	w    io.Writer
}

func (a *attachment) Write(p []byte) (int, error) { return a.w.Write(p) }

func (a *attachment) Commit() error {
	*a.kept = append(*a.kept, a.name)
	return nil
}

func (a *attachment) Discard() {}
