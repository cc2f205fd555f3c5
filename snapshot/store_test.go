package snapshot_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/atomicfile"
	"github.com/envdiff/envdiff/snapshot"
)

// Environment of a re-executed test binary: the writer, the step to die at, and the directory.
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
	atomicfile.Fault = func(string, string) {
		if step--; step == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	if err := writers[story](os.Getenv(dirVariable), shopOf("new")); err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(2)
	}
}

// shopOf is the shop as captured by a version.
func shopOf(version string) *snapshot.Snapshot {
	s := shop()
	s.Manifest.Version = version
	if version == "new" {
		s.Manifest.CapturedAt = s.Manifest.CapturedAt.Add(time.Hour)
	}
	return s
}

var writers = map[string]func(dir string, s *snapshot.Snapshot) error{
	"directory": func(dir string, s *snapshot.Snapshot) error { return snapshot.Write(filepath.Join(dir, "s"), s) },
	"zip":       func(dir string, s *snapshot.Snapshot) error { return snapshot.Write(filepath.Join(dir, "s.zip"), s) },
	"store": func(dir string, s *snapshot.Snapshot) error {
		st, err := snapshot.OpenStore(filepath.Join(dir, "store"))
		if err != nil {
			return err
		}
		_, err = st.Save(context.Background(), s)
		return err
	},
}

// readBack reads what the writer left.
var readBack = map[string]func(dir string) (*snapshot.Snapshot, error){
	"directory": func(dir string) (*snapshot.Snapshot, error) { return snapshot.Read(filepath.Join(dir, "s")) },
	"zip":       func(dir string) (*snapshot.Snapshot, error) { return snapshot.Read(filepath.Join(dir, "s.zip")) },
	"store": func(dir string) (*snapshot.Snapshot, error) {
		st, err := snapshot.OpenStore(filepath.Join(dir, "store"))
		if err != nil {
			return nil, err
		}
		s, _, err := st.Open(context.Background(), snapshot.Ref{Environment: "production", Stored: true, Latest: true})
		return s, err
	},
}

func TestKilledAtAnyStepAReaderFindsTheOldOrTheNewSnapshot(t *testing.T) {
	for name, write := range writers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]int{}
			for step := 1; ; step++ {
				dir := t.TempDir()
				if err := write(dir, shopOf("old")); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), storyVariable+"="+name, stepVariable+"="+strconv.Itoa(step), dirVariable+"="+dir)
				out, err := cmd.CombinedOutput()
				s, readErr := readBack[name](dir)
				if readErr != nil {
					t.Fatalf("step %d: %v", step, readErr)
				}
				seen[s.Manifest.Version]++
				if err == nil {
					if s.Manifest.Version != "new" {
						t.Fatalf("it ended well and left %q", s.Manifest.Version)
					}
					break
				}
				if len(out) > 0 || step > 100 {
					t.Fatalf("step %d: %v %s", step, err, out)
				}
			}
			if seen["old"] < 3 || seen["new"] < 2 || len(seen) != 2 {
				t.Errorf("killed on both sides of the rename? %v", seen)
			}
		})
	}
}

// at is the shop captured at a time.
func at(t *testing.T, env, when string) *snapshot.Snapshot {
	t.Helper()
	s := shop()
	var err error
	if s.Manifest.CapturedAt, err = time.Parse(time.RFC3339, when); err != nil {
		t.Fatal(err)
	}
	s.Manifest.Environment = env
	return s
}

