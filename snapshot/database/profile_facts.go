package database

import (
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/snapshot"
)

// adder adds one attribute of a column.
type adder func(attribute string, v snapshot.Value)

// trait is a property and how many values have it.
type trait struct {
	attribute string
	count     int64
}

// facts adds what was counted. What a column without values has none of is not said.
func (c *column) facts(a snapshot.Address, rows int64, r *snapshot.Result) {
	set := func(attribute string, v snapshot.Value) { r.Add(a.Attr(attribute), v, "") }
	set("nulls", snapshot.Int(c.nulls))
	if rows > 0 {
		set("null_share", snapshot.Float(rounded(float64(c.nulls)/float64(rows))))
	}
	set("distinct", snapshot.Int(min(c.values, c.distinct.distinct())))
	c.shapeFacts(set)
	c.beyondFacts(set)
	if c.values == 0 {
		return
	}
	set("min_length", snapshot.Int(int64(c.minLength)))
	set("max_length", snapshot.Int(int64(c.maxLength)))
	if classes := c.classesSeen(); len(classes) > 0 {
		set("classes", snapshot.Strings(true, classes...))
	}
	traits := []trait{{"duplicates", c.distinct.repeats}}
	if c.distinct.level > 0 {
		set("examined_values", snapshot.Int(c.distinct.rows()))
	}
	if c.texts.values > 0 {
		set("blanks", snapshot.Int(c.texts.blanks))
		set("non_ascii", snapshot.Int(c.texts.nonASCII))
		traits = append(traits, c.texts.traits()...)
		traits = append(traits, trait{"fold_duplicates", c.distinct.foldRepeats()})
		if c.full > 0 {
			traits = append(traits, trait{"at_bounds", c.atFull})
		}
	}
	if c.kind == ofMoments {
		traits = append(traits, c.moments.traits()...)
	}
	if c.numbers.count > 0 {
		traits = append(traits, c.numberFacts(set)...)
	}
	tallied(set, traits)
}

// tallied adds the traits that some values have, and the names of all that were looked for: none is not unknown.
func tallied(set adder, traits []trait) {
	var looked []string
	for _, t := range traits {
		looked = append(looked, t.attribute)
		if t.count > 0 {
			set(t.attribute, snapshot.Int(t.count))
		}
	}
	set("@looked", snapshot.Strings(true, looked...))
}

func (t *texts) traits() []trait {
	return []trait{
		{"outer_blanks", t.outerBlanks}, {"control", t.control}, {"four_byte", t.fourByte}, {"mojibake", t.mojibake}, {"not_utf8", t.notUTF8},
		{"not_number", t.notNumber}, {"not_date", t.notDate},
	}
}

func (m *momentTraits) traits() []trait {
	return []trait{{"zero_dates", m.zero}, {"impossible_dates", m.impossible}, {"endless_dates", m.endless}, {"future_dates", m.future}}
}

func (c *column) numberFacts(set adder) []trait {
	n := &c.numbers
	set("negatives", snapshot.Int(n.negatives))
	set("zeros", snapshot.Int(n.zeros))
	set("positives", snapshot.Int(n.positive))
	set("max_digits", snapshot.Int(int64(n.maxDigits)))
	if c.kept {
		set("min", snapshot.Float(n.min))
		set("max", snapshot.Float(n.max))
	}
	if n.high == 0 || c.classes[engine.CellInteger] > 0 {
		return nil
	}
	return []trait{{"at_bounds", n.atBounds}}
}

// beyondFacts adds how many values are beyond the usual limits.
func (c *column) beyondFacts(set adder) {
	if longer := beyond(usualLengths[:], c.longer[:]); longer != nil {
		set("longer", snapshot.Strings(false, longer...))
	}
	if larger := beyond(usualDigits[:], c.numbers.larger[:]); larger != nil {
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
