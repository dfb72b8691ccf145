package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// silentTimeouts is after how many time-outs in a row, with no frame between them, a connection is given up. After
// the first the late answer may still come over it.
const silentTimeouts = 2

// firstBuffer is the read buffer to start with; it grows to the longest frame of the dialect.
const firstBuffer = 4096

// conn is one connection. Its reader goroutine, which Link started, ends when the connection does.
type conn struct {
	o    *Options
	nc   net.Conn
	pen  chan struct{} // holds one token: who takes it may write
	done chan struct{} // closed when the connection is over

	mu      sync.Mutex
	waiting map[string]chan []byte // guarded by mu; by match key
	silent  int                    // guarded by mu; time-outs since the last frame
	why     error                  // guarded by mu; set once, before done is closed
}

func newConn(nc net.Conn, o *Options) *conn {
	c := &conn{o: o, nc: nc, pen: make(chan struct{}, 1), done: make(chan struct{}), waiting: map[string]chan []byte{}}
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
	defer c.mu.Unlock()
	if c.why != nil {
		return
	}
	c.why = why
	close(c.done)
	_ = c.nc.Close() // nothing more is expected of it
	c.o.Log.Info("host link down", "err", why)
}

func (c *conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
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
		c.end(fmt.Errorf("write: %w", err))
		return true, c.reason()
	}
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
			c.timedOut()
		}
	}
	if !c.forget(key, reply) { // it came in the last moment
		return <-reply, nil
	}
	return nil, fmt.Errorf("no answer, the message may have arrived: %w", err)
}

func (c *conn) timedOut() {
	c.mu.Lock()
	c.silent++
	give := c.silent >= silentTimeouts
	c.mu.Unlock()
	if give {
		c.end(errors.New("host is silent"))
	}
}

// read hands out frames until the connection ends. It alone reads.
func (c *conn) read() {
	buf, held := make([]byte, firstBuffer), 0
	defer func() { clear(buf) }()
	for {
		if c.o.Idle > 0 {
			_ = c.nc.SetReadDeadline(time.Now().Add(c.o.Idle)) // without it the connection only lives longer
		}
		n, err := c.nc.Read(buf[held:])
		held += n
		used, splitErr := c.split(buf[:held])
		copy(buf, buf[used:held])
		clear(buf[held-used : held])
		held -= used
		if why := c.over(err, splitErr, held > 0); why != nil {
			c.end(why)
			return
		}
		if held == len(buf) {
			larger := make([]byte, 2*len(buf))
			copy(larger, buf)
			clear(buf)
			buf = larger
		}
	}
}

// over tells why the connection is over, nil while it is not.
func (c *conn) over(readErr, splitErr error, inFrame bool) error {
	switch {
	case splitErr != nil:
		return splitErr
	case readErr == nil:
		return nil
	case errors.Is(readErr, os.ErrDeadlineExceeded):
		if c.busy() {
			return nil
		}
		return errors.New("idle")
	case errors.Is(readErr, io.EOF) && inFrame:
		return fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
	default:
		return fmt.Errorf("read: %w", readErr)
	}
}

func (c *conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting) > 0
}

// split hands out the whole frames in data and tells how many bytes they took.
func (c *conn) split(data []byte) (used int, err error) {
	for {
		n, frame, err := c.o.Dialect.SplitFrame(data[used:], false)
		if err != nil || n == 0 {
			return used, err
		}
		used += n
		c.deliver(frame)
	}
}

// deliver gives a frame to the one who waits for its match key, else to Late. An empty frame is a sign of life.
func (c *conn) deliver(frame []byte) {
	c.mu.Lock()
	c.silent = 0
	c.mu.Unlock()
	if len(frame) == 0 {
		return
	}
	frame = append([]byte(nil), frame...)
	if m, _, err := c.o.Dialect.Unpack(frame); err == nil {
		key := c.o.Dialect.MatchKey(m)
		m.Wipe()
		c.mu.Lock()
		reply := c.waiting[key]
		delete(c.waiting, key)
		c.mu.Unlock()
		if reply != nil {
			reply <- frame
			return
		}
	}
	c.o.Log.Info("host frame that nobody waits for")
	c.o.Late(frame)
}
