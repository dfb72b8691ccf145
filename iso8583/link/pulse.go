package link

import (
	"context"
	"errors"
	"time"

	"posd/iso8583"
)

const (
	// maxEchoes is how many of a host's polls may wait for their echo; more need none.
	maxEchoes = 16

	// pulseLimit is how long an empty frame may take to be written.
	pulseLimit = 10 * time.Second
)

// polled takes note of an empty frame, as the dialect wants it. The connection's pulse writes the echo: the reader
// never waits for the host to read.
func (c *conn) polled() error {
	c.mu.Lock()
	c.silent = 0
	c.mu.Unlock()
	switch keepAliveOf(c.o.Dialect) {
	case "refuse":
		return errors.New("host sent an empty frame, which the dialect refuses (frame.keep_alive)")
	case "echo":
		select {
		case c.echoes <- struct{}{}:
		default:
		}
	}
	return nil
}

// keepAliveOf tells what the dialect does with an empty frame: ignore, echo or refuse.
func keepAliveOf(d *iso8583.Dialect) string {
	if k, ok := any(d).(interface{ KeepAlive() string }); ok {
		return k.KeepAlive()
	}
	return "ignore"
}

// hasPulse tells whether the connection sends empty frames of its own accord.
func (c *conn) hasPulse() bool { return c.o.Poll > 0 || keepAliveOf(c.o.Dialect) == "echo" }

// pulse echoes the host's polls, and polls the host when the line is quiet, until the connection ends.
func (c *conn) pulse() {
	empty, err := c.o.Dialect.AppendFrame(nil, nil)
	if err != nil {
		c.end(err)
		return
	}
	timer := time.NewTimer(c.o.Poll)
	defer timer.Stop()
	quiet := timer.C
	if c.o.Poll <= 0 {
		quiet = nil
	}
	for {
		select {
		case <-c.done:
			return
		case <-c.echoes:
			c.beat(empty)
		case <-quiet:
			left := c.o.Poll - c.quietFor()
			if left <= 0 {
				c.beat(empty)
				left = c.o.Poll
			}
			timer.Reset(left)
		}
	}
}

// beat writes an empty frame. When that takes too long, the connection ends; while a message is being written the line
// is not quiet, and no empty frame is needed.
func (c *conn) beat(empty []byte) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), pulseLimit, errors.New("host takes no empty frame"))
	defer cancel()
	_, _ = c.send(ctx, empty) // what went wrong has ended the connection
}

// noteTraffic remembers that bytes went over the line.
func (c *conn) noteTraffic() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.traffic = time.Now()
}

func (c *conn) quietFor() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.traffic)
}
