package migrations

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// tool is one migration tool that keeps a row per applied migration: how it lays out its files, what its version table says and what it
// does with files that are out of order. golang-migrate, which keeps one row for all, is apart.
type tool struct {
	name  string // in envdiff.yaml
	title string
	// table is its version table, and columns are what is read of it; those that an older version of the tool lacks are left out.
	table   string
	columns []string
	layout  layout
	// row tells what one row says. Values are in the order of columns, "" for NULL.
	row func(v []string) appliedRow
	// latest is set where a migration has several rows, of which the last one counts.
	latest bool
	// script cuts what runs upwards out of a file; nil runs the whole file.
	script func(text, section string) (script, error)
	// back cuts what runs downwards out of the same file, false for none; nil where it is in a file of its own or nowhere.
	back func(text, section string) (script, bool)
	// sums are the forms in which the tool may have kept a migration's checksum, or anySum; text is its file's. nil where it keeps none.
	sums func(src *Source, m Migration, text []byte) []string
	// chained checksums are over the files before, too: behind an edited file they say nothing.
	chained bool
	// integrity holds a directory against a list of its files that the tool keeps beside them; nil where there is none.
	integrity func(*Source)
	// older is what it does with a file that is older than what is applied.
	older older
	// wrapped files run in one transaction unless they say otherwise.
	wrapped bool
	// code is set where migrations are programs: they are only run by command.
	code bool
}

// layout is where the files are.
type layout struct {
	// name is a file's name, or a directory's where inside is set; its groups are version and name.
	name *regexp.Regexp
	// inside is the file of a migration's directory.
	inside string
	// down is the file of the way back, beside or inside; "" has none. $ stands for the file's name without its end.
	down string
	// ignore are files that lie beside migrations and are none.
	ignore *regexp.Regexp
	// below is a glob of the directories that are read beside the first; "" reads none.
	below string
	// version rewrites the version that stands in the name.
	version func(string) string
	// compare orders versions; nil orders numbers by size and others as text.
	compare func(a, b string) int
	// sections lists the migrations inside one file; nil is one.
	sections func(file, text string) []Migration
}

// older is what a tool does with a pending file that is older than what is applied.
type older int

const (
	runsOlder older = iota
	refusesOlder
	skipsOlder
)

// anySum stands for a checksum that is taken whatever it is.
const anySum = "any"

// appliedRow is what one row of a version table says.
type appliedRow struct {
	key      string // of the migration
	undone   bool   // the row says that it is not applied (any more)
	failed   bool   // it began and did not end
	progress string // how far it got, in words; "" not kept
	sum      string // checksum of the file as it was applied
	baseline bool   // everything up to here counts as applied
}

// script is what of a file runs.
type script struct {
	text string // as many lines as the file
	noTx bool   // the file wants no transaction
}

// ToolNames lists the tools in the order of the alphabet.
func ToolNames() []string {
	names := []string{golangMigrate}
	for _, t := range tools {
		names = append(names, t.name)
	}
	slices.Sort(names)
	return names
}

// toolByName finds a tool; nil is golang-migrate.
func toolByName(name string) (*tool, error) {
	if name == golangMigrate {
		return nil, nil
	}
	for i := range tools {
		if tools[i].name == name {
			return &tools[i], nil
		}
	}
	return nil, fmt.Errorf("migrations of %q are not known: tool is one of %s, or give a command", name, strings.Join(ToolNames(), ", "))
}

// tools are one file each, or one per family.
var tools = slices.Concat(annotated, versioned, inDirectories, []tool{atlas, flyway, liquibase}, inCode)

// compareVersions orders numbers by size and others as text.
func compareVersions(a, b string) int {
	if digits(a) && digits(b) {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if len(a) != len(b) {
			return len(a) - len(b)
		}
	}
	return strings.Compare(a, b)
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// unpadded is a version without leading zeros.
func unpadded(version string) string {
	if v := strings.TrimLeft(version, "0"); digits(version) && v != "" {
		return v
	}
	return version
}

// truth reads a boolean in any engine's spelling.
func truth(s string) bool {
	switch strings.ToLower(s) {
	case "1", "t", "true", "\x01":
		return true
	}
	return false
}

// keepLines blanks all lines of a text that keep does not want, so that the others stay where they were.
func keepLines(text string, keep func(line string) bool) string {
	lines := strings.SplitAfter(text, "\n")
	for i, l := range lines {
		if !keep(strings.TrimRight(l, "\r\n")) {
			lines[i] = l[len(strings.TrimRight(l, "\n")):]
		}
	}
	return strings.Join(lines, "")
}
