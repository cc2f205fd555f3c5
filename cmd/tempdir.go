package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// tempPrefix begins the names of the private directories in which runs build copies; lockName is
// the file that a living run holds locked.
const (
	tempPrefix = "envdiff-run-"
	lockName   = "lock"
)

// makeTempDir makes a run's private directory, and removes those of this user's runs that were killed, with the servers in them: what they leave
// is sanitised, but was to live for minutes. lock is to be held as long as the directory is used.
func makeTempDir() (dir string, lock *os.File, err error) {
	sweepTempDirs(os.TempDir())
	dir, err = os.MkdirTemp("", tempPrefix)
	if err == nil {
		lock, err = lockDir(dir)
	}
	if err != nil {
		return "", nil, fmt.Errorf("making a temporary directory: %w", err)
	}
	return dir, lock, nil
}

// lockDir gives the lock its name when it is locked already, so that nobody ever sees the free lock of a living run.
func lockDir(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockName+".new"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		err = os.Rename(lock.Name(), filepath.Join(dir, lockName))
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// sweepTempDirs removes this user's directories whose lock nobody holds, and tells which. One without a lock is
// being made at this moment, or is not ours.
func sweepTempDirs(parent string) (removed []string) {
	left, _ := filepath.Glob(filepath.Join(parent, tempPrefix+"*"))
	for _, dir := range left {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !mine(info) {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			throwaway.Reap(dir)
			if removeTempDir(dir) == nil {
				removed = append(removed, dir)
			}
		}
		lock.Close()
	}
	return removed
}

// removeTempDir removes a directory, its lock last, so that what cannot be removed now is found again. The processes of a server whose
// first one was killed end in their own time, and write until then.
func removeTempDir(dir string) (err error) {
	const tries = 50
	for try := 0; try < tries; try++ {
		if err = removeContents(dir); err == nil {
			return os.RemoveAll(dir)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

func removeContents(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockName {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func mine(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
