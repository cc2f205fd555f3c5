package blowups

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// story is one migration of the corpus.
type story struct {
	engine, class, name string
	odd                 string
	up                  []string
}

// readCorpus reads one of the files in testdata/migrations; columns are those of the engine's tables.
func readCorpus(t testing.TB, file string, columns map[string][]string) []story {
	t.Helper()
	var out []story
	engine := ""
	for n, line := range strings.Split(read(t, file), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "" || word == "#" || strings.HasPrefix(word, "#"):
		case strings.HasPrefix(word, "["):
			engine = strings.Trim(word, "[]")
		case !strings.HasPrefix(line, "\t"):
			out = append(out, story{engine: engine, class: word, name: rest})
		case len(out) == 0:
			t.Fatalf("%s:%d: a line before the first case", file, n+1)
		default:
			s := &out[len(out)-1]
			switch word {
			case "odd":
				s.odd = rest
			case "up":
				s.up = append(s.up, rest)
			case "rebuild", "strict":
				s.up = append(s.up, rebuild(columns, word == "strict", rest)...)
			default:
				t.Fatalf("%s:%d: %q is no line of a case", file, n+1, word)
			}
		}
	}
	return out
}

// rebuild is how SQLite alters a column.
func rebuild(columns map[string][]string, strict bool, text string) []string {
	table, rest, _ := strings.Cut(text, " ")
	column, definition, _ := strings.Cut(rest, " ")
	var defs, names []string
	for _, c := range columns[table] {
		name, _, _ := strings.Cut(c, " ")
		if name == column {
			c = column + " " + definition
		}
		defs, names = append(defs, c), append(names, name)
	}
	end := ""
	if strict {
		end = " STRICT"
	}
	list := strings.Join(names, ", ")
	return []string{
		"CREATE TABLE " + table + "_new (" + strings.Join(defs, ", ") + ")" + end,
		"INSERT INTO " + table + "_new (" + list + ") SELECT " + list + " FROM " + table,
		"DROP TABLE " + table, "ALTER TABLE " + table + "_new RENAME TO " + table,
	}
}

// bases are the scripts of base.txt by engine, and the columns of SQLite's tables.
func bases(t testing.TB) (scripts map[string]string, columns map[string][]string) {
	t.Helper()
	scripts, columns = map[string]string{}, map[string][]string{}
	engine := ""
	for _, line := range strings.Split(read(t, "base.txt"), "\n") {
		switch {
		case strings.HasPrefix(line, "["):
			engine = strings.Trim(line, "[]")
		case engine != "":
			scripts[engine] += line + "\n"
			if rest, ok := strings.CutPrefix(line, "CREATE TABLE "); ok && engine == "sqlite" {
				table, list, _ := strings.Cut(rest, " (")
				columns[table] = strings.Split(strings.TrimSuffix(list, ");"), ", ")
			}
		}
	}
	return scripts, columns
}

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "migrations", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
