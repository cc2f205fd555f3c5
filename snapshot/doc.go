// Package snapshot captures what an environment is: facts, gaps and coverage notes, read by
// collectors and kept in the open, pivoted format.
//
// Flow: a Plan (built by cmd from envdiff.yaml) → Capture (every host and database at once, each collector under a
// deadline) → Snapshot → Store. A collector is one folder below this one and one line in snapshot/all.
package snapshot
