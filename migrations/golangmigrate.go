package migrations

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
)

// golang-migrate's source drivers (v4.20.1) skip without a word what does not match source.Regex, what
// overflows uint64, and sub-directories; they run every extension; and they refuse a directory in which a
// version and direction come twice. So the directory is read by the driver, which decides, and listed a second
// time to tell what the driver passed over.

// versionedName is a name that was meant as a migration: a version and something after it.
var versionedName = regexp.MustCompile(`^[vV]?[0-9]+[-_. ].*`)

func readGolangMigrate(spec Spec, dir fs.FS) (*Source, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("read migrations in %s: %w", spec.Dir, err)
	}
	src := &Source{Spec: spec}
	listed := list(src, entries)
	for _, e := range entries {
		if e.IsDir() {
			src.listBelow(dir, e.Name())
		}
	}
	sort.SliceStable(src.Problems, func(i, j int) bool { return src.Problems[i].File < src.Problems[j].File })

	if src.Refused != "" {
		src.Migrations = sorted(listed)
		return src, nil
	}
	driver, err := iofs.New(dir, ".")
	var dup source.ErrDuplicateMigration
	switch {
	case errors.As(err, &dup):
		src.Refused = "two files have version " + strconv.FormatUint(uint64(dup.Version), 10) + " and direction " + string(dup.Direction)
		src.Migrations = sorted(listed)
		return src, nil
	case err != nil:
		return nil, fmt.Errorf("read migrations in %s: %w", spec.Dir, err)
	}
	defer driver.Close()
	src.Migrations, err = walk(driver, listed)
	if err != nil {
		return nil, fmt.Errorf("read migrations in %s: %w", spec.Dir, err)
	}
	return src, nil
}

// list parses the names of a directory's files and records those that the tool
// treats otherwise than their author expects.
func list(src *Source, entries []fs.DirEntry) map[uint64]*Migration {
	listed := map[uint64]*Migration{}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		file := e.Name()
		m, err := source.DefaultParse(file)
		if err != nil {
			src.misnamed(file, err)
			continue
		}
		version := strconv.FormatUint(uint64(m.Version), 10)
		id := version + "_" + m.Identifier
		if uint64(m.Version) > math.MaxInt64 {
			src.Refused = "version " + version + " does not fit into the version table"
			src.Problems = append(src.Problems, Problem{File: file, Name: id,
				Message: fmt.Sprintf("version %s of %q does not fit into the version table", version, file), Hint: "use a smaller version"})
		}
		have := listed[uint64(m.Version)]
		if have == nil {
			have = &Migration{Version: version, number: uint64(m.Version), Name: m.Identifier}
			listed[have.number] = have
		}
		place := &have.Up
		if m.Direction == source.Down {
			place = &have.Down
		}
		if *place != "" {
			src.Problems = append(src.Problems, Problem{File: file, Name: id,
				Message: fmt.Sprintf("%q and %q have the same version %s: golang-migrate refuses the whole directory", *place, file, version),
				Hint:    "give one of them a new version"})
			continue
		}
		*place = file
		if ext := path.Ext(file); !strings.EqualFold(ext, ".sql") {
			src.Problems = append(src.Problems, Problem{File: file, Name: id, Pending: true, Number: uint64(m.Version),
				Message: fmt.Sprintf("%q is run as version %s whatever its extension is", file, version),
				Hint:    "move it out of the directory, or end its name in .sql"})
		}
		if m.Direction == source.Up {
			have.Name = m.Identifier
		}
	}
	for _, m := range sorted(listed) {
		if m.Up == "" {
			src.Problems = append(src.Problems, Problem{File: m.Down, Name: m.id(), Pending: true, Number: m.number,
				Message: fmt.Sprintf("version %s has no up file: golang-migrate records it as applied and runs nothing", m.Version),
				Hint:    "add the up file, or remove " + m.Down})
		}
	}
	return listed
}

// misnamed records a file that the driver skips, when its name says that it was meant as a migration.
func (s *Source) misnamed(file string, parse error) {
	var number *strconv.NumError
	if errors.As(parse, &number) {
		s.Problems = append(s.Problems, Problem{File: file, Name: file,
			Message: fmt.Sprintf("%q is skipped silently: its version does not fit into 64 bits", file), Hint: "use a smaller version"})
		return
	}
	lower := strings.ToLower(file)
	if !strings.Contains(lower, ".sql") && !(versionedName.MatchString(file) && (strings.Contains(lower, ".up") || strings.Contains(lower, ".down"))) {
		return // README.md, .gitkeep, embed.go
	}
	s.Problems = append(s.Problems, Problem{File: file, Name: file,
		Message: fmt.Sprintf("%q is skipped silently: golang-migrate reads only VERSION_NAME.up.sql and VERSION_NAME.down.sql", file),
		Hint:    "rename it to " + suggestion(file)})
}

var suggestionParts = regexp.MustCompile(`^[vV]?([0-9]+)[-_. ]*(.*?)(?i:\.?(up|down))?(?i:\.sql.*)?$`)

// suggestion is the name that the file was probably meant to have.
func suggestion(file string) string {
	m := suggestionParts.FindStringSubmatch(file)
	if m == nil {
		return "VERSION_NAME.up.sql"
	}
	name, direction := strings.Trim(strings.NewReplacer("-", "_", " ", "_").Replace(m[2]), "_."), strings.ToLower(m[3])
	if name == "" {
		name = "NAME"
	}
	if direction == "" {
		direction = "up"
	}
	return fmt.Sprintf("%s_%s.%s.sql", m[1], name, direction)
}

// listBelow records migrations in a sub-directory, which the driver does not enter. Archives of old migrations are
// common, so they count only while their version would be pending.
func (s *Source) listBelow(dir fs.FS, name string) {
	entries, err := fs.ReadDir(dir, name)
	if err != nil {
		return // the tool does not read it either
	}
	for _, e := range entries {
		m, err := source.DefaultParse(e.Name())
		if e.IsDir() || err != nil || m.Direction != source.Up || !strings.EqualFold(path.Ext(e.Name()), ".sql") {
			continue
		}
		file := path.Join(name, e.Name())
		s.Problems = append(s.Problems, Problem{File: file, Name: file, Pending: true, Number: uint64(m.Version),
			Message: fmt.Sprintf("%q is skipped silently: golang-migrate does not enter sub-directories", file), Hint: "move it up if it is to run"})
	}
}

// walk asks the driver for the versions in its order.
func walk(driver source.Driver, listed map[uint64]*Migration) ([]Migration, error) {
	var out []Migration
	version, err := driver.First()
	for ; err == nil; version, err = driver.Next(version) {
		m, ok := listed[uint64(version)]
		if !ok {
			return nil, fmt.Errorf("version %d came up while the directory was read: run again", version)
		}
		out = append(out, *m)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return out, nil
}

func sorted(listed map[uint64]*Migration) []Migration {
	out := make([]Migration, 0, len(listed))
	for _, m := range listed {
		out = append(out, *m)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].number < out[j].number })
	return out
}
