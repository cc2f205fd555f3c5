package onsystems

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// lines reads JSON lines of findings.
func lines(t *testing.T, out string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(out) {
		var l struct {
			Finding struct{ Rule, Severity, Change, Address string }
		}
		if f := &l.Finding; json.Unmarshal([]byte(line), &l) == nil && f.Rule != "" {
			all = append(all, strings.Join([]string{f.Rule, f.Severity, f.Change, f.Address}, " "))
		}
	}
	slices.Sort(all)
	return all
}
