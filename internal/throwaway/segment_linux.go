package throwaway

import "golang.org/x/sys/unix"

// removeSegment frees a segment of shared memory that nobody is attached to; key says that the id still means the same one.
func removeSegment(key, id int) {
	var desc unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(id, unix.IPC_STAT, &desc); err != nil || desc.Nattch != 0 || int(desc.Perm.Key) != key {
		return
	}
	_, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
}
