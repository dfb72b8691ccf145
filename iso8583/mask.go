package iso8583

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Class says what may be kept of a field.
type Class int

// The classes. The zero value is the careful one.
const (
	Secret Class = iota // nothing but its length
	Masked              // first 6 and last 4 digits
	Public              // as it is
)

// Class says what may be kept of a field. It is Secret when the dialect does not say.
func (d *Dialect) Class(field int, mti string) Class {
	if s := d.spec(mti, field); s != nil {
		return s.class
	}
	return Secret
}

// Masked gives a message's fields by number as a journal may keep them: public ones as text, masked ones as
// first 6 + last 4, secret ones as "(n bytes)".
func (d *Dialect) Masked(m *Message) map[string]string {
	out := make(map[string]string)
	for _, n := range m.Fields() {
		key := strconv.Itoa(n)
		switch d.Class(n, m.MTI) {
		case Public:
			out[key] = m.Text(n)
		case Masked:
			out[key] = maskPAN(string(m.Bytes(n)))
		case Secret:
			out[key] = fmt.Sprintf("(%d bytes)", len(m.Bytes(n)))
		}
	}
	return out
}

// shown is a field's value as the bench shows it.
func (d *Dialect) shown(m *Message, n int, reveal bool) string {
	if reveal {
		return m.written(n)
	}
	return d.spec(m.MTI, n).masked(m.written(n))
}

// masked is a value, as written gives it, for the bench: card numbers, tracks and PIN blocks masked, and whatever the
// dialect does not call public or private. A nil spec knows nothing of it.
func (s *fieldSpec) masked(v string) string {
	switch {
	case s == nil:
		return maskAll(v)
	case s.holds == holdsEMV:
		return maskEMV(v)
	case s.class == Masked || s.holds == holdsPAN:
		return maskPAN(v)
	case s.holds == holdsTrack:
		return maskTrack(v)
	case s.holds == "" && (s.class == Public || s.private):
		return v
	default:
		return maskAll(v)
	}
}

// written is a value as setValue reads it back. Text that only looks like "hex:.." is written as bytes.
func (m *Message) written(n int) string {
	v := m.Text(n)
	if m.at[n].kind == isText && strings.HasPrefix(v, hexMark) {
		return hexText(m.Bytes(n))
	}
	return v
}

// maskPAN keeps the first 6 and last 4 digits where at least as many are hidden as a short card number has.
func maskPAN(v string) string {
	const head, tail, shortest = 6, 4, 12
	if len(v) < shortest {
		return strings.Repeat("*", len(v))
	}
	return v[:head] + strings.Repeat("*", len(v)-head-tail) + v[len(v)-tail:]
}

// maskTrack keeps what maskPAN keeps of the card number before the separator. A track without one is encrypted.
func maskTrack(v string) string {
	i := strings.IndexAny(v, "D=^")
	if i < 0 {
		return strings.Repeat("*", len(v))
	}
	return maskPAN(v[:i]) + v[i:i+1] + strings.Repeat("*", len(v)-i-1)
}

func maskAll(v string) string {
	if digits, ok := strings.CutPrefix(v, hexMark); ok {
		return hexMark + strings.Repeat("*", len(digits))
	}
	return strings.Repeat("*", len([]rune(v)))
}

// cardTags are the EMV data objects that hold a card number, a track, a PIN block or the holder's name (EMV 4.3
// book 3, annex A).
var cardTags = map[string]bool{
	"56": true, "57": true, "5A": true, "5F20": true, "99": true, "9F0B": true, "9F1F": true, "9F20": true, "9F6B": true,
}

// maskEMV masks the values of card tags in the hex text of BER-TLV data. What does not parse is masked as a whole.
func maskEMV(hexed string) string {
	out := []byte(hexed)
	b, err := hex.DecodeString(strings.TrimPrefix(hexed, hexMark))
	if err != nil {
		return maskAll(hexed)
	}
	for pos := 0; pos < len(b); {
		tag, start, end, ok := tlv(b, pos)
		if !ok || len(hexed) != len(hexMark)+2*len(b) {
			return maskAll(hexed)
		}
		if b[pos]&0x20 != 0 { // constructed: look inside
			pos = start
			continue
		}
		for i := start; cardTags[tag] && i < end; i++ {
			copy(out[len(hexMark)+2*i:], "**")
		}
		pos = end
	}
	return string(out)
}

// tlv reads one BER-TLV object's head: at most two bytes of tag and two of length, which is all that EMV uses.
func tlv(b []byte, pos int) (tag string, start, end int, ok bool) {
	i := pos + 1
	if b[pos]&0x1F == 0x1F {
		i++
	}
	if i >= len(b) {
		return "", 0, 0, false
	}
	tag = upperHex(b[pos:i])
	size := int(b[i])
	i++
	if size > 0x7F {
		more := size & 0x7F
		if more == 0 || more > 2 || i+more > len(b) {
			return "", 0, 0, false
		}
		size = 0
		for range more {
			size = size<<8 | int(b[i])
			i++
		}
	}
	return tag, i, i + size, i+size <= len(b)
}
