//go:build !linux

package throwaway

import "syscall"

// processAttributes drops root. A server outlives an envdiff that is killed: only Linux has a signal for that.
func processAttributes(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner}
}
