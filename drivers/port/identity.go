package port

import (
	"context"
	"errors"
	"fmt"

	"posd/drivers/plug"
)

// Identity gives what a describes where it names a device by what it is; ok is false for a path or a network address.
func (a Address) Identity() (id plug.ID, ok bool) {
	if a.Kind == IEEE1284 {
		id, err := plug.Parse1284(a.Path)
		return id, err == nil
	}
	id, err := plug.ParseUSB(a.Path)
	if err != nil || a.Kind == TCP {
		return plug.ID{}, false
	}
	if a.Kind != USB {
		id.Kind = string(a.Kind)
	}
	return id, true
}

// Local tells whether the device is plugged into this machine.
func (a Address) Local() bool { return a.Kind != TCP }

// openIdentity finds the device among those that are plugged in, and opens the file by which it is reached now.
func openIdentity(ctx context.Context, a Address, id plug.ID) (Conn, error) {
	here, err := locate(a, id, plug.LiveFor(id))
	if err == nil {
		return openPath(ctx, here)
	}
	if a.Kind != USB || !errors.Is(err, plug.ErrNoNode) {
		return nil, err
	}
	// No driver of the system has it: libusb may. What that says matters less than why it had to be asked.
	c, lerr := openUSB(a, id)
	if errors.Is(lerr, ErrNotBuilt) {
		return nil, err
	}
	return c, lerr
}

// locate is a with the path that the device has now.
func locate(a Address, id plug.ID, all []plug.Device) (Address, error) {
	_, node, err := plug.Resolve(all, id)
	switch {
	case errors.Is(err, plug.ErrNone):
		return Address{}, fmt.Errorf("%w: %w", ErrMissing, err)
	case err != nil:
		return Address{}, err
	}
	a.Kind, a.Path = Kind(node.Kind), node.Path
	return a, nil
}
