package journal

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// identityOf tells a file from its copies; "" if it cannot. A copy is made at another time, however like it is otherwise: a
// removed file's number goes to the next one, and a disk may have another number after each start of the machine. It opens
// nothing, since with any descriptor that is closed SQLite's locks on the file are gone.
func identityOf(path string) string {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return ""
	}
	if st.Mask&unix.STATX_BTIME == 0 { // a file system that does not note it
		return fmt.Sprint("on ", st.Dev_major, st.Dev_minor, st.Ino)
	}
	return fmt.Sprint(st.Ino, st.Btime.Sec, st.Btime.Nsec)
}
