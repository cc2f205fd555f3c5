package throwaway

import "syscall"

// processAttributes drops root and ties the process's life to that of the thread that started it.
func processAttributes(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Pdeathsig: syscall.SIGKILL}
}
