//go:build race

package compare

// The race detector makes everything slow and large: fewer hosts, and no limits.
const (
	raceEnabled = true
	seeds       = 60
	benchHosts  = 40
)
