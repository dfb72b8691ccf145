package port

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// Redaction says what a trace may show.
type Redaction int

// The redactions. The zero value shows least: what comes from cards and codes is never written.
const (
	Lengths Redaction = iota // directions and lengths only: readers and scanners
	Content                  // every byte: recordings that somebody asks for
	Answers                  // what it says, and questions that a printer is asked at once (DLE ...); of all else lengths: printers
)

// TraceHeader is the first line of a trace file.
const TraceHeader = "#posd-trace 1"

// Tracer takes what went over a connection as lines of text: "+12 > 1b40" is 12 ms after the start, to the device;
// "+15 < 16" from it; "+20 < (18 bytes)" is redacted; "+30 ! text" is an error.
type Tracer struct {
	Sink   func(line string) // must not keep the caller waiting
	Now    func() time.Time
	Redact Redaction
}

// Trace wraps c so that every frame and every write is told to t, and what goes past the stream of a HID or a
// PrinterPort: "+5 < feature 01a0".
func Trace(c Conn, t Tracer) Conn {
	over := &traced{Conn: c, t: t, start: t.Now()}
	switch c := c.(type) {
	case HID:
		return &tracedHID{over, c}
	case PrinterPort:
		return &tracedPrinter{over, c}
	default:
		return over
	}
}

// traced tells what passes.
type traced struct {
	Conn
	t     Tracer
	start time.Time
	mu    sync.Mutex // keeps lines whole: Close may come from elsewhere
}

func (c *traced) Next(ctx context.Context, split bufio.SplitFunc) ([]byte, error) {
	b, err := c.Conn.Next(ctx, split)
	if err != nil && ctx.Err() == nil {
		c.tell("!", err.Error())
	}
	if b != nil {
		c.tell("<", c.show(b))
	}
	return b, err
}

func (c *traced) Write(ctx context.Context, b []byte) error {
	c.tell(">", c.showOut(b))
	err := c.Conn.Write(ctx, b)
	if err != nil {
		c.tell("!", err.Error())
	}
	return err
}

// tellOut tells what went past the stream.
func (c *traced) tellOut(direction, what string, b []byte, err error) {
	if err != nil {
		c.tell("!", what+": "+err.Error())
		return
	}
	c.tell(direction, what+" "+c.show(b))
}

// longestQuestion is the longest real-time command; each begins with DLE (10h).
const longestQuestion = 4

// showOut is show for what goes to the device: what is printed is nobody's business.
func (c *traced) showOut(b []byte) string {
	if c.t.Redact == Answers && (len(b) > longestQuestion || len(b) == 0 || b[0] != 0x10) {
		return fmt.Sprintf("(%d bytes)", len(b))
	}
	return c.show(b)
}

func (c *traced) show(b []byte) string {
	if c.t.Redact != Lengths {
		return hex.EncodeToString(b)
	}
	return fmt.Sprintf("(%d bytes)", len(b))
}

func (c *traced) tell(direction, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t.Sink(fmt.Sprintf("+%d %s %s", c.t.Now().Sub(c.start).Milliseconds(), direction, what))
}
