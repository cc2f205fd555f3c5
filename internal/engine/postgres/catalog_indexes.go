package postgres

import (
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// indexColumn is what a column of an index has that few have.
type indexColumn struct {
	parameters, target string
	expr, collation    string // of a key that is no column
}

type opclass struct {
	name      string // SQL
	isDefault bool
}

func (c *catalog) opclass(r *record) {
	c.opclasses[r.text()] = opclass{name: r.text(), isDefault: r.flag()}
}

func (c *catalog) indexCollation(r *record) { c.collations[r.text()] = r.text() }

func (c *catalog) indexColumn(r *record) {
	index, number := r.text(), int(r.number())
	c.setIndexColumn(index, number, func(x *indexColumn) { x.parameters, x.target = r.text(), r.text() })
}

func (c *catalog) indexExpression(r *record) {
	index, number := r.text(), int(r.number())
	c.setIndexColumn(index, number, func(x *indexColumn) { x.expr, x.collation = r.text(), r.text() })
}

func (c *catalog) setIndexColumn(index string, number int, set func(*indexColumn)) {
	if c.indexColumns[index] == nil {
		c.indexColumns[index] = map[int]indexColumn{}
	}
	x := c.indexColumns[index][number]
	set(&x)
	c.indexColumns[index][number] = x
}

// index puts an index together from the numbers that the catalogue keeps of it.
func (c *catalog) index(r *record) {
	relation, oid := r.text(), r.text()
	ix := schema.Index{Name: r.text(), Unique: r.flag(), Method: r.text(), Invalid: r.flag(), NullsNotDistinct: r.flag(), Where: r.text()}
	keys := int(r.number())
	numbers, classes, collations, options := r.numbers(), r.vector(), r.vector(), r.numbers()
	var reads []int
	r.json(&reads)
	ix.Properties = r.properties()
	ix.Comment = ix.Properties["comment"]
	if delete(ix.Properties, "comment"); len(ix.Properties) == 0 {
		ix.Properties = nil
	}
	if keys < 1 || keys > len(numbers) || keys > len(classes) || keys > len(collations) || keys > len(options) {
		r.fail(strconv.ErrRange)
		return
	}
	for i := range keys {
		p := schema.IndexPart{Desc: options[i]&1 != 0, NullsFirst: options[i]&2 != 0}
		own := ""
		if numbers[i] != 0 {
			a := c.attributeOf(relation, numbers[i])
			p.Column, own = a.name, a.collation
		} else {
			p.Expr, own = c.indexColumns[oid][i+1].expr, c.indexColumns[oid][i+1].collation
		}
		if collations[i] != "0" && collations[i] != own {
			p.Collation = c.collations[collations[i]]
		}
		with := c.indexColumns[oid][i+1].parameters
		if class := c.opclasses[classes[i]]; !class.isDefault || with != "" {
			p.OpClass = class.name
			if with != "" {
				p.OpClass += " (" + with + ")"
			}
		}
		ix.Parts = append(ix.Parts, p)
	}
	c.targets(oid, &ix)
	ix.Include = c.named(relation, numbers[keys:])
	sort.Ints(reads)
	if ix.Columns = c.named(relation, reads); reads == nil {
		ix.Columns = c.inTableOrder(relation, numbers)
	}
	if t := c.tables[relation]; t != nil {
		t.Indexes = append(t.Indexes, ix)
	} else if v := c.views[relation]; v != nil {
		v.Indexes = append(v.Indexes, ix)
	}
}

// targets writes the statistics targets of an index's columns: "1 200, 3 50".
func (c *catalog) targets(oid string, ix *schema.Index) {
	var list []string
	for i := range ix.Parts {
		if target := c.indexColumns[oid][i+1].target; target != "" {
			list = append(list, strconv.Itoa(i+1)+" "+target)
		}
	}
	if list == nil {
		return
	}
	if ix.Properties == nil {
		ix.Properties = map[string]string{}
	}
	ix.Properties["statistics"] = strings.Join(list, ", ")
}

func (c *catalog) inTableOrder(relation string, numbers []int) []string {
	sorted := append([]int(nil), numbers...)
	sort.Ints(sorted)
	unique := sorted[:0]
	for i, n := range sorted {
		if i == 0 || n != sorted[i-1] {
			unique = append(unique, n)
		}
	}
	return c.named(relation, unique)
}
