//go:build !unix

package devicesim

import "errors"

// Cable is a device's terminal; this system has none.
type Cable struct{}

var errNoPTY = errors.New("this system has no PTYs: use TCP")

// PlugIn says that it cannot.
func PlugIn(Device, string) (*Cable, error) { return nil, errNoPTY }

// Replug says that it cannot.
func (c *Cable) Replug() error { return errNoPTY }

// Unplug says that it cannot.
func (c *Cable) Unplug() error { return errNoPTY }

// Close does nothing.
func (c *Cable) Close() error { return nil }
