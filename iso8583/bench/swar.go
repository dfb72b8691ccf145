package main

import "encoding/binary"

// Eight digits at a time in one word (SIMD within a register): their bytes are checked and squeezed together by shifts
// that all eight share. bad is not 0 where the input was not what it must be.
const (
	zeros8   = 0x3030303030303030 // eight times '0'
	sixes8   = 0x0606060606060606
	highs8   = 0xF0F0F0F0F0F0F0F0
	nibbles8 = 0x0F0F0F0F0F0F0F0F
	zeros4   = 0x30303030
	sixes4   = 0x06060606
	highs4   = 0xF0F0F0F0
)

// pack8 turns eight ASCII digits into four bytes of BCD.
func pack8(dst, s []byte) (bad uint64) {
	x := binary.BigEndian.Uint64(s)
	bad = (x|(x+sixes8))&highs8 ^ zeros8
	x &= nibbles8
	x = (x | x>>4) & 0x00FF00FF00FF00FF
	x = (x | x>>8) & 0x0000FFFF0000FFFF
	binary.BigEndian.PutUint32(dst, uint32(x|x>>16))
	return bad
}

// pack4 turns four ASCII digits into two bytes of BCD.
func pack4(dst, s []byte) (bad uint64) {
	x := binary.BigEndian.Uint32(s)
	bad = uint64((x|(x+sixes4))&highs4 ^ zeros4)
	x &= 0x0F0F0F0F
	x = (x | x>>4) & 0x00FF00FF
	binary.BigEndian.PutUint16(dst, uint16(x|x>>8))
	return bad
}

// pack2 turns two ASCII digits into one byte of BCD.
func pack2(dst, s []byte) (bad uint64) {
	x := uint(s[0])<<8 | uint(s[1])
	bad = uint64((x|(x+0x0606))&0xF0F0 ^ 0x3030)
	dst[0] = byte(x>>4&0xF0 | x&15)
	return bad
}

// pack1 turns one ASCII digit into the left half of a byte.
func pack1(dst, s []byte) (bad uint64) {
	dst[0] = s[0] << 4
	return uint64((s[0]|(s[0]+6))&0xF0 ^ 0x30)
}

// text8 turns four bytes of BCD into eight ASCII digits.
func text8(dst, src []byte) (bad uint64) {
	x := spread(src)
	binary.BigEndian.PutUint64(dst, x|zeros8)
	return (x + sixes8) & highs8
}

// text2 turns a byte of BCD into two ASCII digits.
func text2(dst, src []byte) (bad uint64) {
	x := uint(src[0])
	x = (x | x<<4) & 0x0F0F
	dst[0], dst[1] = byte(x>>8)+'0', byte(x)+'0'
	return uint64((x + 0x0606) & 0xF0F0)
}

// hex8 turns four bytes into eight hex digits: where a nibble is above 9, adding 6 carries into bit 4, and 7 more
// than '0' makes an 'A' of 10.
func hex8(dst, src []byte) {
	x := spread(src)
	letter := (x + sixes8) >> 4 & 0x0101010101010101
	binary.BigEndian.PutUint64(dst, x+zeros8+letter*7)
}

// spread gives the eight nibbles of four bytes a byte each.
func spread(src []byte) uint64 {
	x := uint64(binary.BigEndian.Uint32(src))
	x = (x | x<<16) & 0x0000FFFF0000FFFF
	x = (x | x<<8) & 0x00FF00FF00FF00FF
	return (x | x<<4) & nibbles8
}

// nibbleOf is the half byte of a track character, 0xFF where it is none. The separator = is D.
var nibbleOf = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i, c := range []byte(hexDigits) {
		t[c] = byte(i)
	}
	t['='] = 13
	return t
}()

const hexDigits = "0123456789ABCDEF"
