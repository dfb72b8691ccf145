package trace

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"posd/drivers/port"
)

// Redaction is what a recording leaves out, while it is made: what is left out was never written.
type Redaction string

// The redactions.
const (
	Lengths Redaction = "lengths" // how many bytes, nothing else; the recording cannot be played
	Shape   Redaction = "shape"   // every digit is 0, every letter x: framing stays, checksums do not
	Whole   Redaction = "whole"   // all bytes: printers, test cards and test codes only
)

// Recorder takes what goes over a connection as the lines of a trace.
type Recorder struct {
	Sink   func(line string) // must not keep the caller waiting
	Now    func() time.Time
	Redact Redaction // "" is Lengths
}

// Record wraps c so that all bytes that are read or written are told to r as they are on the wire, ends of frames and
// noise included; port.Trace tells frames. A HID stays a HID.
func Record(c port.Conn, r Recorder) port.Conn {
	over := &recorded{Conn: c, r: r, start: r.Now()}
	if h, ok := c.(port.HID); ok {
		over.head, over.keep = reportHead, keptOfReport
		return &recordedHID{HID: h, over: over}
	}
	return over
}

const (
	reportHead   = 2 // of a report's length in the stream of a port.HID
	keptOfReport = 2 // a report's number and count are no content
)

// recorded tells what passes.
type recorded struct {
	port.Conn
	r          Recorder
	start      time.Time
	head, keep int
	mu         sync.Mutex // keeps lines whole
}

func (c *recorded) Next(ctx context.Context, split bufio.SplitFunc) ([]byte, error) {
	return c.Conn.Next(ctx, func(data []byte, atEOF bool) (int, []byte, error) {
		n, frame, err := split(data, atEOF)
		switch {
		case err != nil:
			c.tell(FromDevice, data) // the port drops all of it
		case n > 0 && n <= len(data):
			c.tell(FromDevice, data[min(c.head, n):n])
		}
		return n, frame, err
	})
}

func (c *recorded) Write(ctx context.Context, b []byte) error {
	c.tell(ToDevice, b)
	err := c.Conn.Write(ctx, b)
	if err != nil {
		c.trouble(err)
	}
	return err
}

// trouble notes an error; those of ports show no content.
func (c *recorded) trouble(err error) {
	c.line(Trouble, err.Error())
}

func (c *recorded) tell(d Direction, b []byte) {
	if len(b) > 0 {
		c.line(d, c.show(b))
	}
}

func (c *recorded) show(b []byte) string {
	switch c.r.Redact {
	case Whole:
		return hex.EncodeToString(b)
	case Shape:
		copied := bytes.Clone(b)
		defer clear(copied)
		shape(copied[min(c.keep, len(copied)):])
		return hex.EncodeToString(copied)
	default:
		return fmt.Sprintf("(%d bytes)", len(b))
	}
}

// shape leaves of text what separates it.
func shape(b []byte) {
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			b[i] = '0'
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0x80:
			b[i] = 'x'
		}
	}
}

func (c *recorded) line(d Direction, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.Sink(fmt.Sprintf("+%d %c %s", c.r.Now().Sub(c.start).Milliseconds(), d, what))
}

// recordedHID is a HID whose stream is recorded. Feature reports are not: they are settings.
type recordedHID struct {
	port.HID
	over *recorded
}

func (h *recordedHID) Next(ctx context.Context, split bufio.SplitFunc) ([]byte, error) {
	return h.over.Next(ctx, split)
}

func (h *recordedHID) Write(ctx context.Context, b []byte) error { return h.over.Write(ctx, b) }
