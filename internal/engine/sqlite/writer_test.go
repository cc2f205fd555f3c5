package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

// writerVariable names the file that this test binary, started again, writes to as another process.
const writerVariable = "ENVDIFF_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerVariable); path != "" {
		write(path)
		return
	}
	os.Exit(m.Run())
}

// write runs each line of standard input as a script on one connection, and answers.
func write(path string) {
	c, err := connectScratch(context.Background(), path)
	if err == nil {
		// Nothing is checkpointed by itself, and changes leave the cache early.
		err = c.exec(context.Background(), "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 10; PRAGMA synchronous = FULL")
	}
	fmt.Println("ready", err)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println("done", c.exec(context.Background(), lines.Text()))
	}
	c.close()
}

// writer is a process that writes.
type writer struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    *bufio.Writer
	close func() error
	out   *bufio.Scanner
}

func startWriter(t *testing.T, path string) *writer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), writerVariable+"="+path, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &writer{t: t, cmd: cmd, in: bufio.NewWriter(stdin), close: stdin.Close, out: bufio.NewScanner(stdout)}
	t.Cleanup(w.kill)
	w.expect("ready <nil>")
	return w
}

func (w *writer) expect(answer string) {
	w.t.Helper()
	if !w.out.Scan() {
		w.t.Fatal("the writer is gone")
	}
	if got := w.out.Text(); got != answer {
		w.t.Fatalf("the writer says %q, want %q", got, answer)
	}
}

// run has the writer run a script.
func (w *writer) run(script string) {
	w.t.Helper()
	fmt.Fprintln(w.in, strings.ReplaceAll(script, "\n", " "))
	w.in.Flush()
	w.expect("done <nil>")
}

// stop lets the writer close the database.
func (w *writer) stop() {
	w.t.Helper()
	w.close()
	if err := w.cmd.Wait(); err != nil {
		w.t.Fatal(err)
	}
}

// kill ends the writer in the middle of whatever it does.
func (w *writer) kill() {
	if w.cmd.ProcessState == nil {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
	}
}

// makeFile makes a database outside of envdiff's scratch names.
func makeFile(t *testing.T, path, script string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, path, script)
}

// run runs a script on a file.
func run(t *testing.T, path, script string) {
	t.Helper()
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := db.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Exec(t.Context(), script); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}

// one is the single value of a query.
func one(t *testing.T, db engine.DB, sql string) string {
	t.Helper()
	var got []string
	err := db.Query(t.Context(), sql, func(r engine.Row) error {
		got = append(got, string(r[0].Data))
		return nil
	})
	if err != nil || len(got) != 1 {
		t.Fatalf("%s: %v, %d rows", sql, err, len(got))
	}
	return got[0]
}

// series is a source of the numbers 1 to n in a column named value.
func series(n int) string {
	return fmt.Sprintf("(WITH RECURSIVE s(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < %d) SELECT value FROM s)", n)
}
