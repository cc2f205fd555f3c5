package database

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

func TestQuantilesAreWithinTheirError(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	for name, draw := range map[string]func(i int) float64{
		"uniform": func(int) float64 { return random.Float64() }, "skewed": func(int) float64 { return math.Exp(5 * random.NormFloat64()) }, "ordered": func(i int) float64 { return float64(i) },
		"offset": func(int) float64 { return 1.7e9 + float64(random.IntN(1e6)) }, "few": func(i int) float64 { return float64(i % 3) },
	} {
		for _, n := range []int{1, 2, 20, 1000, 300_000} {
			var s quantileSketch
			all := make([]float64, n)
			for i := range all {
				all[i] = draw(i)
				s.add(all[i])
			}
			slices.Sort(all)
			q := s.quantiles(all[0], all[n-1])
			if len(q) != points || q[0] != all[0] || q[points-1] != all[n-1] || !slices.IsSorted(q) {
				t.Fatalf("%s of %d: %v", name, n, q)
			}
			for i, v := range q {
				low, _ := slices.BinarySearch(all, v)
				high, _ := slices.BinarySearch(all, math.Nextafter(v, math.Inf(1)))
				rank := float64(i) / (points - 1) * float64(n)
				if off := max(float64(low)-rank, rank-float64(high)); off > max(2, .015*float64(n)) {
					t.Errorf("%s of %d: quantile %d is off by %.3g ranks", name, n, i, off)
				}
			}
			held := 0
			for _, l := range s.levels {
				held += cap(l)
			}
			if held > 24*sketchTop {
				t.Errorf("%s of %d: %d values are held", name, n, held)
			}
		}
	}
}

func textColumn(typ string) column {
	return newColumn(&schema.Column{Type: typ}, []byte("0123456789abcdef"), time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC))
}

func TestDistinctValuesAndTheirRepeats(t *testing.T) {
	for _, c := range []struct{ values, repeats, folds int }{{10, 0, 0}, {1000, 5, 3}, {16_000, 100, 50}, {200_000, 20_000, 10_000}} {
		col := textColumn("text")
		for i := range c.values {
			col.addText(fmt.Sprintf("value %d", i), 1)
		}
		for i := range c.repeats {
			col.addText(fmt.Sprintf("value %d", i), 1)
		}
		for i := range c.folds {
			col.addText(fmt.Sprintf(" Value %d", i), 1)
		}
		d := &col.distinct
		scale := float64(int64(1) << d.level)
		for name, pair := range map[string][2]float64{
			"distinct": {float64(d.distinct()), float64(c.values + c.folds)}, "repeats": {float64(d.repeats) * scale, float64(c.repeats)}, "folds": {float64(d.foldRepeats()) * scale, float64(c.folds)},
		} {
			off := math.Abs(pair[0] - pair[1])
			if d.level == 0 && off > 0 || off > .1*pair[1] {
				t.Errorf("%+v: %s are %g, want %g (level %d)", c, name, pair[0], pair[1], d.level)
			}
		}
		if len(d.raw.slots) > 4*mostValues {
			t.Errorf("%d slots", len(d.raw.slots))
		}
	}
}

