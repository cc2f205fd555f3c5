//go:build !race

package compare

const (
	raceEnabled = false
	seeds       = 300
	benchHosts  = 200
)
