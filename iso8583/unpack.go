package iso8583

import (
	"bytes"
	bin "encoding/binary"
	"math/bits"
)

// Unpack reads a message without its length prefix and tells how many bytes follow its last field.
// A *FieldError says where it breaks; it never holds content. Input longer than the dialect's limit is refused
// before anything is allocated.
func (d *Dialect) Unpack(b []byte) (m *Message, trailing int, err error) {
	m = &Message{}
	if trailing, err = d.UnpackInto(m, b); err != nil {
		return nil, 0, err
	}
	return m, trailing, nil
}

// UnpackInto is Unpack into a message that is there. What it held is overwritten, its memory is used again, and nothing
// is allocated when that has room for twice the length of b. On an error m is empty.
func (d *Dialect) UnpackInto(m *Message, b []byte) (trailing int, err error) {
	m.Reset()
	if len(b) > d.frame.max {
		return 0, faultAt("frame", 0, "%d bytes exceed the dialect's limit of %d", len(b), d.frame.max)
	}
	m.reserve(2 * len(b))
	pos, ferr := d.unpack(m, b)
	if ferr != nil {
		m.Reset()
		return 0, ferr
	}
	return len(b) - pos, nil
}

func (d *Dialect) unpack(m *Message, b []byte) (pos int, err *FieldError) {
	var h head
	if err := d.readHead(b, &h); err != nil {
		return 0, err
	}
	m.MTI, m.maps = h.mti, h.maps
	m.keepHead(b[:d.frame.tpduBytes+d.frame.headerBytes], &d.frame)
	pos = h.pos
	for w := range h.set {
		if w == 1 && h.maps > 2 && d.thirdLater {
			if pos, err = d.readThird(b, pos, &h); err != nil {
				return 0, err
			}
		}
		if pos, err = h.unpackFields(m, b, w, pos); err != nil {
			return 0, d.completed(err, b, &h)
		}
	}
	m.set = h.set
	return pos, nil
}

// unpackEach reads the fields of one bitmap, one after the other, from the first of a run on.
func (h *head) unpackEach(m *Message, b []byte, w, pos int, rest uint64) (int, *FieldError) {
	for ; rest != 0; rest &= rest - 1 {
		n := 64*w + bits.TrailingZeros64(rest) + 1
		s := h.fields[n]
		if s == nil {
			return 0, fault(pos, noSuchField).of(n)
		}
		start, end, units, err := s.find(b, pos)
		if err != nil {
			return 0, err.of(n)
		}
		if err := s.unpack(m, n, b[start:end], units); err != nil {
			return 0, err.from(start).of(n)
		}
		pos = end
	}
	return pos, nil
}

// unpack puts a value of the wire into m.
func (s *fieldSpec) unpack(m *Message, n int, raw []byte, units int) *FieldError {
	out, kind, pad, err := s.decode(m.buf, raw, units)
	if err != nil {
		return err
	}
	m.at[n] = span{off: int32(len(m.buf)), n: int32(len(out) - len(m.buf)), kind: kind, pad: pad}
	m.buf = out
	return nil
}

// keepHead keeps TPDU and header as text. Strings that are there already are used again.
func (m *Message) keepHead(raw []byte, f *frameSpec) {
	switch {
	case bytes.Equal(raw, f.standard):
		m.TPDU, m.Header = f.tpdu, f.header
	case len(raw) == len(m.lastHead) && bytes.Equal(raw, m.lastHead) && len(m.lastTPDU) == 2*f.tpduBytes:
		m.TPDU, m.Header = m.lastTPDU, m.lastHeader
	default:
		m.TPDU, m.Header = upperHex(raw[:f.tpduBytes]), upperHex(raw[f.tpduBytes:])
		m.lastHead, m.lastTPDU, m.lastHeader = append(m.lastHead[:0], raw...), m.TPDU, m.Header
	}
}

