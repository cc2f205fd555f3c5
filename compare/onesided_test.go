package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// properties are those that a policy or mask can leave of values.
var properties = []string{"null", "equality", "unique", "fold", "length", "class", "format", "validity", "sign", "order", "value"}

// with sets one column's counts of a table of so many rows.
func (e *env) with(rows int, kept []string, counts map[string]any) *env {
	e.set("main:profile/orders#rows", rows).set("main:profile/orders.c#nulls", 0).set("main:profile/orders.c#@kept", kept)
	for attribute, v := range counts {
		e.set("main:profile/orders.c#"+attribute, v)
	}
	return e
}

// oneSidedIn are the messages of one-sided findings.
func oneSidedIn(r Result) (out []string) {
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Rule, "data-one-sided") {
			out = append(out, f.Message)
		}
	}
	return out
}

// oneSidedCounts are, for traits that are more than a count, what staging and production of 500 rows have.
var oneSidedCounts = map[string][2]map[string]any{
	"max_length": {{"max_length": 200, "longer": []string{"50=40", "191=3"}},
		{"max_length": 812, "longer": []string{"50=40", "191=60", "255=50"}}},
	"max_digits": {{"max_digits": 8}, {"max_digits": 12, "larger": []string{"9=50"}}},
}

// A trait of values that a mask does not keep is said of neither side, whatever was counted: staging's are pseudonyms.
func TestATraitNeedsWhatItIsOfOnBothSides(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, trait := range traits {
		counts, ok := oneSidedCounts[trait.attribute]
		if !ok {
			counts = [2]map[string]any{{"@looked": []string{trait.attribute}}, {trait.attribute: 50}}
		}
		for range 60 {
			var kept [2][]string
			both := true
			for i := range kept {
				for _, property := range properties {
					if random.IntN(2) == 0 {
						kept[i] = append(kept[i], property)
					}
				}
				both = both && slices.Contains(kept[i], trait.kept)
			}
			staging, production := pair()
			staging.with(500, kept[0], counts[0])
			production.with(500, kept[1], counts[1])
			told := oneSidedIn(compareEnvs(t, Options{}, staging, production))
			if (len(told) == 1) != both {
				t.Fatalf("%s with %q and %q: %q", trait.attribute, kept[0], kept[1], told)
			}
			if both && !strings.Contains(told[0], "would break "+trait.breaks) {
				t.Errorf("%s says %q", trait.attribute, told)
			}
		}
	}
}

// What the rows of staging are too few to show is no news, unless a pending migration meets it.
func TestATraitIsToldWhereStagingWouldShowIt(t *testing.T) {
	for _, c := range []struct {
		nulls, production, staging int
		want                       bool
	}{
		{1, 2_000_000, 20, false}, {1, 4, 4, false}, {2, 4, 4, false}, {4, 4, 4, true}, {1, 4, 40, false}, {1, 4, 400, true}, {40, 2_000_000, 20, false},
		{300_000, 2_000_000, 10, false}, {300_000, 2_000_000, 20, true}, {3, 1000, 1000, false}, {12, 1000, 1000, true}, {1, 1, 1, false}, {0, 1000, 1000, false},
	} {
		staging, production := pair()
		staging.with(c.staging, properties, nil)
		production.with(c.production, properties, map[string]any{"nulls": c.nulls})
		if told := oneSidedIn(compareEnvs(t, Options{}, staging, production)); (len(told) == 1) != c.want {
			t.Errorf("%d nulls of %d, none of %d: %q", c.nulls, c.production, c.staging, told)
		}
		pending := Options{Pending: func(scope, column string) bool { return scope == "main" && column == "orders.c" }}
		if told := oneSidedIn(compareEnvs(t, pending, staging, production)); (len(told) == 1) != (c.nulls > 0) {
			t.Errorf("pending, %d nulls of %d, none of %d: %q", c.nulls, c.production, c.staging, told)
		}
	}
}

