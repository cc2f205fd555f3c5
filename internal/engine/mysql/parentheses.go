package mysql

import "strings"

// How strongly operators bind, by https://dev.mysql.com/doc/refman/8.4/en/operator-precedence.html. What is missing here is not looked into.
const (
	bindsNothing = iota // the end of a text, a comma, a clause
	bindsOr
	bindsXor
	bindsAnd
	bindsNot
	bindsBetween // by the grammar it binds as a comparison does; whatever stands beside it keeps its parentheses
	bindsComparison
	bindsBitOr
	bindsBitAnd
	bindsShift
	bindsSum
	bindsProduct
	bindsPower
	bindsSign
	bindsAlone // no operator at all
	bindsUnknown
)

var operatorBinding = map[string]int{
	"or": bindsOr, "xor": bindsXor, "and": bindsAnd, "not": bindsNot, "=": bindsComparison, "<>": bindsComparison, "!=": bindsComparison, "<": bindsComparison, ">": bindsComparison,
	"<=": bindsComparison, ">=": bindsComparison, "<=>": bindsComparison, "is": bindsComparison, "like": bindsComparison, "regexp": bindsComparison, "rlike": bindsComparison, "in": bindsComparison,
	"|": bindsBitOr, "&": bindsBitAnd, "<<": bindsShift, ">>": bindsShift, "+": bindsSum, "-": bindsSum, "*": bindsProduct, "/": bindsProduct, "div": bindsProduct, "mod": bindsProduct, "%": bindsProduct,
	"^": bindsPower,
}

// predicates take only what binds more strongly than a comparison as their left operand, by the grammar and against the table above: a = b like c is a = (b like c).
var predicates = wordSet("in like regexp rlike between")

// clauses are words beside which an expression begins or ends.
var clauses = wordSet("where on having select by when then else end as asc desc group order limit")

// operands are words that are values.
var operands = wordSet("null true false unknown current_timestamp current_date current_time current_user")

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// plainParentheses takes out the parentheses that change nothing: MySQL prints them around every operation, MariaDB only where they are needed.
func plainParentheses(text string) string {
	all, err := tokens(text)
	if err != nil {
		return text
	}
	p := &parentheses{text: text, all: all, dropped: make([]bool, len(all))}
	p.markBetween()
	var open []int
	for i := range all {
		switch {
		case all[i].is(text, "("):
			open = append(open, i)
		case all[i].is(text, ")") && len(open) > 0:
			p.pair(open[len(open)-1], i)
			open = open[:len(open)-1]
		}
	}
	var b strings.Builder
	copied := 0
	for i, t := range all {
		if p.dropped[i] {
			b.WriteString(text[copied:t.start])
			copied = t.end
		}
	}
	b.WriteString(text[copied:])
	return b.String()
}

type parentheses struct {
	text    string
	all     []token
	dropped []bool
	between map[int]bool // tokens that are BETWEEN, or the AND of one and so no operator
}

// markBetween finds the AND of every BETWEEN: the first one in the same parentheses that no later BETWEEN takes.
func (p *parentheses) markBetween() {
	p.between = map[int]bool{}
	waiting := []int{0}
	for i, t := range p.all {
		deepest := len(waiting) - 1
		switch {
		case t.is(p.text, "("):
			waiting = append(waiting, 0)
		case t.is(p.text, ")") && deepest > 0:
			waiting = waiting[:deepest]
		case t.is(p.text, "between"):
			waiting[deepest]++
			p.between[i] = true
		case t.is(p.text, "and") && waiting[deepest] > 0:
			waiting[deepest]--
			p.between[i] = true
		}
	}
}

// pair drops two parentheses when what is between them binds more strongly than what is beside them.
func (p *parentheses) pair(open, end int) {
	within := p.within(open+1, end)
	before, after := p.before(open), p.after(end)
	if within == bindsUnknown || before == bindsUnknown || after == bindsUnknown {
		return
	}
	logical := within == bindsAnd || within == bindsOr
	if within > before || logical && within == before {
		p.dropped[open] = within >= after
		p.dropped[end] = p.dropped[open]
	}
}

// within is how strongly the weakest operator between two parentheses binds.
func (p *parentheses) within(from, end int) int {
	for from < end && p.dropped[from] {
		from++
	}
	weakest, depth, empty := bindsAlone, 0, true
	for i := from; i < end; i++ {
		if p.dropped[i] {
			continue
		}
		switch t := p.all[i]; {
		case t.is(p.text, "("):
			depth++
		case t.is(p.text, ")"):
			depth--
		case depth > 0:
		case t.is(p.text, ","):
			return bindsUnknown
		default:
			b := p.binding(&i, from)
			if b == bindsUnknown {
				return b
			}
			weakest = min(weakest, b)
		}
		empty = false
	}
	if empty {
		return bindsUnknown
	}
	return weakest
}

