package ci

import "github.com/mattn/go-runewidth"

// columns is how wide text stands on a terminal; East Asian wide characters and emoji take two columns.
func columns(s string) int { return runewidth.StringWidth(s) }

// cut returns the longest start of s that is at most width columns wide, and at least one character.
func cut(s string, width int) string {
	used := 0
	for i, r := range s {
		used += runewidth.RuneWidth(r)
		if used > width && i > 0 {
			return s[:i]
		}
	}
	return s
}
