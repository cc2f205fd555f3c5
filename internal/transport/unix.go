package transport

import (
	"errors"
	"io/fs"
	"syscall"
)

// owner returns the numeric owner and group of a file.
func owner(fi fs.FileInfo) (uid, gid int) {
	if n, ok := fi.(*node); ok {
		return n.uid, n.gid
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}

func isNotDirectory(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

func isLoop(err error) bool { return errors.Is(err, syscall.ELOOP) }
