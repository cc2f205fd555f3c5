package snapshot

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Leniency says what of a table under exact is not compared, or not to the last digit. Its zero value is nothing.
type Leniency struct {
	Sample int64          // about so many rows, chosen by their keys, so that every side takes the same ones; 0 is all
	Skip   []string       // columns
	Round  map[string]int // column → decimal places that numbers and fractions of seconds are rounded to
}

// PartOf is how many buckets about so many of a table's rows are in: what a sample reads, in the order of Sampled.
func PartOf(sample, rows int64) int {
	if sample <= 0 || rows <= sample {
		return RowBuckets
	}
	return int(max(1, math.Ceil(float64(sample)*RowBuckets/float64(rows))))
}

// Sampled reports that a bucket is in a sample of so many. The buckets are taken in one order by everybody, spread over all of them, so that the smaller
// of two samples is in the larger one, and in the whole. Odd steps visit each bucket once.
func Sampled(bucket uint16, part int) bool { return int(bucket*sampleStep+sampleStart) < part }

const sampleStep, sampleStart = 0x9e37, 0x79b9

// SampledBuckets lists the buckets of a sample.
func SampledBuckets(part int) []uint16 {
	list := make([]uint16, 0, part)
	for b := range RowBuckets {
		if Sampled(uint16(b), part) {
			list = append(list, uint16(b))
		}
	}
	return list
}

// Bound is the share of differing rows that a sample without any rules out, with 95 % confidence, as people read it: the rule of three, rounded up.
func Bound(rows int64) string {
	if rows <= 3 {
		return "100 %"
	}
	percent := 300 / float64(rows)
	unit := math.Pow(10, math.Floor(math.Log10(percent)))
	percent = math.Ceil(percent/unit-1e-9) * unit
	return strconv.FormatFloat(percent, 'f', max(0, -int(math.Floor(math.Log10(percent)+1e-9))), 64) + " %"
}

// Rounding says what is rounded: "placed_at rounded to 0 decimal places, total to 2".
func Rounding(round map[string]int) string {
	var parts []string
	for i, c := range slices.Sorted(maps.Keys(round)) {
		if i == 0 {
			parts = append(parts, fmt.Sprintf("%s rounded to %d decimal places", c, round[c]))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s to %d", c, round[c]))
	}
	return strings.Join(parts, ", ")
}
