package cardreader

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"posd/drivers/port"
)

func init() {
	registry.Register(Driver{
		Name: "magnetic",
		For:  []port.Match{{Kind: port.Serial}, {Kind: port.Keys}},
		Doc: "Magnetic stripe readers that send the tracks in the clear over a serial port, USB-CDC or as a keyboard: %track 1?;track 2?+track 3? CR, " +
			"or each track with a CR of its own. " +
			"For test acquirers; a shop's real cards want an encrypting reader. No recorded trace of a real device yet.",
		Options: []port.Option{
			{
				Name: "lrc", Default: "auto", Values: []string{"auto", "yes", "no"},
				Doc: "whether the reader sends each track's check character after its end: it is then checked; auto finds out",
			},
			luhnOption, patienceOption,
		},
		Open: openMagnetic,
	})
}

// Options of several readers.
var (
	luhnOption     = port.Option{Name: "luhn", Default: "yes", Kind: port.YesNo, Doc: "refuse numbers whose check digit is wrong"}
	patienceOption = port.Option{
		Name: "patience", Default: "1s", Kind: port.Duration, Max: 60_000,
		Doc: "a swipe that stops for so long without its end is cut off: it is refused, not joined with the next one",
	}
)

// maxSwipe limits three tracks (ISO/IEC 7813: 79, 40; ISO/IEC 4909: 107) with their check characters.
const maxSwipe = 512

// magnetic is one reader, owned by the caller of Next.
type magnetic struct {
	swipes
	lrc  string // auto, yes or no
	luhn bool
}

func openMagnetic(c port.Conn, s port.Settings) Source {
	return &magnetic{
		swipes: swipes{conn: c, pause: port.Pause{Patience: s.Time("patience")}},
		lrc:    s.Text("lrc"), luhn: s.Yes("luhn"),
	}
}

var errReports = errors.New("this driver reads a stream of characters, and the port gives reports of a HID device: choose the " +
	"driver of its maker, or hidmsr")

// Usable tells at once whether the port is one for this driver.
func (m *magnetic) Usable() error {
	if _, ok := m.conn.(port.HID); ok {
		return errReports
	}
	return nil
}

func (m *magnetic) Next(ctx context.Context) (*Card, error) {
	b, err := m.next(ctx)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	card, err := m.card(b)
	m.told = err == nil
	return card, err
}

// splitSwipe is a bufio.SplitFunc for swipes that end with CR or LF. A check character is never one of them.
func splitSwipe(data []byte, _ bool) (int, []byte, error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i < 0:
		return 0, nil, nil
	case i == 0:
		return 1, nil, nil
	default:
		return i + 1, data[:i], nil
	}
}

// card makes a card of a swipe. It keeps no part of b.
func (m *magnetic) card(b []byte) (*Card, error) {
	if len(b) > maxSwipe {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are taken", ErrUnreadable, len(b), maxSwipe)
	}
	tracks, err := m.tracks(b)
	if err != nil {
		return nil, err
	}
	return cardOf(tracks, m.luhn)
}

// cardOf makes a card of tracks in clear, without their sentinels. It keeps no part of them.
func cardOf(tracks [3][]byte, check bool) (*Card, error) {
	s, err := readStripe(tracks)
	if err != nil {
		return nil, err
	}
	if check && !luhn(s.pan) {
		return nil, fmt.Errorf("%w: check digit of the number", ErrUnreadable)
	}
	return s.card(tracks), nil
}

// tracks cuts a swipe into its tracks, without sentinels.
func (m *magnetic) tracks(b []byte) ([3][]byte, error) {
	if m.lrc == "no" {
		return cutTracks(b, false)
	}
	tracks, err := cutTracks(b, true)
	if err == nil || m.lrc == "yes" {
		return tracks, err
	}
	if without, none := cutTracks(b, false); none == nil {
		return without, nil
	}
	return tracks, err
}

// sentinels start the tracks, in their order.
const sentinels = "%;+"

// cutTracks takes each track from its start to its end sentinel; anything between tracks is an error. A track that the
// reader could not read comes as "E" and is left out.
func cutTracks(b []byte, withLRC bool) (tracks [3][]byte, err error) {
	for len(b) > 0 {
		n := bytes.IndexByte([]byte(sentinels), b[0])
		end := bytes.IndexByte(b, '?')
		if n < 0 || end < 0 || tracks[n] != nil {
			return tracks, fmt.Errorf("%w: no complete tracks", ErrUnreadable)
		}
		track, rest := b[:end+1], b[end+1:]
		if withLRC {
			if len(rest) == 0 || rest[0] != lrc(track) {
				return tracks, fmt.Errorf("%w: check character of track %d", ErrUnreadable, n+1)
			}
			rest = rest[1:]
		}
		if t := track[1:end]; !bytes.Equal(t, []byte("E")) && len(t) > 0 {
			tracks[n] = t
		}
		b = rest
	}
	return tracks, nil
}

// lrc is the check character of a track with its sentinels: even parity over each column of the code on the stripe, which
// has six bits from 20h on in track 1 and four bits from 30h on in the others (ISO/IEC 7811-2). Its own parity bit is
// the reader's business.
func lrc(track []byte) byte {
	base, bits := byte(0x30), byte(0x0F)
	if track[0] == '%' {
		base, bits = 0x20, 0x3F
	}
	var sum byte
	for _, c := range track {
		sum ^= (c - base) & bits
	}
	return base + sum
}

// luhn checks a number's last digit (ISO/IEC 7812-1, annex B).
func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
