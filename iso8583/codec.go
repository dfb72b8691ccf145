package iso8583

import (
	"encoding/hex"
	"fmt"
	"strings"
)

const bitmapBytes = 8

// fault makes a FieldError; before the fields, field is 0 and path names the part.
func fault(field, offset int, rule string, args ...any) *FieldError {
	return &FieldError{Field: field, Path: fmt.Sprintf("F%d", field), Offset: offset, Rule: fmt.Sprintf(rule, args...)}
}

func faultAt(path string, offset int, rule string, args ...any) *FieldError {
	return &FieldError{Path: path, Offset: offset, Rule: fmt.Sprintf(rule, args...)}
}

func (e *FieldError) hint(text string) *FieldError {
	e.Hint = text
	return e
}

// Pack appends m to dst: TPDU, header, MTI, bitmap and fields, without the length prefix. When m has the MAC field,
// eight bytes of its value stay as they are and anything else is reserved as zero bytes for Sign to fill.
// A *FieldError says what does not fit; dst is then returned as it was.
func (d *Dialect) Pack(dst []byte, m *Message) ([]byte, error) {
	start := len(dst)
	out, err := d.packHead(dst, m)
	if err != nil {
		return dst[:start], err
	}
	specs := d.fields(m.MTI)
	for n := 2; n <= MaxField; n++ {
		if m.at[n].kind == absent {
			continue
		}
		s := specs[n]
		if s == nil {
			return dst[:start], fault(n, -1, "dialect %s has no such field in %s", d.name, m.MTI)
		}
		if out, err = d.packField(out, s, n, m); err != nil {
			return dst[:start], err
		}
	}
	if size := len(out) - start; size > d.frame.max {
		return dst[:start], faultAt("frame", -1, "%d bytes exceed the dialect's limit of %d", size, d.frame.max)
	}
	return out, nil
}

func (d *Dialect) packHead(dst []byte, m *Message) ([]byte, error) {
	out, err := packHex(dst, "tpdu", m.TPDU, d.frame.tpdu, d.frame.tpduBytes)
	if err != nil {
		return dst, err
	}
	if out, err = packHex(out, "header", m.Header, d.frame.header, d.frame.headerBytes); err != nil {
		return dst, err
	}
	if !isMTI(m.MTI) {
		return dst, faultAt("mti", -1, "not four digits of a message type")
	}
	if d.mtiText {
		out = append(out, m.MTI...)
	} else {
		out = appendBCD(out, m.MTI)
	}
	return d.packBitmap(out, m), nil
}

func packHex(dst []byte, path, value, standard string, size int) ([]byte, error) {
	if value == "" {
		value = standard
	}
	if len(value) != 2*size {
		return dst, faultAt(path, -1, "%d hex digits, the dialect has %d", len(value), 2*size)
	}
	out, err := hex.AppendDecode(dst, []byte(value))
	if err != nil {
		return dst, faultAt(path, -1, "not hex digits")
	}
	return out, nil
}

func (d *Dialect) packBitmap(dst []byte, m *Message) []byte {
	var bits [2 * bitmapBytes]byte
	size := bitmapBytes
	for n := 2; n <= MaxField; n++ {
		if m.at[n].kind == absent {
			continue
		}
		bits[(n-1)/8] |= 0x80 >> ((n - 1) % 8)
		if n > 64 {
			size = 2 * bitmapBytes
		}
	}
	if m.wide {
		size = 2 * bitmapBytes
	}
	if size > bitmapBytes {
		bits[0] |= 0x80
	}
	if d.bitmapText {
		return appendUpperHex(dst, bits[:size])
	}
	return append(dst, bits[:size]...)
}

// Unpack reads a message without its length prefix and tells how many bytes follow its last field.
// A *FieldError says where it breaks; it never holds content. Input longer than the dialect's limit is refused
// before anything is allocated.
func (d *Dialect) Unpack(b []byte) (m *Message, trailing int, err error) {
	if len(b) > d.frame.max {
		return nil, 0, faultAt("frame", 0, "%d bytes exceed the dialect's limit of %d", len(b), d.frame.max)
	}
	m = &Message{buf: make([]byte, 0, 2*len(b))}
	end, ferr := d.scan(b, m, func(s *fieldSpec, x extent) { d.decode(m, s, b, x) })
	if ferr != nil {
		m.Wipe()
		return nil, 0, ferr
	}
	return m, len(b) - end, nil
}

// extent is where one field lies in a packed message.
type extent struct {
	field      int
	start, end int // its bytes, length prefix apart
	units      int // digits or bytes
}

