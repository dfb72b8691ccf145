package iso8583

import (
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

func (d *Dialect) unpack(m *Message, b []byte) (int, *FieldError) {
	var h head
	if err := d.readHead(b, &h); err != nil {
		return 0, err
	}
	m.MTI, m.maps = h.mti, h.maps
	m.keepHead(b[:d.frame.tpduBytes], b[d.frame.tpduBytes:d.frame.tpduBytes+d.frame.headerBytes], &d.frame)
	buf, pos, before := m.buf, h.pos, 0
	for w := range h.set {
		if w == 1 && h.maps > 2 && d.thirdLater {
			var err *FieldError
			if pos, err = d.readThird(b, pos, &h); err != nil {
				return 0, err
			}
		}
		for rest := h.set[w]; rest != 0; {
			n := 64*w + bits.TrailingZeros64(rest) + 1
			rest &= rest - 1
			s := h.fields[n]
			if s == nil {
				return 0, d.unknownField(n, pos, h.mti).hint(d.afterField(b, before))
			}
			start, end, units, err := pos, pos+s.bytes, s.max, (*FieldError)(nil)
			if s.prefix > 0 || end > len(b) {
				start, end, units, err = s.find(b, pos)
			}
			if err != nil {
				return 0, err.of(n).hint(d.afterField(b, before))
			}
			if s.plain {
				size := len(buf)
				if buf = extend(buf, s.max); unpackDigits(buf[size:], b[start:end]) == 0 {
					m.at[n] = span{off: int32(size), n: int32(units), kind: isText, pad: noPad}
					pos, before = end, n
					continue
				}
				buf = buf[:size] // decode says what is wrong
			}
			out, kind, pad, err := s.decode(buf, b[start:end], units)
			if err != nil {
				return 0, err.from(start).of(n).hint(d.afterField(b, before))
			}
			m.at[n] = span{off: int32(len(buf)), n: int32(len(out) - len(buf)), kind: kind, pad: pad}
			buf, pos, before = out, end, n
		}
	}
	m.buf, m.set = buf, h.set
	return pos, nil
}

// keepHead keeps TPDU and header as text. A string that is there already is used again.
func (m *Message) keepHead(tpdu, header []byte, f *frameSpec) {
	m.TPDU = hexLike(tpdu, m.lastTPDU, f.tpdu)
	m.Header = hexLike(header, m.lastHeader, f.header)
	m.lastTPDU, m.lastHeader = m.TPDU, m.Header
}

// hexLike gives raw in upper-case hex, as one of the strings that are there already if it can.
func hexLike(raw []byte, last, standard string) string {
	var space [2 * longestHeader]byte
	text := space[:2*len(raw)]
	unpackDigits(text, raw)
	switch string(text) {
	case last:
		return last
	case standard:
		return standard
	default:
		return string(text)
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
	for i, c := range b[pos : pos+size] {
		if d.mti == codingEBCDIC {
			c = fromEBCDIC[c]
		}
		if nibbleOf[c] == noDigit || c == '=' {
			return 0, pos, faultAt("bitmap", pos+i, "not upper-case hex text").hint("the bitmap may be binary")
		}
		set = set<<4 | uint64(nibbleOf[c])
	}
	return bits.Reverse64(set), pos + size, nil
}

func (d *Dialect) unknownField(n, pos int, mti string) *FieldError {
	return fault(pos, "dialect %s has no such field in %s", d.name, mti).of(n)
}
