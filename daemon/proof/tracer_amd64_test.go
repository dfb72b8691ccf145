//go:build proof && linux

package proof

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func init() {
	classes[unix.SYS_OPEN] = class{"open", onPath(0)}
	classes[unix.SYS_RENAME] = class{"rename", onPath(1)}
	classes[unix.SYS_UNLINK] = class{"unlink", onPath(0)}
}

// refuse lets a thread that stands at the filter skip its call, with an error. A number below 0 is none, and what stands
// in rax then is the answer: seccomp(2), SECCOMP_RET_TRACE.
func refuse(tid int, errno syscall.Errno) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return err
	}
	regs.Orig_rax, regs.Rax = ^uint64(0), -uint64(errno)
	return unix.PtraceSetRegs(tid, &regs)
}

// shorten gives the call another third argument.
func shorten(tid int, n uint64) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return err
	}
	regs.Rdx = n
	return unix.PtraceSetRegs(tid, &regs)
}
