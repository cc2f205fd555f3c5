package blowups

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// tally counts one class in one mode.
type tally struct {
	cases, found int
	missed       []string
}

// certain are the classes of which samples must find all; of the others nine in ten.
var certain = []string{"constraint", "type", "shape", "normalised", "encoding"}

// everything adds the blow-ups without their odd rows, which are to pass.
var everything = flag.Bool("everything", false, "rehearse the blow-ups on clean rows too")

// TestBlowups holds detection with full copies and with samples of 1 %, and that harmless migrations are not spoken of.
func TestBlowups(t *testing.T) {
	_, columns := bases(t)
	all := estates(t)
	blowups, harmless := readCorpus(t, "blowups.txt", columns), readCorpus(t, "harmless.txt", columns)
	if len(blowups) < 80 || len(harmless) < 30 {
		t.Errorf("the corpus has %d blow-ups and %d harmless migrations: want 80 and 30", len(blowups), len(harmless))
	}
	var mu sync.Mutex
	counts := map[string]map[string]*tally{"full": {}, "1 %": {}}
	alarms := map[string]int{}
	modes := map[string]float64{"full": 100, "1 %": 1}
	t.Run("cases", func(t *testing.T) {
		for mode, percent := range modes {
			for _, s := range slices.Concat(blowups, harmless) {
				t.Run(mode+" "+s.engine+" "+s.class+" "+s.name, func(t *testing.T) {
					t.Parallel()
					out := all[s.engine].rehearse(t, s, percent)
					mu.Lock()
					defer mu.Unlock()
					if len(out.raw) > 0 {
						t.Errorf("a raw value is in %s", strings.Join(out.raw, ", "))
					}
					if s.odd == "" {
						if len(out.alarms) > 0 {
							alarms[mode]++
							t.Errorf("false alarm: %s", strings.Join(out.alarms, "; "))
						}
						return
					}
					c := counts[mode][s.class]
					if c == nil {
						c = &tally{}
						counts[mode][s.class] = c
					}
					c.cases++
					if out.detected {
						c.found++
					} else {
						c.missed = append(c.missed, s.engine+" "+s.name+": "+strings.Join(out.alarms, "; "))
					}
				})
			}
		}
		if !*everything {
			return
		}
		for _, s := range blowups { // without the odd row it passes: the same migration, harmless
			t.Run("clean "+s.engine+" "+s.class+" "+s.name, func(t *testing.T) {
				t.Parallel()
				s.odd = ""
				if s.name == "new-column-without-default" {
					return // its odd row is the only one
				}
				if out := all[s.engine].rehearse(t, s, 100); out.detected || len(out.alarms) > 0 {
					t.Errorf("false alarm on clean rows: %s", strings.Join(out.alarms, "; "))
					mu.Lock()
					alarms["clean"]++
					mu.Unlock()
				}
			})
		}
	})
	t.Log(table(counts, alarms, len(harmless)))
	judge(t, counts)
}

func judge(t *testing.T, counts map[string]map[string]*tally) {
	t.Helper()
	others := tally{}
	for mode, classes := range counts {
		for class, c := range classes {
			if mode == "1 %" && !slices.Contains(certain, class) {
				others.cases, others.found, others.missed = others.cases+c.cases, others.found+c.found, append(others.missed, c.missed...)
				continue
			}
			if c.found < c.cases {
				t.Errorf("%s, %s: %d of %d found; missed: %s", mode, class, c.found, c.cases, strings.Join(c.missed, " | "))
			}
		}
	}
	if others.found*10 < others.cases*9 {
		t.Errorf("1 %%, other classes: %d of %d found; missed: %s", others.found, others.cases, strings.Join(others.missed, " | "))
	}
}

// table prints detection per class.
func table(counts map[string]map[string]*tally, alarms map[string]int, harmless int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-12s %-12s %s\n", "class", "full copy", "1 % sample")
	classes := []string{}
	for class := range counts["full"] {
		classes = append(classes, class)
	}
	slices.Sort(classes)
	for _, class := range classes {
		full, sample := counts["full"][class], counts["1 %"][class]
		if sample == nil {
			sample = &tally{}
		}
		fmt.Fprintf(&b, "%-12s %-12s %s\n", class, fmt.Sprintf("%d of %d", full.found, full.cases), fmt.Sprintf("%d of %d", sample.found, sample.cases))
	}
	fmt.Fprintf(&b, "%-12s %-12s %s\n", "false alarms", fmt.Sprintf("%d of %d", alarms["full"], harmless), fmt.Sprintf("%d of %d", alarms["1 %"], harmless))
	if *everything {
		fmt.Fprintf(&b, "false alarms without the odd rows: %d\n", alarms["clean"])
	}
	return b.String()
}
