package port

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

// BUG(posd): what stands in the _windows files of this package was compiled and vetted, never run on Windows. With wine were run
// overlapped reads and writes, on a pipe.

// openNode opens a device interface of Windows for one owner: bytes, and ask for questions beside them. A question waits on
// ask alone, since a handle that waits for bytes would hold it up; it asks for no access and so disturbs nobody.
func openNode(path string) (withHandle, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return withHandle{}, err
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_OVERLAPPED, 0)
	if err != nil {
		return withHandle{}, explainNode(err)
	}
	bytes, err := newOverlapped(h)
	if err != nil {
		return withHandle{}, err
	}
	ask, err := windows.CreateFile(name, 0, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		_ = bytes.Close()
		return withHandle{}, explainNode(err)
	}
	return withHandle{bytes, ask}, nil
}

// explainNode gives an error of Windows one of our names.
func explainNode(err error) error {
	switch {
	case errors.Is(err, windows.ERROR_FILE_NOT_FOUND), errors.Is(err, windows.ERROR_PATH_NOT_FOUND),
		errors.Is(err, windows.ERROR_DEVICE_NOT_CONNECTED), errors.Is(err, windows.ERROR_GEN_FAILURE):
		return fmt.Errorf("%w: %w", ErrMissing, err)
	case errors.Is(err, windows.ERROR_SHARING_VIOLATION):
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return fmt.Errorf("%w: %w", ErrPermission, err)
	default:
		return err
	}
}

// ioctl asks a device; in and out may be empty. It gives the number of bytes in out.
func ioctl(h windows.Handle, code uint32, in, out []byte) (int, error) {
	var n uint32
	err := windows.DeviceIoControl(h, code, first(in), uint32(len(in)), first(out), uint32(len(out)), &n, nil)
	switch {
	case err == nil:
		return int(n), nil
	case errors.Is(err, windows.ERROR_DEVICE_NOT_CONNECTED), errors.Is(err, windows.ERROR_FILE_NOT_FOUND):
		return 0, fmt.Errorf("%w: %w", ErrUnplugged, err)
	default:
		return 0, err
	}
}

func first(b []byte) *byte {
	if len(b) == 0 {
		return nil
	}
	return &b[0]
}

// withHandle is a device's bytes, closed together with the handle for questions.
type withHandle struct {
	*overlapped
	ask windows.Handle
}

func (w withHandle) Close() error {
	return errors.Join(w.overlapped.Close(), windows.CloseHandle(w.ask))
}
