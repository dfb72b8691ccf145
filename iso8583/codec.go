package iso8583

import (
	bin "encoding/binary"
	"math/bits"
)

const bitmapBytes = 8

// noMAC stands in the MAC's place until Sign fills it.
var noMAC [macBytes]byte

// Pack appends m to dst: TPDU, header, MTI, bitmap and fields, without the length prefix. When m has the MAC field,
// eight bytes of its value stay as they are and anything else is reserved as zero bytes for Sign to fill.
// A *FieldError says what does not fit; dst is then returned as it was. Nothing is allocated when dst has room.
func (d *Dialect) Pack(dst []byte, m *Message) ([]byte, error) {
	start := len(dst)
	out, err := d.packHead(dst, m)
	if err != nil {
		return dst[:start], err
	}
	maps := d.mapsOf(m)
	out = d.packBitmaps(out, m.set, maps)
	fields := d.fields(m.MTI)
	for w := range m.set {
		if w == 1 && maps > 2 && d.thirdLater {
			out = d.packBitmap(out, m.set[2])
		}
		for rest := m.set[w]; rest != 0; {
			i := bits.LeadingZeros64(rest)
			rest &^= 1 << 63 >> (uint(i) % 64)
			n := 64*w + i + 1
			if out, err = d.packField(out, fields[n], n, m); err != nil {
				return dst[:start], err
			}
		}
	}
	if size := len(out) - start; size > d.frame.max {
		return dst[:start], faultAt("frame", -1, "%d bytes exceed the dialect's limit of %d", size, d.frame.max)
	}
	return out, nil
}

// packField appends one field of m.
func (d *Dialect) packField(dst []byte, s *fieldSpec, n int, m *Message) ([]byte, error) {
	if s == nil {
		return dst, fault(-1, "dialect %s has no such field in %s", d.name, m.MTI).of(n)
	}
	at := &m.at[n]
	v := m.buf[at.off : at.off+at.n]
	kind := at.kind
	if n == d.mac.Field && len(v) != macBytes {
		v, kind = noMAC[:], isBytes
	}
	out, err := s.encode(dst, v, kind, at.pad)
	if err != nil {
		return dst, err.of(n)
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
	at := len(out)
	switch d.mti {
	case codingBCD:
		out = extend(out, 2)
		packPairs(out[at:], []byte(m.MTI), &decimalOf)
	case codingASCII:
		out = append(out, m.MTI...)
	default:
		out = append(out, m.MTI...)
		translate(out[at:], &toEBCDIC)
	}
	return out, nil
}

func packHex(dst []byte, path, value, standard string, size int) ([]byte, error) {
	if value == "" {
		value = standard
	}
	if len(value) != 2*size {
		return dst, faultAt(path, -1, "%d hex digits, the dialect has %d", len(value), 2*size)
	}
	out := dst
	for i := 0; i < len(value); i += 2 {
		hi, lo := hexValue(value[i]), hexValue(value[i+1])
		if hi|lo > 15 {
			return dst, faultAt(path, -1, "not hex digits")
		}
		out = append(out, hi<<4|lo)
	}
	return out, nil
}

// hexValue is the value of a hex digit in either case, or noDigit.
func hexValue(c byte) byte {
	switch {
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c == '=':
		return noDigit
	default:
		return nibbleOf[c]
	}
}

// mapsOf is how many bitmaps m goes out with.
func (d *Dialect) mapsOf(m *Message) int {
	return max(m.set.bitmaps(), min(m.maps, d.maps))
}

func (d *Dialect) packBitmaps(dst []byte, set presence, maps int) []byte {
	if maps > 1 {
		set.add(1)
	}
	if maps > 2 {
		set.add(65)
	}
	for i, bits := range set[:maps] {
		if i < 2 || !d.thirdLater {
			dst = d.packBitmap(dst, bits)
		}
	}
	return dst
}

func (d *Dialect) packBitmap(dst []byte, set uint64) []byte {
	if !d.bitmapText {
		return bin.BigEndian.AppendUint64(dst, set)
	}
	var raw [bitmapBytes]byte
	bin.BigEndian.PutUint64(raw[:], set)
	out := appendUpperHex(dst, raw[:])
	if d.mti == codingEBCDIC {
		translate(out[len(dst):], &toEBCDIC)
	}
	return out
}

// isMTI tells whether s can be a message type: version 0, 1, 2, 8 or 9 and a class that is not 0.
func isMTI[T string | []byte](s T) bool {
	if len(s) != 4 || s[1] == '0' {
		return false
	}
	for i := range 4 {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s[0] < '3' || s[0] > '7'
}
