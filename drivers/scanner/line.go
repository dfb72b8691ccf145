package scanner

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"posd/drivers/port"
)

func init() {
	registry.Register(Driver{
		Name: "line",
		For:  []port.Match{{Kind: port.Serial}},
		Doc: "Scanners that send each code as a line over a serial port or USB-CDC, as Newland, Honeywell, Zebra, Datalogic " +
			"and most others do in that mode. No recorded trace of a real device yet.",
		Options: append([]port.Option{
			{
				Name: "suffix", Default: "line", Values: []string{"line", "cr", "lf", "etx", "none"},
				Doc: "what ends a code: CR, LF or both, once or twice (line), CR only, LF only, ETX, after which a code may " +
					"hold line ends and tabs (etx), or nothing but a pause (none)",
			},
			{Name: "gap", Default: "50ms", Kind: port.Duration, Max: 2000, Doc: "with suffix none: the pause that ends a code"},
			patienceOption, prefixOption,
		}, aimOption, repeatOption),
		Open: openLine,
	})
	registry.Register(Driver{
		Name: "keyboard",
		For:  []port.Match{{Kind: port.Keys}},
		Doc: "Scanners in keyboard mode, of which the port gives the characters that were typed. Scanners that are set to " +
			"HID-POS or USB-CDC are faster and need no keyboard layout: prefer that. No recorded trace of a real device yet.",
		Options: append([]port.Option{
			{
				Name: "suffix", Default: "line", Values: []string{"line", "none"},
				Doc: "what ends a code: Enter (line), or nothing but a pause (none)",
			},
			{Name: "gap", Default: "100ms", Kind: port.Duration, Max: 2000, Doc: "with suffix none: the pause that ends a code"},
			patienceOption, prefixOption,
		}, aimOption, repeatOption),
		Open: openLine,
	})
}

var patienceOption = port.Option{
	Name: "patience", Default: "2s", Kind: port.Duration, Max: 60_000,
	Doc: "a code that stops for so long without its end is cut off: it is refused, not joined with the next one",
}

// line is one scanner. All of it is owned by the caller of Next.
type line struct {
	intake
	conn     port.Conn
	split    bufio.SplitFunc // nil: codes end with a pause
	gap      time.Duration
	patience time.Duration

	waiting int       // bytes of a code without its end
	since   time.Time // when the last of them came
	stale   bool      // the frame at hand is such a rest
	skip    bool      // the rest of an endless code comes next
}

func openLine(c port.Conn, s port.Settings) Source {
	l := newLine(c, s)
	l.split = map[string]bufio.SplitFunc{
		"line": splitAt("\r\n"), "cr": splitAt("\r"), "lf": splitAt("\n"), "etx": splitAt("\x03"), "none": nil,
	}[s.Text("suffix")]
	l.lines = s.Text("suffix") == "etx"
	return l
}

func newLine(c port.Conn, s port.Settings) *line {
	return &line{intake: newIntake(s), conn: c, gap: s.Time("gap"), patience: s.Time("patience")}
}

// splitAt gives a split function for codes that end with one of the bytes of ends. Empty codes are skipped, which makes
// one end of CR LF, and of CR CR.
func splitAt(ends string) bufio.SplitFunc {
	return func(data []byte, _ bool) (int, []byte, error) {
		i := bytes.IndexAny(data, ends)
		switch {
		case i < 0:
			return 0, nil, nil
		case i == 0:
			return 1, nil, nil
		default:
			return i + 1, data[:i], nil
		}
	}
}

// patiently is split, but what came before a long pause is a frame of its own, marked as stale.
func (l *line) patiently(split bufio.SplitFunc) bufio.SplitFunc {
	return func(data []byte, atEOF bool) (int, []byte, error) {
		now := time.Now()
		if n := l.waiting; n > 0 && n < len(data) && now.Sub(l.since) > l.patience {
			l.waiting, l.stale = 0, true
			return n, data[:n], nil
		}
		n, frame, err := split(data, atEOF)
		l.waiting = 0
		if n == 0 && err == nil {
			l.waiting, l.since = len(data), now
		}
		return n, frame, err
	}
}

var errReports = errors.New(`this driver reads a stream of characters, and the port gives reports of a HID device: choose the ` +
	`driver "hidpos", or set the scanner to USB-CDC`)

// Usable tells at once whether the port is one for this driver.
func (l *line) Usable() error {
	if _, ok := l.conn.(port.HID); ok {
		return errReports
	}
	return nil
}

func (l *line) Next(ctx context.Context) (Code, error) {
	for {
		b, err := l.frame(ctx)
		if err != nil {
			return Code{}, l.explain(err)
		}
		if code, ok, err := l.code(b); ok || err != nil {
			return code, err
		}
	}
}

// explain makes a refused scan of what ends no connection.
func (l *line) explain(err error) error {
	if errors.Is(err, port.ErrTooLong) || errors.Is(err, port.ErrBadFrame) {
		l.skip = true
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// code makes a code of a frame, which it owns. ok is false for one that is empty or to be skipped.
func (l *line) code(b []byte) (c Code, ok bool, err error) {
	switch {
	case l.stale:
		l.stale = false
		clear(b)
		return Code{}, false, fmt.Errorf("%w: cut off: %d bytes without their end; look at cable and suffix", ErrRefused, len(b))
	case l.skip:
		l.skip = false
		clear(b)
		return Code{}, false, nil
	default:
		return l.take(b, "")
	}
}

func (l *line) frame(ctx context.Context) ([]byte, error) {
	if l.split != nil {
		return l.conn.Next(ctx, l.patiently(l.split))
	}
	return l.untilPause(ctx)
}

// all takes what is there.
func all(data []byte, _ bool) (int, []byte, error) { return len(data), data, nil }

// untilPause takes bytes until none came for the gap.
func (l *line) untilPause(ctx context.Context) ([]byte, error) {
	code, err := l.conn.Next(ctx, all)
	for err == nil {
		var more []byte
		pause, cancel := context.WithTimeout(ctx, l.gap)
		more, err = l.conn.Next(pause, all)
		cancel()
		if len(code)+len(more) > 2*maxCode {
			clear(more)
			more = nil // too long already; the rest need not be kept
		}
		if len(more) > 0 {
			joined := append(code[:len(code):len(code)], more...)
			clear(code)
			clear(more)
			code = joined
		}
	}
	if code == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		clear(code)
		return nil, err
	}
	return code, nil
}
