package port

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// HIDInfo is what a HID device says of itself.
type HIDInfo struct {
	Vendor, Product uint16
	// Descriptor is the report descriptor (USB HID 1.11, 6.2.2). Empty on Windows, which keeps it to itself.
	Descriptor []byte
}

// HID is the Conn of a HID device. Its frames are whole reports: call Next with SplitReport. A report begins with its
// number where the descriptor numbers reports, else with its data. A Write is one output report and always begins with
// the number, 0 where reports have none. Feature reports go past the stream of reports, and always begin with the number.
type HID interface {
	Conn
	Info() HIDInfo
	// Feature asks for the feature report of a number; size is its length, number included. The system limits the wait.
	Feature(ctx context.Context, number byte, size int) ([]byte, error)
	SetFeature(ctx context.Context, report []byte) error
}

// FeatureReports is how feature reports are had of an open HID device.
type FeatureReports interface {
	Feature(number byte, size int) ([]byte, error)
	SetFeature(report []byte) error
}

// reportHead is in front of every report on its way through a stream: its length, big-endian.
const reportHead = 2

// SplitReport cuts whole reports out of the stream of a HID.
func SplitReport(data []byte, _ bool) (int, []byte, error) {
	if len(data) < reportHead {
		return 0, nil, nil
	}
	end := reportHead + int(binary.BigEndian.Uint16(data))
	if len(data) < end {
		return 0, nil, nil
	}
	return end, data[reportHead:end:end], nil
}

// NewHID makes a HID of a device file: each Read of raw is one report. It owns raw from then on, see NewConn. features
// may be nil for a device that has none.
func NewHID(raw io.ReadWriteCloser, features FeatureReports, info HIDInfo, stall time.Duration) HID {
	return &hid{Conn: NewConn(&reports{raw}, stall), features: features, info: info}
}

// reports puts its length before each report, so that two that are read at once stay two.
type reports struct{ io.ReadWriteCloser }

func (r *reports) Read(p []byte) (int, error) {
	n, err := r.ReadWriteCloser.Read(p[reportHead:])
	if n <= 0 {
		return 0, err
	}
	binary.BigEndian.PutUint16(p, uint16(n))
	return reportHead + n, err
}

type hid struct {
	Conn
	features FeatureReports
	info     HIDInfo
}

var _ HID = (*hid)(nil)

func (h *hid) Info() HIDInfo { return h.info }

func (h *hid) Feature(ctx context.Context, number byte, size int) ([]byte, error) {
	if err := h.featuresUsable(ctx); err != nil {
		return nil, err
	}
	if size < 1 || size > MaxFrame {
		return nil, fmt.Errorf("feature report %d of %d bytes: want 1 to %d", number, size, MaxFrame)
	}
	return h.features.Feature(number, size)
}

func (h *hid) SetFeature(ctx context.Context, report []byte) error {
	if err := h.featuresUsable(ctx); err != nil {
		return err
	}
	if len(report) == 0 {
		return fmt.Errorf("feature report: %w: it has no number", ErrBadFrame)
	}
	return h.features.SetFeature(report)
}

func (h *hid) featuresUsable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("feature report: %w", err)
	}
	if h.features == nil {
		return fmt.Errorf("feature report: %w", ErrNotOffered)
	}
	return nil
}

// tracedHID tells of feature reports, too.
type tracedHID struct {
	*traced
	hid HID
}

var _ HID = (*tracedHID)(nil)

func (t *tracedHID) Info() HIDInfo { return t.hid.Info() }

func (t *tracedHID) Feature(ctx context.Context, number byte, size int) ([]byte, error) {
	b, err := t.hid.Feature(ctx, number, size)
	t.tellOut("<", "feature", b, err)
	return b, err
}

func (t *tracedHID) SetFeature(ctx context.Context, report []byte) error {
	err := t.hid.SetFeature(ctx, report)
	t.tellOut(">", "feature", report, err)
	return err
}

var _ bufio.SplitFunc = SplitReport
