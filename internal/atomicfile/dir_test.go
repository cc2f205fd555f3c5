package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Environment of a re-executed test binary: the story, the step to die at, and the directory.
const (
	storyVariable = "ENVDIFF_TEST_STORY"
	stepVariable  = "ENVDIFF_TEST_STEP"
	dirVariable   = "ENVDIFF_TEST_DIR"
)

func TestMain(m *testing.M) {
	story := os.Getenv(storyVariable)
	if story == "" {
		os.Exit(m.Run())
	}
	step, _ := strconv.Atoi(os.Getenv(stepVariable))
	Fault = func(string, string) {
		if step--; step == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	if err := stories[story](os.Getenv(dirVariable)); err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(2)
	}
}

func fill(text string) func(dir string) error {
	return func(dir string) error {
		for _, name := range []string{"a", "b"} {
			err := New(filepath.Join(dir, name), func(w io.Writer) error {
				_, err := io.WriteString(w, text)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

var stories = map[string]func(dir string) error{
	"file": func(dir string) error {
		return Write(filepath.Join(dir, "target"), func(w io.Writer) error {
			_, err := io.WriteString(w, "new")
			return err
		})
	},
	"directory": func(dir string) error { return Dir(filepath.Join(dir, "target"), fill("new")) },
	"directory where names cannot be exchanged": func(dir string) error {
		target := filepath.Join(dir, "target")
		return inTemp(target, fill("new"), func(tmp string) error { return replaceAside(tmp, target) })
	},
}

// content is what stands at the target: the text that all its files have.
func content(t *testing.T, target string) string {
	t.Helper()
	info, err := os.Lstat(target)
	if err != nil {
		t.Fatal(err)
	}
	if !info.IsDir() {
		b, err := os.ReadFile(target)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var texts []string
	for _, name := range []string{"a", "b"} {
		b, err := os.ReadFile(filepath.Join(target, name))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	if texts[0] != texts[1] {
		t.Fatalf("a mixture: %q", texts)
	}
	return texts[0]
}

func TestKilledAtAnyStepThereIsTheOldOrTheNew(t *testing.T) {
	for name := range stories {
		t.Run(name, func(t *testing.T) {
			seen := map[string]int{}
			for step := 1; ; step++ {
				dir := t.TempDir()
				target := filepath.Join(dir, "target")
				if name == "file" {
					if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
						t.Fatal(err)
					}
				} else if err := Dir(target, fill("old")); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), storyVariable+"="+name, stepVariable+"="+strconv.Itoa(step), dirVariable+"="+dir)
				out, err := cmd.CombinedOutput()
				if err := Recover(target); err != nil {
					t.Fatal(err)
				}
				got := content(t, target)
				if got != "old" && got != "new" {
					t.Fatalf("step %d: %q", step, got)
				}
				seen[got]++
				if err == nil {
					if got != "new" {
						t.Fatalf("it ended well and left %q", got)
					}
					break
				}
				if len(out) > 0 || step > 100 {
					t.Fatalf("step %d: %v %s", step, err, out)
				}
				// The next run is not disturbed by what the killed one left.
				if err := stories[name](dir); err != nil {
					t.Fatal(err)
				}
				if got := content(t, target); got != "new" {
					t.Fatalf("after the next run: %q", got)
				}
				entries, _ := os.ReadDir(dir)
				for _, e := range entries {
					if e.Name() != "target" && !strings.HasPrefix(e.Name(), Prefix) {
						t.Fatalf("unrecognised leftover %s", e.Name())
					}
				}
			}
			if seen["old"] == 0 || seen["new"] < 2 {
				t.Errorf("killed on both sides of the rename? %v", seen)
			}
		})
	}
}

func TestNewDirRefusesWhatIsThere(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target")
	if err := NewDir(target, fill("old")); err != nil {
		t.Fatal(err)
	}
	if err := NewDir(target, fill("new")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	if got := content(t, target); got != "old" {
		t.Errorf("%q", got)
	}
}

func TestAnErrorLeavesTheOldAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := Dir(target, fill("old")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := Dir(target, func(tmp string) error { return errors.Join(fill("new")(tmp), boom) })
	if !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
	if err := Write(filepath.Join(dir, "file"), func(io.Writer) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
	if got := content(t, target); got != "old" {
		t.Errorf("%q", got)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
