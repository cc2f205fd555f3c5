package compare

import (
	"math"
	"slices"
	"sort"
)

func abs(x float64) float64 { return math.Abs(x) }

// discoveries are those whose p-values pass the procedure of Benjamini and Hochberg at a rate of false ones, in their own order.
func discoveries[T any](all []T, rate float64, p func(T) float64) []T {
	ps := make([]float64, len(all))
	for i := range all {
		ps[i] = p(all[i])
	}
	sort.Float64s(ps)
	limit := -1.0
	for i, p := range ps {
		if p <= rate*float64(i+1)/float64(len(ps)) {
			limit = p
		}
	}
	return slices.DeleteFunc(all, func(one T) bool { return p(one) > limit })
}

// absenceP is the probability that, of all chances of two samples of one distribution, the k that a trait took are all among the n of the first
// and none among the m of the second: Fisher's exact test where the second has none. Of very many chances it is an upper bound.
func absenceP(k, n, m float64) float64 {
	k = min(k, n)
	switch {
	case k <= 0 || m <= 0:
		return 1
	case n+m > 1e9: // factorials are too large for what their difference is to tell
		return math.Exp(-k * math.Log1p(m/n))
	}
	return min(1, math.Exp(lnFactorial(n)+lnFactorial(n+m-k)-lnFactorial(n-k)-lnFactorial(n+m)))
}

func lnFactorial(n float64) float64 {
	l, _ := math.Lgamma(n + 1)
	return l
}

// proportionP is the p-value of two shares being one: the two-sided z-test with a pooled share.
func proportionP(a, n, b, m float64) float64 {
	pooled := (a + b) / (n + m)
	deviation := math.Sqrt(pooled * (1 - pooled) * (1/n + 1/m))
	if deviation == 0 {
		return 1
	}
	return math.Erfc(abs(a/n-b/m) / deviation / math.Sqrt2)
}

// homogeneityP is the p-value of two samples being of one distribution of categories: Pearson's test of a table of two columns, both of
// them samples. Rows of fewer than five expected are pooled.
func homogeneityP(counts [][2]float64) float64 {
	var sum [2]float64
	for _, c := range counts {
		sum[0], sum[1] = sum[0]+c[0], sum[1]+c[1]
	}
	total := sum[0] + sum[1]
	var rows [][2]float64
	var rare [2]float64
	for _, c := range counts {
		if (c[0]+c[1])*min(sum[0], sum[1])/total < 5 {
			rare[0], rare[1] = rare[0]+c[0], rare[1]+c[1]
			continue
		}
		rows = append(rows, c)
	}
	if rare[0]+rare[1] > 0 {
		rows = append(rows, rare)
	}
	if len(rows) < 2 {
		return 1
	}
	statistic := 0.0
	for _, c := range rows {
		for i := range sum {
			expected := (c[0] + c[1]) * sum[i] / total
			statistic += (c[i] - expected) * (c[i] - expected) / expected
		}
	}
	return chiSquareP(statistic, float64(len(rows)-1))
}

// chiSquareP is the upper tail of the chi-square distribution, by Wilson and Hilferty's approximation.
func chiSquareP(statistic, freedom float64) float64 {
	spread := 2 / (9 * freedom)
	z := (math.Cbrt(statistic/freedom) - (1 - spread)) / math.Sqrt(spread)
	return math.Erfc(z/math.Sqrt2) / 2
}

// quantileDistance is a lower bound of the largest distance of two distributions of which quantiles are known, from the smallest to
// the largest value: each list leaves one step open.
func quantileDistance(a, b []float64) float64 {
	below := func(list []float64, x float64) float64 {
		return float64(sort.Search(len(list), func(i int) bool { return list[i] > x })-1) / float64(len(list)-1)
	}
	most := 0.0
	for _, x := range append(append([]float64{}, a...), b...) {
		most = max(most, abs(max(0, below(a, x))-max(0, below(b, x))))
	}
	return most - 1/float64(len(a)-1) - 1/float64(len(b)-1)
}

// distanceP is the p-value of such a distance: Kolmogorov and Smirnov's for two large samples.
func distanceP(distance, n, m float64) float64 {
	if distance <= 0 || n <= 0 || m <= 0 {
		return 1
	}
	return min(1, 2*math.Exp(-2*distance*distance*n*m/(n+m)))
}
