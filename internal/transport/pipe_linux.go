package transport

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is what a connection's pipe holds, in bytes: what a user may ask for without privileges (pipe(7)). What ssh cannot write at once it moves within its memory with each packet that follows.
const pipeSize = 1 << 20

// widen makes a pipe hold more. It stays as it is where the system's allowance for pipes is used up.
func widen(f *os.File) { _, _ = unix.FcntlInt(f.Fd(), unix.F_SETPIPE_SZ, pipeSize) }
