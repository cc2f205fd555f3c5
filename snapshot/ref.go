package snapshot

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Ref is one ENV of a command line: a live environment, a moment of a stored one, or the path of a snapshot.
type Ref struct {
	Text        string    // as given
	Environment string    // "" for a path
	Path        string    // of a snapshot, else ""
	Stored      bool      // read from the store
	Latest      bool      // the newest stored snapshot
	At          time.Time // the newest stored snapshot not after At, when Stored and not Latest
}

// Live reports whether the environment is captured now.
func (r Ref) Live() bool { return r.Path == "" && !r.Stored }

var environmentPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// ValidEnvironment reports whether name can be the name of an environment: it becomes a directory of the store.
func ValidEnvironment(name string) bool {
	return environmentPattern.MatchString(name) && len(name) <= 200
}

// ParseRef reads an ENV: NAME, NAME@latest, NAME@2026-11-01 (the end of that day, UTC),
// NAME@2026-11-01T02:00:00Z, or a path that contains a slash.
func ParseRef(s string) (Ref, error) {
	if strings.Contains(s, "/") {
		return Ref{Text: s, Path: s}, nil
	}
	name, when, dated := strings.Cut(s, "@")
	if !ValidEnvironment(name) {
		return Ref{}, fmt.Errorf("%q is no environment: want NAME, NAME@latest, NAME@2006-01-02, NAME@2006-01-02T15:04:05Z or a path with a /", s)
	}
	r := Ref{Text: s, Environment: name, Stored: dated}
	switch {
	case !dated:
	case when == "latest":
		r.Latest = true
	default:
		at, err := parseMoment(when)
		if err != nil {
			return Ref{}, fmt.Errorf("%q: %w", s, err)
		}
		r.At = at
	}
	return r, nil
}

// parseMoment reads a day, which means its end, or a moment.
func parseMoment(s string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Nanosecond), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is neither latest, nor a day such as 2026-11-01, nor a moment such as 2026-11-01T02:00:00Z", s)
}
