package database

import "math"

// What was counted of two parts of a table adds up to what would have been of both: counts and shapes exactly, the number of values of a column of many and the
// quantiles of kept numbers within the bounds that they have anyhow.

// merge adds the counts of another part.
func (c *column) merge(o *column) {
	c.nulls, c.values, c.atFull = c.nulls+o.nulls, c.values+o.values, c.atFull+o.atFull
	c.minLength, c.maxLength = min(c.minLength, o.minLength), max(c.maxLength, o.maxLength)
	for i, n := range o.longer {
		c.longer[i] += n
	}
	for i, n := range o.classes {
		c.classes[i] += n
	}
	c.lengths.merge(&o.lengths)
	c.categories.merge(&o.categories)
	c.distinct.merge(&o.distinct)
	c.texts.merge(&o.texts)
	c.moments.merge(&o.moments)
	c.numbers.merge(&o.numbers)
}

func (l *lengths) merge(o *lengths) {
	for len(l.counts) < len(o.counts) {
		l.counts = append(l.counts, 0)
	}
	for i, n := range o.counts {
		l.counts[i] += n
	}
	l.total += o.total
}

func (c *categories) merge(o *categories) {
	if o.many {
		c.many, c.counts = true, nil
	}
	for value, n := range o.counts {
		c.add([]byte(value), n)
	}
}

// merge takes over the other's values. Both samples are first those of the one that is down to fewer.
func (d *distinctValues) merge(o *distinctValues) {
	if o.level > d.level {
		d.thin(o.level)
	}
	for i := range o.raw.slots {
		if e := &o.raw.slots[i]; e.hash != 0 {
			_, text := o.folded.find(e.fold)
			d.add(e.hash, e.fold, text, e.rows)
		}
	}
}

func (t *texts) merge(o *texts) {
	t.values, t.blanks, t.outerBlanks, t.control = t.values+o.values, t.blanks+o.blanks, t.outerBlanks+o.outerBlanks, t.control+o.control
	t.nonASCII, t.fourByte, t.mojibake = t.nonASCII+o.nonASCII, t.fourByte+o.fourByte, t.mojibake+o.mojibake
	t.notUTF8, t.notNumber, t.notDate = t.notUTF8+o.notUTF8, t.notNumber+o.notNumber, t.notDate+o.notDate
}

func (m *momentTraits) merge(o *momentTraits) {
	m.zero, m.impossible, m.endless, m.future = m.zero+o.zero, m.impossible+o.impossible, m.endless+o.endless, m.future+o.future
	switch {
	case !o.seen:
		return
	case !m.seen:
		m.first, m.newest = math.Inf(1), math.Inf(-1)
	}
	m.seen, m.first, m.newest = true, min(m.first, o.first), max(m.newest, o.newest)
	m.past.merge(&o.past)
}

func (c *numberTraits) merge(o *numberTraits) {
	if o.count == 0 {
		return
	}
	if c.count == 0 {
		c.min, c.max = o.min, o.max
	}
	c.count, c.min, c.max = c.count+o.count, min(c.min, o.min), max(c.max, o.max)
	c.negatives, c.zeros, c.positive, c.atBounds = c.negatives+o.negatives, c.zeros+o.zeros, c.positive+o.positive, c.atBounds+o.atBounds
	c.maxDigits = max(c.maxDigits, o.maxDigits)
	for i, n := range o.larger {
		c.larger[i] += n
	}
	c.kept.merge(&o.kept)
}

// merge adds the other's buffers, weight by weight, and goes on as if they had filled here. Errors of ranks add up no further than those of one sketch of all
// values (section 2.1 of the paper).
func (s *quantileSketch) merge(o *quantileSketch) {
	if len(o.levels) == 0 {
		return
	}
	s.begin()
	for len(s.levels) < len(o.levels) {
		s.levels = append(s.levels, nil)
	}
	for l, values := range o.levels {
		s.levels[l] = append(s.levels[l], values...)
	}
	s.settle()
}
