package migrations

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// contents are what some tables hold, without a value of it: sums of hashes that do not depend on the order of rows.
type contents map[schema.Name]*held

// held is what one table holds.
type held struct {
	rows    int64
	all     uint64 // whole rows
	columns map[string]heldColumn
}

type heldColumn struct {
	sum   uint64
	nulls int64
}

// contentsSeed is this process's own: what is compared was read by it.
var contentsSeed = maphash.MakeSeed()

// readContents reads tables of a schema from end to end; names that it does not have are left out.
func readContents(ctx context.Context, db engine.DB, sch *schema.Database, tables []schema.Name) (contents, error) {
	out := contents{}
	for _, name := range tables {
		t, ok := sch.Table(name)
		if !ok {
			continue
		}
		var columns []string
		for _, c := range t.Columns {
			if c.Generated == "" {
				columns = append(columns, c.Name)
			}
		}
		if len(columns) == 0 {
			continue
		}
		h := &held{columns: map[string]heldColumn{}}
		sums := make([]heldColumn, len(columns))
		var row, cell maphash.Hash
		row.SetSeed(contentsSeed)
		cell.SetSeed(contentsSeed)
		err := db.CopyOut(ctx, engine.Read{Table: name, Columns: columns}, func(r engine.Row) error {
			h.rows++
			row.Reset()
			for i, c := range r {
				cell.Reset()
				_ = cell.WriteByte(byte(c.Type))
				_, _ = cell.Write(c.Data)
				sum := cell.Sum64()
				for shift := 0; shift < 64; shift += 8 {
					_ = row.WriteByte(byte(sum >> shift))
				}
				sums[i].sum += sum
				if c.Type == engine.CellNull {
					sums[i].nulls++
				}
			}
			h.all += row.Sum64()
			return nil
		})
		if err != nil {
			return nil, err
		}
		for i, c := range columns {
			h.columns[c] = sums[i]
		}
		out[name] = h
	}
	return out, nil
}

// loss is what a table or one of its columns does not hold any more, in words.
type loss struct {
	table  schema.Name
	column string // "" is about whole rows
	text   string
}

// since lists what is otherwise than it was. Columns of moments that are set to another one are left out where still says so.
func (c contents) since(was contents, sch *schema.Database, still func(t *schema.Table, column string) bool) []loss {
	var out []loss
	names := make([]schema.Name, 0, len(was))
	for name := range was {
		names = append(names, name)
	}
	for _, name := range sortedNames(names) {
		before, after := was[name], c[name]
		if after == nil {
			if before.rows > 0 {
				out = append(out, loss{name, "", counted(before.rows, "row", name.String(), "gone with it")})
			}
			continue
		}
		if before.rows != after.rows {
			text := counted(before.rows-after.rows, "row", name.String(), "gone")
			if after.rows > before.rows {
				text = counted(after.rows-before.rows, "row", name.String(), "more than before")
			}
			out = append(out, loss{name, "", text})
			continue
		}
		t, _ := sch.Table(name)
		changed := before.changedColumns(after, t, still)
		for i := range changed {
			changed[i].table = name
		}
		if len(changed) == 0 && before.all != after.all && sameValues(before, after) {
			changed = []loss{{name, "", "the values of " + name.String() + " belong to other rows"}}
		}
		out = append(out, changed...)
	}
	return out
}

// counted says what some of a table's rows or a column's values are.
func counted(n int64, noun, of, are string) string {
	verb := " are "
	if n == 1 {
		verb = " is "
	}
	return plural(n, noun) + " of " + of + verb + are
}

func sameValues(a, b *held) bool {
	for name, x := range a.columns {
		if b.columns[name] != x {
			return false
		}
	}
	return len(a.columns) == len(b.columns)
}

// changedColumns compares the columns of two tables of as many rows.
func (h *held) changedColumns(after *held, t *schema.Table, still func(*schema.Table, string) bool) []loss {
	var out []loss
	names := make([]string, 0, len(h.columns))
	for name := range h.columns {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		was := h.columns[name]
		is, ok := after.columns[name]
		values := h.rows - was.nulls
		switch full := t.Name.String() + "." + name; {
		case !ok && values > 0:
			out = append(out, loss{column: name, text: counted(values, "value", full, "gone with it")})
		case !ok || was.sum == is.sum:
		case is.nulls > was.nulls:
			out = append(out, loss{column: name, text: counted(is.nulls-was.nulls, "value", full, "NULL now")})
		case still != nil && still(t, name):
		default:
			out = append(out, loss{column: name, text: "values of " + full + " differ"})
		}
	}
	return out
}

// isMoment reports whether a column holds dates or times.
func isMoment(t *schema.Table, column string) bool {
	c, ok := t.Column(column)
	if !ok {
		return false
	}
	kind := strings.ToLower(c.Type)
	return c.OnUpdate != "" || strings.Contains(kind, "time") || strings.HasPrefix(kind, "date")
}

// lossesText enumerates losses as a message does.
func lossesText(list []loss) string {
	var b strings.Builder
	for i, l := range list {
		if i == maxOthers {
			fmt.Fprintf(&b, ", and %d more", len(list)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(l.text)
	}
	return b.String()
}
