package port

import (
	"encoding/binary"
	"fmt"
	"io"
	"unsafe" //nolint:depguard // hid.dll has no functions in x/sys/windows

	"golang.org/x/sys/windows"
)

// Questions to hidclass.sys (hidclass.h: FILE_DEVICE_KEYBOARD, function, method).
const (
	hidGetCollection = 0xb<<16 | 106<<2     // IOCTL_HID_GET_COLLECTION_INFORMATION, buffered
	hidSetFeature    = 0xb<<16 | 100<<2 | 1 // IOCTL_HID_SET_FEATURE, in direct
	hidGetFeature    = 0xb<<16 | 100<<2 | 2 // IOCTL_HID_GET_FEATURE, out direct
)

var (
	hidDLL           = windows.NewLazySystemDLL("hid.dll")
	getPreparsedData = hidDLL.NewProc("HidD_GetPreparsedData")
	freePreparsed    = hidDLL.NewProc("HidD_FreePreparsedData")
	getCaps          = hidDLL.NewProc("HidP_GetCaps")
)

// openHID opens a HID collection by its device interface. Windows keeps keyboards and mice for itself: those are
// ErrPermission.
func openHID(a Address) (Conn, error) {
	raw, err := openNode(a.Path)
	if err != nil {
		return nil, err
	}
	info, size, err := hidInfo(raw.ask)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return NewHID(&wholeReports{raw, make([]byte, size)}, collection(raw.ask), info, a.Stall), nil
}

// hidInfo asks for vendor, product, and the length of an input report.
func hidInfo(h windows.Handle) (info HIDInfo, inputSize int, err error) {
	b := make([]byte, 12) // HID_COLLECTION_INFORMATION: size, polled, reserved, vendor, product, version
	if _, err := ioctl(h, hidGetCollection, nil, b); err != nil {
		return info, 0, fmt.Errorf("not a HID device: %w", err)
	}
	info.Vendor, info.Product = binary.LittleEndian.Uint16(b[6:]), binary.LittleEndian.Uint16(b[8:])
	var data uintptr
	if ok, _, err := getPreparsedData.Call(uintptr(h), uintptr(unsafe.Pointer(&data))); ok == 0 {
		return info, 0, fmt.Errorf("HidD_GetPreparsedData: %w", err)
	}
	defer func() { _, _, _ = freePreparsed.Call(data) }()
	var caps [32]uint16 // HIDP_CAPS: usage, page, lengths of input, output and feature reports, counts
	const capsDone = 0x110000
	if status, _, _ := getCaps.Call(data, uintptr(unsafe.Pointer(&caps))); status != capsDone {
		return info, 0, fmt.Errorf("HidP_GetCaps: status %x", status)
	}
	if caps[2] == 0 {
		return info, 0, fmt.Errorf("input reports: %w", ErrNotOffered)
	}
	return info, int(caps[2]), nil
}

// wholeReports reads exactly one report each time: into a larger buffer Windows puts several. Where reports have no
// number it puts a 0 in front, which is taken off.
type wholeReports struct {
	io.ReadWriteCloser
	report []byte // owned by the reader
}

func (w *wholeReports) Read(p []byte) (int, error) {
	n, err := w.ReadWriteCloser.Read(w.report)
	got := w.report[:max(n, 0)]
	defer clear(got)
	if len(got) > 0 && got[0] == 0 {
		return copy(p, got[1:]), err
	}
	return copy(p, got), err
}

// collection is the feature reports of an open device.
type collection windows.Handle

func (c collection) Feature(number byte, size int) ([]byte, error) {
	b := make([]byte, size)
	b[0] = number
	n, err := ioctl(windows.Handle(c), hidGetFeature, nil, b)
	if err != nil {
		return nil, fmt.Errorf("get feature report %d: %w", number, err)
	}
	return b[:min(n, size)], nil
}

func (c collection) SetFeature(report []byte) error {
	if _, err := ioctl(windows.Handle(c), hidSetFeature, report, nil); err != nil {
		return fmt.Errorf("set feature report %d: %w", report[0], err)
	}
	return nil
}
