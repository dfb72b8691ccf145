package port

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/windows"

	"posd/drivers/plug"
)

// Questions to usbprint.sys (usbprint.h: CTL_CODE(FILE_DEVICE_UNKNOWN, n, METHOD_BUFFERED, FILE_ANY_ACCESS)).
const (
	usbprintGetStatus   = 0x22<<16 | 12<<2
	usbprintGetDeviceID = 0x22<<16 | 13<<2
	deviceIDSize        = 1024
	emptyPause          = 10 * time.Millisecond
)

// openLP opens a USB printer by usbprint.sys, by the path of its device interface. No queue may be printing on it.
func openLP(a Address) (Conn, error) {
	node, err := openNode(a.Path)
	if err != nil {
		return nil, err
	}
	return &lp{Conn: NewConn(lpFile{node}, a.Stall), ask: node.ask, path: a.Path}, nil
}

// lpFile takes an empty read, common with usbprint.sys, for the pause that it is.
type lpFile struct{ withHandle }

func (l lpFile) Read(p []byte) (int, error) {
	n, err := l.withHandle.Read(p)
	if n == 0 && (err == nil || errors.Is(err, windows.ERROR_HANDLE_EOF)) {
		<-time.After(emptyPause)
		return 0, nil
	}
	return n, err
}

// lp is a printer behind usbprint.sys.
type lp struct {
	Conn
	ask  windows.Handle
	path string // of its device interface
}

var _ PrinterPort = (*lp)(nil)

func (p *lp) LineStatus(ctx context.Context) (LineStatus, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("port status: %w", err)
	}
	b := make([]byte, 1)
	if _, err := ioctl(p.ask, usbprintGetStatus, nil, b); err != nil {
		return 0, fmt.Errorf("port status: %w", err)
	}
	return LineStatus(b[0]), nil
}

func (p *lp) DeviceID(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("device id: %w", err)
	}
	answer := make([]byte, deviceIDSize)
	n, err := ioctl(p.ask, usbprintGetDeviceID, nil, answer)
	if err != nil {
		return "", fmt.Errorf("device id: %w", err)
	}
	return cutDeviceID(answer[:n]), nil
}

func (p *lp) Product(context.Context) (string, error) {
	usb, ok := plug.ProductOf(p.path)
	if !ok {
		return "", fmt.Errorf("product: %s does not say it", p.path)
	}
	return usb, nil
}
