//go:build !race

package compare

const (
	raceEnabled = false
	benchHosts  = 200
)
