// Package link carries messages over one connection to a host: framing, matching, late replies.
//
// It says of each message whether it surely was not sent, since only then nothing is owed. Everything else may have
// arrived. An answer goes to the one who waits for its match key, and to nobody else: a late answer is handed to
// Options.Late.
package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"posd/iso8583"
)

// ErrNotSent says that not one byte of a message left: dialling or TLS failed, or no Write of it was called.
// Whatever else Exchange returns, the message may have arrived.
var ErrNotSent = errors.New("message was not sent")

// ErrClosed says that the link was closed by its owner.
var ErrClosed = errors.New("link is closed")

// errEnded says that the connection ended before a message was written to it.
var errEnded = errors.New("connection ended")

// freshTries is how often Exchange looks for a living connection before it gives up: once for a connection that the
// host closed while nobody looked, and once for the next.
const freshTries = 2

// Options is what a Link needs. Dialect and Dial must be set.
type Options struct {
	Dialect *iso8583.Dialect
	Dial    func(ctx context.Context) (net.Conn, error) // the door to the world: TCP or TLS, handshake done
	Log     *slog.Logger                                // nil for none
	Late    func(packed []byte)                         // a frame nobody waits for, to keep; the reader calls it, so it must hand over at once and not call Close
	Idle    time.Duration                               // closes a connection that was quiet for so long; 0 never
}

// Link is one long-lived connection to a host, dialled when it is first needed and again after it broke. It may be
// used by many goroutines.
type Link struct {
	o       Options
	dialing chan struct{}  // holds one token: who takes it may dial
	readers sync.WaitGroup // one per connection; Close waits for them

	mu     sync.Mutex
	conn   *conn // guarded by mu; nil before the first dial
	closed bool  // guarded by mu
}

// New makes a link; it dials nothing yet.
func New(o Options) *Link {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Late == nil {
		o.Late = func([]byte) {}
	}
	l := &Link{o: o, dialing: make(chan struct{}, 1)}
	l.dialing <- struct{}{}
	return l
}

// Exchange sends a packed message (without length prefix) and waits for the frame whose match key is key. ctx carries
// the time-out. The error wraps ErrNotSent only if nothing left; any other error means that it may have arrived. Two
// exchanges of one key at a time cannot be told apart: the second is not sent.
func (l *Link) Exchange(ctx context.Context, packed []byte, key string) ([]byte, error) {
	frame, err := l.o.Dialect.AppendFrame(nil, packed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	defer clear(frame)
	for range freshTries {
		c, dialErr := l.connect(ctx)
		if dialErr != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotSent, dialErr)
		}
		var reply chan []byte
		if reply, err = c.expect(key); err == nil {
			written, sendErr := c.send(ctx, frame)
			if written {
				return c.await(ctx, key, reply, sendErr)
			}
			c.forget(key, reply)
			err = sendErr
		}
		if !errors.Is(err, errEnded) {
			break
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
}

// Up dials if there is no connection, and sends nothing. Its error wraps ErrNotSent.
func (l *Link) Up(ctx context.Context) error {
	if _, err := l.connect(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return nil
}

// Close ends the connection and waits for its reader. Those who wait for an answer get an error.
func (l *Link) Close() error {
	l.mu.Lock()
	l.closed = true
	c := l.conn
	l.mu.Unlock()
	if c != nil {
		c.end(ErrClosed)
	}
	l.readers.Wait()
	return nil
}

// connect gives the living connection, or dials one. Only one dials at a time; the others wait for it, or for ctx.
func (l *Link) connect(ctx context.Context) (*conn, error) {
	if c, err := l.living(); c != nil || err != nil {
		return c, err
	}
	select {
	case <-l.dialing:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { l.dialing <- struct{}{} }()
	if c, err := l.living(); c != nil || err != nil {
		return c, err
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	nc, err := l.o.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return l.adopt(nc)
}

// living gives the connection if it lives; nil, nil asks for a dial.
func (l *Link) living() (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, ErrClosed
	case l.conn == nil || l.conn.ended():
		return nil, nil //nolint:nilnil // neither a connection nor a reason against one
	default:
		return l.conn, nil
	}
}

// adopt starts a connection's reader, unless the link was closed while it was dialled.
func (l *Link) adopt(nc net.Conn) (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = nc.Close()
		return nil, ErrClosed
	}
	c := newConn(nc, &l.o)
	l.conn = c
	l.readers.Go(c.read)
	l.o.Log.Info("host link up")
	return c, nil
}
