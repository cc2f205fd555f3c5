package sanitize

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// maxK bounds what is a small group: more would be a sample of its own.
const maxK = 1000

func (r *policyReader) groups(at string, n *yaml.Node) *Groups {
	g := &Groups{}
	r.each(n, at, func(k, v *yaml.Node) {
		switch k.Value {
		case "by":
			for _, c := range r.list(v, at+".by") {
				if name := r.text(c, at+".by"); !slices.Contains(g.By, name) {
					g.By = append(g.By, name)
				}
			}
		case "k":
			if v.Decode(&g.K) != nil || g.K < 2 || g.K > maxK {
				r.fail(v, "%s.k: want a number of rows from 2 to %d", at, maxK)
			}
		default:
			r.unknown(k, at, "by", "k")
		}
	})
	if n.Kind == yaml.MappingNode && (len(g.By) == 0 || g.K == 0) {
		r.fail(n, "%s: want by: [COLUMN, …] and k: ROWS", at)
	}
	return g
}

// maxStratumRows bounds what a sample is asked to keep of each stratum.
const maxStratumRows = 1_000_000

func (r *policyReader) strata(n *yaml.Node, at string) (s Strata) {
	r.each(n, at, func(k, v *yaml.Node) {
		switch k.Value {
		case "by":
			for _, c := range r.list(v, at+".by") {
				s.By = append(s.By, r.text(c, at+".by"))
			}
		case "rows":
			rows, err := strconv.Atoi(r.text(v, at+".rows"))
			if s.Rows = rows; err != nil || rows < 1 || rows > maxStratumRows {
				r.fail(v, "%s.rows: want a number from 1 to %d", at, maxStratumRows)
			}
		default:
			r.unknown(k, at, "by", "rows")
		}
	})
	if len(s.By) == 0 || s.Rows == 0 {
		r.fail(n, "%s: want the columns that make the strata, and how many rows of each: {by: [country, plan], rows: 10}", at)
	}
	return s
}

func (r *policyReader) knownText(n *yaml.Node) (t KnownText) {
	r.each(n, "schema", func(k, v *yaml.Node) {
		switch k.Value {
		case "in":
			t.In = r.text(v, "schema.in")
		case "reason":
			t.Reason = r.text(v, "schema.reason")
		default:
			r.unknown(k, "schema", "in", "reason")
		}
	})
	if n.Kind == yaml.MappingNode && (t.In == "" || t.Reason == "") {
		r.fail(n, "schema: want in: the beginning of the statement, as the finding names it, and a reason")
	}
	return t
}
