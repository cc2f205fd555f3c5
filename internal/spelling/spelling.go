// Package spelling measures how near two names are, for did-you-mean hints and for typo findings.
package spelling

import "unicode/utf8"

// Distance is the optimal string alignment distance of a and b in runes: insertions, deletions, substitutions and swaps
// of neighbours. Above limit it returns limit+1 without finishing. Time is O(len(a) × limit).
func Distance(a, b string, limit int) int {
	if a == b {
		return 0
	}
	if d := utf8.RuneCountInString(a) - utf8.RuneCountInString(b); d > limit || -d > limit {
		return limit + 1
	}
	s, t := []rune(a), []rune(b)
	before, previous, current := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(s); i++ {
		current[0] = i
		best := i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
			best = min(best, current[j])
		}
		if best > limit {
			return limit + 1
		}
		before, previous, current = previous, current, before
	}
	return min(previous[len(t)], limit+1)
}

// Nearest returns the candidate that word was probably meant to be, or "": within two edits and a third of its length.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", 3
	for _, c := range candidates {
		limit := min(2, max(1, utf8.RuneCountInString(c)/3))
		if d := Distance(word, c, limit); d <= limit && d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}
