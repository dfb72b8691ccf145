package link

import (
	"context"
	"errors"
	"time"
)

const (
	// maxEchoes is how many of a host's polls may wait for their echo; more need none.
	maxEchoes = 16

	// pulseLimit is how long an empty frame may take to be written.
	pulseLimit = 10 * time.Second
)

// polled takes note of an empty frame, a sign of life that some hosts want back. The connection's pulse writes it: the
// reader never waits for the host to read.
func (c *conn) polled() {
	c.mu.Lock()
	c.silent = 0
	c.mu.Unlock()
	select {
	case c.echoes <- struct{}{}:
	default: // nobody echoes, or there are enough
	}
}

// hasPulse tells whether the connection sends empty frames.
func (c *conn) hasPulse() bool { return c.o.Poll > 0 || c.o.Dialect.EchoesEmptyFrames() }

// pulse echoes the host's polls, and polls the host when the line is quiet, until the connection ends.
func (c *conn) pulse() {
	empty, err := c.o.Dialect.AppendFrame(nil, nil)
	if err != nil {
		c.end(err)
		return
	}
	timer := time.NewTimer(c.o.Poll)
	defer timer.Stop()
	quiet, echo := timer.C, c.echoes
	if c.o.Poll <= 0 {
		quiet = nil
	}
	if !c.o.Dialect.EchoesEmptyFrames() {
		echo = nil
	}
	for {
		select {
		case <-c.done:
			return
		case <-echo:
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
