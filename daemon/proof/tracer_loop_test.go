//go:build proof && linux

package proof

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe" //nolint:depguard // a tracer reads and fills memory by its address; it ships nowhere

	"golang.org/x/sys/unix"
)

// begin starts the program, stopped at its first instruction but for its wrapper. All that is done to it comes from this
// thread, which is never given back.
func (t *tracer) begin(argv []string) error {
	runtime.LockOSThread()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := os.StartProcess(self, append([]string{self, asTracee}, argv...), &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return err
	}
	t.root = p.Pid
	var ws unix.WaitStatus
	if _, err := unix.Wait4(t.root, &ws, unix.WALL, nil); err != nil {
		return err
	}
	const options = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEEXEC |
		unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(t.root, options); err != nil {
		return err
	}
	if t.pidfd, err = unix.PidfdOpen(t.root, 0); err != nil {
		return err
	}
	return unix.PtraceCont(t.root, 0)
}

// watch goes from stop to stop until the program has ended, and gives its exit code as a shell would.
func (t *tracer) watch() int {
	for {
		var ws unix.WaitStatus
		tid, err := unix.Wait4(-1, &ws, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			fmt.Fprintln(os.Stderr, "tracer:", err)
			return 127
		case tid == t.root && ws.Exited():
			return ws.ExitStatus()
		case tid == t.root && ws.Signaled():
			return 128 + int(ws.Signal())
		case ws.Stopped():
			// What a stop cannot be asked, and what cannot go on, has been killed meanwhile.
			_ = unix.PtraceCont(tid, t.stopped(tid, ws))
		}
	}
}

// stopped looks at a thread that has stopped, and gives the signal with which it goes on.
func (t *tracer) stopped(tid int, ws unix.WaitStatus) int {
	switch ws.TrapCause() {
	case unix.PTRACE_EVENT_SECCOMP:
		t.called(tid)
		return 0
	case unix.PTRACE_EVENT_EXEC:
		if t.execs++; t.execs == 1 { // the wrapper's own was before there were options
			t.restart()
		}
		return 0
	}
	switch sig := ws.StopSignal(); sig {
	case unix.SIGTRAP, unix.SIGSTOP: // an event, or a new thread
		return 0
	default:
		return int(sig)
	}
}

// syscallInfo is struct ptrace_syscall_info at a stop of the filter, ptrace(2).
type syscallInfo struct {
	Op   uint8
	_    [3]uint8
	Arch uint32
	IP   uint64
	SP   uint64
	Nr   uint64
	Args [6]uint64
	Data uint32
	_    uint32
}

// called looks at a system call that is about to be made, and makes it fail if that is its turn.
func (t *tracer) called(tid int) {
	var in syscallInfo
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(in), uintptr(unsafe.Pointer(&in)), 0, 0)
	if errno != 0 {
		return
	}
	kind := t.kind(in)
	if kind == "" {
		return
	}
	f, ok := t.choose(kind)
	if !ok {
		return
	}
	if err := inflict(tid, f, in); err != nil {
		return
	}
	if f.How != short && (strings.HasPrefix(kind, "send ") || strings.HasPrefix(kind, "recv ")) {
		t.cut(int(int32(in.Args[0])))
	}
	t.note(f)
}

// cut ends a connection of the program: after an error there is none that works.
func (t *tracer) cut(fd int) {
	if dup, err := unix.PidfdGetfd(t.pidfd, fd, 0); err == nil {
		_ = unix.Shutdown(dup, unix.SHUT_RDWR)
		_ = unix.Close(dup)
	}
}

var errTooShort = errors.New("it is too short to be cut")

// inflict lets the call at which a thread stands fail.
func inflict(tid int, f fault, in syscallInfo) error {
	if f.How != short {
		return refuse(tid, errnos[f.How])
	}
	if in.Args[2] < 2 {
		return errTooShort
	}
	return shorten(tid, in.Args[2]/2)
}

// beTracee has the kernel stop at the system calls that a tracer may want to fail, and becomes the program.
func beTracee(argv []string) error {
	runtime.LockOSThread()
	filter := filterFor(classes)
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0); err != nil {
		return err
	}
	return syscall.Exec(argv[0], argv, os.Environ())
}

// filterFor stops at the calls of a table, and lets all others pass.
func filterFor(table map[int]class) []unix.SockFilter {
	prog := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // seccomp_data.nr
	for nr := range table {
		prog = append(prog,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(nr), Jt: 0, Jf: 1},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_TRACE})
	}
	return append(prog, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
}
