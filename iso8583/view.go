package iso8583

import (
	"fmt"
	"math/bits"
)

// View is a packed message seen through its dialect: which fields are there and where each lies, nothing copied. It
// points into the packed bytes, which must not change while it is used. The zero value is ready; Dialect.View fills it,
// as often as one likes, without allocating. It is not safe for concurrent use.
type View struct {
	d      *Dialect
	fields *table
	b      []byte
	mti    string
	set    presence
	end    int
	at     [MaxField + 1]place // of the fields that are in set; the others are leftovers
}

type place struct{ start, value, end, units int32 }

// Place is where a field lies, in bytes of the packed message.
type Place struct {
	Field int
	Start int // its length prefix, or its value where it has none
	Value int
	End   int
	Units int // digits, characters or bytes of the value, as the dialect counts them
}

// View finds the fields of a packed message without its length prefix: offsets and lengths are checked, contents are
// not. A *FieldError says where it breaks; v is then empty.
func (d *Dialect) View(v *View, packed []byte) error {
	if err := d.view(v, packed); err != nil {
		return err
	}
	return nil
}

func (d *Dialect) view(v *View, packed []byte) *FieldError {
	v.d, v.b, v.set, v.end, v.mti = d, nil, presence{}, 0, ""
	if len(packed) > d.frame.max {
		return faultAt("frame", 0, "%d bytes exceed the dialect's limit of %d", len(packed), d.frame.max)
	}
	var h head
	err := d.readHead(packed, &h)
	if err == nil {
		err = v.walk(packed, &h)
	}
	if err != nil {
		return err
	}
	v.mti, v.fields, v.set, v.b = h.mti, h.fields, h.set, packed
	return nil
}

func (v *View) walk(b []byte, h *head) (err *FieldError) {
	pos := h.pos
	for w := range h.set {
		if w == 1 && h.maps > 2 && v.d.thirdLater {
			if pos, err = v.d.readThird(b, pos, h); err != nil {
				return err
			}
		}
		if pos, err = v.walkFields(b, h, w, pos); err != nil {
			return v.d.completed(err, b, h)
		}
	}
	v.end = pos
	return nil
}

// walkFields finds the fields of one bitmap, the first of which begins at pos.
func (v *View) walkFields(b []byte, h *head, w, pos int) (int, *FieldError) {
	fields := h.fields
	for rest := h.set[w]; rest != 0; rest &= rest - 1 {
		n := 64*w + bits.TrailingZeros64(rest) + 1
		s := fields[n]
		if s == nil {
			return 0, fault(pos, noSuchField).of(n)
		}
		value, end, units := pos, pos+s.bytes, s.max
		if s.prefix > 0 || end > len(b) {
			var err *FieldError
			if value, end, units, err = s.find(b, pos); err != nil {
				return 0, err.of(n)
			}
		}
		v.at[n] = place{int32(pos), int32(value), int32(end), int32(units)}
		pos = end
	}
	return pos, nil
}

// MTI is the message type, four digits; "" for an empty view.
func (v *View) MTI() string { return v.mti }

// String gives MTI and field numbers, never a value.
func (v *View) String() string { return listed(v.mti, &v.set) }

// Format keeps every fmt verb, %#v included, from the values, of a copy, too.
func (v View) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(v.String())) }

// TPDU gives the bytes of the TPDU, empty where the dialect has none.
func (v *View) TPDU() []byte { return v.b[:min(len(v.b), v.tpdu())] }

// Header gives the bytes between TPDU and MTI, empty where the dialect has none.
func (v *View) Header() []byte {
	if len(v.b) == 0 {
		return nil
	}
	return v.b[v.tpdu() : v.tpdu()+v.d.frame.headerBytes]
}

func (v *View) tpdu() int {
	if v.d == nil {
		return 0
	}
	return v.d.frame.tpduBytes
}

// Has tells whether field n is there.
func (v *View) Has(n int) bool { return valid(n) && v.set.has(n) }

// Next is the number of the first field after that one, or 0 where no more follow. Next(0) is the first.
func (v *View) Next(after int) int { return v.set.next(max(0, min(after, MaxField))) }

// Raw gives the bytes of field n as they are on the wire, without its length prefix; nil where it is absent.
func (v *View) Raw(n int) []byte {
	if !v.Has(n) {
		return nil
	}
	at := v.at[n]
	return v.b[at.value:at.end:at.end]
}

// Place tells where field n lies; the zero Place where it is absent.
func (v *View) Place(n int) Place {
	if !v.Has(n) {
		return Place{}
	}
	at := v.at[n]
	return Place{Field: n, Start: int(at.start), Value: int(at.value), End: int(at.end), Units: int(at.units)}
}

// Trailing is how many bytes follow the last field.
func (v *View) Trailing() int { return len(v.b) - v.end }

// Append appends the value of field n as Message.Bytes gives it, checked: a *FieldError says what is wrong with it. An
// absent field appends nothing.
func (v *View) Append(dst []byte, n int) ([]byte, error) {
	if !v.Has(n) {
		return dst, nil
	}
	at := v.at[n]
	out, _, _, err := v.fields[n].decode(dst, v.b[at.value:at.end], int(at.units))
	if err != nil {
		return dst, err.from(int(at.value)).of(n)
	}
	return out, nil
}
