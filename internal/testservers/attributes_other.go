//go:build !linux

package testservers

import "syscall"

// processAttributes drops root. A server outlives a test binary that is killed: only Linux has a signal for that.
func processAttributes(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner}
}
