//go:build lab && usb

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"posd/drivers/port"
)

const grabKeys = 0x40044590 // EVIOCGRAB

// HID usages of keys, and the bit of Shift.
const shift, keyA, key1, keyEnter = 2, 4, 0x1e, 0x28

// typeKeys has beside posd's port somebody who locks nothing, and so must be kept out by the kernel.
func typeKeys(ctx context.Context) error {
	c, err := find(ctx, keyboardPort)
	if err != nil {
		return err
	}
	defer c.Close()
	a, _ := port.ParseAddress(keyboardPort)
	if _, err := port.Open(ctx, a); !errors.Is(err, port.ErrBusy) {
		return fmt.Errorf("a second one may have the keyboard: %w", err)
	}
	other, err := listenToKeys()
	if err != nil {
		return err
	}
	defer unix.Close(other)
	if err := unix.IoctlSetInt(other, grabKeys, 1); !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("another program may take the keyboard, too: %w", err)
	}
	far, err := os.OpenFile("/dev/hidg1", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer far.Close()
	if err := press(far, [2]byte{shift, keyA}, [2]byte{0, keyA}, [2]byte{0, key1}, [2]byte{0, keyEnter}); err != nil {
		return err
	}
	if err := expect(ctx, c, untilCR, "Aa1"); err != nil {
		return err
	}
	if n, err := unix.Read(other, make([]byte, 4096)); !errors.Is(err, unix.EAGAIN) {
		return fmt.Errorf("%d bytes of keys reached another program: %w", n, err)
	}
	if err := c.Close(); err != nil {
		return err
	}
	return heardAfterwards(ctx, other, far)
}

// listenToKeys opens the keyboard as any program may, without a lock.
func listenToKeys() (int, error) {
	path, err := nodeOf(keyboardPort)
	if err != nil {
		return 0, err
	}
	return unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
}

// press types keys, each with what is held meanwhile.
func press(far *os.File, keys ...[2]byte) error {
	for _, k := range keys {
		for _, report := range [][]byte{{k[0], 0, k[1], 0, 0, 0, 0, 0}, make([]byte, 8)} {
			if _, err := far.Write(report); err != nil {
				return err
			}
		}
	}
	return nil
}

// heardAfterwards shows that the other one hears keys when nobody has taken them: what it did not hear before, the kernel kept.
func heardAfterwards(ctx context.Context, other int, far *os.File) error {
	for unix.IoctlSetInt(other, grabKeys, 1) != nil { // until the port has given the keyboard back
		if ctx.Err() != nil {
			return fmt.Errorf("the keyboard is not given back: %w", ctx.Err())
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := press(far, [2]byte{0, keyA}); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if n, err := unix.Read(other, make([]byte, 4096)); n > 0 || !errors.Is(err, unix.EAGAIN) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("the other program hears nothing at any time: %w", ctx.Err())
}

// untilCR is a line as a keyboard ends it.
func untilCR(b []byte, _ bool) (int, []byte, error) {
	i := bytes.IndexByte(b, '\r')
	if i < 0 {
		return 0, nil, nil
	}
	return i + 1, b[:i], nil
}
