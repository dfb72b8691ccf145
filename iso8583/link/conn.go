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

// silentTimeouts is after how many time-outs in a row, with no frame between them, a connection is given up. After
// the first the late answer may still come over it.
const silentTimeouts = 2

// errSilent ends a connection whose host answers nothing.
var errSilent = errors.New("host is silent")

// conn is one connection. Its goroutines, which Link started, end when the connection does.
type conn struct {
	o      *Options
	nc     net.Conn
	host   Host
	pen    chan struct{} // holds one token: who takes it may write
	done   chan struct{} // closed when the connection is over
	echoes chan struct{} // an empty frame to send back, for each that came

	message iso8583.Message // the reader's, to find a frame's match key

	mu      sync.Mutex
	waiting map[string]chan []byte // guarded by mu; by match key
	silent  int                    // guarded by mu; time-outs since the last frame
	asked   bool                   // guarded by mu; a message was to be written
	heard   bool                   // guarded by mu; a message came
	traffic time.Time              // guarded by mu; when bytes last went either way, monotonic
	why     error                  // guarded by mu; set once, before done is closed
}

func newConn(nc net.Conn, o *Options, host Host) *conn {
	c := &conn{
		o: o, nc: nc, host: host, pen: make(chan struct{}, 1), done: make(chan struct{}),
		echoes: make(chan struct{}, maxEchoes), waiting: map[string]chan []byte{}, traffic: time.Now(),
	}
	c.pen <- struct{}{}
	return c
}

func (c *conn) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// end closes the connection for a reason; the first reason counts. The reader notices by itself.
func (c *conn) end(why error) {
	c.mu.Lock()
	if c.why != nil {
		c.mu.Unlock()
		return
	}
	c.why = why
	close(c.done)
	c.mu.Unlock()
	_ = c.nc.Close() // nothing more is expected of it; TLS may take a while over its farewell
	c.o.Log.Log(context.Background(), c.level(), "host link down", "err", why)
}

// level is of what happens to the connection; where each exchange has its own that is nothing to tell of.
func (c *conn) level() slog.Level {
	if c.o.Each {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func (c *conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// verdict tells why the connection ended, and whether its host took a message and never said a word, or fell silent.
// When we hung up ourselves that says nothing of the host.
func (c *conn) verdict() (why error, swallowed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ours := errors.Is(c.why, ErrClosed) || errors.Is(c.why, errHungUp) || errors.Is(c.why, context.Canceled)
	return c.why, errors.Is(c.why, errSilent) || c.asked && !c.heard && !ours
}

// expect makes room for the answer before the message leaves. The channel holds one frame, so that the reader never
// waits for a caller who has given up.
func (c *conn) expect(key string) (chan []byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.why != nil:
		return nil, errEnded
	case c.waiting[key] != nil:
		return nil, errors.New("an exchange with the same match key is under way")
	}
	reply := make(chan []byte, 1)
	c.waiting[key] = reply
	c.asked = true
	return reply, nil
}

// forget takes an expectation back and tells whether it was still open. Another one may have the key by now.
func (c *conn) forget(key string, reply chan []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	open := c.waiting[key] == reply
	if open {
		delete(c.waiting, key)
	}
	return open
}

// send writes one frame and tells whether Write was called at all. A Write that failed, or that ctx cut short, ends
// the connection: nobody knows how much of the frame is out.
func (c *conn) send(ctx context.Context, frame []byte) (written bool, err error) {
	select {
	case <-c.pen:
	case <-c.done:
		return false, errEnded
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	defer func() { c.pen <- struct{}{} }()
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case c.ended():
		return false, errEnded
	}
	stop := context.AfterFunc(ctx, func() { c.end(context.Cause(ctx)) })
	_, err = c.nc.Write(frame)
	stop()
	if err != nil {
		c.end(fmt.Errorf("write: %w", explain(err, nil)))
		return true, c.reason()
	}
	c.noteTraffic()
	return true, nil
}

// await waits for the answer to a message that was written, in full or not.
func (c *conn) await(ctx context.Context, key string, reply chan []byte, sendErr error) ([]byte, error) {
	err := sendErr
	if err == nil {
		select {
		case frame := <-reply:
			return frame, nil
		case <-c.done:
			err = c.reason()
		case <-ctx.Done():
			err = context.Cause(ctx)
			if !errors.Is(ctx.Err(), context.Canceled) { // else the caller gave up, and the host may be as quick as ever
				c.timedOut()
			}
		}
	}
	if !c.forget(key, reply) { // it came in the last moment
		return <-reply, nil
	}
	return nil, fmt.Errorf("no answer, the message may have arrived: %w", err)
}

// timedOut counts answers that did not come in time. A connection that is for one exchange has nothing to wait for.
func (c *conn) timedOut() {
	c.mu.Lock()
	c.silent++
	give := c.silent >= silentTimeouts || c.o.Each
	c.mu.Unlock()
	if give {
		c.end(errSilent)
	}
}
