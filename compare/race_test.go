//go:build race

package compare

// raceEnabled says that the race detector slows everything down.
const raceEnabled = true
