package sanitize

import "github.com/envdiff/envdiff/internal/spelling"

// didYouMean returns `; did you mean "x"?` for the known word nearest to word, or "" if none is near.
func didYouMean(word string, known []string) string {
	if near := spelling.Nearest(word, known); near != "" {
		return `; did you mean "` + near + `"?`
	}
	return ""
}
