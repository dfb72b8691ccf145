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
				Name: "suffix", Default: "line", Values: []string{"line", "cr", "lf", "tab", "etx", "none"},
				Doc: "what ends a code: CR, LF or both, once or twice (line), CR only, LF only, a tab, ETX, after which a code may " +
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
				Name: "suffix", Default: "line", Values: []string{"line", "tab", "none"},
				Doc: "what ends a code: Enter (line), Tab, or nothing but a pause (none)",
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
	conn  port.Conn
	split bufio.SplitFunc // nil: codes end with a pause
	gap   time.Duration
	pause port.Pause
}

func openLine(c port.Conn, s port.Settings) Source {
	l := newLine(c, s)
	l.split = map[string]bufio.SplitFunc{
		"line": splitAt("\r\n"), "cr": splitAt("\r"), "lf": splitAt("\n"), "tab": splitAt("\t"), "etx": splitAt("\x03"), "none": nil,
	}[s.Text("suffix")]
	l.lines = s.Text("suffix") == "etx"
	return l
}

func newLine(c port.Conn, s port.Settings) *line {
	return &line{intake: newIntake(s), conn: c, gap: s.Time("gap"), pause: port.Pause{Patience: s.Time("patience"), Skips: true}}
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
		if code, ok, err := l.take(b, ""); ok || err != nil {
			return code, err
		}
	}
}

// explain makes a refused scan of what ends no connection.
func (l *line) explain(err error) error {
	switch {
	case errors.Is(err, port.ErrCutOff):
		return fmt.Errorf("%w: %w; look at cable and suffix", ErrRefused, err)
	case errors.Is(err, port.ErrTooLong), errors.Is(err, port.ErrBadFrame):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	default:
		return err
	}
}

func (l *line) frame(ctx context.Context) ([]byte, error) {
	if l.split != nil {
		return l.pause.Next(ctx, l.conn, l.split)
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
