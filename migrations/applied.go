package migrations

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Applied is what a database's version table says.
type Applied struct {
	Found   bool // the version table is there
	Table   schema.Name
	Version string // "" when nothing is applied
	Dirty   bool   // the last run failed or was interrupted half-way
	Rows    int    // golang-migrate keeps one row, or none
	// Other names the tool whose version table was found instead; it is not supported yet.
	Other string
	// number is Version for comparisons; -1 when nothing is applied.
	number int64
	// dbms is the database as Liquibase calls it; "" not known.
	dbms string
	// rows are what the version table says of each migration, for tools that keep a row for each; nil for golang-migrate.
	rows map[string]appliedRow
}

// OneRow reports whether the version table holds nothing but the version.
func (a Applied) OneRow() bool { return a.rows == nil }

// rowReader is a database, or what is stored of one.
type rowReader interface {
	CopyOut(ctx context.Context, r engine.Read, fn func(engine.Row) error) error
}

// ReadApplied reads the version table through a read-only connection. golang-migrate's own drivers create that table
// and lock when they open, so they are never pointed at an environment.
func ReadApplied(ctx context.Context, db rowReader, sch *schema.Database, spec Spec) (Applied, error) {
	if t, err := toolByName(spec.tool()); err != nil {
		return Applied{}, err
	} else if t != nil {
		return readAppliedRows(ctx, db, sch, spec, t)
	}
	a := Applied{Table: spec.table(), number: -1}
	t, ok := sch.Table(a.Table)
	if !ok || !hasColumns(t, "version", "dirty") {
		a.Other = recognise(sch, t, "")
		return a, nil
	}
	a.Found = true
	read := engine.Read{Table: a.Table, Columns: []string{"version", "dirty"}, OrderBy: []string{"version"}}
	err := db.CopyOut(ctx, read, func(r engine.Row) error {
		a.Rows++
		if a.Rows > 1 {
			return errManyRows
		}
		return a.scan(r)
	})
	if err != nil && !errors.Is(err, errManyRows) {
		return a, fmt.Errorf("read the applied version from %s: %w", a.Table, err)
	}
	return a, nil
}

// errManyRows ends the read of a version table after its second row.
var errManyRows = errors.New("more than one row")

func (a *Applied) scan(r engine.Row) error {
	text := strings.TrimSpace(string(r[0].Data))
	n, err := strconv.ParseInt(text, 10, 64)
	if r[0].Type == engine.CellNull || err != nil || n < -1 {
		return errors.New("the version is not a number: the table is not golang-migrate's, or somebody wrote to it")
	}
	if n >= 0 { // -1 is how the tool writes "dirty before the first version"
		a.Version, a.number = strconv.FormatInt(n, 10), n
	}
	switch strings.ToLower(string(r[1].Data)) {
	case "1", "t", "true":
		a.Dirty = true
	}
	return nil
}

// versionTable is how another tool's bookkeeping is recognised: by the table's name and columns that it must have.
// Several tools call theirs schema_migrations.
type versionTable struct {
	tool    string
	table   string
	columns []string
}

// versionTables lists the most telling first.
var versionTables = []versionTable{
	{"Ecto", "schema_migrations", []string{"version", "inserted_at"}},
	{"Rails", "ar_internal_metadata", []string{"key", "value"}},
	{"dbmate", "schema_migrations", []string{"version"}},
	{"goose", "goose_db_version", []string{"version_id", "is_applied"}},
	{"Flyway", "flyway_schema_history", []string{"installed_rank", "script"}},
	{"Liquibase", "databasechangelog", []string{"id", "author", "filename"}},
	{"Prisma", "_prisma_migrations", []string{"migration_name", "checksum"}},
	{"Atlas", "atlas_schema_revisions", []string{"version", "hash"}},
	{"sqlx", "_sqlx_migrations", []string{"version", "checksum"}},
	{"Diesel", "__diesel_schema_migrations", []string{"version", "run_on"}},
	{"Django", "django_migrations", []string{"app", "name", "applied"}},
	{"Alembic", "alembic_version", []string{"version_num"}},
	{"Laravel", "migrations", []string{"migration", "batch"}},
	{"Knex", "knex_migrations", []string{"name", "batch"}},
	{"Sequelize", "SequelizeMeta", []string{"name"}},
	{"Drizzle", "__drizzle_migrations", []string{"hash", "created_at"}},
	{"tern", "schema_version", []string{"version"}},
	{"node-pg-migrate", "pgmigrations", []string{"name", "run_on"}},
	{"morph", "db_migrations", []string{"version", "name"}},
}

// recognise names the tool that keeps its state in this database; "" for none that is known. named is the
// table that was asked for, if it is there; but is left out.
func recognise(sch *schema.Database, named *schema.Table, but string) string {
	for _, v := range versionTables {
		for i := range sch.Tables {
			if v.tool != but && strings.EqualFold(sch.Tables[i].Name.Name, v.table) && hasColumns(&sch.Tables[i], v.columns...) {
				return v.tool
			}
		}
	}
	if named != nil {
		return "an unknown tool (columns " + strings.Join(columnNames(named), ", ") + ")"
	}
	return ""
}

func hasColumns(t *schema.Table, names ...string) bool {
	have := map[string]bool{}
	for _, c := range t.Columns {
		have[strings.ToLower(c.Name)] = true
	}
	for _, n := range names {
		if !have[strings.ToLower(n)] {
			return false
		}
	}
	return true
}

func columnNames(t *schema.Table) []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	sort.Strings(names)
	return names
}
