package mysql

import (
	"context"
	"errors"
	"slices"
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
	unread    map[string][]string // kind → objects that could not be read
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
	return &catalog{ctx: ctx, c: c, name: name, tables: map[string]*tableDraft{}, unread: map[string][]string{}, db: &schema.Database{Engine: "mysql", Version: c.server.version}}
}

// capture reads the model of a database.
func capture(ctx context.Context, c *conn, name string) (*schema.Database, error) {
	k := newCatalog(ctx, c, name)
	return k.parts(k.readSettings, k.readTables, k.readPrivileges, k.readStorage, k.readPartitions, k.readChecks, k.readColumns, k.readIndexes, k.readForeignKeys,
		k.readViews, k.readTriggers, k.readRoutines, k.readEvents, k.readSequences)
}

// relations reads as much of the model as tells what a statement touches.
func relations(ctx context.Context, c *conn, name string) (*schema.Database, error) {
	k := newCatalog(ctx, c, name)
	return k.parts(k.readTables, k.readColumns, k.readForeignKeys, k.readViews)
}

func (k *catalog) parts(parts ...func() error) (*schema.Database, error) {
	for _, read := range parts {
		if err := read(); err != nil {
			return nil, err
		}
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
		if name == scratchMarker && strings.HasPrefix(k.name, scratchPrefix) || r.text("TEMPORARY") == "Y" {
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
		// PAGE_CHECKSUM=1 is Aria's default, which dumps spell out.
		if name = strings.ToLower(name); name != "row_format" && (name != "page_checksum" || value != "1") {
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

// readPartitions reads the key and the parts of partitioned tables. Subpartitions are told by the key alone.
func (k *catalog) readPartitions() error {
	type parts struct {
		key   string
		count int // of each partition: the servers make equally many
	}
	subpartitions := map[string]*parts{}
	err := k.from("PARTITIONS", "TABLE_SCHEMA", " AND PARTITION_METHOD IS NOT NULL ORDER BY TABLE_NAME, PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION", func(r *record) {
		table := r.text("TABLE_NAME")
		t, ok := k.tables[table]
		if !ok {
			return
		}
		method := r.text("PARTITION_METHOD")
		t.PartitionBy = method + " (" + expression(r.text("PARTITION_EXPRESSION")) + ")"
		if method == "SYSTEM_TIME" {
			t.PartitionBy = method
			k.leave("limit of a partitioning by SYSTEM_TIME", table)
		}
		name := schema.Name{Name: r.text("PARTITION_NAME")}
		if n := len(t.Partitions); n == 0 || t.Partitions[n-1].Name != name {
			t.Partitions = append(t.Partitions, schema.Partition{Name: name, Bound: bound(method, r.text("PARTITION_DESCRIPTION"))})
		}
		if m := r.text("SUBPARTITION_METHOD"); m != "" && len(t.Partitions) == 1 {
			if subpartitions[table] == nil {
				subpartitions[table] = &parts{key: m + " (" + expression(r.text("SUBPARTITION_EXPRESSION")) + ")"}
			}
			subpartitions[table].count++
		}
	})
	for name, s := range subpartitions {
		k.tables[name].PartitionBy += " SUBPARTITION BY " + s.key + " SUBPARTITIONS " + strconv.Itoa(s.count)
	}
	if err != nil {
		return err
	}
	return k.defaultPartitions()
}

// defaultPartitions tells DEFAULT from VALUES IN (0), which MariaDB's catalogue (10.11) prints alike: only SHOW CREATE TABLE knows. It is asked of the few tables
// that have such a partition.
func (k *catalog) defaultPartitions() error {
	for name, t := range k.tables {
		at := slices.IndexFunc(t.Partitions, func(p schema.Partition) bool { return p.Bound == "VALUES IN (0)" })
		if at < 0 || !k.c.server.maria {
			continue
		}
		p := &t.Partitions[at]
		err := k.c.query(k.ctx, "SHOW CREATE TABLE "+quote(k.name)+"."+quote(name), func(r engine.Row) error {
			if strings.Contains(string(r[1].Data), "PARTITION "+quote(p.Name.Name)+" DEFAULT") {
				p.Bound = "DEFAULT"
			}
			return nil
		})
		var refusal *driver.MySQLError
		if errors.As(err, &refusal) {
			k.leave("values of a partition that this account may not read", name+"."+p.Name.Name)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// bound writes a partition's values as CREATE TABLE does.
func bound(method, description string) string {
	switch {
	case strings.HasPrefix(method, "RANGE") && description == "MAXVALUE" && method == "RANGE":
		return "VALUES LESS THAN MAXVALUE"
	case strings.HasPrefix(method, "RANGE"):
		return "VALUES LESS THAN (" + description + ")"
	case strings.HasPrefix(method, "LIST") && (description == "MAXVALUE" || description == "DEFAULT"):
		return "DEFAULT"
	case strings.HasPrefix(method, "LIST"):
		return "VALUES IN (" + description + ")"
	}
	return ""
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
