package database

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/axiomhq/hyperloglog"
	"github.com/dgryski/go-metro"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// column counts one column's traits in constant memory.
type column struct {
	numeric    bool // the type says that texts are numbers
	kept       bool // the policy keeps the values
	leaves     []string
	lengths    lengths
	categories categories
	seed       uint64
	distinct   *hyperloglog.Sketch

	nulls, blanks, nonASCII    int64
	minLength, maxLength       int
	values                     int64
	classes                    [engine.CellBlob + 1]int64
	numbers                    int64
	negatives, zeros, positive int64
	maxDigits                  int
	longer                     [len(usualLengths)]int64
	larger                     [len(usualDigits)]int64
	min, max                   float64
}

// usualLengths are those that people choose for columns, and two that engines set: an entry of PostgreSQL's B-tree indexes (2,704
// bytes) and MySQL's TEXT. usualDigits fit into 4 and 8 bytes.
var (
	usualLengths = [...]int{50, 64, 100, 128, 191, 255, 2704, 65535}
	usualDigits  = [...]int{9, 18}
)

// wholeDigits is the number of digits before the decimal point.
func wholeDigits(f float64) int {
	if f < 1e15 {
		n := 1
		for i := uint64(f); i >= 10; i /= 10 {
			n++
		}
		return n
	}
	return len(strconv.FormatFloat(math.Trunc(f), 'f', 0, 64))
}

// beyond is each limit that some values are beyond, with their count, as LIMIT=COUNT.
func beyond(limits []int, counts []int64) []string {
	var out []string
	for i, n := range counts {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d=%d", limits[i], n))
		}
	}
	return out
}

// newColumn makes the counters. The sketch is seeded by the key, so that nobody can craft values that fool it.
func newColumn(c *schema.Column, seed []byte, kept bool, leaves []string) column {
	return column{kept: kept, leaves: leaves, numeric: numericType(c.Type), seed: binary.LittleEndian.Uint64(seed), distinct: hyperloglog.New(), minLength: math.MaxInt}
}

// numericType reports whether values of a declared type are numbers, in the engines whose cells are all text.
func numericType(t string) bool {
	t = strings.ToLower(t)
	for _, prefix := range []string{"int", "bigint", "smallint", "tinyint", "mediumint", "numeric", "decimal", "real", "double", "float"} {
		if rest, ok := strings.CutPrefix(t, prefix); ok && !strings.HasPrefix(rest, "erval") && !strings.Contains(rest, "range") && !strings.Contains(rest, "[]") {
			return true
		}
	}
	return false
}

// addText counts n rows of a value of which only the text is known.
func (c *column) addText(value string, n int64) {
	c.add(engine.Cell{Type: engine.CellText, Data: []byte(value)}, n)
}

// add counts n rows of a value.
func (c *column) add(cell engine.Cell, n int64) {
	c.classes[cell.Type] += n
	if cell.Type == engine.CellNull {
		c.nulls += n
		return
	}
	c.values += n
	c.distinct.InsertHash(metro.Hash64(cell.Data, c.seed+uint64(cell.Type)))
	length := len(cell.Data)
	if cell.Type == engine.CellText {
		ascii := true
		for _, b := range cell.Data {
			if b >= utf8.RuneSelf {
				ascii = false
				break
			}
		}
		if !ascii {
			c.nonASCII += n
			length = utf8.RuneCount(cell.Data)
		}
		if len(bytes.TrimSpace(cell.Data)) == 0 {
			c.blanks += n
		}
	}
	c.lengths.add(length, n)
	for i := 0; i < len(usualLengths) && length > usualLengths[i]; i++ {
		c.longer[i] += n
	}
	if c.kept {
		c.categories.add(cell.Data, n)
	}
	c.minLength, c.maxLength = min(c.minLength, length), max(c.maxLength, length)
	if cell.Type == engine.CellInteger || cell.Type == engine.CellReal || c.numeric && cell.Type == engine.CellText {
		c.number(cell.Data, n)
	}
}

func (c *column) number(text []byte, n int64) {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(f) {
		return
	}
	switch {
	case f < 0:
		c.negatives += n
	case f > 0:
		c.positive += n
	default:
		c.zeros += n
	}
	if c.numbers == 0 || f < c.min {
		c.min = f
	}
	if c.numbers == 0 || f > c.max {
		c.max = f
	}
	c.numbers += n
	if !math.IsInf(f, 0) {
		digits := wholeDigits(math.Abs(f))
		c.maxDigits = max(c.maxDigits, digits)
		for i := 0; i < len(usualDigits) && digits > usualDigits[i]; i++ {
			c.larger[i] += n
		}
	}
}

// facts adds what was counted. What a column without values has none of is not said.
func (c *column) facts(a snapshot.Address, rows int64, r *snapshot.Result) {
	set := func(attribute string, v snapshot.Value) { r.Add(a.Attr(attribute), v, "") }
	set("nulls", snapshot.Int(c.nulls))
	if rows > 0 {
		set("null_share", snapshot.Float(rounded(float64(c.nulls)/float64(rows))))
	}
	set("distinct", snapshot.Int(min(c.values, int64(c.distinct.Estimate()))))
	c.shapeFacts(set)
	c.beyondFacts(set)
	if c.values == 0 {
		return
	}
	set("min_length", snapshot.Int(int64(c.minLength)))
	set("max_length", snapshot.Int(int64(c.maxLength)))
	if c.classes[engine.CellText] > 0 && !c.numeric {
		set("blanks", snapshot.Int(c.blanks))
		set("non_ascii", snapshot.Int(c.nonASCII))
	}
	if classes := c.classesSeen(); len(classes) > 0 {
		set("classes", snapshot.Strings(true, classes...))
	}
	if c.numbers == 0 {
		return
	}
	set("negatives", snapshot.Int(c.negatives))
	set("zeros", snapshot.Int(c.zeros))
	set("positives", snapshot.Int(c.positive))
	set("max_digits", snapshot.Int(int64(c.maxDigits)))
	if c.kept {
		set("min", snapshot.Float(c.min))
		set("max", snapshot.Float(c.max))
	}
}

// beyondFacts adds how many values are beyond the usual limits.
func (c *column) beyondFacts(set func(string, snapshot.Value)) {
	if longer := beyond(usualLengths[:], c.longer[:]); longer != nil {
		set("longer", snapshot.Strings(false, longer...))
	}
	if larger := beyond(usualDigits[:], c.larger[:]); larger != nil {
		set("larger", snapshot.Strings(false, larger...))
	}
}

var classNames = [...]string{engine.CellText: "text", engine.CellInteger: "integer", engine.CellReal: "real", engine.CellBlob: "blob"}

// classesSeen are the storage classes seen: none where every value is text, which is all that engines with typed columns have.
func (c *column) classesSeen() []string {
	var names []string
	for class, name := range classNames {
		if name != "" && c.classes[class] > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 1 && names[0] == "text" {
		return nil
	}
	return names
}

// rounded keeps four significant digits: shares are read by people.
func rounded(f float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 4, 64), 64)
	if err != nil {
		return f
	}
	return r
}
