//go:build usb && cgo

package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/gousb"

	"posd/drivers/plug"
)

// openUSB opens the bulk endpoints of a device. Each call has a context of its own: without a udev daemon a libusb context
// never sees devices that come after it.
func openUSB(a Address, id plug.ID) (Conn, error) {
	usb, err := newContext(gousb.NewContext)
	if err != nil {
		return nil, err
	}
	u := &bulk{usb: usb}
	if err := u.open(id); err != nil {
		_ = u.Close()
		return nil, explainUSB(err, u.file)
	}
	return NewConn(u, a.Stall), nil
}

// newContext starts libusb. gousb v1.1.3 panics where there is no USB at all.
func newContext(start func() *gousb.Context) (usb *gousb.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			usb, err = nil, fmt.Errorf("%w: libusb does not start: %v", ErrMissing, r)
		}
	}()
	return start(), nil
}

// explainUSB gives an error of libusb, which names no file, one of our names.
func explainUSB(err error, file string) error {
	switch {
	case errors.Is(err, gousb.ErrorAccess):
		return fmt.Errorf("%w: %w", ErrPermission, &fs.PathError{Op: "open", Path: file, Err: err})
	case errors.Is(err, gousb.ErrorBusy):
		return fmt.Errorf("%w: %w", held(file), err)
	case unplugged(err), errors.Is(err, gousb.ErrorNotFound):
		return fmt.Errorf("%w: %w", ErrMissing, err)
	default:
		return err
	}
}

// unplugged tells whether the device is gone. libusb has two errors for that: one for a transfer that was under way, and one
// for what is asked afterwards.
func unplugged(err error) bool {
	return errors.Is(err, gousb.TransferNoDevice) || errors.Is(err, gousb.ErrorNoDevice)
}

// bulk is one device with its bulk endpoints as a byte stream.
type bulk struct {
	usb    *gousb.Context
	file   string // the device's own: who may use it, and who has it
	dev    *gousb.Device
	config *gousb.Config
	face   *gousb.Interface
	in     *gousb.InEndpoint // nil on a device that never answers
	out    *gousb.OutEndpoint
	ctx    context.Context // ends transfers at Close: a bulk transfer has no other end
	cancel context.CancelFunc
	moves  transfers
}

// transfers counts what is under way. libusb frees what a transfer works on when its device is closed, so nothing may be
// under way then.
type transfers struct {
	mu       sync.Mutex
	over     bool // guarded by mu
	underWay sync.WaitGroup
}

// do runs a transfer, unless all is over.
func (t *transfers) do(transfer func() (int, error)) (int, error) {
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		return 0, ErrClosed
	}
	t.underWay.Add(1)
	t.mu.Unlock()
	defer t.underWay.Done()
	return transfer()
}

// end lets no more transfers begin, and calls then once none is under way. It waits for that as long as limit: a transfer
// that the system does not give back is left behind, and so is what it works on.
func (t *transfers) end(limit time.Duration, then func() error) error {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	ended := make(chan error, 1)
	go func() { t.underWay.Wait(); ended <- then() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return errors.New("a transfer does not end; the device is left open")
	}
}

func (u *bulk) open(id plug.ID) error {
	u.ctx, u.cancel = context.WithCancel(context.Background())
	devs, err := u.usb.OpenDevices(func(d *gousb.DeviceDesc) bool {
		meant := d.Vendor == gousb.ID(id.Vendor) && d.Product == gousb.ID(id.Product) && (id.Port == "" || id.Port == portOf(d))
		if meant {
			u.file = fileOf(d)
		}
		return meant
	})
	for _, d := range devs {
		if u.dev == nil && hasNumber(d, id.Serial) {
			u.dev, u.file = d, fileOf(d.Desc)
			continue
		}
		_ = d.Close()
	}
	if u.dev == nil && err != nil {
		return err
	}
	if u.dev == nil {
		return fmt.Errorf("%w: libusb finds no device %04x:%04x %s", ErrMissing, id.Vendor, id.Product, id.Serial)
	}
	// Before Config: usblp holds printers, and the interface would be busy.
	if err := u.dev.SetAutoDetach(true); err != nil {
		return fmt.Errorf("take device from its kernel driver: %w", err)
	}
	return u.claim()
}

