package main

import (
	"encoding/binary"
	"math/bits"
)

// shape is how a field of the sample's message lies on the wire.
type shape struct {
	kind   byte
	prefix uint8  // bytes of BCD length: 0, 1 or 2
	max    uint16 // digits or bytes; of a fixed field its size
}

const (
	absent  byte = iota
	digits       // two to a byte
	nibbled      // a track: half bytes of any value
	printed      // printable ASCII
	plain        // bytes
)

// shapes is the sample's part of the dialect unionpay.
var shapes = [65]shape{
	2: {digits, 1, 19}, 3: {digits, 0, 6}, 4: {digits, 0, 12}, 7: {digits, 0, 10}, 11: {digits, 0, 6},
	12: {digits, 0, 6}, 13: {digits, 0, 4}, 14: {digits, 0, 4}, 22: {digits, 0, 3}, 25: {digits, 0, 2},
	35: {nibbled, 1, 48}, 37: {printed, 0, 12}, 41: {printed, 0, 8}, 42: {printed, 0, 15}, 49: {printed, 0, 3},
	52: {plain, 0, 8}, 53: {digits, 0, 16}, 55: {plain, 2, 512}, 60: {digits, 2, 99}, 64: {plain, 0, 8},
}

// longer is what a BCD byte with a nibble above 9 counts: more than any field holds.
const longer = 10_000

// counts gives the value of a BCD byte.
var counts = func() (t [256]uint16) {
	for i := range t {
		t[i] = longer
		if i>>4 <= 9 && i&15 <= 9 {
			t[i] = uint16(i>>4*10 + i&15)
		}
	}
	return t
}()

// places is where the fields lie: of each its first byte, the one after it, and its digits or bytes.
type places struct {
	present uint64 // bit 63 is field 1
	at      [65]struct{ start, end, units uint16 }
}

// referenceParse finds every field by the table and checks that all of them lie within b.
func referenceParse(p *places, b []byte) error {
	if len(b) < headSize+10 || len(b) > 0xFFFF || counts[b[headSize]]+counts[b[headSize+1]] >= longer {
		return errSample
	}
	p.present = binary.BigEndian.Uint64(b[headSize+2:])
	pos := uint(headSize + 10)
	for left := p.present; left != 0; {
		n := bits.LeadingZeros64(left) + 1
		left &^= 1 << (64 - n)
		s := &shapes[n]
		units, room := uint(s.max), uint(len(b))-pos
		switch {
		case s.kind == absent || room < uint(s.prefix):
			return errSample
		case s.prefix == 1:
			units = uint(counts[b[pos]])
		case s.prefix == 2:
			units = uint(counts[b[pos]])*100 + uint(counts[b[pos+1]])
		}
		size := units
		if s.kind < printed {
			size = (units + 1) / 2
		}
		pos += uint(s.prefix)
		if units > uint(s.max) || uint(len(b))-pos < size {
			return errSample
		}
		at := &p.at[n]
		at.start, at.end, at.units = uint16(pos), uint16(pos+size), uint16(units)
		pos += size
	}
	if pos != uint(len(b)) {
		return errSample
	}
	return nil
}

// texts is the message as text and bytes in the caller's buffer: of each field where its value lies in it.
type texts struct {
	places

	buf   []byte
	value [65]struct{ from, to uint16 }
}

// get gives a decoded value; 0 is TPDU, header and MTI in one.
func (t *texts) get(n int) string { return string(t.buf[t.value[n].from:t.value[n].to]) }

// referenceDecode writes every value into t's buffer: TPDU, header and MTI as hex digits with nothing between, the
// fields as text or as the bytes they are.
func referenceDecode(t *texts, b []byte) error {
	if err := referenceParse(&t.places, b); err != nil {
		return err
	}
	if len(t.buf) < 2*len(b)+8 {
		return errSample
	}
	out, bad := t.buf, uint64(0)
	decodeHex(out, b[:headSize+2])
	to := 2 * (headSize + 2)
	t.value[0].to = uint16(to)
	for left := t.present; left != 0; {
		n := bits.LeadingZeros64(left) + 1
		left &^= 1 << (64 - n)
		at, value := &t.at[n], &t.value[n]
		raw, dst := b[at.start:at.end], out[to:]
		switch shapes[n].kind {
		case digits:
			bad |= decodeBCD(dst, raw)
		case nibbled:
			decodeHex(dst, raw)
		case printed:
			bad |= printable(raw)
			copy(dst, raw)
		default:
			copy(dst, raw)
		}
		value.from = uint16(to)
		to += int(at.units)
		value.to = uint16(to)
	}
	if bad != 0 {
		return errSample
	}
	return nil
}

// decodeBCD writes BCD as digits, and what is over as zeros behind them.
func decodeBCD(dst, src []byte) (bad uint64) {
	for ; len(src) >= 4; src, dst = src[4:], dst[8:] {
		bad |= text8(dst, src)
	}
	for ; len(src) >= 1; src, dst = src[1:], dst[2:] {
		bad |= text2(dst, src)
	}
	return bad
}

// decodeHex writes bytes as upper-case hex digits.
func decodeHex(dst, src []byte) {
	for ; len(src) >= 4; src, dst = src[4:], dst[8:] {
		hex8(dst, src)
	}
	for ; len(src) >= 1; src, dst = src[1:], dst[2:] {
		dst[0], dst[1] = hexDigits[src[0]>>4], hexDigits[src[0]&15]
	}
}

// printable is not 0 where a byte is no printable ASCII character. In eight at once, what a byte below a space borrows
// marks it, and perhaps its neighbour too.
func printable(b []byte) (bad uint64) {
	for ; len(b) >= 8; b = b[8:] {
		x := binary.BigEndian.Uint64(b)
		bad |= ((x - 0x2020202020202020) | x) & 0x8080808080808080
	}
	for _, c := range b {
		bad |= uint64((c-0x20)|c) & 0x80
	}
	return bad
}