// scan walks over a packed message, fills m's head, checks every field's shape and calls each with it. It gives the
// offset after the last field.
func (d *Dialect) scan(b []byte, m *Message, each func(*fieldSpec, extent)) (int, *FieldError) {
	pos, err := d.scanHead(b, m)
	if err != nil {
		return 0, err
	}
	bits, pos, err := d.scanBitmap(b, pos)
	if err != nil {
		return 0, err
	}
	m.wide = len(bits) > bitmapBytes
	specs, before := d.fields(m.MTI), 0
	for n := 2; n <= 8*len(bits); n++ {
		if bits[(n-1)/8]&(0x80>>((n-1)%8)) == 0 {
			continue
		}
		s := specs[n]
		if s == nil {
			return 0, fault(n, pos, "dialect %s has no such field in %s", d.name, m.MTI).hint(afterField(before))
		}
		x, err := s.extent(b, pos, n)
		if err == nil {
			err = s.check(b, x)
		}
		if err != nil {
			if err.Hint == "" {
				err.Hint = afterField(before)
			}
			return 0, err
		}
		each(s, x)
		pos, before = x.end, n
	}
	return pos, nil
}

func afterField(before int) string {
	if before == 0 {
		return "bitmap or header may be off: check the dialect's frame"
	}
	return fmt.Sprintf("F%d ended here; check the format of the fields before this one", before)
}

func (d *Dialect) scanHead(b []byte, m *Message) (int, *FieldError) {
	pos := d.frame.tpduBytes
	if len(b) < pos {
		return 0, faultAt("tpdu", 0, "%d bytes, %d wanted", len(b), pos)
	}
	m.TPDU = upperHex(b[:pos])
	head := pos + d.frame.headerBytes
	if len(b) < head {
		return 0, faultAt("header", pos, "%d bytes, %d wanted", len(b)-pos, d.frame.headerBytes)
	}
	m.Header = upperHex(b[pos:head])
	pos = head
	size := 2
	if d.mtiText {
		size = 4
	}
	if len(b) < pos+size {
		return 0, faultAt("mti", pos, "%d bytes, %d wanted", len(b)-pos, size)
	}
	raw := b[pos : pos+size]
	m.MTI = upperHex(raw)
	if d.mtiText {
		m.MTI = string(raw)
	}
	if !isMTI(m.MTI) {
		m.MTI = ""
		return 0, faultAt("mti", pos, "not four digits of a message type").hint(d.mtiHint(b, pos))
	}
	return pos + size, nil
}

// mtiHint names the usual reasons why there is no MTI where one should be.
func (d *Dialect) mtiHint(b []byte, pos int) string {
	size := d.frame.length.size()
	said, isLength := 0, false
	if len(b) >= size {
		said, isLength = d.frame.length.read(b[:size])
	}
	switch {
	case isLength && said == len(b)-size:
		return "the length prefix is still in front"
	case !d.mtiText && len(b) >= pos+4 && isMTI(string(b[pos:pos+4])):
		return "the MTI looks like ASCII text; this dialect has BCD"
	case d.mtiText && isMTI(upperHex(b[pos:pos+2])):
		return "the MTI looks like BCD; this dialect has ASCII text"
	case len(b) >= 2 && pos > 0 && isMTI(upperHex(b[:2])):
		return "the message seems to start with its MTI: no TPDU and header here"
	default:
		return fmt.Sprintf("the dialect has %d bytes of TPDU and %d of header", d.frame.tpduBytes, d.frame.headerBytes)
	}
}

func (d *Dialect) scanBitmap(b []byte, pos int) ([]byte, int, *FieldError) {
	bits, pos, err := d.bitmapPart(b, pos)
	if err != nil || bits[0]&0x80 == 0 {
		return bits, pos, err
	}
	second, end, err := d.bitmapPart(b, pos)
	if err != nil {
		return nil, pos, err
	}
	if second[0]&0x80 != 0 {
		return nil, pos, faultAt("bitmap", pos, "bit 65 announces a third bitmap").hint("the bitmap is probably misplaced")
	}
	return append(bits, second...), end, nil
}

func (d *Dialect) bitmapPart(b []byte, pos int) ([]byte, int, *FieldError) {
	size := bitmapBytes
	if d.bitmapText {
		size *= 2
	}
	if len(b) < pos+size {
		return nil, pos, faultAt("bitmap", pos, "%d bytes, %d wanted", len(b)-pos, size)
	}
	raw := b[pos : pos+size]
	if !d.bitmapText {
		return append(make([]byte, 0, 2*bitmapBytes), raw...), pos + size, nil
	}
	bits, err := hex.AppendDecode(make([]byte, 0, 2*bitmapBytes), raw)
	if err != nil || strings.ToUpper(string(raw)) != string(raw) {
		return nil, pos, faultAt("bitmap", pos, "not upper-case hex text").hint("the bitmap may be binary")
	}
	return bits, pos + size, nil
}

// isMTI tells whether s can be a message type: version 0, 1, 2, 8 or 9 and a class that is not 0.
func isMTI(s string) bool {
	return len(s) == 4 && isDecimal(s) && strings.IndexByte("01289", s[0]) >= 0 && s[1] != '0'
}
