// Package scanner drives barcode scanners: it turns their bytes into scans and hands each to who claims it.
package scanner

import (
	"context"

	"posd/drivers/port"
)

// Source is an open scanner. One goroutine calls Next.
type Source interface {
	// Next waits for the next scan, whose data are the caller's to wipe. An error ends the scanner, but for those
	// that wrap ErrRefused or ErrRepeated: that scan was wiped, and the next may be good.
	Next(ctx context.Context) (Code, error)
}

// Driver makes scanners of one family usable.
type Driver = port.Driver[Source]

// registry is filled by the init of each driver's file and constant then.
var registry = port.NewRegistry[Source]("scanner")

// Lookup finds a driver by name.
func Lookup(name string) (Driver, bool) { return registry.Lookup(name) }

// Drivers lists all drivers by name.
func Drivers() []Driver { return registry.All() }
