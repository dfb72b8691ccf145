package port

import (
	"os"
	"unsafe" //nolint:depguard // two ioctls take a buffer of any length, for which x/sys/unix has no function

	"golang.org/x/sys/unix"
)

// Numbers of ioctls that carry a length (asm-generic/ioctl.h: two bits of direction, 14 of length, 8 of type, 8 of
// number). So it is on x86, ARM, RISC-V and LoongArch; MIPS, PowerPC and SPARC differ, and posd is not made for them.
const (
	iocRead      = 2 << 30
	iocReadWrite = 3 << 30
	iocSizeShift = 16
	iocMaxSize   = 1<<14 - 1
)

// ioctlBytes calls an ioctl that reads or fills b. It gives the number of bytes that the kernel says.
func ioctlBytes(f *os.File, direction, number uint, b []byte) (int, error) {
	if len(b) == 0 || len(b) > iocMaxSize {
		return 0, unix.EINVAL
	}
	request := direction | uint(len(b))<<iocSizeShift | number
	n := 0
	err := control(f, func(fd int) error {
		got, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(&b[0])))
		if errno != 0 {
			return errno
		}
		n = int(got)
		return nil
	})
	return n, err
}
