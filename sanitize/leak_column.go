package sanitize

import (
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// searchColumn is one column of the copy under search.
type searchColumn struct {
	set     *leakSet
	masked  bool
	looked  int64 // pieces looked up
	hits    int64
	clean   [1024]uint64 // digests of cells in which nothing was found: many columns repeat a few values
	tallies map[uint16]*tally
	starts  []int
	ends    []int
	visit   func(piece []byte) // instead of the count; may be nil
}

// cell looks up the whole cell, and inside text every run of up to maxWords words.
func (c *searchColumn) cell(cell engine.Cell) {
	v := trimmed(cell.Data)
	if len(v) < minLeak {
		return
	}
	digest := c.set.digest(v)
	seen := &c.clean[digest%uint64(len(c.clean))]
	if *seen == digest {
		return
	}
	before := c.hits
	c.pieces(cell, v)
	if c.hits == before {
		*seen = digest
	}
}

// pieces looks a cell and its parts up.
func (c *searchColumn) pieces(cell engine.Cell, v []byte) {
	number := cell.Type == engine.CellInteger || cell.Type == engine.CellReal
	c.look(v, number)
	if number {
		return
	}
	c.split(v)
	if len(c.starts) < 2 && (len(c.starts) == 0 || c.ends[0]-c.starts[0] == len(v)) {
		return
	}
	for i, from := range c.starts {
		for j := i; j < len(c.ends) && j < i+maxWords; j++ {
			to := c.ends[j]
			if to-from >= maxWindow {
				break
			}
			if from == 0 && to == len(v) {
				continue
			}
			c.look(v[from:to], false)
			for end := to; end > from && strings.IndexByte(".!?", v[end-1]) >= 0; {
				end--
				c.look(v[from:end], false)
			}
		}
	}
}

// split finds the words: what stands between white space, quotes, brackets and the
// separators of lists, JSON and key=value.
func (c *searchColumn) split(v []byte) {
	c.starts, c.ends = c.starts[:0], c.ends[:0]
	in := false
	for i, b := range v {
		if separators[b] {
			if in {
				c.ends = append(c.ends, i)
			}
			in = false
		} else if !in {
			c.starts = append(c.starts, i)
			in = true
		}
	}
	if in {
		c.ends = append(c.ends, len(v))
	}
}

var separators = func() (t [256]bool) {
	for _, c := range []byte(" \t\r\n\v\f\"'`<>()[]{},;:=|\x00") {
		t[c] = true
	}
	return t
}()

func (c *searchColumn) look(piece []byte, number bool) {
	if len(piece) < minLeak || !c.set.lengths[min(len(piece), maxWindow)] {
		return
	}
	if c.visit != nil {
		c.visit(piece)
		return
	}
	c.looked++
	e, ok := c.set.find(piece)
	if !ok || number && e.digits && !c.masked {
		return // a kept number, perhaps a serial one, that some masked number equals
	}
	c.hits++
	t := c.tallies[e.column]
	if t == nil {
		t = &tally{}
		c.tallies[e.column] = t
	}
	switch {
	case e.digits:
		t.digits++
	case e.words && !c.masked:
		if t.words == nil {
			t.words = map[uint64]int64{}
		}
		t.words[e.digest]++
	default:
		t.byBits[e.bits]++
	}
}
