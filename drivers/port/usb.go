//go:build usb && cgo

package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/google/gousb"
)

// openUSB opens the bulk endpoints of the device VID:PID[:SERIAL]. Each call has a context of its own: without a udev
// daemon a libusb context never sees devices that come after it.
func openUSB(_ context.Context, a Address) (Conn, error) {
	vid, pid, number, err := parseUSB(a.Path)
	if err != nil {
		return nil, err
	}
	usb, err := newContext()
	if err != nil {
		return nil, err
	}
	u := &bulk{usb: usb}
	if err := u.open(vid, pid, number); err != nil {
		_ = u.Close()
		return nil, explainUSB(err)
	}
	return NewConn(u, a.Stall), nil
}

func parseUSB(path string) (vid, pid gousb.ID, number string, err error) {
	parts := strings.SplitN(path, ":", 3)
	if len(parts) < 2 {
		return 0, 0, "", fmt.Errorf("usb address %q: want VID:PID or VID:PID:SERIAL", path)
	}
	v, verr := strconv.ParseUint(parts[0], 16, 16)
	p, perr := strconv.ParseUint(parts[1], 16, 16)
	if err := errors.Join(verr, perr); err != nil {
		return 0, 0, "", fmt.Errorf("usb address %q: %w", path, err)
	}
	if len(parts) == 3 {
		number = parts[2]
	}
	return gousb.ID(v), gousb.ID(p), number, nil
}

// newContext starts libusb. gousb v1.1.3 panics where there is no USB at all.
func newContext() (usb *gousb.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			usb, err = nil, fmt.Errorf("%w: libusb does not start: %v", ErrMissing, r)
		}
	}()
	return gousb.NewContext(), nil
}

// explainUSB gives an error of libusb one of our names.
func explainUSB(err error) error {
	switch {
	case errors.Is(err, gousb.ErrorAccess):
		return fmt.Errorf("%w: %w", ErrPermission, err)
	case errors.Is(err, gousb.ErrorBusy):
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case errors.Is(err, gousb.ErrorNoDevice), errors.Is(err, gousb.ErrorNotFound):
		return fmt.Errorf("%w: %w", ErrMissing, err)
	default:
		return err
	}
}

// bulk is one device with its bulk endpoints as a byte stream.
type bulk struct {
	usb    *gousb.Context
	dev    *gousb.Device
	config *gousb.Config
	face   *gousb.Interface
	in     *gousb.InEndpoint // nil on a device that never answers
	out    *gousb.OutEndpoint
	ctx    context.Context // ends transfers at Close: a bulk transfer has no other end
	cancel context.CancelFunc
}

func (u *bulk) open(vid, pid gousb.ID, number string) error {
	u.ctx, u.cancel = context.WithCancel(context.Background())
	devs, err := u.usb.OpenDevices(func(d *gousb.DeviceDesc) bool { return d.Vendor == vid && d.Product == pid })
	for _, d := range devs {
		if u.dev == nil && hasNumber(d, number) {
			u.dev = d
			continue
		}
		_ = d.Close()
	}
	if u.dev == nil && err != nil {
		return err
	}
	if u.dev == nil {
		return fmt.Errorf("%w: no device %s:%s %s", ErrMissing, vid, pid, number)
	}
	// Before Config: usblp holds printers, and the interface would be busy.
	if err := u.dev.SetAutoDetach(true); err != nil {
		return fmt.Errorf("take device from its kernel driver: %w", err)
	}
	return u.claim()
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
	n, err := u.in.ReadContext(u.ctx, p[:max(len(p)/u.in.Desc.MaxPacketSize, 1)*u.in.Desc.MaxPacketSize])
	return max(n, 0), err
}

func (u *bulk) Write(p []byte) (int, error) {
	n, err := u.out.WriteContext(u.ctx, p)
	return max(n, 0), err
}

// Close gives the device back to the kernel. It may meet a half-open device.
func (u *bulk) Close() error {
	var errs []error
	if u.cancel != nil {
		u.cancel()
	}
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
