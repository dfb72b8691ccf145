// Package cardreader drives card readers: it turns their bytes into cards and hands each to who claims it.
package cardreader

import (
	"context"
	"errors"

	"posd/drivers/port"
)

// Source is an open reader. One goroutine calls Next.
type Source interface {
	// Next waits for the next card, which the caller wipes. An error ends the reader, but for those that wrap
	// ErrUnreadable or ErrNotPayment: what was read was wiped, and the next swipe may be good.
	Next(ctx context.Context) (*Card, error)
}

// Why a swipe is of no use. None tells anything of what was read.
var (
	ErrUnreadable = errors.New("card could not be read")
	ErrNotPayment = errors.New("not a payment card")
	ErrUnclaimed  = errors.New("no payment waits for a card: swipe when one does")
)

// Driver makes readers of one family usable.
type Driver = port.Driver[Source]

// registry is filled by the init of each driver's file and constant then.
var registry = port.NewRegistry[Source]("reader")

// Lookup finds a driver by name.
func Lookup(name string) (Driver, bool) { return registry.Lookup(name) }

// Drivers lists all drivers by name.
func Drivers() []Driver { return registry.All() }
