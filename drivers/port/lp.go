package port

import (
	"context"
	"strings"
)

// PrinterPort is the Conn of a printer behind the system's USB printer driver, which asks the printer things beside the
// stream of bytes.
type PrinterPort interface {
	Conn
	// LineStatus is the printer's port status now, answered even when the printer takes no bytes.
	LineStatus(ctx context.Context) (LineStatus, error)
	// DeviceID is the IEEE 1284 device ID, without its length: "MFG:EPSON;MDL:TM-T88V;...".
	DeviceID(ctx context.Context) (string, error)
	// Product is VID:PID of USB, four small hex digits each: "04b8:0202".
	Product(ctx context.Context) (string, error)
}

// LineStatus is the byte of GET_PORT_STATUS (USB printer class 1.1, 4.2.2). Many cheap printers always say 18h.
type LineStatus byte

// Bits of a LineStatus.
const (
	lineNotError LineStatus = 1 << 3
	lineSelected LineStatus = 1 << 4
	lineNoPaper  LineStatus = 1 << 5
)

// PaperOut tells that the printer has no paper.
func (s LineStatus) PaperOut() bool { return s&lineNoPaper != 0 }

// Selected tells that the printer is online.
func (s LineStatus) Selected() bool { return s&lineSelected != 0 }

// Faulty tells that the printer has an error.
func (s LineStatus) Faulty() bool { return s&lineNotError == 0 }

// cutDeviceID takes the two bytes of length off a device ID, and what is behind its end. The length itself is not believed:
// some printers send it little-endian or do not count it.
func cutDeviceID(answer []byte) string {
	if len(answer) < 2 {
		return ""
	}
	id, _, _ := strings.Cut(string(answer[2:]), "\x00")
	return strings.TrimSpace(id)
}

// tracedPrinter tells of the questions beside the stream, too.
type tracedPrinter struct {
	*traced
	printer PrinterPort
}

var _ PrinterPort = (*tracedPrinter)(nil)

func (t *tracedPrinter) LineStatus(ctx context.Context) (LineStatus, error) {
	s, err := t.printer.LineStatus(ctx)
	t.tellOut("<", "port status", []byte{byte(s)}, err)
	return s, err
}

func (t *tracedPrinter) DeviceID(ctx context.Context) (string, error) {
	id, err := t.printer.DeviceID(ctx)
	t.tellOut("<", "device id", []byte(id), err)
	return id, err
}

func (t *tracedPrinter) Product(ctx context.Context) (string, error) {
	usb, err := t.printer.Product(ctx)
	t.tellOut("<", "product", []byte(usb), err)
	return usb, err
}
