package postgres

import "strings"

// unqualified writes a view's definition as servers since 16 print it: the columns of a query over one relation alone stand without
// that relation's name (ruleutils.c, get_variable). Older servers print the name always. What is not such a query stays as it is.
func unqualified(definition string) string {
	toks, err := tokens(definition)
	if err != nil {
		return definition
	}
	q := overOne{text: definition, toks: toks}
	if !q.parse() {
		return definition
	}
	var b strings.Builder
	written := 0
	for i := range toks {
		if q.qualifies(i) {
			b.WriteString(definition[written:toks[i].start])
			written = toks[i+2].start
		}
	}
	return b.String() + definition[written:]
}

// overOne is a query over one relation.
type overOne struct {
	text string
	toks []token
	// name is what its columns are qualified with.
	name string
	// inside says of each token whether a query within the query holds it.
	inside []bool
	// from and fromEnd are where the relation stands, and order is where ORDER BY begins: there a name means a column of
	// the result, called so by AS (labels), before it means one of the relation.
	from, fromEnd, order int
	labels               map[string]bool
}

func (q *overOne) at(i int) string { return q.text[q.toks[i].start:q.toks[i].end] }

func (q *overOne) isName(i int) bool {
	return i < len(q.toks) && (q.toks[i].kind == tokenWord || q.toks[i].kind == tokenQuoted)
}

// parse finds the parts of the query; false is a query over several relations or none, or a combination of queries.
func (q *overOne) parse() bool {
	q.inside, q.labels, q.order = make([]bool, len(q.toks)), map[string]bool{}, len(q.toks)
	var queries []bool // one for each open parenthesis
	within := 0
	for i, t := range q.toks {
		switch {
		case t.is(q.text, "("):
			query := i+1 < len(q.toks) && q.startsQuery(i+1)
			queries = append(queries, query)
			if query {
				within++
			}
		case t.is(q.text, ")") && len(queries) > 0:
			if queries[len(queries)-1] {
				within--
			}
			queries = queries[:len(queries)-1]
		case len(queries) == 0 && !q.clause(i):
			return false
		}
		q.inside[i] = within > 0
	}
	return q.name != ""
}

// startsQuery is true where token i is the first of a query.
func (q *overOne) startsQuery(i int) bool {
	return q.toks[i].is(q.text, "SELECT") || q.toks[i].is(q.text, "WITH") || q.toks[i].is(q.text, "VALUES")
}

// clause looks at a token outside of parentheses; false ends the search.
func (q *overOne) clause(i int) bool {
	if q.toks[i].kind != tokenWord && q.at(i) != "," {
		return true
	}
	switch word := q.at(i); {
	case word == "UNION", word == "INTERSECT", word == "EXCEPT", word == "JOIN", word == "WITH":
		return false
	case word == "," && q.from > 0 && i <= q.fromEnd:
		return false
	case word == "AS" && q.from == 0 && q.isName(i+1):
		q.labels[q.at(i+1)] = true
	case word == "FROM" && q.from == 0:
		return q.relation(i)
	case word == "ORDER" && q.from > 0:
		q.order = i
	}
	return true
}

// relation reads "FROM schema.name" or "FROM schema.name alias"; anything else is none.
func (q *overOne) relation(from int) bool {
	i := from + 1
	if i < len(q.toks) && q.toks[i].is(q.text, "ONLY") {
		i++
	}
	for q.isName(i) && i+1 < len(q.toks) && q.at(i+1) == "." {
		i += 2
	}
	if !q.isName(i) {
		return false
	}
	q.from, q.name, q.fromEnd = from, q.at(i), i
	if q.isName(i+1) && !endsRelation[q.at(i+1)] {
		q.name, q.fromEnd = q.at(i+1), i+1
	}
	next := q.fromEnd + 1
	return next >= len(q.toks) || endsRelation[q.at(next)]
}

// endsRelation are the words that follow a relation; the server writes them in capitals, and quotes names that are written so.
var endsRelation = map[string]bool{"WHERE": true, "GROUP": true, "HAVING": true, "WINDOW": true, "ORDER": true, "LIMIT": true, "OFFSET": true, "FETCH": true, "FOR": true}

// qualifies is true where the token and the dot behind it are the relation's name before one of its columns.
func (q *overOne) qualifies(i int) bool {
	if q.inside[i] || i >= q.from && i <= q.fromEnd || i+2 >= len(q.toks) || q.at(i) != q.name || q.at(i+1) != "." || !q.isName(i+2) {
		return false
	}
	// A schema of the same name stands before types, collations, operators and functions.
	if i > 1 && (namesNoColumn[q.at(i-1)] || q.at(i-2) == "OPERATOR") || i+3 < len(q.toks) && (q.at(i+3) == "." || q.at(i+3) == "(") {
		return false
	}
	return i < q.order || !q.labels[q.at(i+2)]
}

// namesNoColumn are what stands before a name that is no column's.
var namesNoColumn = map[string]bool{".": true, ":": true, "COLLATE": true}
