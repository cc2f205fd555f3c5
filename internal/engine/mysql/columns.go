package mysql

import (
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// readColumns reads the columns of tables and views. Checks have been read: a json_valid check makes a column's type.
func (k *catalog) readColumns() error {
	return k.from("COLUMNS", "TABLE_SCHEMA", " ORDER BY TABLE_NAME, ORDINAL_POSITION", func(r *record) {
		t, ok := k.tables[r.text("TABLE_NAME")]
		if !ok || t.sequence {
			return
		}
		c := k.column(r, t)
		if strings.Contains(strings.ToUpper(r.text("EXTRA")), "WITHOUT SYSTEM VERSIONING") {
			c.Properties = map[string]string{"system_versioning": "without"}
		}
		t.Columns = append(t.Columns, c)
	})
}

func (k *catalog) column(r *record, t *tableDraft) schema.Column {
	extra := strings.ToUpper(r.text("EXTRA"))
	c := schema.Column{
		Name:     r.text("COLUMN_NAME"),
		Type:     columnType(r.text("COLUMN_TYPE")),
		Nullable: r.text("IS_NULLABLE") == "YES",
		Comment:  r.text("COLUMN_COMMENT"),
		Hidden:   strings.Contains(extra, "INVISIBLE"),
	}
	if own := collation(r.text("COLLATION_NAME")); own != t.tabledef {
		c.Collation = own
	}
	if t.json[c.Name] && c.Type == "longtext" {
		c.Type, c.Collation = "json", ""
	}
	if strings.Contains(extra, "AUTO_INCREMENT") {
		c.Identity = "auto_increment"
	}
	if _, on, ok := strings.Cut(extra, "ON UPDATE "); ok {
		c.OnUpdate = now(strings.TrimSpace(on))
	}
	if generated := r.text("GENERATION_EXPRESSION"); generated != "" {
		c.Generated = k.expression(generated)
		c.Stored = strings.Contains(extra, "STORED GENERATED") || strings.Contains(extra, "PERSISTENT")
		return c
	}
	if !r.null("COLUMN_DEFAULT") {
		c.Default = k.defaultOf(r.text("COLUMN_DEFAULT"), c, strings.Contains(extra, "DEFAULT_GENERATED"))
	}
	return c
}

var (
	displayWidth = regexp.MustCompile(`^(tinyint|smallint|mediumint|int|bigint|year)\((\d+)\)(.*)$`)
	enumLike     = regexp.MustCompile(`^(enum|set)\(`)
)

// columnType drops display widths, which MySQL 8.0.19 stopped to print, but for tinyint(1), which it still prints, and zerofill, which needs them.
func columnType(t string) string {
	if enumLike.MatchString(t) {
		return t
	}
	t = strings.ReplaceAll(t, " /* mariadb-5.3 */", "")
	m := displayWidth.FindStringSubmatch(t)
	if m == nil || strings.Contains(m[3], "zerofill") || m[1] == "tinyint" && m[2] == "1" && m[3] == "" {
		return t
	}
	return m[1] + m[3]
}

// defaultOf writes a default as an expression. MariaDB's catalogue holds one, with constants in quotes; MySQL's holds the bare text of a constant.
func (k *catalog) defaultOf(text string, c schema.Column, generated bool) *string {
	if k.c.server.maria {
		if strings.EqualFold(text, "NULL") {
			return nil
		}
		text = now(k.expression(text))
		return &text
	}
	switch {
	case generated:
		text = now(k.expression(text))
	case numberType.MatchString(c.Type), strings.HasPrefix(c.Type, "bit"):
	case strings.HasPrefix(strings.ToUpper(text), "CURRENT_TIMESTAMP"):
		text = now(text)
	default:
		text = literal(text)
	}
	return &text
}

var (
	numberType = regexp.MustCompile(`^(tinyint|smallint|mediumint|int|bigint|decimal|float|double|year)`)
	nowCall    = regexp.MustCompile(`(?i)^(?:current_timestamp|now|localtime|localtimestamp)(?:\((\d*)\))?$`)
)

// now is the spelling of CURRENT_TIMESTAMP that both servers take.
func now(expr string) string {
	m := nowCall.FindStringSubmatch(expr)
	switch {
	case m == nil:
		return expr
	case m[1] == "" || m[1] == "0":
		return "CURRENT_TIMESTAMP"
	}
	return "CURRENT_TIMESTAMP(" + m[1] + ")"
}

// expression is an expression of the catalogue without what differs by server and by database.
func (k *catalog) expression(text string) string {
	text, _ = withoutDatabase(k.unescaped(text), k.name, k.known)
	return expression(text)
}

// known reports the name of a table, view or sequence.
func (k *catalog) known(name string) bool {
	_, ok := k.tables[name]
	return ok
}

// unescaped undoes what MySQL 8 does to the expressions in its catalogue: quotes and backslashes of constants are escaped once more, as in
// (`a` = _utf8mb4\'x\').
func (k *catalog) unescaped(expr string) string {
	if k.c.server.maria || !strings.Contains(expr, `\'`) {
		return expr
	}
	return strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(expr)
}

var jsonCheck = regexp.MustCompile(`^json_valid\((\w+|` + "`(?:[^`]|``)+`" + `)\)$`)

// checkOfColumn and generatedName are the names that servers give to checks without one: CONSTRAINT_1 and t_chk_1; a check of a column has the column's.
var generatedName = regexp.MustCompile(`^(?:CONSTRAINT_\d+|.+_chk_\d+)$`)

// readChecks reads check constraints. information_schema of MySQL does not say whose they are: TABLE_CONSTRAINTS does.
func (k *catalog) readChecks() error {
	type owner struct {
		table    string
		enforced bool
	}
	owners := map[string]owner{}
	if !k.c.server.maria {
		err := k.from("TABLE_CONSTRAINTS", "CONSTRAINT_SCHEMA", " AND CONSTRAINT_TYPE = 'CHECK'", func(r *record) {
			owners[r.text("CONSTRAINT_NAME")] = owner{r.text("TABLE_NAME"), r.text("ENFORCED") != "NO"}
		})
		if err != nil {
			return err
		}
	}
	return k.from("CHECK_CONSTRAINTS", "CONSTRAINT_SCHEMA", "", func(r *record) {
		check := schema.Check{Name: r.text("CONSTRAINT_NAME"), Expr: k.expression(r.text("CHECK_CLAUSE"))}
		o := owner{r.text("TABLE_NAME"), true}
		if !k.c.server.maria {
			o = owners[check.Name]
		}
		t, ok := k.tables[o.table]
		if !ok {
			return
		}
		ofColumn := r.text("LEVEL") == "Column"
		if ofColumn && jsonCheck.MatchString(check.Expr) {
			t.json[check.Name] = true
			return
		}
		if ofColumn || generatedName.MatchString(check.Name) {
			check.Name = ""
		}
		check.NotEnforced = !o.enforced
		t.Checks = append(t.Checks, check)
	})
}

// columnsIn are the columns of a table that an expression reads, in the table's order; through generated columns, those that they read too.
func columnsIn(t *schema.Table, expr string) []string {
	named := map[string]bool{}
	noteColumns(t, expr, named)
	var columns []string
	for _, c := range t.Columns {
		if named[strings.ToLower(c.Name)] {
			columns = append(columns, c.Name)
		}
	}
	return columns
}

func noteColumns(t *schema.Table, expr string, named map[string]bool) {
	all, err := tokens(expr)
	if err != nil {
		return
	}
	for i, token := range all {
		name, ok := token.name(expr)
		if !ok || token.kind == tokenWord && i+1 < len(all) && all[i+1].is(expr, "(") {
			continue
		}
		for j := range t.Columns {
			if c := &t.Columns[j]; strings.EqualFold(c.Name, name) && !named[strings.ToLower(name)] {
				named[strings.ToLower(name)] = true
				noteColumns(t, c.Generated, named)
			}
		}
	}
}
