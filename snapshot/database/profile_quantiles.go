package database

import (
	"math/rand/v2"
	"slices"
	"strconv"
)

// quantileSketch is a sketch of Karnin, Lang and Liberty ("Optimal Quantile Approximation in Streams", 2016): buffers of doubling weight; a full one is
// sorted and every other value of it, from the first or the second by a coin, goes on to the next. Ranks are within about 1 % whatever the number of values,
// in some fifty kilobytes; sketches of several parts add up by their buffers. It is written here because what is kept up for Go
// bounds errors of values, which says nothing of moments and ids far from zero, or brings a framework along. The coin's seed is fixed: the same rows in the
// same order have the same quantiles.
type quantileSketch struct {
	levels [][]float64
	coin   *rand.Rand
}

const (
	// sketchTop is the size of the heaviest buffer; those below are smaller by a third each, down to sketchLeast.
	sketchTop   = 384
	sketchLeast = 64
	// points is how many quantiles are kept, from the smallest to the largest.
	points = 21
)

func (s *quantileSketch) add(v float64) {
	s.begin()
	s.levels[0] = append(s.levels[0], v)
	for l := 0; l < len(s.levels) && len(s.levels[l]) >= s.room(l); l++ {
		s.compact(l)
	}
}

func (s *quantileSketch) begin() {
	if s.levels == nil {
		s.levels, s.coin = [][]float64{make([]float64, 0, sketchTop)}, rand.New(rand.NewPCG(1, 2))
	}
}

// settle compacts every buffer that is full.
func (s *quantileSketch) settle() {
	for l := 0; l < len(s.levels); l++ {
		if len(s.levels[l]) >= s.room(l) {
			s.compact(l)
		}
	}
}

// room is the size at which a buffer is full.
func (s *quantileSketch) room(level int) int {
	n := sketchTop
	for range len(s.levels) - 1 - level {
		n = n * 2 / 3
	}
	return max(n, sketchLeast)
}

func (s *quantileSketch) compact(level int) {
	if level+1 == len(s.levels) {
		s.levels = append(s.levels, nil)
	}
	full := s.levels[level]
	var odd []float64 // of an odd number one stays, so that weights add up
	if len(full)%2 == 1 {
		odd = []float64{full[len(full)-1]}
		full = full[:len(full)-1]
	}
	slices.Sort(full)
	for i := s.coin.IntN(2); i < len(full); i += 2 {
		s.levels[level+1] = append(s.levels[level+1], full[i])
	}
	s.levels[level] = append(full[:0], odd...)
}

// quantiles are points values, in order, between the smallest and the largest, which the caller knows; nil where there are none.
func (s *quantileSketch) quantiles(smallest, largest float64) []float64 {
	type weighted struct {
		value  float64
		weight int64
	}
	var all []weighted
	var total int64
	for l, values := range s.levels {
		for _, v := range values {
			all = append(all, weighted{v, 1 << l})
			total += 1 << l
		}
	}
	if total == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b weighted) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	out := []float64{smallest}
	passed, at := int64(0), 0
	for i := 1; i < points-1; i++ {
		rank := total * int64(i) / (points - 1)
		for passed+all[at].weight <= rank {
			passed += all[at].weight
			at++
		}
		out = append(out, min(largest, max(smallest, all[at].value)))
	}
	return append(out, largest)
}

// numberTexts are numbers of six significant digits.
func numberTexts(numbers []float64) []string {
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = strconv.FormatFloat(n, 'g', 6, 64)
	}
	return out
}
