package testservers

import "syscall"

// memory is the directory of a file system in memory, and memoryNeeded what it must have free to be used: making and
// dropping a database writes and removes hundreds of files, which costs half as much there.
const (
	memory       = "/dev/shm"
	memoryNeeded = 2 << 30
)

// parentDir is where servers keep their files.
func parentDir() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && fs.Bavail*uint64(fs.Bsize) >= memoryNeeded {
		return memory
	}
	return "/tmp"
}