// binding is how strongly the token at i binds, which may be several signs: i is then the last of them. from is where the expression begins.
func (p *parentheses) binding(i *int, from int) int {
	t := p.all[*i]
	switch t.kind {
	case tokenQuoted, tokenString:
		return bindsAlone
	case tokenWord:
		return p.wordBinding(*i, from)
	}
	sign := p.text[t.start:t.end]
	if sign == "." {
		return bindsAlone
	}
	if *i == from || p.operatorBefore(*i) {
		if sign == "-" {
			return bindsSign
		}
		return bindsUnknown
	}
	for *i+1 < len(p.all) && p.all[*i+1].kind == tokenSign && p.all[*i+1].start == p.all[*i].end && !strings.Contains("()-,.", p.text[p.all[*i+1].start:p.all[*i+1].end]) {
		*i++
		sign += p.text[p.all[*i].start:p.all[*i].end]
	}
	if b, known := operatorBinding[sign]; known {
		return b
	}
	return bindsUnknown
}

func (p *parentheses) wordBinding(i, from int) int {
	word := strings.ToLower(p.text[p.all[i].start:p.all[i].end])
	switch {
	case p.between[i]:
		return bindsBetween
	case word == "not" && i > from: // is not null, not like
		return bindsComparison
	}
	if b, known := operatorBinding[word]; known {
		return b
	}
	if operands[word] || word[0] >= '0' && word[0] <= '9' || introducer(p.text, p.all, i) || i+1 < len(p.all) && p.all[i+1].is(p.text, "(") && !reserved[word] {
		return bindsAlone
	}
	return bindsUnknown
}

// operatorBefore reports that a sign at i has no operand before it.
func (p *parentheses) operatorBefore(i int) bool {
	for i--; i >= 0 && p.dropped[i]; i-- {
	}
	if i < 0 {
		return true
	}
	t := p.all[i]
	switch t.kind {
	case tokenSign:
		return !t.is(p.text, ")")
	case tokenWord:
		w := t.lower(p.text)
		_, operator := operatorBinding[w]
		return operator || clauses[w]
	}
	return false
}

// before is how strongly what stands before an opening parenthesis binds. A name before one calls a function.
func (p *parentheses) before(open int) int {
	i := open - 1
	for ; i >= 0 && p.dropped[i]; i-- {
	}
	if i < 0 {
		return bindsNothing
	}
	t := p.all[i]
	switch {
	case t.is(p.text, "("), t.is(p.text, ","):
		return bindsNothing
	case t.kind == tokenSign:
		if p.operatorBefore(i) && !p.partOfSign(i) {
			return bindsUnknown // a minus
		}
		for i > 0 && p.partOfSign(i) {
			i--
		}
		return p.binding(&i, -1)
	case t.kind == tokenWord:
		w := t.lower(p.text)
		if clauses[w] && t.end < p.all[open].start { // on(a = b) keeps its own
			return bindsNothing
		}
		switch {
		case p.between[i]:
			return bindsComparison
		case w == "and" || w == "or" || w == "xor":
			return operatorBinding[w]
		}
	}
	return bindsUnknown
}

// partOfSign reports that the sign at i goes on one right before it: the > of <>.
func (p *parentheses) partOfSign(i int) bool {
	return i > 0 && p.all[i-1].kind == tokenSign && p.all[i-1].end == p.all[i].start && !strings.Contains("(),.", p.text[p.all[i-1].start:p.all[i-1].end])
}

func (p *parentheses) after(end int) int {
	i := end + 1
	for ; i < len(p.all) && p.dropped[i]; i++ {
	}
	if i == len(p.all) {
		return bindsNothing
	}
	t := p.all[i]
	switch {
	case t.is(p.text, ")"), t.is(p.text, ","):
		return bindsNothing
	case t.kind == tokenSign:
		return p.binding(&i, -1)
	case t.kind == tokenWord:
		w := t.lower(p.text)
		switch {
		case clauses[w]:
			return bindsNothing
		case p.between[i] || predicates[w] || w == "not" && i+1 < len(p.all) && predicates[p.all[i+1].lower(p.text)]:
			return bindsBitOr
		}
		if b, known := operatorBinding[w]; known && w != "not" {
			return b
		}
	}
	return bindsUnknown
}
