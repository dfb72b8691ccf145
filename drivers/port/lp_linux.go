package port

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ioctls of the kernel's USB printer driver (drivers/usb/class/usblp.c).
const (
	lpGetStatus   = 0x060b           // LPGETSTATUS, an int
	lpGetDeviceID = uint('P')<<8 | 1 // LPIOC_GET_DEVICE_ID(length)
	lpGetVIDPID   = uint('P')<<8 | 6 // LPIOC_GET_VID_PID(length), two ints
	deviceIDSize  = 1024
)

// openLP opens a USB printer by the kernel's usblp, which lets in one program only.
func openLP(a Address) (Conn, error) {
	f, err := openNode(a.Path)
	if err != nil {
		return nil, err
	}
	return &lp{Conn: NewConn(&lpFile{File: f, closed: make(chan struct{})}, a.Stall), file: f}, nil
}

// emptyPause is how long an empty answer of the printer keeps the reader.
const emptyPause = 10 * time.Millisecond

// lpFile is the bytes of usblp, read with its peculiarities.
type lpFile struct {
	*os.File
	closed chan struct{}
	once   sync.Once
}

// Read tells an empty packet, which many printers send when they have nothing to say, from the end of the file; and a
// printer that cannot answer (protocol 1 of its class), of which reading is an error, says nothing for ever.
func (l *lpFile) Read(p []byte) (int, error) {
	n, err := l.File.Read(p)
	switch {
	case errors.Is(err, unix.EINVAL):
		<-l.closed
		return 0, os.ErrClosed
	case n == 0 && errors.Is(err, io.EOF):
		select {
		case <-l.closed:
		case <-time.After(emptyPause):
		}
		return 0, nil
	}
	return n, err
}

func (l *lpFile) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.File.Close()
}

// lp is a printer at /dev/usb/lpN.
type lp struct {
	Conn
	file *os.File
}

var _ PrinterPort = (*lp)(nil)

func (p *lp) LineStatus(ctx context.Context) (LineStatus, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("port status: %w", err)
	}
	s := 0
	err := control(p.file, func(fd int) (err error) {
		s, err = unix.IoctlGetInt(fd, lpGetStatus)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("port status: %w", gone(err))
	}
	return LineStatus(s), nil
}

func (p *lp) DeviceID(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("device id: %w", err)
	}
	answer := make([]byte, deviceIDSize)
	if _, err := ioctlBytes(p.file, iocRead, lpGetDeviceID, answer); err != nil {
		return "", fmt.Errorf("device id: %w", gone(err))
	}
	return cutDeviceID(answer), nil
}

func (p *lp) Product(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("product: %w", err)
	}
	two := make([]byte, 8)
	if _, err := ioctlBytes(p.file, iocRead, lpGetVIDPID, two); err != nil {
		return "", fmt.Errorf("product: %w", gone(err))
	}
	return fmt.Sprintf("%04x:%04x", binary.NativeEndian.Uint32(two), binary.NativeEndian.Uint32(two[4:])), nil
}
