package mysql

import (
	"context"
	"errors"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

// record is one row of information_schema, read by column name: servers and versions have different columns in different order.
type record struct {
	index map[string]int
	row   engine.Row
}

// text is a column's value; "" where it is null or the server has no such column.
func (r *record) text(column string) string {
	if i, ok := r.index[column]; ok {
		return string(r.row[i].Data)
	}
	return ""
}

func (r *record) null(column string) bool {
	i, ok := r.index[column]
	return !ok || r.row[i].Type == engine.CellNull
}

func (r *record) number(column string) int64 {
	n, err := strconv.ParseInt(r.text(column), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// catalog collects the model. Each part is one query for all objects of the database.
type catalog struct {
	ctx    context.Context
	c      *conn
	name   string // of the database
	db     *schema.Database
	tables map[string]*tableDraft
	// collation is the database's default.
	collation string
	// hostname is what the server's machine calls itself, and accounts are those that mean something to the database.
	hostname string
	accounts map[string]bool
	unread   map[string][]string // kind → objects that could not be read
}

// tableDraft is a table while its parts come in.
type tableDraft struct {
	schema.Table
	view, sequence bool
	// json are the columns that MariaDB checks to be JSON, which makes them of that type.
	json      map[string]bool
	indexKeys map[string]bool // names of indexes that are keys
	tabledef  string          // collation
}

// read asks one query of the catalogue.
func (k *catalog) read(sql string, fn func(*record)) error {
	r := &record{index: map[string]int{}}
	_, err := k.c.queryNamed(k.ctx, sql, func(names []string) error {
		for i, n := range names {
			r.index[strings.ToUpper(n)] = i
		}
		return nil
	}, func(row engine.Row) error {
		r.row = row
		fn(r)
		return nil
	})
	return err
}

// from reads the rows of an information_schema table that belong to the database. The name is a constant: with DATABASE() MariaDB would read all databases.
func (k *catalog) from(table, schemaColumn, more string, fn func(*record)) error {
	return k.read("SELECT * FROM information_schema."+table+" WHERE "+schemaColumn+" = "+literal(k.name)+more, fn)
}

func newCatalog(ctx context.Context, c *conn, name string) *catalog {
	return &catalog{ctx: ctx, c: c, name: name, tables: map[string]*tableDraft{}, accounts: map[string]bool{}, unread: map[string][]string{}, db: &schema.Database{Engine: "mysql", Version: c.server.version}}
}

// capture reads the model of a database.
func capture(ctx context.Context, c *conn, name string) (*schema.Database, error) {
	k := newCatalog(ctx, c, name)
	return k.parts(k.readSettings, k.readTables, k.readPrivileges, k.readStorage, k.readPartitions, k.readChecks, k.readColumns, k.readIndexes, k.readForeignKeys,
		k.readViews, k.readTriggers, k.readRoutines, k.readEvents, k.readSequences, k.readAccounts, k.readPlugins)
}

// relations reads as much of the model as tells what a statement touches.
func relations(ctx context.Context, c *conn, name string) (*schema.Database, error) {
	k := newCatalog(ctx, c, name)
	return k.parts(k.readTables, k.readColumns, k.readForeignKeys, k.readViews)
}

func (k *catalog) parts(parts ...func() error) (*schema.Database, error) {
	err := k.c.plainly(k.ctx, func() error {
		for _, read := range parts {
			if err := read(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	k.finish()
	return k.db, nil
}

// finish sorts what has come in, in the order of the model.
func (k *catalog) finish() {
	for _, t := range k.tables {
		if t.view || t.sequence {
			continue
		}
		for i := range t.Checks {
			t.Checks[i].Columns = columnsIn(&t.Table, t.Checks[i].Expr)
		}
		sort.Slice(t.Unique, func(i, j int) bool { return t.Unique[i].Name < t.Unique[j].Name })
		sort.Slice(t.Indexes, func(i, j int) bool { return t.Indexes[i].Name < t.Indexes[j].Name })
		sort.SliceStable(t.ForeignKeys, func(i, j int) bool {
			a, b := t.ForeignKeys[i], t.ForeignKeys[j]
			return a.Name < b.Name || a.Name == b.Name && strings.Join(a.Columns, ",") < strings.Join(b.Columns, ",")
		})
		sort.SliceStable(t.Checks, func(i, j int) bool {
			a, b := t.Checks[i], t.Checks[j]
			return a.Name < b.Name || a.Name == b.Name && a.Expr < b.Expr
		})
		k.db.Tables = append(k.db.Tables, t.Table)
	}
	sort.Slice(k.db.Tables, func(i, j int) bool { return k.db.Tables[i].Name.Less(k.db.Tables[j].Name) })
	sort.Slice(k.db.Views, func(i, j int) bool { return k.db.Views[i].Name.Less(k.db.Views[j].Name) })
	sort.Slice(k.db.Sequences, func(i, j int) bool { return k.db.Sequences[i].Name.Less(k.db.Sequences[j].Name) })
	sort.Slice(k.db.Triggers, func(i, j int) bool {
		a, b := k.db.Triggers[i], k.db.Triggers[j]
		return a.Table.Less(b.Table) || a.Table == b.Table && a.Name < b.Name
	})
	sort.Slice(k.db.Routines, func(i, j int) bool {
		a, b := k.db.Routines[i], k.db.Routines[j]
		return a.Name.Less(b.Name) || a.Name == b.Name && a.Kind < b.Kind
	})
	sort.Slice(k.db.Objects, func(i, j int) bool { return k.db.Objects[i].Less(k.db.Objects[j].Ref) })
	k.tellRoutinesApart()
	k.db.Access = mergedAccess(k.db.Access)
	for kind, names := range k.unread {
		sort.Strings(names)
		k.db.Unmodelled = append(k.db.Unmodelled, schema.Unmodelled{Kind: kind, Names: names})
	}
	sort.Slice(k.db.Unmodelled, func(i, j int) bool { return k.db.Unmodelled[i].Kind < k.db.Unmodelled[j].Kind })
}

func (k *catalog) leave(kind, name string) { k.unread[kind] = append(k.unread[kind], name) }

// readTables makes a draft of every table. ENGINE is null where the server could not open one.
func (k *catalog) readTables() error {
	return k.from("TABLES", "TABLE_SCHEMA", "", func(r *record) {
		name := r.text("TABLE_NAME")
		if name == markTable || name == scratchMarker && strings.HasPrefix(k.name, scratchPrefix) || r.text("TEMPORARY") == "Y" {
			return
		}
		t := &tableDraft{json: map[string]bool{}, indexKeys: map[string]bool{}}
		k.tables[name] = t
		switch r.text("TABLE_TYPE") {
		case "VIEW", "SYSTEM VIEW":
			t.view = true
			return
		case "SEQUENCE":
			t.sequence = true
			return
		case "SYSTEM VERSIONED":
			t.Options = map[string]string{"system_versioning": "on"}
		default:
			t.Options = map[string]string{}
		}
		if r.null("ENGINE") {
			k.leave("table that the server could not open", name)
		}
		t.Name = schema.Name{Name: name}
		t.Comment = r.text("TABLE_COMMENT")
		t.EstimatedRows = r.number("TABLE_ROWS")
		t.tabledef = collation(r.text("TABLE_COLLATION"))
		t.Options["engine"], t.Options["collation"] = r.text("ENGINE"), t.tabledef
		if t.Options["engine"] == "InnoDB" {
			t.Options["row_format"] = strings.ToLower(r.text("ROW_FORMAT"))
		}
		createOptions(r.text("CREATE_OPTIONS"), t.Options)
	})
}

// ariaDefaults are options that Aria has also where nothing was said, and that dumps spell out.
var ariaDefaults = map[string]string{"page_checksum": "1", "transactional": "1"}

// createOptions reads what CREATE TABLE was told beyond the columns of information_schema: name=value, names sometimes in backticks.
func createOptions(text string, options map[string]string) {
	all, err := tokens(text)
	if err != nil {
		return
	}
	for i := 0; i+2 < len(all); i++ {
		name, ok := all[i].name(text)
		if !ok || !all[i+1].is(text, "=") {
			continue
		}
		value := text[all[i+2].start:all[i+2].end]
		if all[i+2].kind == tokenString {
			value = stringValue(value)
		}
		if name = strings.ToLower(name); name != "row_format" && ariaDefaults[name] != value {
			options[name] = value
		}
		i += 2
	}
}

// collation is a collation's name where utf8 is called utf8mb3, as since MySQL 8.0.28 and MariaDB 10.6.
func collation(name string) string {
	if rest, ok := strings.CutPrefix(name, "utf8_"); ok {
		return "utf8mb3_" + rest
	}
	return name
}

// readStorage reads the ids of InnoDB's tables, which renames keep. It needs PROCESS: without it, tables have no storage id.
func (k *catalog) readStorage() error {
	table := "INNODB_TABLES"
	if k.c.server.maria {
		table = "INNODB_SYS_TABLES"
	}
	plain := func(part string) string {
		return "CONVERT(CAST(SUBSTRING_INDEX(NAME, '/', " + part + ") AS BINARY) USING filename)"
	}
	err := k.read("SELECT CONVERT("+plain("-1")+" USING utf8mb4) AS N, TABLE_ID FROM information_schema."+table+" WHERE "+plain("1")+" = "+literal(k.name), func(r *record) {
		if t, ok := k.tables[r.text("N")]; ok {
			t.StorageID = r.text("TABLE_ID")
		}
	})
	var refusal *driver.MySQLError
	if errors.As(err, &refusal) {
		return nil
	}
	return err
}

// readSequences reads all sequences of MariaDB in one statement: each is a table of one row.
func (k *catalog) readSequences() error {
	var parts []string
	for name, t := range k.tables {
		if t.sequence {
			parts = append(parts, "SELECT "+literal(name)+" AS N, MINIMUM_VALUE, MAXIMUM_VALUE, START_VALUE, INCREMENT, CACHE_SIZE, CYCLE_OPTION FROM "+quote(k.name)+"."+quote(name))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	sort.Strings(parts)
	return k.read(strings.Join(parts, " UNION ALL "), func(r *record) {
		p := map[string]string{}
		for property, column := range map[string]string{"start": "START_VALUE", "increment": "INCREMENT", "minimum": "MINIMUM_VALUE", "maximum": "MAXIMUM_VALUE", "cache": "CACHE_SIZE"} {
			p[property] = r.text(column)
		}
		p["cycle"] = strconv.FormatBool(r.text("CYCLE_OPTION") == "1")
		k.db.Sequences = append(k.db.Sequences, schema.Sequence{Name: schema.Name{Name: r.text("N")}, Properties: p})
	})
}
