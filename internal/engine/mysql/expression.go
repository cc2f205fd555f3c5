package mysql

import (
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// expression is the text of an expression as both servers could have written it: names without quotes that they do not need, constants in one
// spelling and without a character set that they have anyway, no parentheses around it all.
func expression(text string) string {
	text = plainParentheses(text)
	all, err := tokens(text)
	if err != nil {
		return text
	}
	all = withoutOuterParentheses(text, all)
	var b strings.Builder
	for i := 0; i < len(all); i++ {
		t := all[i]
		if i > 0 && all[i-1].end < t.start && b.Len() > 0 && !introducer(text, all, i-1) {
			b.WriteByte(' ')
		}
		if introducer(text, all, i) {
			continue
		}
		if t.is(text, "-") && strings.HasSuffix(b.String(), "-") {
			b.WriteByte(' ') // two of them may begin a comment
		}
		b.WriteString(written(text, all, i))
	}
	return b.String()
}

// written is one token of an expression.
func written(text string, all []token, i int) string {
	t := all[i]
	raw := text[t.start:t.end]
	switch t.kind {
	case tokenQuoted:
		name, _ := t.name(text)
		if plain(name) {
			return name
		}
	case tokenString:
		if raw[0] == '\'' {
			return literal(stringValue(raw))
		}
	case tokenWord:
		if i+1 < len(all) && all[i+1].is(text, "(") {
			switch strings.ToLower(raw) { // MariaDB's own names of what MySQL prints as written
			case "lcase":
				return "lower"
			case "ucase":
				return "upper"
			}
		}
	}
	return raw
}

// introducer reports a character set before a constant (_utf8mb4'x'), which both servers add and leave out as they like. _binary means something.
func introducer(text string, all []token, i int) bool {
	if i < 0 || i+1 >= len(all) || all[i].kind != tokenWord || all[i+1].kind != tokenString {
		return false
	}
	switch all[i].lower(text) {
	case "_utf8mb4", "_utf8mb3", "_utf8", "_latin1":
		return true
	}
	return false
}

func withoutOuterParentheses(text string, all []token) []token {
	for len(all) > 1 && all[0].is(text, "(") && closing(text, all, 0) == len(all)-1 {
		all = all[1 : len(all)-1]
	}
	return all
}

// closing is the index of the parenthesis that closes the one at i, or -1.
func closing(text string, all []token, i int) int {
	depth := 0
	for j := i; j < len(all); j++ {
		switch {
		case all[j].is(text, "("):
			depth++
		case all[j].is(text, ")"):
			if depth--; depth == 0 {
				return j
			}
		}
	}
	return -1
}

// plain reports a name that stands without quotes: ASCII, no digit in front, no reserved word.
func plain(name string) bool {
	if name == "" || name[0] >= '0' && name[0] <= '9' || len(name) > 64 {
		return false
	}
	for i := 0; i < len(name); i++ {
		if !wordByte(name[i]) || name[i] >= 0x80 || name[i] == '$' {
			return false
		}
	}
	return !reserved[strings.ToLower(name)]
}

// nameParts reads a name of up to three parts (database.table.column) at token i and says which token follows it.
func nameParts(text string, all []token, i int) (parts []string, next int) {
	for i < len(all) && len(parts) < 3 {
		name, ok := all[i].name(text)
		if !ok {
			break
		}
		parts = append(parts, name)
		i++
		if i+1 >= len(all) || !all[i].is(text, ".") {
			break
		}
		i++
	}
	return parts, i
}

// withoutDatabase takes the database's own name out of a view's text, where the server puts it before every table and routine, and lists the known
// objects that the text names with it.
func withoutDatabase(text, database string, known func(string) bool) (string, []schema.Name) {
	all, err := tokens(text)
	if err != nil {
		return text, nil
	}
	var b strings.Builder
	found := map[string]bool{}
	copied := 0
	for i := 0; i < len(all); {
		if all[i].kind != tokenQuoted {
			i++
			continue
		}
		parts, next := nameParts(text, all, i)
		if len(parts) > 1 && parts[0] == database && known(parts[1]) {
			b.WriteString(text[copied:all[i].start])
			copied = all[i+2].start
			found[parts[1]] = true
		}
		i = next
	}
	b.WriteString(text[copied:])
	var names []schema.Name
	for name := range found {
		names = append(names, schema.Name{Name: name})
	}
	return b.String(), sorted(names)
}

// reserved are the words that either server reserves (MariaDB 11.4, MySQL 8.4); a name like one keeps its quotes.
var reserved = func() map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(reservedWords) {
		words[w] = true
	}
	return words
}()

const reservedWords = `accessible add all alter analyze and as asc asensitive before between bigint binary blob both by call cascade case change char character check collate
column condition constraint continue convert create cross cube cume_dist current_date current_role current_time current_timestamp current_user cursor database databases
day_hour day_microsecond day_minute day_second dec decimal declare default delayed delete delete_domain_id dense_rank desc describe deterministic distinct distinctrow div do_domain_ids double drop
dual each else elseif empty enclosed escaped except exists exit explain false fetch first_value float float4 float8 for force foreign from fulltext function general generated get grant
group grouping groups having high_priority hour_microsecond hour_minute hour_second if ignore ignore_domain_ids ignore_server_ids in index infile inner inout insensitive insert int int1
int2 int3 int4 int8 integer intersect interval into io_after_gtids io_before_gtids is iterate join json_table key keys kill lag last_value lateral lead leading leave left like limit
linear lines load localtime localtimestamp lock long longblob longtext loop low_priority manual master_bind master_heartbeat_period master_ssl_verify_server_cert match maxvalue mediumblob mediumint mediumtext
middleint minute_microsecond minute_second mod modifies natural not no_write_to_binlog nth_value ntile null numeric of offset on optimize optimizer_costs option optionally or order out
outer outfile over page_checksum parallel parse_vcol_expr partition percent_rank position precision primary procedure purge qualify range rank read reads read_write real recursive references ref_system_id
regexp release rename repeat replace require resignal restrict return returning revoke right rlike row rows row_number rownum schema schemas second_microsecond select sensitive separator set
show signal slow smallint spatial specific sql sqlexception sqlstate sqlwarning sql_big_result sql_calc_found_rows sql_small_result ssl starting stats_auto_recalc stats_persistent
stats_sample_pages stored straight_join system table tablesample terminated then tinyblob tinyint tinytext to trailing trigger true undo union unique unlock unsigned update usage use using utc_date
utc_time utc_timestamp values varbinary varchar varcharacter varying vector virtual when where while window with write xor year_month zerofill vcol_expr value period system_time`
