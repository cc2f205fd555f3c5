//go:build race

package sanitize

// raceDetector makes the large tests smaller: under the detector everything is ten times slower.
const raceDetector = true
