package throwaway

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Reap ends the servers below parent that a killed run left, and frees what PostgreSQL keeps in the system for a data directory: one small
// segment of System V memory, which only the server itself removes when it can. The directories are the caller's to remove.
func Reap(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, "srv*"))
	for _, dir := range dirs {
		reapPostgres(dir)
		reapMariaDB(dir)
	}
}

// reapPostgres reads postmaster.pid: the process on line 1, key and id of the segment on line 7.
func reapPostgres(dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return
	}
	lines := strings.Split(string(text), "\n")
	end(lines[0], filepath.Join(dir, ".s.PGSQL.5432"))
	if len(lines) < 7 {
		return
	}
	if fields := strings.Fields(lines[6]); len(fields) == 2 {
		key, keyErr := strconv.Atoi(fields[0])
		id, idErr := strconv.Atoi(fields[1])
		if keyErr == nil && idErr == nil {
			removeSegment(key, id)
		}
	}
}

func reapMariaDB(dir string) {
	if pid, err := os.ReadFile(filepath.Join(dir, "my.pid")); err == nil {
		end(strings.TrimSpace(string(pid)), filepath.Join(dir, "my.sock"))
	}
}

// end kills a server that still answers on its socket: the number alone may be another process's by now.
func end(pid, socket string) {
	number, err := strconv.Atoi(pid)
	if err != nil || number <= 1 {
		return
	}
	for range 50 {
		probe, err := net.DialTimeout("unix", socket, time.Second)
		if err != nil {
			return
		}
		_ = probe.Close()
		_ = syscall.Kill(number, syscall.SIGKILL)
		time.Sleep(20 * time.Millisecond)
	}
}
