package compare

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// valueChange is what becomes of a column's values under another type.
type valueChange int

const (
	sameValues  valueChange = iota // each stays what it is
	fewerValues                    // so it does, or the server refuses the change
	otherValues                    // some are cut, rounded or become another thing, or nobody knows
)

// strictly is what makes MySQL and MariaDB refuse what does not fit, in the session that it is pasted into.
const strictly = "SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@SESSION.sql_mode, ''), 'STRICT_ALL_TABLES')"

// typeChange is the worst that happens on a side.
func (x *fixer) typeChange(want finding.Side, others []finding.Side) valueChange {
	to, ok := textOf(want)
	worst := sameValues
	for _, o := range others {
		from, is := textOf(o)
		switch {
		case !ok || !is:
			return otherValues
		case widens(from, to):
		case widens(to, from) && x.refusesNarrower(to):
			worst = fewerValues
		default:
			return otherValues
		}
	}
	return worst
}

// refusesNarrower reports whether the engine refuses a value that a narrower type does not hold: of floating point numbers it rounds them.
func (x *fixer) refusesNarrower(to string) bool {
	return to != "real" && to != "float" && (x.engine() == "postgres" || x.engine() == "mysql")
}

// integers are the engines' whole numbers, each wider than the one before.
var integers = []string{"tinyint", "smallint", "mediumint", "int", "integer", "bigint"}

// sized is a type with a length.
var sized = regexp.MustCompile(`^(character varying|varchar|varbinary)\(([0-9]+)\)$`)

// widens reports whether every value of one type is the same value of another.
func widens(from, to string) bool {
	narrow, unsigned := strings.CutSuffix(from, " unsigned")
	wide, alsoUnsigned := strings.CutSuffix(to, " unsigned")
	if i := slices.Index(integers, narrow); i >= 0 && unsigned == alsoUnsigned {
		return slices.Index(integers, wide) > i
	}
	m, n := sized.FindStringSubmatch(from), sized.FindStringSubmatch(to)
	switch {
	case m != nil && m[1] == "character varying":
		return to == "text" || to == "character varying" || n != nil && n[1] == m[1] && larger(n[2], m[2])
	case m != nil && n != nil:
		return m[1] == n[1] && larger(n[2], m[2])
	}
	return from == "real" && to == "double precision" || from == "float" && to == "double"
}

func larger(a, b string) bool {
	m, errM := strconv.Atoi(a)
	n, errN := strconv.Atoi(b)
	return errM == nil && errN == nil && m > n
}

// obstructed reports whether something on a side keeps its engine from giving a column another type, and says in the hint what.
func (x *fixer) obstructed(others []finding.Side, column string) bool {
	var in []string
	for _, o := range others {
		switch x.engine() {
		case "postgres":
			in = append(in, x.readers(o.Environment, column)...)
		case "mysql":
			in = append(in, x.foreignKeys(o.Environment, column)...)
		}
	}
	slices.Sort(in)
	if in = slices.Compact(in); len(in) == 0 {
		return false
	}
	shown, more := in, ""
	if len(in) > shownPlaces {
		shown, more = in[:shownPlaces], fmt.Sprintf(" and %d more", len(in)-shownPlaces)
	}
	x.f.Hint = "the server gives no column another type under " + strings.Join(shown, ", ") + more + ": drop what is there, change the type and make it again, in one migration"
	return true
}

// readers are what PostgreSQL keeps a type for: views, generated columns, policies, rules and triggers that name the column, and partitioning by it
// (ATPrepAlterColumnType and RememberAllDependentForRebuilding in tablecmds.c of PostgreSQL 13 to 18). What has the name of another table's column is told, too: the
// catalogue's text does not show whose it is.
func (x *fixer) readers(environment, column string) []string {
	names := regexp.MustCompile(`(^|[^A-Za-z0-9_])` + regexp.QuoteMeta(column) + `([^A-Za-z0-9_]|$)`).MatchString
	name := x.at.Name[:strings.LastIndexByte(x.at.Name, '.')]
	var in []string
	x.each(environment, "view/", func(a snapshot.Address, v snapshot.Value) {
		reads := slices.ContainsFunc(v.Items(), func(item snapshot.Value) bool { text, _ := item.Text(); return text == name })
		if text, has := x.text(environment, a.Whole().Attr("definition")); a.Attribute == "@reads" && reads && (!has || names(text)) {
			in = append(in, "view "+snapshot.Unescape(a.Name))
		}
	})
	for _, part := range []struct{ kind, attribute, word string }{{"column", "generated", "column"}, {"policy", "using", "policy"}, {"policy", "check", "policy"}, {"rule", "definition", "rule"}, {"trigger", "definition", "trigger"}} {
		x.each(environment, part.kind+"/"+name+".", func(a snapshot.Address, v snapshot.Value) {
			if text, _ := v.Text(); a.Attribute == part.attribute && names(text) && a.Whole() != x.at.Whole() {
				in = append(in, part.word+" "+snapshot.Unescape(a.Name[len(name)+1:]))
			}
		})
	}
	if text, has := x.text(environment, snapshot.Address{Scope: x.at.Scope, Kind: "table", Name: name, Attribute: "partition_by"}); has && names(text) {
		in = append(in, "partitions by it")
	}
	return in
}

// foreignKeys are those over a column or to it, whose type MySQL and MariaDB keep (ER_FK_COLUMN_CANNOT_CHANGE).
func (x *fixer) foreignKeys(environment, column string) []string {
	name := x.at.Name[:strings.LastIndexByte(x.at.Name, '.')]
	var in []string
	x.each(environment, "constraint/", func(a snapshot.Address, v snapshot.Value) {
		if a.Attribute != "references" {
			return
		}
		key := a.Whole()
		own := strings.HasPrefix(a.Name, name+".") && slices.Contains(x.list(environment, key.Attr("columns")), column)
		if own || slices.Contains(x.list(environment, key.Attr("@references_columns")), x.at.Name) {
			in = append(in, "foreign key "+snapshot.Unescape(a.Name))
		}
	})
	return in
}

// each passes over what an environment has at the addresses of the finding's scope that begin so.
func (x *fixer) each(environment, begin string, do func(a snapshot.Address, v snapshot.Value)) {
	prefix := x.at.Scope + ":" + begin
	for _, s := range x.sides {
		if s.Name != environment || s.Snapshot == nil {
			continue
		}
		lines := s.Snapshot.Lines
		from := sort.Search(len(lines), func(i int) bool { return lines[i].Address.String() >= prefix })
		for _, line := range lines[from:] {
			if !strings.HasPrefix(line.Address.String(), prefix) {
				break
			}
			if len(line.Values) > 0 {
				do(line.Address, line.Values[0].Value)
			}
		}
	}
}