func TestTraitsOfTexts(t *testing.T) {
	for value, want := range map[string]string{
		"": "blanks", " \t": "blanks", " a": "outer_blanks not_number not_date", "12": "not_date", " -1.5e3 ": "outer_blanks not_date", "1e": "not_number not_date", ".": "not_number not_date",
		"2026-02-28": "not_number", "2026-02-30": "not_number", "2026-02-28T10:11:12Z": "not_number", "2026-02-28 10:11": "not_number not_date", "12.5.2026": "not_number not_date", "é": "not_number not_date",
		"Ã©": "mojibake not_number not_date", "😀": "four_byte not_number not_date", "a\x00": "control not_number not_date", "a\xff": "not_utf8 not_number not_date", "0x1p-2": "not_number not_date", "NaN": "not_number not_date",
	} {
		c := textColumn("text")
		c.addText(value, 3)
		var got []string
		for _, tr := range append([]trait{{"blanks", c.texts.blanks}}, c.texts.traits()...) {
			switch tr.count {
			case 0:
			case 3:
				got = append(got, tr.attribute)
			default:
				t.Errorf("%q: %s counts %d", value, tr.attribute, tr.count)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q has %q, want %q", value, got, want)
		}
	}
}

func TestMomentsAreReadAsTheCalendarHasThem(t *testing.T) {
	for day := time.Date(1895, 1, 1, 7, 8, 9, 0, time.UTC); day.Year() < 2105; day = day.AddDate(0, 0, 17) {
		got, kind := parseMoment([]byte(day.Format("2006-01-02 15:04:05")))
		if kind != aMoment || got != float64(day.Unix()) {
			t.Fatalf("%s is %g, %d", day, got, kind)
		}
	}
	for text, want := range map[string]momentKind{
		"0000-00-00": zeroMoment, "2024-00-10 00:00:00": zeroMoment, "2023-02-29": impossibleDate, "2024-02-29": aMoment, "1900-02-29": impossibleDate, "infinity": endlessMoment, "-infinity": endlessMoment,
		"9999-12-31": endlessMoment, "0001-01-01": endlessMoment, "2024-13-01": noMoment, "": noMoment, "2024-1-1": noMoment, "2024-01-01x": noMoment, "2024-01-01 00:00:00.5+00": aMoment,
	} {
		if _, kind := parseMoment([]byte(text)); kind != want {
			t.Errorf("%q is %d, want %d", text, kind, want)
		}
	}
}

func TestBoundsOfTypes(t *testing.T) {
	for _, c := range []struct {
		typ, value string
		want       bool
	}{
		{"integer", "2147483647", true}, {"int", "2147483646", false}, {"smallint", "-32768", true}, {"int unsigned", "4294967295", true}, {"int unsigned", "0", false}, {"tinyint(3) unsigned", "255", true},
		{"bigint", "9223372036854775807", true}, {"bigint(20)", "5", false}, {"numeric(10,2)", "99999999.99", false}, {"character varying(5)", "12345", true}, {"varchar(5)", "äöüßé", true}, {"varchar(5)", "abcd", false}, {"text", "abcde", false},
		{"interval", "1 day", false}, {"int4range", "[1,5)", false},
	} {
		col := textColumn(c.typ)
		col.addText(c.value, 1)
		if got := col.atFull+col.numbers.atBounds > 0; got != c.want {
			t.Errorf("%s %s: %v", c.typ, c.value, got)
		}
	}
}

func FuzzProfileOfAColumn(f *testing.F) {
	f.Add("text", "2026-01-01", "Ã©")
	f.Add("integer", "-5", "9999999999999999999999")
	f.Add("timestamp without time zone", "infinity", "0000-00-00 00:00:00")
	f.Fuzz(func(t *testing.T, typ, a, b string) {
		c := textColumn(typ)
		c.kept, c.leaves = true, everything
		for class := engine.CellText; class <= engine.CellBlob; class++ {
			c.add(engine.Cell{Type: class, Data: []byte(a)}, 1)
			c.add(engine.Cell{Type: class, Data: []byte(b)}, 2)
		}
		if d := c.distinct.distinct(); d < 1 || d > 8 || c.distinct.foldRepeats() < 0 || c.distinct.rows() != c.values {
			t.Errorf("%d values, %d repeats", d, c.distinct.repeats)
		}
	})
}

// Of values that are dealt out to parts, what the parts add up to is what was counted of all: exactly, but for what is a sketch of many values, which stays within
// its bound.
func TestPartsAddUpToTheWhole(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	draw := map[string]func() engine.Cell{
		"text": func() engine.Cell {
			s := []string{"", " ", "plain", "Plain ", "é", "😀", "a\x01", "12", "2024-01-01", strings.Repeat("x", random.IntN(300)), fmt.Sprint(random.IntN(40_000))}[random.IntN(11)]
			return engine.Cell{Type: engine.CellText, Data: []byte(s)}
		},
		"integer": func() engine.Cell {
			return engine.Cell{Type: engine.CellText, Data: []byte(fmt.Sprint([]int{0, -5, math.MaxInt32, random.IntN(1e9), random.IntN(20)}[random.IntN(5)]))}
		},
		"timestamp": func() engine.Cell {
			s := []string{"infinity", "0000-00-00 00:00:00", "2023-02-30 00:00:00", "2999-01-01 00:00:00", fmt.Sprintf("20%02d-%02d-%02d 12:00:00", random.IntN(26), 1+random.IntN(12), 1+random.IntN(28))}[random.IntN(5)]
			return engine.Cell{Type: engine.CellText, Data: []byte(s)}
		},
		"few": func() engine.Cell {
			return engine.Cell{Type: engine.CellText, Data: []byte{'a' + byte(random.IntN(4))}}
		},
	}
	for name, next := range draw {
		for _, n := range []int{0, 1, 100, 60_000} {
			for _, k := range []int{1, 2, 7} {
				keep := func(typ string) column { c := textColumn(typ); c.kept, c.leaves = true, everything; return c }
				whole, parts := keep(name), make([]column, k)
				for i := range parts {
					parts[i] = keep(name)
				}
				var numbers []float64
				for range n {
					cell := next()
					if random.IntN(9) == 0 {
						cell = engine.Cell{}
					}
					if f, ok := parseNumber(cell.Data); ok {
						numbers = append(numbers, f)
					}
					whole.add(cell, 1)
					parts[random.IntN(k)].add(cell, 1)
				}
				for i := 1; i < k; i++ {
					parts[0].merge(&parts[i])
				}
				what := fmt.Sprintf("%s, %d values in %d parts", name, n, k)
				sameColumn(t, what, &whole, &parts[0])
				slices.Sort(numbers)
				withinRanks(t, what, numbers, parts[0].numbers.kept.quantiles(whole.numbers.min, whole.numbers.max))
			}
		}
	}
}

// sameColumn compares facts: also of many distinct values the same are remembered, whatever their order. Quantiles are looked at elsewhere.
func sameColumn(t *testing.T, what string, a, b *column) {
	t.Helper()
	facts := func(c *column) map[string]string {
		var r snapshot.Result
		c.facts(snapshot.Object("main", "profile", "t", "c"), c.values+c.nulls, &r)
		all := map[string]string{}
		for _, f := range r.Facts {
			all[f.Address.Attribute] = f.Value.JSON()
		}
		return all
	}
	whole, merged := facts(a), facts(b)
	for _, set := range []map[string]string{whole, merged} {
		for attribute := range set {
			switch attribute {
			case "quantiles", "ages":
			default:
				if whole[attribute] != merged[attribute] {
					t.Errorf("%s: %s is %s of all, %s of parts", what, attribute, whole[attribute], merged[attribute])
				}
			}
		}
	}
}

// withinRanks holds quantiles to the bound of TestQuantilesAreWithinTheirError.
func withinRanks(t *testing.T, what string, all, q []float64) {
	t.Helper()
	if len(all) == 0 || q == nil {
		return
	}
	for i, v := range q {
		low, _ := slices.BinarySearch(all, v)
		high, _ := slices.BinarySearch(all, math.Nextafter(v, math.Inf(1)))
		rank := float64(i) / (points - 1) * float64(len(all))
		if off := max(float64(low)-rank, rank-float64(high)); off > max(2, .015*float64(len(all))) {
			t.Errorf("%s: quantile %d is off by %.3g ranks of %d", what, i, off, len(all))
		}
	}
}
