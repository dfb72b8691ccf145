package iso8583

import (
	"encoding/hex"
	"slices"
)

// extent finds where the field lies in b from pos on, and how long it is. Nothing is allocated by a length that was
// read: it is held against what is there first.
func (s *fieldSpec) extent(b []byte, pos, n int) (extent, *FieldError) {
	x := extent{field: n, start: pos, units: s.max}
	if s.prefix > 0 {
		units, size, ok := readLength(b, pos, s.prefix, s.lengths)
		switch {
		case size > len(b)-pos:
			return x, fault(n, pos, "length wants %d bytes, %d are left", size, len(b)-pos)
		case !ok:
			return x, fault(n, pos, "length is not %s", s.lengths).hint(lengthHint[s.lengths])
		}
		x.start, x.units = pos+size, units
		if s.countBytes {
			x.units *= 2
		}
		if x.units > s.max {
			return x, fault(n, pos, "length %d exceeds %d", x.units, s.max)
		}
	}
	size := s.size(x.units)
	if left := len(b) - x.start; size > left {
		e := fault(n, pos, "length %d needs %d bytes, %d are left", x.units, size, left)
		if !s.countBytes && s.prefix > 0 && s.packed() && size <= 2*left {
			e.Hint = "the message is cut short, or the length counts bytes where this dialect counts digits"
		}
		return x, e
	}
	x.end = x.start + size
	return x, nil
}

var lengthHint = map[string]string{
	"bcd":    "lengths may be binary in this message",
	"ascii":  "lengths may be BCD or binary in this message",
	"binary": "",
}

// readLength reads a length of so many digits. ok is false for bytes that are no digits.
func readLength(b []byte, pos, digits int, form string) (units, size int, ok bool) {
	size = (digits + 1) / 2
	if form == "ascii" {
		size = digits
	}
	if size > len(b)-pos {
		return 0, size, false
	}
	for _, c := range b[pos : pos+size] {
		switch {
		case form == "binary":
			units = units<<8 | int(c)
		case form == "ascii" && c >= '0' && c <= '9':
			units = units*10 + int(c-'0')
		case form == "bcd" && c>>4 <= 9 && c&15 <= 9:
			units = units*100 + int(c>>4)*10 + int(c&15)
		default:
			return 0, size, false
		}
	}
	return units, size, true
}

func appendLength(dst []byte, units, digits int, form string) []byte {
	switch {
	case form == "ascii" && digits == 2:
		return append(dst, byte('0'+units/10), byte('0'+units%10))
	case form == "ascii":
		return append(dst, byte('0'+units/100), byte('0'+units/10%10), byte('0'+units%10))
	case form == "binary" && digits == 2:
		return append(dst, byte(units))
	case form == "binary":
		return append(dst, byte(units>>8), byte(units))
	case digits == 2:
		return append(dst, bcd(units))
	default:
		return append(dst, bcd(units/100), bcd(units%100))
	}
}

func bcd(n int) byte { return byte(n/10<<4 | n%10) }

// packed tells whether two digits share a byte.
func (s *fieldSpec) packed() bool { return (s.kind == numeric || s.kind == track) && !s.wide }

// size is how many bytes so many units take.
func (s *fieldSpec) size(units int) int {
	switch {
	case s.packed():
		return (units + 1) / 2
	case s.kind == binary && s.wide:
		return 2 * units
	default:
		return units
	}
}

// check holds a field's content against its kind, before anything of it is kept.
func (s *fieldSpec) check(b []byte, x extent) *FieldError {
	raw := b[x.start:x.end]
	switch {
	case s.kind == numeric && s.packed():
		skip := 0
		if x.units%2 == 1 && !s.left {
			skip = 1
		}
		for i := range x.units {
			if nibble(raw, i+skip) > 9 {
				return fault(x.field, x.start+(i+skip)/2, "a nibble of n is above 9")
			}
		}
	case s.kind == numeric && !isDecimal(string(raw)):
		return fault(x.field, x.start, "not ASCII digits").hint("numbers may be BCD in this message")
	case s.kind == track && s.wide && !isTrack(raw):
		return fault(x.field, x.start, "not characters of a track")
	case s.kind == binary && s.wide && !isUpperHex(raw):
		return fault(x.field, x.start, "not upper-case hex text").hint("binary fields may be raw bytes in this message")
	}
	return nil
}

