package scanner

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"posd/drivers/port"
)

func init() {
	registry.Register(Driver{
		Name: "line",
		Doc: "Scanners that send each code as a line over a serial port or USB-CDC, as Newland, Honeywell, Zebra, Datalogic " +
			"and most others do in that mode. No recorded trace of a real device yet.",
		Options: []port.Option{
			{
				Name: "suffix", Default: "line", Values: []string{"line", "cr", "lf", "none"},
				Doc: "what ends a code: CR, LF or both (line), CR only, LF only, or nothing but a pause (none)",
			},
			{Name: "gap", Default: "50ms", Kind: port.Duration, Max: 2000, Doc: "with suffix none: the pause that ends a code"},
			{Name: "prefix", Default: "", Kind: port.Hex, Doc: "bytes before each code that are taken off, such as 02"},
			{Name: "aim", Default: "yes", Kind: port.YesNo, Doc: "take off an AIM identifier such as ]Q1 where there is one"},
			{
				Name: "repeat", Default: "700ms", Kind: port.Duration, Max: 60_000,
				Doc: "the same code again within this time counts as the same scan; 0s lets every one through",
			},
		},
		Open: openLine,
	})
}

// Why a scan gives no code. Neither tells anything of what was scanned.
var (
	ErrRefused  = errors.New("scan refused")          // too long, or with control characters in it
	ErrRepeated = errors.New("same code still there") // the scanner saw it a moment ago
)

// maxCode limits a code; the largest QR code holds 2953 bytes.
const maxCode = 4 << 10

// groupMark separates fields in GS1 codes: the only control character that a code may have.
const groupMark = 0x1D

// line is one scanner. All of it is owned by the caller of Next.
type line struct {
	conn   port.Conn
	split  bufio.SplitFunc // nil: codes end with a pause
	gap    time.Duration
	prefix []byte
	aim    bool
	window time.Duration
	seed   maphash.Seed // of this scanner only: no hash of a code is worth anything elsewhere
	last   uint64       // hash of the last code
	lastAt time.Time
	skip   bool // the rest of an endless code comes next
}

func openLine(c port.Conn, s port.Settings) Source {
	splits := map[string]bufio.SplitFunc{
		"line": splitAt("\r\n"), "cr": splitAt("\r"), "lf": splitAt("\n"), "none": nil,
	}
	return &line{
		conn: c, split: splits[s.Text("suffix")], gap: s.Time("gap"), prefix: s.Bytes("prefix"), aim: s.Yes("aim"),
		window: s.Time("repeat"), seed: maphash.MakeSeed(),
	}
}

// splitAt gives a split function for codes that end with one of the bytes of ends. Empty codes are skipped, which makes
// one end of CR LF.
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

func (l *line) Next(ctx context.Context) (Code, error) {
	for {
		b, err := l.frame(ctx)
		if errors.Is(err, port.ErrTooLong) || errors.Is(err, port.ErrBadFrame) {
			l.skip = true
			return Code{}, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		if err != nil {
			return Code{}, err
		}
		if l.skip {
			l.skip = false
			clear(b)
			continue
		}
		if code, ok, err := l.code(b); ok || err != nil {
			return code, err
		}
	}
}

func (l *line) frame(ctx context.Context) ([]byte, error) {
	if l.split != nil {
		return l.conn.Next(ctx, l.split)
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
			more = nil // too long already; the rest need not be kept
		}
		joined := append(code[:len(code):len(code)], more...)
		if len(more) > 0 {
			clear(code)
			clear(more)
		}
		code = joined
	}
	if code == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		clear(code)
		return nil, err
	}
	return code, nil
}

// code makes a code of a frame, which it owns. ok is false for an empty one.
func (l *line) code(b []byte) (c Code, ok bool, err error) {
	data := bytes.Trim(b, "\r\n")
	data = bytes.TrimPrefix(data, l.prefix)
	if len(data) == 0 {
		return Code{}, false, nil
	}
	if why := fault(data); why != "" {
		clear(b)
		return Code{}, false, fmt.Errorf("%w: %s", ErrRefused, why)
	}
	if l.repeated(data) {
		clear(b)
		return Code{}, false, ErrRepeated
	}
	aim := ""
	if l.aim && hasAIM(data) {
		aim, data = string(data[:3]), data[3:]
	}
	c = Code{Data: port.NewSecret(bytes.Clone(data)), AIM: aim}
	clear(b)
	return c, true, nil
}

// fault says what is wrong with a code, without its content.
func fault(data []byte) string {
	if len(data) > maxCode {
		return fmt.Sprintf("%d bytes, at most %d are taken", len(data), maxCode)
	}
	for i, c := range data {
		if (c < ' ' && c != groupMark) || c == 0x7F {
			return fmt.Sprintf("control character %02X at byte %d", c, i)
		}
	}
	return ""
}

// repeated tells whether the scanner saw the same code a moment ago; holding a code in view goes on extending it.
func (l *line) repeated(data []byte) bool {
	sum := maphash.Bytes(l.seed, data)
	now := time.Now()
	again := sum == l.last && !l.lastAt.IsZero() && now.Sub(l.lastAt) < l.window
	l.last, l.lastAt = sum, now
	return again
}

// hasAIM tells whether data begins with an AIM identifier and goes on: "]", a letter, a letter or digit.
func hasAIM(data []byte) bool {
	letter := func(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
	return len(data) > 3 && data[0] == ']' && letter(data[1]) && (letter(data[2]) || data[2] >= '0' && data[2] <= '9')
}
