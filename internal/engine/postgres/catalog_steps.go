package postgres

import (
	"strconv"
	"strings"
)

// major is a server's version. The catalogue queries run with an empty search_path, where unqualified names mean pg_catalog; they name only
// what the version has, for reading a column through to_jsonb(row) where it may be missing costs more than all the rest of a query.
type major int

// newestTested bounds what is assumed of servers: a newer one is asked as this one.
const newestTested major = 18

// majorOf reads server_version as the server reported it when the connection was made: "15.4 (Debian 15.4-1)", "18beta1".
func majorOf(version string) (major, error) {
	digits := version
	if i := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = version[:i]
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, err
	}
	return min(major(n), newestTested), nil
}

// since is SQL for a column that came with a version, and what stands in before it.
func (m major) since(version major, sql, before string) string {
	if m >= version {
		return sql
	}
	return before
}

// step is one catalogue query with what it fills. Where the role may not read it, covers stay unknown.
type step struct {
	about  string // for the gap
	covers []string
	sql    string
	each   func(*record)
}

func (c *catalog) steps() []*step {
	v := c.version
	steps := []*step{
		{about: "settings", covers: []string{"setting/*"}, sql: settingsQuery(v), each: c.setting},
		{about: "tables", covers: tableKinds, sql: tablesQuery(v), each: c.table},
		{about: "partitions", covers: []string{"table/*"}, sql: partitionsQuery, each: c.partition},
		{about: "columns", covers: tableKinds, sql: columnsQuery(v), each: c.column},
		{about: "constraints", covers: []string{"constraint/*"}, sql: constraintsQuery(v), each: c.constraint},
		{about: "operator classes", covers: []string{"index/*"}, sql: opclassesQuery, each: c.opclass},
		{about: "collations of indexes", covers: []string{"index/*"}, sql: indexCollationsQuery, each: c.indexCollation},
		{about: "parameters of index columns", covers: []string{"index/*"}, sql: indexColumnsQuery, each: c.indexColumn},
		{about: "expressions of indexes", covers: []string{"index/*"}, sql: indexExpressionsQuery, each: c.indexExpression},
		{about: "views", covers: []string{"view/*"}, sql: viewsQuery, each: c.view},
		{about: "indexes", covers: []string{"index/*"}, sql: indexesQuery(v), each: c.index},
		{about: "triggers", covers: []string{"trigger/*"}, sql: triggersQuery, each: c.trigger},
		{about: "routines", covers: []string{"routine/*"}, sql: routinesQuery(v), each: c.routine},
		{about: "sequences", covers: []string{"sequence/*"}, sql: sequencesQuery, each: c.sequence},
		{about: "dependencies", sql: dependenciesQuery, each: c.dependency},
		{about: "owners", covers: []string{"*#owner"}, sql: ownersQuery(v), each: c.owner},
		{about: "privileges", covers: []string{"grant/*"}, sql: grantsQuery(v), each: c.grant},
		{about: "what is not modelled", sql: unmodelledQuery, each: c.unmodelled},
	}
	for _, q := range append(objectQueries(v), rareQueries()...) {
		steps = append(steps, &step{about: q.about, covers: q.covers, sql: q.sql, each: c.object})
	}
	return append(steps, &step{about: "comments on columns", covers: []string{"view/*#comment.*", "type/*#comment.*", "foreign_table/*#comment.*"}, sql: columnCommentsQuery, each: c.columnComment})
}

var tableKinds = []string{"table/*", "column/*", "constraint/*", "index/*", "rows/*"}
