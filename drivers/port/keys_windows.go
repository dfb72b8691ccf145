package port

import "fmt"

// openKeys cannot: Windows gives keyboards to no program, least to a service.
func openKeys(Address) (Conn, error) {
	return nil, fmt.Errorf("keyboards belong to Windows; switch the device to HID-POS or USB serial: %w", ErrNotBuilt)
}
