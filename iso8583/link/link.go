// Package link carries messages to a host and its answers back: framing, matching, late replies, TLS, a backup host.
//
// It says of each message whether it surely was not sent, since only then nothing is owed. Everything else may have
// arrived. An answer goes to the one who waits for its match key, and to nobody else: a late answer is handed to
// Options.Late. A message is written to one connection, once: only dialling goes on to another host.
package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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

// errHungUp ends a connection that has served its one exchange.
var errHungUp = errors.New("exchange is over")

// MaxOutstanding is the most exchanges that may be under way at a time.
const MaxOutstanding = 16

// freshTries is how often Exchange looks for a living connection before it gives up: once for a connection that the
// host closed while nobody looked, and once for the next.
const freshTries = 2

// spareLasts is how long a connection that Up has dialled waits for its exchange, where each exchange has its own.
const spareLasts = 15 * time.Second

// Options is what a Link needs. Dialect and Dial must be set.
type Options struct {
	Dialect      *iso8583.Dialect
	Dial         Dial          // to the primary host
	Backup       Dial          // to the backup host, tried when the primary cannot be reached; nil for none
	PrimaryRetry time.Duration // for so long after it failed the primary is tried after the backup; 0: always first
	Each         bool          // a connection for each exchange, closed after its answer; else one for all
	Outstanding  int           // exchanges that may be under way at a time, 1 to MaxOutstanding; 0 is 1
	Poll         time.Duration // sends an empty frame when the connection was quiet for so long; 0 never. Not with Each
	Idle         time.Duration // closes a connection that was quiet for so long; 0 never
	Rand         rand.Source   // of the jitter; used by one goroutine at a time; nil is the program's own
	Log          *slog.Logger  // nil for none

	// Late takes a frame that nobody waits for, to keep and to wipe. The reader calls it: it must hand over at once and
	// not call Close. nil drops such frames.
	Late func(packed []byte)
}

// Dial is a door to the world: TCP or TLS, handshake done. Dialer makes the usual one.
type Dial func(ctx context.Context) (net.Conn, error)

// Link is the way to a host. It dials when a connection is first needed, and again after it broke. It may be used by
// many goroutines.
type Link struct {
	o       Options
	turns   chan struct{}  // holds a token for each exchange that may start
	dialing chan struct{}  // holds one token: who takes it may dial
	gone    chan struct{}  // closed by Close
	readers sync.WaitGroup // of the connections' goroutines; Close waits for them

	mu     sync.Mutex
	conn   *conn              // guarded by mu; the one for all, or with Each the one that Up has dialled; may be nil
	conns  map[*conn]struct{} // guarded by mu; all that live
	closed bool               // guarded by mu
	book   book               // guarded by mu
}

// New makes a link; it dials nothing yet.
func New(o Options) *Link {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Late == nil {
		o.Late = func(packed []byte) { clear(packed) }
	}
	if o.Each {
		o.Poll = 0
		if o.Idle <= 0 {
			o.Idle = spareLasts
		}
	}
	l := &Link{
		o: o, turns: make(chan struct{}, min(max(1, o.Outstanding), MaxOutstanding)), dialing: make(chan struct{}, 1),
		gone: make(chan struct{}), conns: map[*conn]struct{}{}, book: newBook(),
	}
	for range cap(l.turns) {
		l.turns <- struct{}{}
	}
	l.dialing <- struct{}{}
	return l
}

// Exchange sends a packed message (without length prefix) and waits for the frame whose match key is key. ctx carries
// the time-out. The error wraps ErrNotSent only if nothing left; any other error means that it may have arrived. Two
// exchanges of one key on one connection cannot be told apart: the second is not sent. The answer is the caller's, who
// wipes it.
func (l *Link) Exchange(ctx context.Context, packed []byte, key string) ([]byte, error) {
	frame, err := l.o.Dialect.AppendFrame(nil, packed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	defer clear(frame)
	select {
	case <-l.turns:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: wait for the exchange before: %w", ErrNotSent, context.Cause(ctx))
	}
	defer func() { l.turns <- struct{}{} }()
	for range freshTries {
		answer, sent, tryErr := l.try(ctx, frame, key)
		if sent {
			return answer, tryErr
		}
		if err = tryErr; !errors.Is(err, errEnded) {
			break
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
}

// try has one exchange on a living connection. Unless sent, no Write was called.
func (l *Link) try(ctx context.Context, frame []byte, key string) (answer []byte, sent bool, err error) {
	c, err := l.connect(ctx, true)
	if err != nil {
		return nil, false, err
	}
	if l.o.Each {
		defer c.end(errHungUp)
	}
	reply, err := c.expect(key)
	if err != nil {
		return nil, false, err
	}
	if sent, err = c.send(ctx, frame); !sent {
		c.forget(key, reply)
		return nil, false, err
	}
	answer, err = c.await(ctx, key, reply, err)
	return answer, true, err
}

// Up dials if there is no connection, and sends nothing. Its error wraps ErrNotSent.
func (l *Link) Up(ctx context.Context) error {
	if _, err := l.connect(ctx, false); err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return nil
}

// Close ends the connections and waits for their readers. Those who wait for an answer get an error.
func (l *Link) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.gone)
	}
	var open []*conn
	for c := range l.conns {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		c.end(ErrClosed)
	}
	l.readers.Wait()
	return nil
}
