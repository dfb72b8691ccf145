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
	Content                  // every byte: printers and displays
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

// Trace wraps c so that every frame and every write is told to t.
func Trace(c Conn, t Tracer) Conn { return &traced{Conn: c, t: t, start: t.Now()} }

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
	c.tell(">", c.show(b))
	err := c.Conn.Write(ctx, b)
	if err != nil {
		c.tell("!", err.Error())
	}
	return err
}

func (c *traced) show(b []byte) string {
	if c.t.Redact == Content {
		return hex.EncodeToString(b)
	}
	return fmt.Sprintf("(%d bytes)", len(b))
}

func (c *traced) tell(direction, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t.Sink(fmt.Sprintf("+%d %s %s", c.t.Now().Sub(c.start).Milliseconds(), direction, what))
}
