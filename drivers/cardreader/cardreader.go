// Package cardreader drives card readers: it turns their bytes into cards and hands each to who claims it.
package cardreader

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"posd/drivers/port"
)

// Source is an open reader. One goroutine calls Next.
type Source interface {
	// Next waits for the next card, which the caller wipes. An error ends the reader, but for those that wrap
	// ErrUnreadable or ErrNotPayment: what was read was wiped, and the next swipe may be good.
	Next(ctx context.Context) (*Card, error)
}

// Why a swipe gives no card. Neither tells anything of what was read.
var (
	ErrUnreadable = errors.New("card could not be read")
	ErrNotPayment = errors.New("not a payment card")
)

// Driver makes readers of one family usable.
type Driver struct {
	Name    string
	Doc     string // for the manual: which readers, tried on which
	Options []port.Option
	// Open takes over a connection; nothing is sent to the reader.
	Open func(c port.Conn, s port.Settings) Source
}

// registry is filled by init and constant then.
var registry = map[string]Driver{}

// register is for the init of each driver's file. It panics on a mistake in the table.
func register(d Driver) {
	if _, taken := registry[d.Name]; taken || d.Name == "" || d.Doc == "" || d.Open == nil {
		panic(fmt.Sprintf("reader driver %q is incomplete or there twice", d.Name))
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
