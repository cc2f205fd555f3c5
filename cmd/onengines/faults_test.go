package onengines

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// broken is what a fault has struck, and so all that may be said beside the planted drift.
type broken struct {
	instance string
	scopes   []string
	gap      bool          // it has to be a gap
	quiet    bool          // it may be a gap and is no finding
	clock    time.Duration // by which this machine's clock is wrong
	mend     func()
}

var nothing = broken{mend: func() {}}

// faults are what happens to estates. Each strikes something that has no planted drift.
var faults = []struct {
	name   string
	strike func(*soaked) broken
}{
	{"nothing", func(*soaked) broken { return nothing }},
	{"a host drops out", (*soaked).dropHost},
	{"a host writes garbage", (*soaked).garbage},
	{"a host never answers", (*soaked).hang},
	{"a database is cut off", (*soaked).cutDatabase},
	{"a PostgreSQL restarts", func(e *soaked) broken { return e.restarts(postgresKind) }},
	{"a MariaDB restarts", func(e *soaked) broken { return e.restarts(mariaKind) }},
	{"the store's disk is full", (*soaked).fullDisk},
	{"a capture is killed", (*soaked).killed},
	{"the clock is a month behind", func(*soaked) broken { return broken{clock: -30 * 24 * time.Hour, mend: func() {}} }},
	{"the clock is a month ahead", func(*soaked) broken { return broken{clock: 30 * 24 * time.Hour, mend: func() {}} }},
}

// any is a host of production without planted drift.
func (e *soaked) any() (path, instance string) {
	path = e.host("production", 4+e.random.IntN(e.hosts-4))
	return filepath.Join(e.dir, path), filepath.Base(path)
}

// replaced puts something in a file's place until it is mended.
func (e *soaked) replaced(path string, by func(path string) error) (mend func()) {
	e.t.Helper()
	away := path + ".away"
	if err := os.Rename(path, away); err != nil {
		e.t.Fatal(err)
	}
	if err := by(path); err != nil {
		e.t.Fatal(err)
	}
	return func() {
		if err := os.RemoveAll(path); err != nil {
			e.t.Fatal(err)
		}
		if err := os.Rename(away, path); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *soaked) dropHost() broken {
	path, instance := e.any()
	return broken{instance: instance, gap: true, mend: e.replaced(path, func(string) error { return nil })}
}

func (e *soaked) garbage() broken {
	path, instance := e.any()
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(e.random.Uint32())
	}
	return broken{instance: instance, mend: e.replaced(filepath.Join(path, "etc/app/limits.yaml"), func(path string) error { return os.WriteFile(path, noise, 0o600) })}
}

// hang puts a pipe that nobody writes to where a file was.
func (e *soaked) hang() broken {
	path, instance := e.any()
	return broken{instance: instance, mend: e.replaced(filepath.Join(path, "etc/app/app.ini"), func(path string) error { return syscall.Mkfifo(path, 0o600) })}
}

// cutDatabase leaves the first half of a database's file.
func (e *soaked) cutDatabase() broken {
	const first = 0 // without planted drift
	path := filepath.Join(e.dir, e.file("production", first))
	whole, err := os.ReadFile(path)
	if err != nil {
		e.t.Fatal(err)
	}
	return broken{scopes: []string{name(first)}, gap: true, mend: e.replaced(path, func(path string) error { return os.WriteFile(path, whole[:len(whole)/2], 0o600) })}
}

// restarts ends production's server of a kind at some moment of the next captures, at once, and starts it again.
func (e *soaked) restarts(kind string) broken {
	var scopes []string
	for i := range e.databases {
		if kindOf(i) == kind {
			scopes = append(scopes, name(i))
		}
	}
	moment, done := time.Duration(e.random.Int64N(int64(2*e.capture)+1)), make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(moment)
		e.restart[kind](e.t)
	}()
	return broken{scopes: scopes, quiet: true, mend: func() { <-done }}
}

// child is the program as a process of its own, for what a process does not survive.
func (e *soaked) child(limit string, after time.Duration, args ...string) (status int, said string) {
	e.t.Helper()
	self, err := os.Executable()
	if err != nil {
		e.t.Fatal(err)
	}
	var out bytes.Buffer
	c := exec.Command("bash", append([]string{"-c", limit + `exec "$0" "$@"`, self}, args...)...)
	c.Dir, c.Stdout, c.Stderr, c.Env = e.dir, &out, &out, append(os.Environ(), "TMPDIR="+e.dir, asProgram+"=1")
	if err := c.Start(); err != nil {
		e.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	defer timer.Stop()
	_ = c.Wait()
	return c.ProcessState.ExitCode(), out.String()
}

// fullDisk is a capture whose file system takes no file as large as its snapshot.
func (e *soaked) fullDisk() broken {
	if status, said := e.child("ulimit -f 1; ", time.Minute, "snapshot", "production"); status != exitTrouble {
		e.t.Errorf("a full disk: exit status %d:\n%s", status, said)
	}
	return nothing
}

// killed is a capture that ends by kill -9 at some moment, unless it was done before.
func (e *soaked) killed() broken {
	status, said := e.child("", time.Duration(e.random.Int64N(int64(e.capture*3/2))), "snapshot", "production")
	switch status {
	case exitOK:
		e.stored++
	case -1:
	default:
		e.t.Errorf("a capture that is killed: exit status %d:\n%s", status, said)
	}
	return nothing
}
