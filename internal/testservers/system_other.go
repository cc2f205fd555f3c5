//go:build !linux

package testservers

import "syscall"

// processAttributes drops root. A server outlives a test binary that is killed: only Linux has a signal for that.
func processAttributes(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner}
}

// parentDir is where servers keep their files. The system's own temporary
// directory may have too long a path for a socket.
func parentDir() string { return "/tmp" }
