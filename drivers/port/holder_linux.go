package port

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// heldBy says in words who has the device open, "hwtest (pid 12)", as far as this user may see it; else nothing.
func heldBy(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	if pid := lockHolder(target); pid != "" {
		return describe(pid)
	}
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, fd := range fds {
		if open, err := os.Readlink(fd); err == nil && open == target {
			return describe(strings.Split(fd, "/")[2])
		}
	}
	return ""
}

// lockHolder finds the process with a lock on the file in /proc/locks: "1: FLOCK ADVISORY WRITE 123 00:19:5 0 EOF".
func lockHolder(path string) string {
	id, ok := fileID(path)
	locks, err := os.ReadFile("/proc/locks")
	if !ok || err != nil {
		return ""
	}
	for line := range strings.Lines(string(locks)) {
		if f := strings.Fields(line); len(f) > 5 && f[1] == "FLOCK" && f[5] == id {
			return f[4]
		}
	}
	return ""
}

func describe(pid string) string {
	name, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	switch {
	case pid == fmt.Sprint(os.Getpid()):
		return "another device of this process"
	case err != nil:
		return "process " + pid
	default:
		return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), pid)
	}
}

// fileID names a file as /proc/locks does: major:minor:inode of the file system it is on.
func fileID(path string) (string, bool) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return "", false
	}
	return fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino), true
}
