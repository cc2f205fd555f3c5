package database

import (
	"context"
	"math"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// planned adds what the server's planner knows of the tables. Tables of which it knows nothing that holds, for they were never analysed or
// nobody counts what has changed since, are counted in a note.
func planned(ctx context.Context, in snapshot.DatabaseInput, tables []*schema.Table, r *snapshot.Result) {
	left := map[schema.Name]*schema.Table{}
	for _, t := range tables {
		left[t.Name] = t
	}
	unknown, told := 0, false // told is of some tables: the server has statistics, whoever may read them
	if statistician, ok := engine.As[engine.Statistician](in.DB); ok {
		err := statistician.Statistics(ctx, func(s engine.TableStatistics) error {
			t := left[s.Table]
			if t == nil {
				return nil
			}
			delete(left, s.Table)
			told = true
			a := snapshot.Object(in.Scope, "profile", t.Name.Idents()...)
			tableFacts(a, snapshot.GradePlanner, s.Rows, r)
			switch holds := s.Examined > 0 && len(s.Columns) > 0 && (s.Undated || s.Changed >= 0 && s.Changed < s.Rows); {
			case holds:
				r.Add(a.Attr("examined"), snapshot.Int(s.Examined), "")
				if !s.Undated {
					r.Add(a.Attr("changed"), snapshot.Int(s.Changed), "")
				}
			case s.Undated: // what indexes have is of today
				for i := range s.Columns {
					s.Columns[i] = engine.ColumnStatistics{Column: s.Columns[i].Column, NullShare: -1, Distinct: s.Columns[i].Distinct}
				}
				fallthrough
			default:
				if s.Rows != 0 {
					unknown++
				}
				if !s.Undated {
					return nil
				}
			}
			columns := newColumns(in, t)
			for i := range s.Columns {
				for j := range t.Columns {
					if t.Columns[j].Name == s.Columns[i].Column {
						columns[j].plannedFacts(snapshot.Object(in.Scope, "profile", t.Name.Idents(t.Columns[j].Name)...), &s.Columns[i], s.Examined, r)
					}
				}
			}
			return nil
		})
		if err != nil && in.Spec.Profile == snapshot.GradeUsual && told {
			r.Notes = append(r.Notes, snapshot.Note{Scope: in.Scope, Kind: "profiles whose statistics the account may not read", Count: len(tables)})
		} else if err != nil {
			r.Missing(snapshot.Address{Scope: in.Scope, Kind: "profile"}, "the planner's statistics cannot be read: "+refusal(err), "set databases."+in.Scope+".profile to sample or scan", in.Scope+":profile/*")
			return
		}
	}
	for _, t := range tables {
		if left[t.Name] != nil {
			tableFacts(snapshot.Object(in.Scope, "profile", t.Name.Idents()...), snapshot.GradePlanner, t.EstimatedRows, r)
			unknown++
		}
	}
	if unknown > 0 {
		r.Notes = append(r.Notes, snapshot.Note{Scope: in.Scope, Kind: "profiles of tables without planner statistics of a known age", Count: unknown})
	}
}

// plannedFacts are what statistics say. Counts are of the examined rows. What only part of them shows, such as negative numbers among the bounds
// of ranges, is a count of at least so many, and none of them is not said: it is not known. Nor are lengths and digits the largest there are.
func (c *column) plannedFacts(a snapshot.Address, s *engine.ColumnStatistics, examined int64, r *snapshot.Result) {
	rows := float64(examined)
	set := func(attribute string, v snapshot.Value) { r.Add(a.Attr(attribute), v, "") }
	if s.Distinct > 0 {
		set("distinct", snapshot.Int(int64(math.Round(s.Distinct))))
	}
	if s.NullShare >= 0 {
		set("nulls", snapshot.Int(int64(math.Round(min(1, s.NullShare)*rows))))
		set("null_share", snapshot.Float(rounded(s.NullShare)))
	}
	if s.NullShare < 0 && len(s.Common)+len(s.Bounds) == 0 {
		return // nobody has looked at the values
	}
	common := 0.0
	for _, v := range s.Common {
		common += v.Share
		c.addText(v.Value, max(1, int64(math.Round(v.Share*rows))))
	}
	nulls := min(1, max(0, s.NullShare))
	share := 1 - common - nulls
	if s.Loose {
		share = 0
	}
	c.addRanges(s.Bounds, share*rows)
	if len(c.leaves) > 0 {
		set("@kept", snapshot.Strings(true, c.leaves...))
	}
	for attribute, n := range map[string]int64{"blanks": c.texts.blanks, "non_ascii": c.texts.nonASCII, "negatives": c.numbers.negatives, "zeros": c.numbers.zeros} {
		if n > 0 {
			set(attribute, snapshot.Int(n))
		}
	}
	for _, t := range append(append(c.texts.traits(), c.moments.traits()...), trait{"at_bounds", c.atFull + c.numbers.atBounds}) {
		if t.count > 0 {
			set(t.attribute, snapshot.Int(t.count))
		}
	}
	if c.texts.values > 0 {
		set("max_length", snapshot.Int(int64(c.maxLength)))
	}
	if c.numbers.count > 0 {
		set("max_digits", snapshot.Int(int64(c.numbers.maxDigits)))
	}
	if s.Ends && c.kept && c.numbers.count > 0 {
		set("min", snapshot.Float(c.numbers.min))
		set("max", snapshot.Float(c.numbers.max))
	}
	c.beyondFacts(set)
	// A list of all values is one that nothing is left beside.
	if len(s.Bounds) == 0 && common+nulls > 1-1/(2*rows) {
		c.categoryFacts(set)
	}
}

// addRanges counts the rows between bounds that part them into equal numbers: of numbers all of a range, as the end of it that is nearer to zero;
// of other values the bounds themselves.
func (c *column) addRanges(bounds []string, rows float64) {
	for i, v := range bounds {
		if i == 0 || v != bounds[i-1] {
			c.addText(v, 1)
		}
		if i == 0 || c.kind != ofNumbers {
			continue
		}
		low, errLow := strconv.ParseFloat(bounds[i-1], 64)
		high, errHigh := strconv.ParseFloat(v, 64)
		n := int64(rows/float64(len(bounds)-1)) - 1 // the bound itself is counted
		switch {
		case errLow != nil || errHigh != nil || n <= 0:
		case high < 0:
			c.addText(v, n)
		case low > 0:
			c.addText(bounds[i-1], n)
		}
	}
}
