//go:build !usb || !cgo

package port

import (
	"fmt"

	"posd/drivers/plug"
)

// openUSB says that this binary cannot: gousb needs cgo and libusb, which the plain build does without.
func openUSB(Address, plug.ID) (Conn, error) {
	return nil, fmt.Errorf("built without USB (build with -tags usb and cgo): %w", ErrNotBuilt)
}
