package database

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// Lengths are counted one by one up to exactLengths, and beyond it by their size in steps of an eighth.
const (
	exactLengths = 256
	lengthSteps  = 8
)

// lengths is a histogram of lengths. Histograms of several parts of a table add up.
type lengths struct {
	counts []int64
	total  int64
}

func lengthBucket(n int) int {
	if n < exactLengths {
		return n
	}
	exponent := bits.Len(uint(n)) - 1 // at least 8
	return exactLengths + (exponent-8)*lengthSteps + (n>>(exponent-3))&(lengthSteps-1)
}

// bucketLength is the smallest length of a bucket.
func bucketLength(b int) int {
	if b < exactLengths {
		return b
	}
	b -= exactLengths
	exponent := b/lengthSteps + 8
	return (lengthSteps + b%lengthSteps) << (exponent - 3)
}

func (l *lengths) add(length int, n int64) {
	b := lengthBucket(length)
	for b >= len(l.counts) {
		l.counts = append(l.counts, 0)
	}
	l.counts[b] += n
	l.total += n
}

// quantiles are points lengths, in order.
func (l *lengths) quantiles() []string {
	out := make([]string, 0, points)
	b, passed := 0, int64(0)
	for i := range points {
		rank := int64(math.Round(float64(l.total-1) * float64(i) / (points - 1)))
		for passed+l.counts[b] <= rank {
			passed += l.counts[b]
			b++
		}
		out = append(out, fmt.Sprint(bucketLength(b)))
	}
	return out
}

// A column has categories when it has no more than maxCategories values, none longer than maxCategory bytes.
const (
	maxCategories = 32
	maxCategory   = 40
)

// categories counts the values of a kept column, until there are too many.
type categories struct {
	counts map[string]int64
	many   bool
}

func (c *categories) add(value []byte, rows int64) {
	if c.many {
		return
	}
	if c.counts == nil {
		c.counts = map[string]int64{}
	}
	if n, ok := c.counts[string(value)]; ok {
		c.counts[string(value)] = n + rows
		return
	}
	if len(c.counts) >= maxCategories || len(value) > maxCategory {
		c.many, c.counts = true, nil
		return
	}
	c.counts[string(value)] = rows
}

// list is each value with its count, as VALUE=COUNT.
func (c *categories) list() []string {
	var out []string
	for v, n := range c.counts {
		out = append(out, fmt.Sprintf("%s=%d", strings.ToValidUTF8(v, "\uFFFD"), n))
	}
	sort.Strings(out)
	return out
}

// shapeFacts adds what a distribution is compared by, as far as the policy leaves it to be compared.
func (c *column) shapeFacts(set adder) {
	if len(c.leaves) > 0 {
		set("@kept", snapshot.Strings(true, c.leaves...))
	}
	// Numbers have more digits where there are more rows: that is no drift.
	if c.texts.values > 0 && slices.Contains(c.leaves, "length") {
		set("lengths", snapshot.Strings(false, c.lengths.quantiles()...))
	}
	if q := c.numbers.kept.quantiles(c.numbers.min, c.numbers.max); q != nil {
		set("quantiles", snapshot.Strings(false, numberTexts(q)...))
	}
	if ages := c.moments.ages(); ages != nil {
		set("ages", snapshot.Strings(false, numberTexts(ages)...))
	}
	c.categoryFacts(set)
}

// categoryFacts adds the values of a kept column of few.
func (c *column) categoryFacts(set adder) {
	if c.kept && !c.categories.many && len(c.categories.counts) > 0 && int64(2*len(c.categories.counts)) <= c.values {
		set("categories", snapshot.Strings(true, c.categories.list()...))
	}
}
