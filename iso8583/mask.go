package iso8583

import (
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
	if s := d.spec(m.MTI, n); s != nil && (s.private || s.holds == holdsEMV) && d.inside(m.MTI, n) != nil {
		return d.covered(m, n)
	}
	return d.spec(m.MTI, n).masked(m.written(n))
}

// masked is a value, as written gives it, for the bench: card numbers, tracks and PIN blocks masked, and whatever the
// dialect does not call public or private. A nil spec knows nothing of it.
func (s *fieldSpec) masked(v string) string {
	switch {
	case s == nil:
		return maskAll(v)
	case s.class == Masked || s.holds == holdsPAN:
		return maskPAN(v)
	case s.holds == holdsTrack:
		return maskTrack(v)
	case s.open():
		return v
	default:
		return maskAll(v)
	}
}

// open tells whether the bench may show the value as it is.
func (s *fieldSpec) open() bool { return s.holds == "" && (s.class == Public || s.private) }

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

// maskTrack keeps what maskPAN keeps of the card number before the separator. A track without one is encrypted, and in
// bytes nobody can tell a separator.
func maskTrack(v string) string {
	i := strings.IndexAny(v, "D=^")
	if i < 0 || strings.HasPrefix(v, hexMark) {
		return maskAll(v)
	}
	return maskPAN(v[:i]) + v[i:i+1] + strings.Repeat("*", len(v)-i-1)
}

func maskAll(v string) string {
	if digits, ok := strings.CutPrefix(v, hexMark); ok {
		return hexMark + strings.Repeat("*", len(digits))
	}
	return strings.Repeat("*", len([]rune(v)))
}
