package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// giveBackCode lets go of the pages of the program's own code, of which a start uses most and a rest little. Nobody writes to
// them, so what is wanted again comes from the file, which mostly is in the machine's cache still.
func giveBackCode() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for _, m := range codeOf(string(maps), exe) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED) // if not, they stay
	}
}

// mapping is a part of the address space.
type mapping struct{ from, to uintptr }

// codeOf finds the code of a program in /proc/PID/maps (proc_pid_maps(5)): what is private, readable, executable and not
// writable of its file.
func codeOf(maps, exe string) (code []mapping) {
	for line := range strings.Lines(maps) {
		f := strings.Fields(line) // address, permissions, offset, device, inode, file
		if len(f) != 6 || f[1] != "r-xp" || f[5] != exe {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		begin, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil && begin < end {
			code = append(code, mapping{uintptr(begin), uintptr(end)})
		}
	}
	return code
}