// Of many columns of equal distributions with rare traits and values, some have them on one side alone, and next to none are told.
func TestRareTraitsOfEqualColumnsGiveNextToNoFindings(t *testing.T) {
	const columns, most = 10_000, 5
	random := rand.New(rand.NewPCG(7, 8))
	draw := func(rows int, share float64) (n int) {
		for range rows {
			if random.Float64() < share {
				n++
			}
		}
		return n
	}
	staging, production := pair()
	for i := range columns {
		share := random.Float64() * .03
		for j, e := range []*env{staging, production} {
			rows := 200 + 100*j
			table := fmt.Sprintf("main:profile/t%d", i/20)
			at := fmt.Sprintf("%s.c%d", table, i%20)
			e.set(table+"#rows", rows).set(at+"#@kept", properties).set(at+"#nulls", draw(rows, share)).set(at+"#non_ascii", draw(rows, share)).set(at+"#negatives", draw(rows, share))
			long := draw(rows, share)
			e.set(at+"#max_length", 40+40*min(long, 1))
			if long > 0 {
				e.set(at+"#longer", []string{fmt.Sprintf("50=%d", long), fmt.Sprintf("64=%d", long)})
			}
			e.set(at+"#lengths", []string{"1", "1"})
			var list []string
			for k := range 6 {
				if n := draw(rows, share*float64(k+1)); n > 0 {
					list = append(list, fmt.Sprintf("%d=%d", k, n))
				}
			}
			if list != nil {
				e.set(at+"#categories", list)
			}
		}
	}
	if told := oneSidedIn(compareEnvs(t, Options{}, staging, production)); len(told) > most {
		t.Errorf("%d findings in %d equal columns: %q", len(told), columns, told[:most])
	}
}

func TestAbsenceByChance(t *testing.T) {
	for _, c := range []struct{ k, n, m, want float64 }{
		{1, 1, 1, .5}, {4, 4, 4, 1. / 70}, {1, 2e6, 20, 2e6 / 2000020}, {0, 10, 10, 1}, {3, 10, 0, 1}, {20, 10, 5, absenceP(10, 10, 5)},
		{300_000, 2e6, 20, math.Pow(.85, 20)},
	} {
		if got := absenceP(c.k, c.n, c.m); math.Abs(got-c.want) > 1e-3*c.want {
			t.Errorf("%g of %g, none of %g: %g, want %g", c.k, c.n, c.m, got, c.want)
		}
	}
	if p := absenceP(10, 1e12, 1e12); math.Abs(p*1024-1) > 1e-6 {
		t.Errorf("of a million million chances: %g", p)
	}
	if _, ok := test(evidence{math.NaN(), 5}, evidence{0, 5}); ok {
		t.Error("what is no number is evidence")
	}
}

// Of few rows hardly any two are alike: that more rows hold repeats is no news, and that as many do is.
func TestRepeatsAreSeenInPairsOfRows(t *testing.T) {
	for _, c := range []struct {
		repeats, production, staging int
		want                         bool
	}{{5000, 1_000_000, 1000, false}, {5000, 1_000_000, 100_000, true}, {3, 1000, 1000, false}, {20, 1000, 1000, true}} {
		staging, production := pair()
		staging.with(c.staging, properties, map[string]any{"@looked": []string{"duplicates"}})
		production.with(c.production, properties, map[string]any{"duplicates": c.repeats})
		if told := oneSidedIn(compareEnvs(t, Options{}, staging, production)); (len(told) == 1) != c.want {
			t.Errorf("%d repeats in %d, none in %d: %q", c.repeats, c.production, c.staging, told)
		}
	}
}

func TestNumbersAndAgesDrift(t *testing.T) {
	spread := func(scale, shift float64) []string {
		var out []string
		for i := range 21 {
			out = append(out, fmt.Sprint(shift+scale*float64(i)))
		}
		return out
	}
	for _, c := range []struct {
		name, attribute string
		a, b            []string
		says            string
	}{
		{"equal", "quantiles", spread(5, 0), spread(5, 0), ""}, {"a little more", "quantiles", spread(5, 0), spread(5.2, 0), ""}, {"ten times", "quantiles", spread(5, 0), spread(50, 0), "half are up to 50 in staging, half are up to 500"},
		{"older", "ages", spread(1, 0), spread(40, 0), "half are within 400 days of the newest in production"}, {"alike", "ages", spread(40, 0), spread(41, 0), ""},
	} {
		staging, production := pair()
		staging.with(5000, properties, map[string]any{c.attribute: c.a, "null_share": 0})
		production.with(9000, properties, map[string]any{c.attribute: c.b, "null_share": 0})
		var got string
		for _, f := range compareEnvs(t, Options{}, staging, production).Findings {
			got += f.Message
		}
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
