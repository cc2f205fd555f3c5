package migrations

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/envdiff/envdiff/internal/finding"
)

// directory writes files, each with a harmless statement.
func directory(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("SELECT 1;\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func applied(version int64) Applied {
	a := Applied{Found: true, Rows: 1, number: version}
	if version >= 0 {
		a.Version = strconv.FormatInt(version, 10)
	}
	return a
}

func TestPendingOfReportsWhatTheToolPassesOver(t *testing.T) {
	tests := []struct {
		name    string
		files   []string
		applied Applied
		pending []string
		want    []string // address and a word of the message
		refused bool
	}{
		{"nothing odd", []string{"000001_a.up.sql", "000001_a.down.sql", "000002_b.up.sql", "README.md", ".gitkeep", "embed.go"}, applied(1), []string{"2"}, nil, false},
		{"nothing applied", []string{"1_a.up.sql", "2_b.up.sql"}, Applied{number: -1}, []string{"1", "2"}, nil, false},
		{"a gap in the numbers is no fault", []string{"1_a.up.sql", "7_b.up.sql"}, applied(1), []string{"7"}, nil, false},
		{"version order is numeric", []string{"9_a.up.sql", "10_b.up.sql", "0011_c.up.sql"}, applied(9), []string{"10", "11"}, nil, false},
		{"a dash for the underscore", []string{"1_a.up.sql", "0002-add.up.sql"}, applied(1), nil, []string{"main:migration/0002-add.up.sql skipped"}, false},
		{"no direction", []string{"1_a.up.sql", "2_add.sql"}, applied(1), nil, []string{"main:migration/2_add.sql skipped"}, false},
		{"no version", []string{"1_a.up.sql", "seed.sql"}, applied(1), nil, []string{"main:migration/seed.sql skipped"}, false},
		{"no extension", []string{"1_a.up.sql", "2_b.up"}, applied(1), nil, []string{"main:migration/2_b.up skipped"}, false},
		{"a version of more than 64 bits", []string{"1_a.up.sql", "99999999999999999999_b.up.sql"}, applied(1), nil, []string{"main:migration/99999999999999999999_b.up.sql 64 bits"}, false},
		{"a version of more than 63 bits", []string{"1_a.up.sql", "9999999999999999999_b.up.sql"}, applied(1), []string{"9999999999999999999"}, []string{"main:migration/9999999999999999999_b does not fit"}, true},
		{"a backup that would run", []string{"1_a.up.sql", "2_b.up.sql.bak"}, applied(1), []string{"2"}, []string{"main:migration/2_b is run"}, false},
		{"a backup of an applied migration", []string{"1_a.up.sql.bak", "2_b.up.sql"}, applied(1), []string{"2"}, nil, false},
		{"two files of one version", []string{"1_a.up.sql", "2_b.up.sql", "02_c.up.sql"}, applied(1), []string{"2"}, []string{"main:migration/2_b same version"}, true},
		{"only a down file", []string{"1_a.up.sql", "2_b.down.sql"}, applied(1), []string{"2"}, []string{"main:migration/2_b no up file"}, false},
		{"a missing down file is no fault", []string{"1_a.up.sql", "2_b.up.sql", "2_b.down.sql", "3_c.up.sql"}, applied(2), []string{"3"}, nil, false},
		{"a sub-directory with a pending migration", []string{"1_a.up.sql", "2026/2_b.up.sql", "old/1_z.up.sql"}, applied(1), nil, []string{"main:migration/2026/2_b.up.sql sub-directories"}, false},
		{"applied without a file", []string{"1_a.up.sql", "5_b.up.sql"}, applied(3), []string{"5"}, []string{"main:migration/3 no file"}, true},
		{"dirty", []string{"1_a.up.sql", "2_b.up.sql"}, Applied{Found: true, Rows: 1, Version: "1", number: 1, Dirty: true}, []string{"2"}, []string{"main:migration/1_a dirty"}, true},
		{"dirty before the first", []string{"1_a.up.sql"}, Applied{Found: true, Rows: 1, number: -1, Dirty: true}, []string{"1"}, []string{"main:migration/-1 dirty"}, true},
		{"a name with escape codes", []string{"1_a.up.sql", "2_\x1b[31m.sql"}, applied(1), nil, []string{"main:migration/2_%1B[31m.sql skipped"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src, err := ReadSource(Spec{Dir: directory(t, tt.files...)})
			if err != nil {
				t.Fatal(err)
			}
			p := PendingOf("main", "production", []string{"production"}, src, tt.applied)
			if got := strings.Join(p.Versions(), " "); got != strings.Join(tt.pending, " ") {
				t.Errorf("pending %q, want %q", got, tt.pending)
			}
			if (p.Refused != "") != tt.refused {
				t.Errorf("refused %q, want %v", p.Refused, tt.refused)
			}
			if len(p.Findings) != len(tt.want) {
				t.Fatalf("findings %v, want %q", messages(p.Findings), tt.want)
			}
			for i, f := range p.Findings {
				address, word, _ := strings.Cut(tt.want[i], " ")
				if f.Address != address || !strings.Contains(f.Message, word) || f.Rule != "migration-state" || len(f.ID) != 16 {
					t.Errorf("finding %s %s: %q, want %q", f.Rule, f.Address, f.Message, tt.want[i])
				}
			}
		})
	}
}

func TestReadSourceRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, spec := range []Spec{{Tool: "gooose", Dir: t.TempDir()}, {}, {Dir: filepath.Join(t.TempDir(), "nowhere")}} {
		if src, err := ReadSource(spec); err == nil {
			t.Errorf("%+v: got %+v", spec, src)
		}
	}
}

func TestSuggestionIsAName(t *testing.T) {
	for file, want := range map[string]string{
		"0042-add.sql": "0042_add.up.sql", "42_add.sql": "42_add.up.sql", "V7 add users.down.sql": "7_add_users.down.sql",
		"3_x.up": "3_x.up.sql", "seed.sql": "VERSION_NAME.up.sql", "8.UP.sql": "8_NAME.up.sql",
	} {
		if got := suggestion(file); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}

// FuzzFileNames wants no file of SQL to be lost: whatever its name is, it is a migration or a problem.
func FuzzFileNames(f *testing.F) {
	for _, n := range []string{"1_a.up.sql", "0001_a.up.sql", "1-a.sql", "x.SQL", "1_a.up.sql.bak", "99999999999999999999_a.up.sql", "18446744073709551615_a.down.sql", "\xff.sql", "V7 x.up.sql", "README"} {
		f.Add(n, "1_a.up.sql")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		dir := fstest.MapFS{}
		for _, n := range []string{first, second} {
			if !fs.ValidPath(n) || n == "." || strings.Contains(n, "/") {
				return // not a name that a directory can hold
			}
			dir[n] = &fstest.MapFile{Data: []byte("SELECT 1")}
		}
		src, err := readGolangMigrate(Spec{Dir: "d"}, dir)
		if err != nil {
			t.Fatal(err)
		}
		for n := range dir {
			if !strings.HasSuffix(n, ".sql") {
				continue
			}
			known := false
			for _, m := range src.Migrations {
				known = known || m.Up == n || m.Down == n
			}
			for _, p := range src.Problems {
				known = known || p.File == n
			}
			if !known {
				t.Errorf("%q is lost among %+v", n, src)
			}
		}
	})
}

func messages(fs []finding.Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Rule+" "+f.Address+": "+f.Message)
	}
	return out
}
