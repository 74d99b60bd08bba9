package bench

import "golang.org/x/sys/unix"

// inMemory says whether a folder is on no disk.
func inMemory(folder string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(folder, &fs) == nil && (int64(fs.Type) == unix.TMPFS_MAGIC || int64(fs.Type) == unix.RAMFS_MAGIC)
}
