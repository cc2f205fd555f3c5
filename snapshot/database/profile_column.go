package database

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dgryski/go-metro"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// column counts one column's traits in bounded memory.
type column struct {
	kind       columnKind
	kept       bool // the policy keeps the values
	key        bool // part of a key or reference: its numbers are names, and grow with the number of rows
	leaves     []string
	lengths    lengths
	categories categories
	seed       uint64
	distinct   distinctValues
	texts      texts
	moments    momentTraits
	numbers    numberTraits

	nulls, values        int64
	minLength, maxLength int
	longer               [len(usualLengths)]int64
	classes              [engine.CellBlob + 1]int64
	full                 int   // a text's declared length; 0 is none
	atFull               int64 // texts of that length
}

// columnKind says what the texts of a declared type are, in the engines whose cells are all text.
type columnKind int

const (
	ofTexts columnKind = iota
	ofNumbers
	ofMoments
	ofOthers // booleans, bytes, identifiers: they have no traits but their number
)

var kindsOfTypes = []struct {
	kind     columnKind
	prefixes []string
}{
	{ofNumbers, []string{"int", "bigint", "smallint", "tinyint", "mediumint", "numeric", "decimal", "real", "double", "float"}},
	{ofMoments, []string{"date", "timestamp"}},
	{ofOthers, []string{"bool", "uuid", "bytea", "binary", "varbinary", "blob", "bit", "json", "xml", "inet", "cidr", "macaddr", "time", "year", "money", "enum", "set(", "point", "geometry", "oid", "tsvector"}},
}

// kindOf classifies a declared type. Intervals, ranges and arrays are texts like any other.
func kindOf(t string) columnKind {
	t = strings.ToLower(t)
	if strings.HasPrefix(t, "interval") || strings.Contains(t, "range") || strings.Contains(t, "[]") {
		return ofTexts
	}
	for _, k := range kindsOfTypes {
		for _, prefix := range k.prefixes {
			if strings.HasPrefix(t, prefix) {
				return k.kind
			}
		}
	}
	return ofTexts
}

// usualLengths are those that people choose for columns, and two that engines set: an entry of PostgreSQL's B-tree indexes (2,704
// bytes) and MySQL's TEXT.
var usualLengths = [...]int{50, 64, 100, 128, 191, 255, 2704, 65535}

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

// newColumn makes the counters. Hashes are keyed, so that nobody can craft values that fool them.
func newColumn(c *schema.Column, seed []byte, now time.Time) column {
	kind := kindOf(c.Type)
	return column{kind: kind, seed: binary.LittleEndian.Uint64(seed), minLength: math.MaxInt, moments: newMomentTraits(now), numbers: newNumbers(c.Type), full: declaredLength(c.Type)}
}

// declaredLength is N of a VARCHAR(N); 0 for other types.
func declaredLength(t string) int {
	name, rest, ok := strings.Cut(strings.ToLower(t), "(")
	if name = strings.TrimSpace(name); !ok || name != "varchar" && name != "character varying" {
		return 0
	}
	digits, _, _ := strings.Cut(rest, ")")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
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
	length := len(cell.Data)
	number := cell.Type == engine.CellInteger || cell.Type == engine.CellReal || cell.Type == engine.CellText && c.kind == ofNumbers
	text := cell.Type == engine.CellText && c.kind == ofTexts
	raw := c.hash(cell.Type, cell.Data)
	fold := raw
	switch {
	case number:
		c.numbers.add(cell.Data, c.kept && !c.key, n)
	case text:
		c.texts.add(cell.Data, n)
		length = c.texts.length
		if !c.texts.lowerTrimmed {
			fold = c.hash(cell.Type, c.texts.folded(cell.Data))
		}
		if c.full > 0 && length >= c.full {
			c.atFull += n
		}
	case cell.Type == engine.CellText && c.kind == ofMoments:
		c.moments.add(cell.Data, c.kept, n)
	}
	c.distinct.add(raw, fold, text, n)
	c.lengths.add(length, n)
	for i := 0; i < len(usualLengths) && length > usualLengths[i]; i++ {
		c.longer[i] += n
	}
	if c.kept {
		c.categories.add(cell.Data, n)
	}
	c.minLength, c.maxLength = min(c.minLength, length), max(c.maxLength, length)
}

// hash is never 0.
func (c *column) hash(t engine.CellType, data []byte) uint64 {
	return max(1, metro.Hash64(data, c.seed+uint64(t)))
}
