//go:build proof && linux

package proof

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"unsafe" //nolint:depguard // a tracer reads and fills memory by its address; it ships nowhere

	"golang.org/x/sys/unix"
)

// class is what a system call does, and how its arguments say to what.
type class struct {
	verb string
	on   func(t *tracer, in syscallInfo) (socket bool, place string)
}

// classes are the calls that can be made to fail. There are more of them on some processors.
var classes = map[int]class{
	unix.SYS_WRITE: {"write", onFile}, unix.SYS_PWRITE64: {"write", onFile}, unix.SYS_WRITEV: {"write", onFile},
	unix.SYS_SENDTO: {"write", onFile}, unix.SYS_SENDMSG: {"write", onFile},
	unix.SYS_READ: {"read", onFile}, unix.SYS_PREAD64: {"read", onFile}, unix.SYS_READV: {"read", onFile},
	unix.SYS_RECVFROM: {"read", onFile}, unix.SYS_RECVMSG: {"read", onFile},
	unix.SYS_FSYNC: {"sync", onFile}, unix.SYS_FDATASYNC: {"sync", onFile}, unix.SYS_FTRUNCATE: {"truncate", onFile},
	unix.SYS_OPENAT: {"open", onPath(1)}, unix.SYS_RENAMEAT2: {"rename", onPath(3)}, unix.SYS_RENAMEAT: {"rename", onPath(3)},
	unix.SYS_UNLINKAT: {"unlink", onPath(1)}, unix.SYS_MKDIRAT: {"mkdir", onPath(1)},
	unix.SYS_CONNECT: {"connect", onAddress}, unix.SYS_SOCKET: {"socket", onNothing}, unix.SYS_ACCEPT4: {"accept", onFile},
}

// onSocket is what sockets call what files call otherwise.
var onSocket = map[string]string{"write": "send", "read": "recv"}

// kind names a call: what it does, and to what. It is empty for what no fault is played on: pipes, terminals, timers.
func (t *tracer) kind(in syscallInfo) string {
	c, ok := classes[int(in.Nr)]
	if !ok {
		return ""
	}
	socket, place := c.on(t, in)
	if place == "" {
		return ""
	}
	verb := c.verb
	if other, ok := onSocket[verb]; socket && ok {
		verb = other
	}
	if verb == "open" && forWriting(in) {
		verb = "create" // or opens one that is there to write to it
	}
	return verb + " " + place
}

func forWriting(in syscallInfo) bool {
	flags := in.Args[1]
	if in.Nr == unix.SYS_OPENAT {
		flags = in.Args[2]
	}
	return flags&(unix.O_ACCMODE|unix.O_CREAT) != 0
}

func onNothing(*tracer, syscallInfo) (socket bool, place string) { return true, "new" }

// onFile is for calls whose first argument is a file or socket.
func onFile(t *tracer, in syscallInfo) (socket bool, place string) {
	name, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", t.root, int32(in.Args[0])))
	switch {
	case err != nil:
		return false, ""
	case strings.HasPrefix(name, "socket:"):
		return true, t.socket(int(int32(in.Args[0])))
	case !strings.HasPrefix(name, "/"):
		return false, ""
	default:
		return false, t.path(name)
	}
}

// onPath is for calls that name a file.
func onPath(arg int) func(*tracer, syscallInfo) (socket bool, place string) {
	return func(t *tracer, in syscallInfo) (socket bool, place string) {
		name, _, _ := bytes.Cut(t.memory(in.Args[arg], 255), []byte{0})
		switch {
		case len(name) == 0:
			return false, ""
		case name[0] == '/':
			return false, t.path(string(name))
		}
		cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", t.root))
		if err != nil {
			return false, ""
		}
		return false, t.path(cwd + "/" + string(name))
	}
}

// path is what the folder of a file is called; a device has no name.
func (t *tracer) path(name string) string {
	for at, place := range t.places {
		if name == at || strings.HasPrefix(name, at+"/") {
			return place
		}
	}
	if strings.HasPrefix(name, "/dev/") {
		return ""
	}
	return "other"
}

// onAddress is for connect: the address is in the program's memory, struct sockaddr_in or sockaddr_in6.
func onAddress(t *tracer, in syscallInfo) (socket bool, place string) {
	raw := t.memory(in.Args[1], min(in.Args[2], 28))
	if len(raw) < 8 {
		return false, ""
	}
	port := uint16(raw[2])<<8 | uint16(raw[3])
	switch {
	case raw[0] == unix.AF_INET:
		return false, t.address(netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), port))
	case raw[0] == unix.AF_INET6 && len(raw) >= 24:
		return false, t.address(netip.AddrPortFrom(netip.AddrFrom16([16]byte(raw[8:24])), port))
	}
	return false, "other"
}

func (t *tracer) address(a netip.AddrPort) string {
	if place, ok := t.places[netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()]; ok {
		return place
	}
	return "other"
}

// socket is what the far end of a socket is called; one that somebody has dialled has the name of its own end.
func (t *tracer) socket(fd int) string {
	dup, err := unix.PidfdGetfd(t.pidfd, fd, 0)
	if err != nil {
		return ""
	}
	defer func() { _ = unix.Close(dup) }()
	own, err := unix.Getsockname(dup)
	if err != nil {
		return ""
	}
	if place := t.address(addrPort(own)); place != "other" {
		return place
	}
	peer, err := unix.Getpeername(dup)
	if err != nil {
		return "other"
	}
	return t.address(addrPort(peer))
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	default:
		return netip.AddrPort{}
	}
}

// memory reads at most n bytes of the program's memory; fewer where it ends.
func (t *tracer) memory(at, n uint64) []byte {
	buf := make([]byte, n)
	if n == 0 {
		return nil
	}
	local := []unix.Iovec{{Base: (*byte)(unsafe.Pointer(&buf[0])), Len: n}}
	page := uint64(os.Getpagesize())
	first := min(n, page-at%page) // a string may end before a page that is not there
	for _, want := range []uint64{n, first} {
		got, err := unix.ProcessVMReadv(t.root, local, []unix.RemoteIovec{{Base: uintptr(at), Len: int(want)}}, 0)
		if err == nil {
			return buf[:got]
		}
	}
	return nil
}