// fileOf is the file by which libusb has a device on Linux.
func fileOf(d *gousb.DeviceDesc) string {
	return fmt.Sprintf("/dev/bus/usb/%03d/%03d", d.Bus, d.Address)
}

// portOf names a port as Linux does: bus, then the ports of all hubs on the way.
func portOf(d *gousb.DeviceDesc) string {
	ports := make([]string, 0, len(d.Path))
	for _, p := range d.Path {
		ports = append(ports, strconv.Itoa(p))
	}
	return fmt.Sprintf("%d-%s", d.Bus, strings.Join(ports, "."))
}

func hasNumber(d *gousb.Device, number string) bool {
	if number == "" {
		return true
	}
	got, err := d.SerialNumber()
	return err == nil && strings.EqualFold(got, number)
}

// claim takes the first interface that has a bulk endpoint to write to.
func (u *bulk) claim() error {
	number, err := u.dev.ActiveConfigNum()
	if err != nil {
		return fmt.Errorf("active configuration: %w", err)
	}
	if u.config, err = u.dev.Config(number); err != nil {
		return fmt.Errorf("configuration %d: %w", number, err)
	}
	for _, face := range u.config.Desc.Interfaces {
		for _, alt := range face.AltSettings {
			in, out := bulkEndpoints(alt)
			if out < 0 {
				continue
			}
			return u.claimEndpoints(alt, in, out)
		}
	}
	return errors.New("device has no bulk endpoint to write to")
}

func (u *bulk) claimEndpoints(alt gousb.InterfaceSetting, in, out int) error {
	var err error
	if u.face, err = u.config.Interface(alt.Number, alt.Alternate); err != nil {
		return fmt.Errorf("interface %d: %w", alt.Number, err)
	}
	if u.out, err = u.face.OutEndpoint(out); err != nil {
		return fmt.Errorf("endpoint %d out: %w", out, err)
	}
	if in < 0 {
		return nil
	}
	if u.in, err = u.face.InEndpoint(in); err != nil {
		return fmt.Errorf("endpoint %d in: %w", in, err)
	}
	return nil
}

// bulkEndpoints gives the numbers of the bulk endpoints, -1 where there is none.
func bulkEndpoints(alt gousb.InterfaceSetting) (in, out int) {
	in, out = -1, -1
	for _, e := range alt.Endpoints {
		switch {
		case e.TransferType != gousb.TransferTypeBulk:
		case e.Direction == gousb.EndpointDirectionIn && in < 0:
			in = e.Number
		case e.Direction == gousb.EndpointDirectionOut && out < 0:
			out = e.Number
		}
	}
	return in, out
}

func (u *bulk) Read(p []byte) (int, error) {
	if u.in == nil {
		<-u.ctx.Done()
		return 0, io.EOF
	}
	// libusb wants whole packets; a shorter buffer would overflow.
	p = p[:max(len(p)/u.in.Desc.MaxPacketSize, 1)*u.in.Desc.MaxPacketSize]
	n, err := u.moves.do(func() (int, error) { return u.in.ReadContext(u.ctx, p) })
	return max(n, 0), u.explain(err)
}

func (u *bulk) Write(p []byte) (int, error) {
	n, err := u.moves.do(func() (int, error) { return u.out.WriteContext(u.ctx, p) })
	return max(n, 0), u.explain(err)
}

// explain says what a failed transfer means. All but an unplug are still the end of the connection: gousb has no call that
// clears a halted endpoint, and opening the device again does it.
func (u *bulk) explain(err error) error {
	switch {
	case err == nil, unplugged(err), errors.Is(err, ErrClosed):
		return err
	case errors.Is(err, gousb.TransferStall):
		return fmt.Errorf("the device refuses more bytes (stall): %w", err)
	default:
		return fmt.Errorf("transfer failed: %w", err)
	}
}

// Close ends transfers and gives the device back to the kernel. It may meet a half-open device.
func (u *bulk) Close() error {
	if u.cancel != nil {
		u.cancel()
	}
	return u.moves.end(closeGrace, u.release)
}

func (u *bulk) release() error {
	var errs []error
	if u.face != nil {
		u.face.Close()
	}
	if u.config != nil {
		errs = append(errs, u.config.Close())
	}
	if u.dev != nil {
		errs = append(errs, u.dev.Close())
	}
	return errors.Join(append(errs, u.usb.Close())...)
}
