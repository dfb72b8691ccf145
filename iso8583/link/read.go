package link

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	// firstBuffer is the read buffer to start with; it grows to the longest frame of the dialect.
	firstBuffer = 4096

	// stallLimit is how long a host may pause within a frame. What comes after it would be read as the frame's rest.
	stallLimit = 10 * time.Second
)

// read hands out frames until the connection ends. It alone reads.
func (c *conn) read() {
	buf, held := make([]byte, firstBuffer), 0
	defer func() { clear(buf) }()
	for {
		_ = c.nc.SetReadDeadline(c.deadline(held > 0)) // without it the connection only lives longer
		n, err := c.nc.Read(buf[held:])
		if n > 0 {
			c.noteTraffic()
		}
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

// deadline is for the next read; zero for none.
func (c *conn) deadline(inFrame bool) time.Time {
	switch {
	case inFrame:
		return time.Now().Add(stallLimit)
	case c.o.Idle > 0:
		return time.Now().Add(c.o.Idle)
	default:
		return time.Time{}
	}
}

// over tells why the connection is over, nil while it is not.
func (c *conn) over(readErr, splitErr error, inFrame bool) error {
	switch {
	case splitErr != nil:
		return splitErr
	case readErr == nil:
		return nil
	case errors.Is(readErr, os.ErrDeadlineExceeded) && inFrame:
		return fmt.Errorf("host stopped within a frame for %s", stallLimit)
	case errors.Is(readErr, os.ErrDeadlineExceeded):
		if c.busy() {
			return nil
		}
		return errors.New("idle")
	case errors.Is(readErr, io.EOF) && inFrame:
		return fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
	case errors.Is(readErr, io.EOF):
		return errors.New("host hung up")
	default:
		return fmt.Errorf("read: %w", explain(readErr, nil))
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
		if err != nil {
			return used, wrongFrame(data[used:], err)
		}
		if n == 0 {
			return used, nil
		}
		used += n
		if len(frame) == 0 {
			c.polled()
			continue
		}
		c.deliver(frame)
	}
}

// wrongFrame ends the connection: nobody knows where the next frame begins. TLS's alert record (RFC 8446, 5.1) comes
// from a host that wants TLS and gets none.
func wrongFrame(data []byte, err error) error {
	const alert, major = 21, 3
	if len(data) >= 2 && data[0] == alert && data[1] == major {
		return &TLSError{What: "the host answers with a TLS alert to what is no TLS", Remedy: "set enabled = true in [acquirer.tls]", Err: err}
	}
	return err
}

// deliver gives a frame to the one who waits for its match key, else to Late. Only the reader uses c.message.
func (c *conn) deliver(frame []byte) {
	_, err := c.o.Dialect.UnpackInto(&c.message, frame)
	key := c.o.Dialect.MatchKey(&c.message)
	c.message.Reset()
	frame = append([]byte(nil), frame...)
	c.mu.Lock()
	c.silent, c.heard = 0, true
	var reply chan []byte
	if err == nil {
		reply = c.waiting[key]
		delete(c.waiting, key)
	}
	c.mu.Unlock()
	if reply != nil {
		reply <- frame
		return
	}
	c.o.Log.Info("host frame that nobody waits for")
	c.o.Late(frame)
}
