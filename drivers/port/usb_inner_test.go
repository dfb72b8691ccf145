//go:build usb && cgo

package port

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/gousb"
)

func TestBothErrorsOfAnUnpluggedDeviceAreKnown(t *testing.T) {
	for _, err := range []error{gousb.TransferNoDevice, gousb.ErrorNoDevice, fmt.Errorf("read: %w", gousb.TransferNoDevice)} {
		if !unplugged(err) || !errors.Is(explainUSB(err, "x"), ErrMissing) {
			t.Errorf("%v is not taken for an unplug", err)
		}
	}
	if unplugged(gousb.TransferStall) || unplugged(nil) {
		t.Error("a stall is taken for an unplug")
	}
	for err, want := range map[error]error{gousb.ErrorAccess: ErrPermission, gousb.ErrorBusy: ErrBusy, gousb.ErrorNotFound: ErrMissing} {
		if got := explainUSB(err, "x"); !errors.Is(got, want) {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}

func TestAnErrorOfLibusbNamesTheDevicesFile(t *testing.T) {
	file := fileOf(&gousb.DeviceDesc{Bus: 1, Address: 12})
	if file != "/dev/bus/usb/001/012" {
		t.Errorf("the file is %s", file)
	}
	if p, ok := errors.AsType[*fs.PathError](explainUSB(gousb.ErrorAccess, file)); !ok || p.Path != file {
		t.Errorf("no permission: got %v", p)
	}
	if h, ok := errors.AsType[*HeldError](explainUSB(gousb.ErrorBusy, file)); !ok || h.File != file {
		t.Errorf("in use: got %v", h)
	}
}

func TestALibusbThatDoesNotStartIsNoPanic(t *testing.T) {
	_, err := newContext(func() *gousb.Context { panic("libusb: unknown error [code -99]") })
	if !errors.Is(err, ErrMissing) {
		t.Errorf("got %v, want ErrMissing", err)
	}
}

func TestAPortIsNamedAsLinuxNamesIt(t *testing.T) {
	if got := portOf(&gousb.DeviceDesc{Bus: 1, Path: []int{3, 2}}); got != "1-3.2" {
		t.Errorf("got %s", got)
	}
}

func TestADeviceIsReleasedOnlyWhenNoTransferIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var moves transfers
		cancelled, released := make(chan struct{}), false
		go func() {
			_, _ = moves.do(func() (int, error) {
				<-cancelled
				time.Sleep(closeGrace / 2) // libusb takes its time
				if released {
					t.Error("the device was released in the middle of a transfer")
				}
				return 0, nil
			})
		}()
		synctest.Wait()
		close(cancelled)
		if err := moves.end(closeGrace, func() error { released = true; return nil }); err != nil || !released {
			t.Errorf("got %v, released %v", err, released)
		}
		_, err := moves.do(func() (int, error) { t.Error("a transfer after the end"); return 0, nil })
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	})
}

func TestATransferThatNeverEndsDoesNotKeepCloseWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var moves transfers
		free := make(chan struct{})
		go func() { _, _ = moves.do(func() (int, error) { <-free; return 0, nil }) }()
		synctest.Wait()
		released := make(chan struct{})
		if err := moves.end(closeGrace, func() error { close(released); return nil }); err == nil {
			t.Error("no error tells of it")
		}
		close(free)
		<-released
	})
}
