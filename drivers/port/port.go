// Package port moves bytes to and from one device and knows nothing of what they mean.
//
// A device is a byte stream with one owner. Framing is a pure function handed to Next; everything that differs
// between serial lines, TCP and USB ends here.
//
// HID devices are spoken to by hid_linux.go and hid_windows.go instead of a library. Two without cgo were read in November
// 2026: rafaelmartins.com/p/usbhid (as of August 2026) waits for a report without a ctx, and makes text of the error number
// by which an unplug during a feature report is known; telesma-app/hid (v0.9.1) looks 20 times a second whether ctx has ended,
// and keeps no second program out. Neither gives the report descriptor, by which drivers find their values. sstallion/go-hid,
// bearsh/hid and karalabe/hid are hidapi by cgo.
package port

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"posd/drivers/plug"
)

// Conn is an open connection to one device. One goroutine owns it: Next and Write are not called at the same time by
// several. Close may be called from anywhere, more than once, and ends what is waiting.
type Conn interface {
	// Next gives the next frame that split finds. The frame is the caller's to keep and to wipe: the connection keeps
	// no copy of it. When ctx ends first the error wraps ctx's, and the bytes read so far stay for the next call.
	// Other errors end the connection: ErrUnplugged, ErrClosed. ErrTooLong and ErrBadFrame do not: the bytes at
	// hand were dropped and wiped, the next call starts afresh.
	Next(ctx context.Context, split bufio.SplitFunc) ([]byte, error)
	// Write sends all of b. After any error some of it may have left.
	Write(ctx context.Context, b []byte) error
	Close() error
}

// Errors that callers branch on. All but ErrTooLong, ErrBadFrame and ErrNotOffered mean that the connection is of no more use.
var (
	ErrUnplugged  = errors.New("device is gone")               // unplugged, switched off, or its far end hung up
	ErrClosed     = errors.New("port is closed")               // by us
	ErrBusy       = errors.New("port is in use")               // by another program, or another device of ours
	ErrMissing    = errors.New("no such port")                 // nothing is plugged in at that path
	ErrPermission = errors.New("no permission to use port")    // the operating system says no
	ErrNotBuilt   = errors.New("not in this build")            // a kind of port that this binary was built without
	ErrNotOffered = errors.New("not offered by the device")    // the device has no such thing; the connection goes on
	ErrStalled    = errors.New("device takes no more bytes")   // a Write did not end in its time
	ErrTooLong    = errors.New("frame is longer than allowed") // more than MaxFrame without an end
	ErrBadFrame   = errors.New("frame cannot be read")         // the split function refused
)

// MaxFrame limits what Next keeps while it waits for the end of a frame.
const MaxFrame = 64 << 10

// Kind is a way to reach a device.
type Kind string

// The kinds of port.
const (
	Serial Kind = "serial" // a serial line or what looks like one (USB-CDC, PTY)
	TCP    Kind = "tcp"    // a raw TCP connection, for printers mostly port 9100
	LP     Kind = "lp"     // the system's USB printer driver: /dev/usb/lpN, usbprint.sys; the Conn is a PrinterPort
	Report Kind = "hid"    // the reports of a HID device: hidraw, hid.dll; the Conn is a HID
	Keys   Kind = "keys"   // what a scanner or reader types in keyboard mode, as text; on Linux, taken from everybody else
	// USB is whatever of these the device VID:PID[:SERIAL] offers, else bulk transfers by libusb in builds with the tag usb.
	USB Kind = "usb"
	// IEEE1284 is the USB printer whose IEEE 1284 id has these words: MFG=EPSON;MDL=TM-T88V.
	IEEE1284 Kind = "1284"
)

// Parity of a serial line; empty is none.
type Parity string

// The parities.
const (
	NoParity    Parity = "none"
	OddParity   Parity = "odd"
	EvenParity  Parity = "even"
	MarkParity  Parity = "mark"
	SpaceParity Parity = "space"
)

// Address says where a device is and how its line is set. The zero values of the line mean 9600 8N1.
type Address struct {
	Kind     Kind
	Path     string // device path or COM name; tcp: host:port; what the device is: VID:PID[:SERIAL][@PORT] in hex
	Baud     int
	DataBits int
	Parity   Parity
	StopBits string        // "1", "1.5" or "2"
	Stall    time.Duration // limit of one Write whose ctx has none; 0 means DefaultStall
}

// DefaultStall is how long a Write may take when nothing else limits it; a moment later it is given up.
const DefaultStall = 10 * time.Second

// String gives kind and path, as it stands in logs.
func (a Address) String() string { return string(a.Kind) + ":" + a.Path }

// ParseAddress reads where a device is: a path, "COM3" or "tcp://host:port"; or better what it is:
// "usb:VID:PID[:SERIAL][@PORT]" or "1284:MDL=TM-T88V". A scheme says how it is used: "serial://", "lp://", "hid://" or
// "keys://" with a path or VID:PID behind it. The kind of a plain path its name tells: /dev/usb/lp0, /dev/hidraw0 and
// /dev/input/... are no serial lines.
func ParseAddress(s string) (Address, error) {
	a, err := parseAddress(s)
	if err != nil {
		return Address{}, err
	}
	switch {
	case a.Path == "":
		return Address{}, fmt.Errorf("port %q names no device", s)
	case a.Kind == USB:
		_, err = plug.ParseUSB(a.Path)
	case a.Kind == IEEE1284:
		_, err = plug.Parse1284(a.Path)
	}
	if err != nil {
		return Address{}, fmt.Errorf("port %q: %w", s, err)
	}
	return a, nil
}

func parseAddress(s string) (Address, error) {
	for _, k := range []Kind{USB, IEEE1284} {
		if rest, ok := strings.CutPrefix(s, string(k)+":"); ok {
			return Address{Kind: k, Path: strings.TrimPrefix(rest, "//")}, nil
		}
	}
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return Address{Kind: kindOfPath(s), Path: s}, nil
	}
	switch k := Kind(scheme); k {
	case Serial, TCP, LP, Report, Keys:
		return Address{Kind: k, Path: rest}, nil
	default:
		return Address{}, fmt.Errorf("port %q: unknown kind %q, want serial, tcp, usb, lp, hid, keys or 1284", s, scheme)
	}
}

// kindOfPath tells how a device path is used, by the names that Linux gives.
func kindOfPath(path string) Kind {
	for prefix, k := range map[string]Kind{"/dev/usb/lp": LP, "/dev/hidraw": Report, "/dev/input/": Keys} {
		if strings.HasPrefix(path, prefix) {
			return k
		}
	}
	return Serial
}

// Opener opens a device. Open is the real one; tests put others in its place.
type Opener func(ctx context.Context, a Address) (Conn, error)

// Open opens the device at a. Its error says what was tried and wraps ErrMissing, ErrBusy, ErrPermission or
// ErrNotBuilt where that is known, and a *plug.Problem for a device that is named by what it is.
func Open(ctx context.Context, a Address) (Conn, error) {
	open := openPath
	if id, ok := a.Identity(); ok {
		open = func(ctx context.Context, a Address) (Conn, error) { return openIdentity(ctx, a, id) }
	}
	c, err := open(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", a, err)
	}
	return c, nil
}

func openPath(ctx context.Context, a Address) (Conn, error) {
	switch a.Kind {
	case Serial, "":
		return openSerial(a)
	case TCP:
		return openTCP(ctx, a)
	case LP:
		return openLP(a)
	case Report:
		return openHID(a)
	case Keys:
		return openKeys(a)
	case USB, IEEE1284:
	}
	return nil, fmt.Errorf("unknown kind of port %q", a.Kind)
}
