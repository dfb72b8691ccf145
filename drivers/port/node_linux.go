package port

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openNode opens a device file of the kernel for one owner. It does not block: Go's poller waits for such a file, and
// Close ends that wait.
func openNode(path string) (*os.File, error) {
	f, err := os.OpenFile(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, explainNode(path, err)
	}
	err = control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, held(path)
	}
	return nil, fmt.Errorf("lock: %w", err)
}

// explainNode gives an error of the system one of our names.
func explainNode(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return fmt.Errorf("%w: %w", ErrMissing, err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w: %w", held(path), err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrPermission, err)
	default:
		return err
	}
}

// control calls use with the file's number, which nobody closes meanwhile.
func control(f *os.File, use func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = use(int(fd)) }); err != nil {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return inner
}