// decode puts a checked field into the message.
func (d *Dialect) decode(m *Message, s *fieldSpec, b []byte, x extent) {
	raw := b[x.start:x.end]
	switch {
	case s.packed():
		d.decodePacked(m, s, raw, x)
	case s.kind == numeric || s.kind == track:
		m.put(x.field, isText, noPad, string(raw))
	case s.kind == binary && s.wide:
		v, _ := hex.DecodeString(string(raw)) // checked before
		m.SetBytes(x.field, v)
	case s.kind == binary:
		m.SetBytes(x.field, raw)
	default:
		d.decodeText(m, x.field, raw)
	}
}

func (d *Dialect) decodePacked(m *Message, s *fieldSpec, raw []byte, x extent) {
	pad, skip := int8(noPad), 0
	if x.units%2 == 1 {
		pad = int8(nibble(raw, x.units))
		if !s.left {
			pad, skip = int8(nibble(raw, 0)), 1
		}
	}
	m.reserve(x.units)
	m.place(x.field, isText, pad, x.units)
	for i := range x.units {
		m.buf = append(m.buf, upperDigits[nibble(raw, i+skip)])
	}
}

func (d *Dialect) decodeText(m *Message, n int, raw []byte) {
	if utf, ok := d.charset.decode(raw); ok {
		m.put(n, isText, noPad, utf)
		return
	}
	m.SetBytes(n, raw)
}

// packField appends one field with its length.
func (d *Dialect) packField(dst []byte, s *fieldSpec, n int, m *Message) ([]byte, error) {
	v := m.value(n)
	if n == d.mac.Field && len(v) != macBytes {
		v = make([]byte, macBytes)
	}
	switch {
	case s.kind == numeric || s.kind == track:
		return s.appendDigits(dst, n, v, m.at[n])
	case m.at[n].kind == isText && !isASCII(v):
		coded, ok := d.charset.encode(string(v))
		if !ok {
			return dst, fault(n, -1, "has a character that the dialect's character set lacks")
		}
		v = coded
	}
	if err := s.fits(n, len(v), m.at[n].kind); err != nil {
		return dst, err
	}
	fill := 0
	if s.prefix > 0 {
		dst = appendLength(dst, len(v), s.prefix, s.lengths)
	} else {
		fill = s.max - len(v)
	}
	if s.kind == binary && s.wide {
		return appendUpperHex(dst, v), nil
	}
	if s.left {
		return appendSpaces(append(dst, v...), fill), nil
	}
	return append(appendSpaces(dst, fill), v...), nil
}

// fits holds a value's length against the field. Fixed text may be short, since spaces fill it; nothing else may.
func (s *fieldSpec) fits(n, units int, kind valueKind) *FieldError {
	switch {
	case units > s.max:
		return fault(n, -1, "length %d exceeds %d", units, s.max)
	case s.prefix > 0 || units == s.max || (s.kind == text && kind == isText):
		return nil
	default:
		return fault(n, -1, "length %d, %d wanted", units, s.max)
	}
}

func (s *fieldSpec) appendDigits(dst []byte, n int, v []byte, at span) ([]byte, error) {
	switch {
	case at.kind != isText:
		return dst, fault(n, -1, "holds bytes where digits belong")
	case s.kind == numeric && !isDecimal(string(v)):
		return dst, fault(n, -1, "holds something else than digits")
	case s.kind == track && !isTrack(v):
		return dst, fault(n, -1, "holds something else than track characters (0-9, D or =, A-F)")
	}
	if err := s.fits(n, len(v), at.kind); err != nil {
		return dst, err.hint("numbers are written with all their digits")
	}
	if s.prefix > 0 {
		units := len(v)
		if s.countBytes {
			units = (units + 1) / 2
		}
		dst = appendLength(dst, units, s.prefix, s.lengths)
	}
	if s.wide {
		return append(dst, v...), nil
	}
	pad := s.pad
	if at.pad != noPad {
		pad = byte(at.pad)
	}
	return appendNibbles(dst, v, pad, s.left), nil
}

func appendSpaces(dst []byte, n int) []byte {
	dst = slices.Grow(dst, n)
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}