func openStore(t *testing.T) *snapshot.Store {
	t.Helper()
	st, err := snapshot.OpenStore(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func save(t *testing.T, st *snapshot.Store, s *snapshot.Snapshot) string {
	t.Helper()
	name, err := st.Save(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTheStoreFindsTheNewestSnapshotNotAfterAMoment(t *testing.T) {
	onEveryStore(t, findsTheNewestNotAfterAMoment)
}

func findsTheNewestNotAfterAMoment(t *testing.T, st *snapshot.Store) {
	for _, when := range []string{"2026-10-31T02:00:00Z", "2026-11-01T02:00:00Z", "2026-11-01T23:59:59Z", "2026-11-02T02:00:00+02:00"} {
		save(t, st, at(t, "production", when))
	}
	save(t, st, at(t, "staging", "2026-11-09T02:00:00Z"))
	for _, c := range []struct{ ref, want string }{
		{"production@latest", "production/2026-11-02T00-00-00Z.snapshot"},
		{"production@2026-11-01", "production/2026-11-01T23-59-59Z.snapshot"},
		{"production@2026-11-01T02:00:00Z", "production/2026-11-01T02-00-00Z.snapshot"},
		{"production@2026-11-01T01:59:59Z", "production/2026-10-31T02-00-00Z.snapshot"},
		{"production@2026-11-01T03:30:00+02:00", "production/2026-10-31T02-00-00Z.snapshot"},
	} {
		ref, err := snapshot.ParseRef(c.ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, e, err := st.Open(context.Background(), ref); err != nil || e.Name != c.want {
			t.Errorf("%s: %s, %v", c.ref, e.Name, err)
		}
	}
	for ref, want := range map[string]string{
		"production@2026-10-30": "the oldest is of 2026-10-31T02:00:00Z",
		"test@latest":           "no snapshot of test is stored",
	} {
		r, err := snapshot.ParseRef(ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := st.Open(context.Background(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if envs, err := st.Environments(context.Background()); err != nil || cmp.Diff([]string{"production", "staging"}, envs) != "" {
		t.Errorf("%v, %v", envs, err)
	}
}

func TestADamagedEntryIsReportedAndDoesNotHideTheOthers(t *testing.T) {
	st := openStore(t)
	save(t, st, at(t, "production", "2026-11-01T02:00:00Z"))
	second := save(t, st, at(t, "production", "2026-11-02T02:00:00Z"))
	os.Truncate(filepath.Join(st.String(), second, "manifest.json"), 10)
	os.WriteFile(filepath.Join(st.String(), "production", "README"), []byte("not ours"), 0o600)
	entries, err := st.List(context.Background(), "production")
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	if entries[0].Problem != "" || !strings.Contains(entries[1].Problem, "manifest.json") {
		t.Errorf("%+v", entries)
	}
	if _, err := st.Find(context.Background(), "production", entries[1].At); err == nil || !strings.Contains(err.Error(), "production@2026-11-01T02:00:00Z") {
		t.Errorf("the damaged one is not an error that names the older one: %v", err)
	}
	if e, err := st.Find(context.Background(), "production", entries[0].At); err != nil || e.Name != entries[0].Name {
		t.Errorf("%v, %v", e, err)
	}
	if err := st.Remove(context.Background(), entries[1]); err != nil {
		t.Fatal(err)
	}
	if entries, err := st.List(context.Background(), "production"); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestWritersAtTheSameTimeDoNotCollide(t *testing.T) { onEveryStore(t, writersDoNotCollide) }

func writersDoNotCollide(t *testing.T, st *snapshot.Store) {
	const n = 12
	names := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			name, err := st.Save(context.Background(), at(t, "production", "2026-11-01T02:00:00Z"))
			if err != nil {
				t.Error(err)
			}
			names[i] = name
		})
	}
	wg.Wait()
	unique := map[string]bool{}
	for _, name := range names {
		unique[name] = true
	}
	entries, err := st.List(context.Background(), "production")
	if err != nil || len(unique) != n || len(entries) != n {
		t.Fatalf("%d names, %d entries, %v", len(unique), len(entries), err)
	}
	for i, e := range entries {
		if e.Problem != "" || e.Number != i+1 {
			t.Errorf("%+v", e)
		}
		if s, err := st.Read(context.Background(), e); err != nil || s.Close() != nil {
			t.Error(err)
		}
	}
}

func TestLeftoversAreIgnoredAndCleanedAfterADay(t *testing.T) {
	st := openStore(t)
	save(t, st, at(t, "production", "2026-11-01T02:00:00Z"))
	now := time.Now()
	for name, age := range map[string]time.Duration{"old": 25 * time.Hour, "young": time.Hour} {
		dir := filepath.Join(st.String(), "production", atomicfile.Prefix+name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		os.WriteFile(filepath.Join(dir, "facts.jsonl"), nil, 0o600)
		os.Chtimes(dir, now.Add(-age), now.Add(-age))
	}
	if entries, err := st.List(context.Background(), "production"); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if n, err := st.Clean(context.Background(), now); n != 1 || err != nil {
		t.Errorf("cleaned %d, %v", n, err)
	}
	left, _ := os.ReadDir(filepath.Join(st.String(), "production"))
	if len(left) != 2 {
		t.Errorf("%v", left)
	}
}

func TestParseRef(t *testing.T) {
	day := time.Date(2026, 11, 1, 23, 59, 59, 999999999, time.UTC)
	for _, c := range []struct {
		in   string
		want snapshot.Ref
	}{
		{"production", snapshot.Ref{Environment: "production"}},
		{"production@latest", snapshot.Ref{Environment: "production", Stored: true, Latest: true}},
		{"production@2026-11-01", snapshot.Ref{Environment: "production", Stored: true, At: day}},
		{"eu-1.prod@2026-11-01T02:00:00Z", snapshot.Ref{Environment: "eu-1.prod", Stored: true, At: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)}},
		{"./prod.zip", snapshot.Ref{Path: "./prod.zip"}},
		{"a/b@latest", snapshot.Ref{Path: "a/b@latest"}},
	} {
		c.want.Text = c.in
		got, err := snapshot.ParseRef(c.in)
		if err != nil || cmp.Diff(c.want, got) != "" {
			t.Errorf("%s: %+v, %v", c.in, got, err)
		}
	}
	for _, bad := range []string{"", "@latest", "a@", "a@yesterday", "a@2026-13-01", "a@2026-11-01T02:00:00", "..", "a b", "a@b@latest"} {
		if r, err := snapshot.ParseRef(bad); err == nil {
			t.Errorf("%q is %+v", bad, r)
		}
	}
}