// head is what stands before the fields.
type head struct {
	mti    string
	fields *table
	set    presence // without the bits that announce another bitmap
	maps   int      // bitmaps that there are
	pos    int      // where the fields begin
}

func (d *Dialect) readHead(b []byte, h *head) *FieldError {
	at := d.frame.tpduBytes + d.frame.headerBytes
	if len(b) < at {
		return d.frame.headFault(b)
	}
	key, ok := d.mti.readMTI(b[at:])
	if !ok {
		return d.mtiFault(b, at)
	}
	h.mti, h.fields, h.pos = key.text(), d.table(key), at+d.mti.size()
	return d.readBitmaps(b, h)
}

func (f *frameSpec) headFault(b []byte) *FieldError {
	if len(b) < f.tpduBytes {
		return faultAt("tpdu", 0, "%d bytes, %d wanted", len(b), f.tpduBytes)
	}
	return faultAt("header", f.tpduBytes, "%d bytes, %d wanted", len(b)-f.tpduBytes, f.headerBytes)
}

func (d *Dialect) mtiFault(b []byte, pos int) *FieldError {
	if size := d.mti.size(); len(b) < pos+size {
		return faultAt("mti", pos, "%d bytes, %d wanted", len(b)-pos, size)
	}
	return faultAt("mti", pos, "not four digits of a message type").hint(d.mtiHint(b, pos))
}

func (d *Dialect) readBitmaps(b []byte, h *head) (err *FieldError) {
	for h.maps = 0; ; {
		at := h.pos
		if h.set[h.maps], h.pos, err = d.readBitmap(b, at); err != nil {
			return err
		}
		h.maps++
		if h.maps > 2 || h.set[h.maps-1]&1 == 0 {
			return nil
		}
		h.set[h.maps-1] &^= 1
		if h.maps >= d.maps {
			return faultAt("bitmap", at, "bit %d announces a %s bitmap, which the dialect lacks", 64*h.maps-63, [...]string{"second", "third"}[h.maps-1]).hint("the bitmap is probably misplaced")
		}
		if h.maps == 2 && d.thirdLater {
			h.maps++
			return nil
		}
	}
}

// readThird reads a third bitmap that stands where field 65 would.
func (d *Dialect) readThird(b []byte, pos int, h *head) (end int, err *FieldError) {
	h.set[2], end, err = d.readBitmap(b, pos)
	return end, err
}

func (d *Dialect) readBitmap(b []byte, pos int) (set uint64, end int, err *FieldError) {
	size := bitmapBytes
	if d.bitmapText {
		size *= 2
	}
	if len(b) < pos+size {
		return 0, pos, faultAt("bitmap", pos, "%d bytes, %d wanted", len(b)-pos, size)
	}
	if !d.bitmapText {
		return mirrored(bin.LittleEndian.Uint64(b[pos:])), pos + size, nil
	}
	var digits [2 * bitmapBytes]byte
	copy(digits[:], b[pos:])
	if d.mti == codingEBCDIC {
		translate(digits[:], &fromEBCDIC)
	}
	var raw [bitmapBytes]byte
	if !packHexDigits(raw[:], digits[:]) {
		return 0, pos, faultAt("bitmap", pos+indexNotHex(digits[:]), "not upper-case hex text").hint("the bitmap may be binary")
	}
	return mirrored(bin.LittleEndian.Uint64(raw[:])), pos + size, nil
}

const noSuchField = "no such field"

func (d *Dialect) unknownField(n, pos int, mti string) *FieldError {
	return fault(pos, "dialect %s has %s in %s", d.name, noSuchField, mti).of(n)
}

// completed adds to an error of a field what only the whole message tells.
func (d *Dialect) completed(err *FieldError, b []byte, h *head) *FieldError {
	if err.Rule == noSuchField {
		err = d.unknownField(err.Field, err.Offset, h.mti)
	}
	return err.hint(d.afterField(b, h.set.last(err.Field)))
}
