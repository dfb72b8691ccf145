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
	out, fields, err := d.packHead(dst, m)
	if err != nil {
		return dst[:start], err
	}
	maps := d.mapsOf(m)
	out = d.packBitmaps(out, m.set, maps)
	for w := range m.set {
		if w == 1 && maps > 2 && d.thirdLater {
			out = d.packBitmap(out, m.set[2])
		}
		if out, err = d.packFields(out, m, fields, w); err != nil {
			return dst[:start], err
		}
	}
	if size := len(out) - start; size > d.frame.max {
		return dst[:start], faultAt("frame", -1, "%d bytes exceed the dialect's limit of %d", size, d.frame.max)
	}
	return out, nil
}

// packEach appends the fields of one bitmap, one after the other, from the first of a run on.
func (d *Dialect) packEach(dst []byte, m *Message, fields *table, w int, rest uint64) (out []byte, err *FieldError) {
	out = dst
	for ; rest != 0; rest &= rest - 1 {
		n := 64*w + bits.TrailingZeros64(rest) + 1
		if out, err = d.packField(out, m, fields[n], n); err != nil {
			return dst, err
		}
	}
	return out, nil
}

func (d *Dialect) packField(dst []byte, m *Message, s *fieldSpec, n int) ([]byte, *FieldError) {
	if s == nil {
		return dst, d.unknownField(n, -1, m.MTI)
	}
	at := &m.at[n]
	v, kind := m.buf[at.off:at.off+at.n], at.kind
	if n == d.mac.Field && len(v) != macBytes {
		v, kind = noMAC[:], isBytes
	}
	out, err := s.encode(dst, v, kind, at.pad)
	if err != nil {
		return dst, err.of(n)
	}
	return out, nil
}

// packHead appends TPDU, header and MTI, and gives the table of fields.
func (d *Dialect) packHead(dst []byte, m *Message) ([]byte, *table, *FieldError) {
	f := &d.frame
	out := dst
	if (m.TPDU == "" || m.TPDU == f.tpdu) && (m.Header == "" || m.Header == f.header) {
		out = append(out, f.standard...)
	} else {
		var err *FieldError
		if out, err = packHex(out, "tpdu", m.TPDU, f.tpdu, f.tpduBytes); err != nil {
			return dst, nil, err
		}
		if out, err = packHex(out, "header", m.Header, f.header, f.headerBytes); err != nil {
			return dst, nil, err
		}
	}
	key, ok := mtiKeyOf(m.MTI)
	if !ok {
		return dst, nil, faultAt("mti", -1, "not four digits of a message type")
	}
	switch d.mti {
	case codingBCD:
		out = bin.BigEndian.AppendUint16(out, pack4(uint32(key)&(15*ones4)))
	case codingASCII:
		out = bin.BigEndian.AppendUint32(out, uint32(key))
	default:
		out = bin.BigEndian.AppendUint32(out, uint32(key)|0xF0*ones4)
	}
	return out, d.table(key), nil
}

// packHex appends so many bytes of hex digits, the standard ones where value is empty.
func packHex(dst []byte, path, value, standard string, size int) ([]byte, *FieldError) {
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
		return bin.LittleEndian.AppendUint64(dst, mirrored(set))
	}
	var raw [bitmapBytes]byte
	bin.LittleEndian.PutUint64(raw[:], mirrored(set))
	out := appendUpperHex(dst, raw[:])
	if d.mti == codingEBCDIC {
		translate(out[len(dst):], &toEBCDIC)
	}
	return out
}
