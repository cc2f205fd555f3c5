package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/atomicfile"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/sanitize"
)

// scans is the file that keeps what samples of a database have found in its tables, beside the store's snapshots.
type scans struct {
	path  string
	marks map[schema.Name]string
	known sanitize.Scans
}

// scans reads what is stored; nil where nothing is sampled, or the engine cannot tell what was written to. It is asked for as soon as the source is open.
func (s *session) scans(ctx context.Context, c *config.Config, env, db string, source engine.DB) *scans {
	spec := c.Databases[db].Copy
	if percent, err := spec.Percent(); spec == nil || err != nil || percent >= 100 && spec.Rows == 0 {
		return nil
	}
	w, ok := engine.As[engine.Watermarker](source)
	if !ok {
		return nil
	}
	marks, err := w.Watermarks(ctx)
	if err != nil || len(marks) == 0 {
		return nil // the tables are scanned
	}
	dir := c.Path(".envdiff")
	if _, bucket := c.StoreBucket(); !bucket {
		dir = c.StoreDir()
	}
	out := &scans{path: filepath.Join(dir, "scans", env+"-"+db+".json"), marks: marks}
	if text, err := os.ReadFile(out.path); err == nil && json.Unmarshal(text, &out.known) != nil {
		out.known = sanitize.Scans{}
	}
	return out
}

// take gives a sample what is known, for it to be brought up to date.
func (f *scans) take(sample *sanitize.Sample) {
	if f != nil && sample != nil {
		sample.Scans, sample.Marks = &f.known, f.marks
	}
}

// keep writes what is known now. A file that cannot be written costs the next sample its time, and no more.
func (f *scans) keep() error {
	if f == nil || !f.known.Known() {
		return nil
	}
	text, err := json.Marshal(f.known)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(f.path), 0o700)
	}
	if err == nil {
		err = atomicfile.WriteMode(f.path, 0o600, func(w io.Writer) error { _, err := w.Write(text); return err })
	}
	if err != nil {
		return fmt.Errorf("what the sample has found could not be stored for the next one: %w", err)
	}
	return nil
}

// stale reports that a copy failed whose rows were chosen by a stored scan: a server may not have counted yet what was written. It is forgotten.
func (f *scans) stale(sample *sanitize.Sample) bool {
	if f == nil || sample == nil || !sample.Settled {
		return false
	}
	f.known, sample.Settled = sanitize.Scans{}, false
	return true
}
