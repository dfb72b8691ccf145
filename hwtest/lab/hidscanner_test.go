//go:build lab && usb

package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"posd/drivers/port"
	"posd/drivers/scanner"
)

// codeReport is a report of the HID scanner: a part of a code, and whether more of it comes.
func codeReport(aim, data string, more byte) []byte {
	b := make([]byte, 64)
	b[0], b[1], b[63] = 2, byte(len(data)), more
	copy(b[2:], aim)
	copy(b[5:61], data)
	return b
}

// withHIDScanner opens the HID scanner, and its far end.
func withHIDScanner(ctx context.Context, use func(h port.HID, far *os.File) error) error {
	c, err := find(ctx, hidPort)
	if err != nil {
		return err
	}
	defer c.Close()
	h, ok := c.(port.HID)
	if !ok {
		return fmt.Errorf("%T is no HID", c)
	}
	far, err := os.OpenFile("/dev/hidg0", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer far.Close()
	return use(h, far)
}

func scanHID(ctx context.Context) error {
	return withHIDScanner(ctx, func(h port.HID, far *os.File) error {
		if i := h.Info(); i.Vendor != 0x0c2e || !bytes.Equal(i.Descriptor, scannerReports) {
			return fmt.Errorf("it says of itself %+v", i)
		}
		report := codeReport("]E0", "6901234567892", 0)
		for range 3 {
			if _, err := far.Write(report); err != nil {
				return err
			}
		}
		for range 3 {
			if err := expect(ctx, h, port.SplitReport, string(report)); err != nil {
				return err
			}
		}
		return nil
	})
}

// readHID gives the driver no option: what it knows of the reports it has from the descriptor that hidraw gives.
func readHID(ctx context.Context) error {
	long := strings.Repeat("0123456789", 10)
	return withHIDScanner(ctx, func(h port.HID, far *os.File) error {
		d, _ := scanner.Lookup("hidpos")
		settings, err := port.Settle(d.Options, nil)
		if err != nil {
			return err
		}
		source := d.Open(h, settings)
		for _, report := range [][]byte{codeReport("]E0", "6901234567892", 0), codeReport("]Q1", long[:56], 1), codeReport("]Q1", long[56:], 0)} {
			if _, err := far.Write(report); err != nil {
				return err
			}
		}
		for _, want := range []string{"]E0 6901234567892", "]Q1 " + long} {
			code, err := source.Next(ctx)
			if err != nil {
				return err
			}
			got := code.AIM
			code.Data.Reveal(func(b []byte) { got += " " + string(b) })
			if got != want {
				return fmt.Errorf("got %q, want %q", got, want)
			}
		}
		return nil
	})
}
