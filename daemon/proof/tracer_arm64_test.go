//go:build proof && linux

package proof

import (
	"syscall"
	"unsafe" //nolint:depguard // a tracer reads and fills memory by its address; it ships nowhere

	"golang.org/x/sys/unix"
)

// refuse lets a thread that stands at the filter skip its call, with an error: the number of the call is a register set
// of its own, and what stands in x0 then is the answer.
func refuse(tid int, errno syscall.Errno) error {
	if err := setRegister(tid, 0, -uint64(errno)); err != nil {
		return err
	}
	none := int32(-1)
	iov := unix.Iovec{Base: (*byte)(unsafe.Pointer(&none)), Len: 4}
	_, _, e := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SETREGSET, uintptr(tid), unix.NT_ARM_SYSTEM_CALL, uintptr(unsafe.Pointer(&iov)), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// shorten gives the call another third argument.
func shorten(tid int, n uint64) error { return setRegister(tid, 2, n) }

func setRegister(tid, register int, value uint64) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return err
	}
	regs.Regs[register] = value
	return unix.PtraceSetRegs(tid, &regs)
}
