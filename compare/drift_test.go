package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
)

// profiled sets a column's profile from values: "" is null.
func (e *env) profiled(table, column string, values []string) *env {
	nulls := 0
	counts := map[string]int{}
	var lengths []int
	for _, v := range values {
		if v == "" {
			nulls++
			continue
		}
		counts[v]++
		lengths = append(lengths, len(v))
	}
	at := "main:profile/" + table + "." + column
	e.set("main:profile/"+table+"#rows", len(values)).set(at+"#nulls", nulls).set(at+"#null_share", float64(nulls)/float64(len(values))).set(at+"#@kept", properties)
	if len(lengths) > 0 {
		sort.Ints(lengths)
		var quantiles []string
		for i := range 21 {
			quantiles = append(quantiles, fmt.Sprint(lengths[(len(lengths)-1)*i/20]))
		}
		e.set(at+"#lengths", quantiles)
	}
	if len(counts) <= 8 && len(counts) > 0 {
		var list []string
		for v, n := range counts {
			list = append(list, fmt.Sprintf("%s=%d", v, n))
		}
		sort.Strings(list)
		e.set(at+"#categories", list)
	}
	return e
}

// sampled are n values: some null, some of each category, or words of about a length.
func sampled(random *rand.Rand, n int, nulls float64, weights map[string]float64, length int) []string {
	names := make([]string, 0, len(weights))
	for w := range weights {
		names = append(names, w)
	}
	sort.Strings(names)
	out := make([]string, n)
	for i := range out {
		if random.Float64() < nulls {
			continue
		}
		if len(names) == 0 {
			out[i] = strings.Repeat("x", max(1, length+int(random.NormFloat64()*float64(length)/4))) + fmt.Sprint(i)
			continue
		}
		x := random.Float64()
		for _, w := range names {
			if x -= weights[w]; x < 0 || w == names[len(names)-1] {
				out[i] = w
				break
			}
		}
	}
	return out
}

// numbered are unique names.
func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("user%d@mail.example", i)
	}
	return out
}

var evenly = map[string]float64{"new": .25, "paid": .25, "sent": .25, "done": .25}

func TestDriftIsToldWhereItMatters(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name string
		a, b []string
		want string // part of the message; "" for none
	}{
		{"equal", sampled(random, 5000, .1, evenly, 0), sampled(random, 800, .1, evenly, 0), ""},
		{"more nulls", sampled(random, 5000, .1, nil, 20), sampled(random, 5000, .3, nil, 20), "nulls in staging"},
		{"a few more nulls", sampled(random, 500000, .10, evenly, 0), sampled(random, 500000, .11, evenly, 0), ""},
		{"another mix", sampled(random, 3000, 0, evenly, 0), sampled(random, 3000, 0, map[string]float64{"new": .05, "paid": .45, "sent": .25, "done": .25}, 0), "in staging, "},
		{"longer", sampled(random, 3000, 0, nil, 20), sampled(random, 3000, 0, nil, 40), "characters on average in staging"},
		{"numbered names of more rows", numbered(300), numbered(30000), ""},
		{"too few", sampled(random, 30, .1, evenly, 0), sampled(random, 30, .9, evenly, 0), ""},
	} {
		staging, production := pair()
		staging.profiled("orders", "c", c.a)
		production.profiled("orders", "c", c.b)
		r := compareEnvs(t, Options{}, staging, production)
		var got string
		for _, f := range r.Findings {
			if f.Rule == "data-distribution" {
				got += f.Message
			}
		}
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestValuesThatOnlyTheLastSideHasAreNamed(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	staging, production := pair()
	staging.profiled("orders", "status", sampled(random, 3000, 0, evenly, 0))
	production.profiled("orders", "status", append(sampled(random, 3000, 0, map[string]float64{"new": .9, "paid": .1}, 0), slices.Concat(slices.Repeat([]string{"lost"}, 20), []string{"void"})...))
	r := compareEnvs(t, Options{}, staging, production)
	if got := lines(r); !slices.Equal(got, []string{"data-one-sided medium changed main:profile/orders.status"}) {
		t.Fatalf("got %q", got)
	}
	if m := r.Findings[0].Message; m != `orders.status has values in production that staging has none of ("lost" in 20 rows, "void" in 1 rows): would break a CHECK, an ENUM or a lookup (scanned)` {
		t.Errorf("message %q", m)
	}
}

func TestMaskedColumnsAreComparedByWhatTheirMaskKeeps(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	staging, production := pair()
	staging.profiled("orders", "c", sampled(random, 3000, .5, nil, 20)).set("main:profile/orders.c#@kept", []string{"equality"})
	production.profiled("orders", "c", sampled(random, 3000, .1, nil, 60))
	if r := compareEnvs(t, Options{}, staging, production); slices.ContainsFunc(lines(r), func(l string) bool { return strings.HasPrefix(l, "data-distribution") }) {
		t.Errorf("%q", lines(r))
	}
}

func TestEqualDistributionsGiveNextToNoFindings(t *testing.T) {
	const columns, most = 10_000, 5
	random := rand.New(rand.NewPCG(1, 1))
	staging, production := pair()
	for i := range columns {
		table, column := fmt.Sprintf("t%d", i/20), fmt.Sprintf("c%d", i%20)
		weights, length := evenly, 0
		if i%2 == 0 {
			weights, length = nil, 5+random.IntN(40)
		}
		nulls := random.Float64() / 2
		staging.profiled(table, column, sampled(random, 120, nulls, weights, length))
		production.profiled(table, column, sampled(random, 120, nulls, weights, length))
	}
	r := compareEnvs(t, Options{}, staging, production)
	told := 0
	for _, f := range r.Findings {
		if f.Rule == "data-distribution" {
			told++
		}
	}
	if told > most {
		t.Errorf("%d findings in %d equal columns", told, columns)
	}
}

func TestPValues(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"chi-square, 1 degree", chiSquareP(3.841, 1), .05}, {"chi-square, 5 degrees", chiSquareP(20.515, 5), .001}, {"chi-square, 30 degrees", chiSquareP(43.773, 30), .05},
		{"two shares", proportionP(50, 1000, 72, 1000), .0404}, {"equal shares", proportionP(5, 10, 50, 100), 1},
		{"distance", distanceP(.0159, 30000, 30000), .001},
	} {
		if math.Abs(c.got-c.want) > .12*c.want {
			t.Errorf("%s: %g, want %g", c.name, c.got, c.want)
		}
	}
}
