package ci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"

	"github.com/envdiff/envdiff/internal/atomicfile"
)

// BaselineFormat is the format name of a baseline file.
const BaselineFormat = "envdiff.baseline/1"

// Baseline is the drift that was there on day one: finding ids, and which environments were
// compared, so that the file reveals nothing.
type Baseline struct {
	Format string `json:"format"`
	// Environments were compared when it was written, sorted, without @date: only a comparison
	// of the same ones can tell what is gone.
	Environments []string `json:"environments,omitempty"`
	IDs          []string `json:"ids"` // sorted
}

var idPattern = regexp.MustCompile(`^[0-9a-f]{16}$`)

// LoadBaseline reads a baseline. A file that does not exist is an empty baseline: adopting one is optional.
func LoadBaseline(path string) (Baseline, error) {
	b := Baseline{Format: BaselineFormat}
	src, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return b, fmt.Errorf("reading the baseline: %w", err)
	}
	if err := json.Unmarshal(src, &b); err != nil {
		return b, fmt.Errorf("%s: the baseline is not JSON: write it anew with envdiff baseline write", path)
	}
	if b.Format != BaselineFormat {
		return b, fmt.Errorf("%s: format %q is not %s", path, b.Format, BaselineFormat)
	}
	for _, id := range b.IDs {
		if !idPattern.MatchString(id) {
			return b, fmt.Errorf("%s: %q is no finding id (16 hex digits)", path, id)
		}
	}
	return b, nil
}

// NewBaseline accepts every finding of r that is not waived.
func NewBaseline(r *Report) Baseline {
	b := Baseline{Format: BaselineFormat, Environments: comparedEnvironments(r), IDs: []string{}}
	for _, f := range r.Findings {
		if f.Waived == nil && f.Rule != "waiver-expired" {
			b.IDs = append(b.IDs, f.ID)
		}
	}
	return b.normal()
}

// SameEnvironments reports whether r compared what the baseline was written for.
func (b Baseline) SameEnvironments(r *Report) bool {
	return len(b.Environments) == 0 || slices.Equal(b.Environments, comparedEnvironments(r))
}

func comparedEnvironments(r *Report) []string {
	var names []string
	for _, e := range r.Environments {
		names = append(names, base(e.Name))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Prune keeps the ids that r still has: a baseline can only shrink.
func (b Baseline) Prune(r *Report) Baseline {
	present := map[string]bool{}
	for _, f := range r.Findings {
		present[f.ID] = true
	}
	kept := Baseline{Format: BaselineFormat, Environments: b.Environments, IDs: []string{}}
	for _, id := range b.IDs {
		if present[id] {
			kept.IDs = append(kept.IDs, id)
		}
	}
	return kept.normal()
}

// Save writes the baseline, one id a line for small diffs, mode 0644: it is committed.
func (b Baseline) Save(path string) error {
	return atomicfile.WriteMode(path, 0o644, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(b.normal())
	})
}

// normal is the baseline as it is written: every id once, sorted.
func (b Baseline) normal() Baseline {
	b.IDs = append([]string{}, slices.Compact(slices.Sorted(slices.Values(b.IDs)))...) // [] when there are none
	return b
}
