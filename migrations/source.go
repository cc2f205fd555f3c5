package migrations

import (
	"fmt"
	"os"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// Spec says whose migrations they are and where they lie.
type Spec struct {
	Tool  string // "" is golang-migrate
	Dir   string // the directory of the migration files
	Table string // version table, "schema.table" or "table"; "" is the tool's default
	// Command runs the pending migrations of a tool whose files are programs; it is told by Input.Run where.
	Command string
	// NoTxWrap is golang-migrate's x-no-tx-wrap: SQLite files run without a transaction around them.
	NoTxWrap bool
}

// golangMigrate is the tool that Spec.Tool names when it is empty.
const golangMigrate = "golang-migrate"

// defaultTable is golang-migrate's own (database/postgres and database/sqlite, v4.20.1).
const defaultTable = "schema_migrations"

func (s Spec) tool() string {
	if s.Tool == "" {
		return golangMigrate
	}
	return s.Tool
}

// VersionTable is the name of the table that holds the applied version.
func (s Spec) VersionTable() schema.Name { return s.table() }

// VersionColumns are the columns of the version table that say what is applied, by the table's name.
func (s Spec) VersionColumns() map[string][]string {
	columns := []string{"version", "dirty"}
	if t, err := toolByName(s.tool()); err == nil && t != nil {
		columns = t.columns
	}
	return map[string][]string{s.table().String(): columns}
}

func (s Spec) table() schema.Name {
	table := s.Table
	if table == "" {
		table = defaultTable
		if t, err := toolByName(s.tool()); err == nil && t != nil {
			table = t.table
		}
	}
	if space, name, ok := strings.Cut(table, "."); ok {
		return schema.Name{Schema: space, Name: name}
	}
	return schema.Name{Name: table}
}

// maxFile is the size above which a migration file is refused: it would be held in memory several times over.
const maxFile = 64 << 20

// Migration is one version of a source.
type Migration struct {
	Version string // decimal, without leading zeros
	Name    string // as in the file name: "unique_email"
	Up      string // file name; "" when the version has no up file
	Down    string // file name; "" when it has none, which is no fault
	number  uint64
	key     string // what the version table knows it by, for tools that keep a row per migration
	section string // of its file
	repeats bool   // it runs whenever its file is another
	always  bool   // it runs with every deploy
	dbms    string // the databases that it is for, as Liquibase names them; "" is all
	follows []string
}

// Label is the migration as people know it: its file name without direction and extension.
func (m Migration) Label() string {
	if m.key != "" {
		return m.id()
	}
	file, cut := m.Up, ".up."
	if file == "" {
		file, cut = m.Down, ".down."
	}
	if i := strings.LastIndex(file, cut); i >= 0 {
		return file[:i]
	}
	return m.id()
}

// id is the migration in addresses.
func (m Migration) id() string {
	if m.Name == "" {
		return m.Version
	}
	return m.Version + "_" + m.Name
}

// Source is a directory of migrations as the tool sees it, with what the tool would skip or refuse.
type Source struct {
	Spec       Spec
	Migrations []Migration // by version
	Problems   []Problem   // by file
	// Refused is why the tool would not start with this directory; "" when it would.
	Refused string
	tool    *tool // nil is golang-migrate
	// hashes are Atlas' own, once they are asked for; edited is set behind an applied file that is another.
	hashes map[string]string
	edited bool
}

// Problem is a file that the tool skips, refuses, or runs though nobody would expect it to.
type Problem struct {
	File    string
	Name    string // in addresses: VERSION_NAME, or the file's name when the tool cannot read it as that
	Message string
	Hint    string
	// Number is the version for problems that only matter while the version is pending; they have Pending set.
	Number  uint64
	Pending bool
}

// ReadSource lists a directory of migrations. An error means that the directory
// could not be read or the tool is not known.
func ReadSource(spec Spec) (*Source, error) {
	t, err := toolByName(spec.tool())
	if err != nil {
		return nil, err
	}
	if spec.Dir == "" {
		return nil, fmt.Errorf("no directory of migrations is configured: set databases.NAME.migrations to file://PATH")
	}
	if t != nil {
		return readToolFiles(t, spec, os.DirFS(spec.Dir))
	}
	return readGolangMigrate(spec, os.DirFS(spec.Dir))
}

// find gives the migration of a version.
func (s *Source) find(version string) (Migration, bool) {
	for _, m := range s.Migrations {
		if m.Version == version {
			return m, true
		}
	}
	return Migration{}, false
}

// script reads what of a migration runs upwards; a version without an up file is an empty script, as it is to golang-migrate.
func (s *Source) script(m Migration) (script, error) {
	if m.Up == "" {
		return script{}, nil
	}
	if err := unreplayable(m, s.tool); err != nil {
		return script{}, err
	}
	text, err := readBounded(s.root(), m.Up)
	if err != nil || s.tool == nil || s.tool.script == nil {
		return script{text: text}, err
	}
	return s.tool.script(text, m.section)
}
