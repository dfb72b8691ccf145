package plug

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Live is what is plugged in now.
func Live() []Device { return Scan(Root()) }

// LiveFor is what of that concerns one device, at less cost.
func LiveFor(id ID) []Device { return ScanFor(Root(), id) }

// Root is the file system that Scan and Lasting look at.
func Root() fs.FS { return os.DirFS("/") }

// kernelGroup is the multicast group of the kernel's own messages; those of udev come in another.
const kernelGroup = 1

// Watch tells of every event until ctx ends; then it gives ctx's error. It gives another one where the kernel does not tell
// this process: then only looking again and again helps. tell must return at once.
func Watch(ctx context.Context, tell func(Event)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return fmt.Errorf("plug events: socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: kernelGroup}); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("plug events: bind: %w", err)
	}
	f := os.NewFile(uintptr(fd), "uevents") // not blocking, so Close ends the wait
	defer f.Close()
	defer context.AfterFunc(ctx, func() { _ = f.Close() })()
	tell(Event{}) // what came before the socket was there
	err = listen(f, tell)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("plug events: %w", err)
}

func listen(f *os.File, tell func(Event)) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	buf := make([]byte, maxUevent)
	for {
		n, from, rerr := 0, unix.Sockaddr(nil), error(nil)
		err := raw.Read(func(fd uintptr) bool {
			n, from, rerr = unix.Recvfrom(int(fd), buf, 0)
			return !errors.Is(rerr, unix.EAGAIN)
		})
		switch {
		case err != nil:
			return err
		case errors.Is(rerr, unix.ENOBUFS): // so many at once that the kernel dropped some
			tell(Event{})
			continue
		case errors.Is(rerr, unix.EINTR):
			continue
		case rerr != nil:
			return rerr
		}
		// Any process may send to the socket; only the kernel has the number 0.
		if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 {
			continue
		}
		if e, ok := parseUevent(buf[:n]); ok {
			tell(e)
		}
	}
}
