package sanitize

import "strings"

// didYouMean returns `; did you mean "x"?` for the known word nearest to word, or "" if none is near.
func didYouMean(word string, known []string) string {
	best, distance := "", 3
	if len(word) < 5 {
		distance = 2
	}
	for _, k := range known {
		if d := edits(strings.ToLower(word), strings.ToLower(k)); d < distance || d == distance && best != "" && k < best {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return `; did you mean "` + best + `"?`
}

// edits is the number of insertions, deletions, substitutions and swaps of neighbours between a and b.
func edits(a, b string) int {
	if len(a) > 128 || len(b) > 128 {
		return 128
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
