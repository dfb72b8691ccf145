//go:build !steps || !linux

package step

import (
	"context"
	"net"
)

// At is where a step of that name is reached.
func At(string) {}

// Tx notes the kinds of event of one transaction.
type Tx struct{}

// Append notes an event that was appended.
func Append(*Tx, string) {}

// Join adds the events of a part of a transaction that several share.
func Join(whole, part *Tx) {}

// Before is reached when all is written, and nothing is durable.
func Before(*Tx) {}

// After is reached when the transaction is durable, and nobody has heard of it.
func After(*Tx) {}

// Dial opens a connection.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// Door is a door to the network whose connections have steps of their own.
func Door(d Dial) Dial { return d }
