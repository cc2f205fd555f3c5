package endpoint

import (
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// selector decides by path what a value is: captured, a metric, or neither. Paths are those of collectd's curl_json: a literal
// step is preferred to a star, so that one counter can be taken out of `php/*`.
type selector struct {
	keys    []string // as written
	metrics map[string]snapshot.Limit
	met     map[string]bool // keys that some value is at
	above   map[string]bool // keys that lead to something with values below
}

func newSelector(spec snapshot.DumpSpec) *selector {
	s := &selector{keys: spec.Keys, metrics: map[string]snapshot.Limit{}, met: map[string]bool{}, above: map[string]bool{}}
	for key, text := range spec.Metrics {
		if limit, err := snapshot.ParseLimit(text); err == nil { // checked when envdiff.yaml was read
			s.metrics[key] = limit
		}
	}
	return s
}

// takes reports whether the value at a path is compared.
func (s *selector) takes(path []string) bool {
	key := s.best(path, s.keys)
	if _, metric := s.metric(path); metric != "" {
		return false
	}
	return len(s.keys) == 0 || key != ""
}

// metric returns the limit of the value at a path, and the key that names it, "" for none.
func (s *selector) metric(path []string) (snapshot.Limit, string) {
	key := s.best(path, slices.Sorted(maps.Keys(s.metrics)))
	if key == "" {
		return snapshot.Limit{}, ""
	}
	if own := s.best(path, s.keys); own != "" && literals(own) > literals(key) {
		return snapshot.Limit{}, ""
	}
	return s.metrics[key], key
}

// best is the key with the fewest stars that leads to a path.
func (s *selector) best(path []string, keys []string) string {
	best := ""
	for _, key := range keys {
		switch steps := strings.Split(strings.Trim(key, "/"), "/"); {
		case leads(steps, path), flat(key, path):
			s.met[key] = true
			if best == "" || literals(key) > literals(best) {
				best = key
			}
		case len(steps) < len(path) && leads(steps, path[:len(steps)]):
			s.above[key] = true
		}
	}
	return best
}

// flat reports a key that a flat format writes as it is.
func flat(key string, path []string) bool { return len(path) == 1 && path[0] == key }

// leads reports whether steps lead to a path. A list of scalars is one value, and `hosts/*` is all of it.
func leads(steps, path []string) bool {
	if len(steps) == len(path)+1 && steps[len(path)] == "*" && len(path) > 0 {
		steps = steps[:len(path)]
	}
	if len(steps) != len(path) {
		return false
	}
	for i, step := range steps {
		if step != "*" && step != path[i] {
			return false
		}
	}
	return true
}

func literals(key string) int {
	n := 0
	for _, step := range strings.Split(key, "/") {
		if step != "*" {
			n++
		}
	}
	return n
}

// unmet are the keys and metrics that lead to no value.
func (s *selector) unmet() []string {
	var out []string
	for _, key := range append(slices.Clone(s.keys), slices.Sorted(maps.Keys(s.metrics))...) {
		if !s.met[key] && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}
