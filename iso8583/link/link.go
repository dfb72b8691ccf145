// Package link carries messages over one connection to a host: framing, matching, late replies.
package link

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"posd/iso8583"
)

// ErrNotSent says that not one byte of a message left: dialling or TLS failed, or no Write of it was called.
// Whatever else Exchange returns, the message may have arrived.
var ErrNotSent = errors.New("message was not sent")

// ErrClosed says that the link was closed by its owner.
var ErrClosed = errors.New("link is closed")

// Options is what a Link needs. Dialect and Dial must be set.
type Options struct {
	Dialect *iso8583.Dialect
	Dial    func(ctx context.Context) (net.Conn, error) // the door to the world: TCP or TLS, handshake done
	Log     *slog.Logger                                // nil for none
	Late    func(packed []byte)                         // a frame nobody waits for; called by the reader, must hand over quickly
	Idle    time.Duration                               // closes a connection that was quiet for so long; 0 never
}

// Link is one long-lived connection to a host, dialled when it is first needed and again after it broke. It may be
// used by many goroutines.
type Link struct{}

// New makes a link; it dials nothing yet.
func New(o Options) *Link { return &Link{} }

// Exchange sends a packed message (without length prefix) and waits for the frame whose match key is key. ctx carries
// the time-out. The error wraps ErrNotSent only if nothing left; any other error means that it may have arrived.
func (l *Link) Exchange(ctx context.Context, packed []byte, key string) ([]byte, error) {
	return nil, ErrNotSent
}

// Up dials if there is no connection, and sends nothing.
func (l *Link) Up(ctx context.Context) error { return ErrNotSent }

// Close ends the connection and waits for the reader. Those who wait get an error.
func (l *Link) Close() error { return nil }
