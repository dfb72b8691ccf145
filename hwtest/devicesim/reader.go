package devicesim

import "fmt"

// Reader is a magnetic card reader on a serial line.
type Reader struct {
	emitter
	LRC bool // send the check character after each track's end sentinel
}

// NewReader gives a reader that sends check characters.
func NewReader() *Reader { return &Reader{LRC: true} }

// Card is the stripe of a test card. Its number must come from a range for tests.
type Card struct {
	PAN     string
	Expiry  string // YYMM
	Service string // three digits
	Name    string // "TEST/CARD" when empty
}

// TestCard gives a card with a valid check digit in the range that begins with prefix, numbered n, 16 digits long.
func TestCard(prefix string, n int) Card {
	body := fmt.Sprintf("%s%0*d", prefix, 15-len(prefix), n)
	return Card{PAN: body + string(checkDigit(body)), Expiry: "3012", Service: "201"}
}

// checkDigit is Luhn's (ISO/IEC 7812-1, annex B).
func checkDigit(body string) byte {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// Tracks are the card's first and second track with sentinels, without check characters.
func (c Card) Tracks() (one, two string) {
	name := c.Name
	if name == "" {
		name = "TEST/CARD"
	}
	one = "%B" + c.PAN + "^" + name + "^" + c.Expiry + c.Service + "0000000?"
	two = ";" + c.PAN + "=" + c.Expiry + c.Service + "0000000?"
	return one, two
}

// Swipe pulls a card through the reader.
func (r *Reader) Swipe(c Card) error {
	one, two := c.Tracks()
	return r.Send(one, two)
}

// Send sends tracks as they are, with sentinels, and with check characters if the reader is set to: a driver's licence,
// a torn stripe.
func (r *Reader) Send(tracks ...string) error {
	var b []byte
	for _, t := range tracks {
		b = append(b, t...)
		if r.LRC {
			b = append(b, lrc(t))
		}
	}
	return r.emit(append(b, '\r'))
}

// lrc is the column parity over a track from start to end sentinel (ISO/IEC 7811-2, -6): on the stripe a character of
// track 1 is six bits from 20h on, one of the others four bits from 30h on.
func lrc(track string) byte {
	base, mask := byte(0x30), byte(0x0F)
	if track[0] == '%' {
		base, mask = 0x20, 0x3F
	}
	var x byte
	for _, c := range []byte(track) {
		x ^= (c - base) & mask
	}
	return base + x
}
