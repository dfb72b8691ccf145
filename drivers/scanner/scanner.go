// Package scanner drives barcode scanners: it turns their bytes into scans and hands each to who claims it.
package scanner

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"posd/drivers/port"
)

// Source is an open scanner. One goroutine calls Next.
type Source interface {
	// Next waits for the next scan, whose data are the caller's to wipe. An error ends the scanner, but for those
	// that wrap ErrRefused or ErrRepeated: that scan was wiped, and the next may be good.
	Next(ctx context.Context) (Code, error)
}

// Driver makes scanners of one family usable.
type Driver struct {
	Name    string
	Doc     string // for the manual: which scanners, tried on which
	Options []port.Option
	// Open takes over a connection; nothing is sent to the scanner.
	Open func(c port.Conn, s port.Settings) Source
}

// registry is filled by init and constant then.
var registry = map[string]Driver{}

// register is for the init of each driver's file. It panics on a mistake in the table.
func register(d Driver) {
	if _, taken := registry[d.Name]; taken || d.Name == "" || d.Doc == "" || d.Open == nil {
		panic(fmt.Sprintf("scanner driver %q is incomplete or there twice", d.Name))
	}
	registry[d.Name] = d
}

// Lookup finds a driver by name.
func Lookup(name string) (Driver, bool) {
	d, ok := registry[name]
	return d, ok
}

// Drivers lists all drivers by name.
func Drivers() []Driver {
	names := slices.Sorted(maps.Keys(registry))
	all := make([]Driver, 0, len(names))
	for _, n := range names {
		all = append(all, registry[n])
	}
	return all
}
