//go:build !linux && !windows

package port

import "fmt"

func openLP(Address) (Conn, error)   { return nil, notHere("USB printers") }
func openHID(Address) (Conn, error)  { return nil, notHere("HID devices") }
func openKeys(Address) (Conn, error) { return nil, notHere("keyboards") }

func notHere(what string) error {
	return fmt.Errorf("%s on this system: %w", what, ErrNotBuilt)
}
