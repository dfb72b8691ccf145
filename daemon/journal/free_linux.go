package journal

import "golang.org/x/sys/unix"

// freeBytes tells how much room a folder's disk has for us; ok is false where that cannot be known.
func freeBytes(dir string) (free int64, ok bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true //nolint:unconvert // Bsize is an int32 on some processors
}
