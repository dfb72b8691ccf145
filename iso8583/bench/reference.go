package main

import (
	"errors"
	"slices"
)

// The straight-line reference: the sample's message in the dialect unionpay, written out by hand for this message and
// no other. It allocates nothing and still checks all that it writes and reads. It is what a general codec is held
// against, so it must give the same bytes.

// errSample says that a value or a byte is not as the message wants it. The reference has no words for more.
var errSample = errors.New("reference: this is not the sample's message")

const (
	sampleBitmap = "\x72\x3C\x04\x80\x28\xC0\x9A\x11" // 2,3,4,7 11-14 22,25 35,37 41,42,49 52,53,55 60,64
	headSize     = 5 + 6                              // TPDU and header
	largest      = 1024                               // bytes; more than the longest values make
)

// referencePack appends the message to dst. Between fields of variable length every offset is a constant.
func referencePack(dst []byte, s *sample) ([]byte, error) {
	f := &s.fields
	if !s.fits() {
		return dst, errSample
	}
	start := len(dst)
	dst = slices.Grow(dst, largest)[:start+largest]

	b := dst[start : start+22]
	bad := pack8(b, s.tpdu) | pack2(b[4:], s.tpdu[8:])
	bad |= pack8(b[5:], s.header) | pack4(b[9:], s.header[8:])
	bad |= pack4(b[11:], s.mti)
	copy(b[13:], sampleBitmap)
	b[21] = bcd(len(f[2]))
	at := start + 22
	bad |= packOdd(dst[at:], f[2])
	at += (len(f[2]) + 1) / 2

	b = dst[at : at+28]
	bad |= pack4(b, f[3]) | pack2(b[2:], f[3][4:])
	bad |= pack8(b[3:], f[4]) | pack4(b[7:], f[4][8:])
	bad |= pack8(b[9:], f[7]) | pack2(b[13:], f[7][8:])
	bad |= pack4(b[14:], f[11]) | pack2(b[16:], f[11][4:])
	bad |= pack4(b[17:], f[12]) | pack2(b[19:], f[12][4:])
	bad |= pack4(b[20:], f[13])
	bad |= pack4(b[22:], f[14])
	bad |= pack2(b[24:], f[22]) | pack1(b[25:], f[22][2:])
	bad |= pack2(b[26:], f[25])
	b[27] = bcd(len(f[35]))
	at += 28
	bad |= packTrack(dst[at:], f[35])
	at += (len(f[35]) + 1) / 2

	b = dst[at : at+56]
	copy(b, f[37])
	copy(b[12:], f[41])
	copy(b[20:], f[42])
	copy(b[35:], f[49])
	copy(b[38:], f[52])
	bad |= pack8(b[46:], f[53]) | pack8(b[50:], f[53][8:])
	b[54], b[55] = bcd(len(f[55])/100), bcd(len(f[55])%100)
	at += 56 + copy(dst[at+56:], f[55])

	dst[at], dst[at+1] = bcd(len(f[60])/100), bcd(len(f[60])%100)
	bad |= packOdd(dst[at+2:], f[60])
	at += 2 + (len(f[60])+1)/2
	at += copy(dst[at:], f[64])
	if bad != 0 {
		return dst[:start], errSample
	}
	return dst[:at], nil
}

// fits tells whether every value has the length that its field wants.
func (s *sample) fits() bool {
	f := &s.fields
	fixed := len(s.tpdu) == 10 && len(s.header) == 12 && len(s.mti) == 4 && len(f[3]) == 6 && len(f[4]) == 12 && len(f[7]) == 10 &&
		len(f[11]) == 6 && len(f[12]) == 6 && len(f[13]) == 4 && len(f[14]) == 4 && len(f[22]) == 3 && len(f[25]) == 2 &&
		len(f[37]) == 12 && len(f[41]) == 8 && len(f[42]) == 15 && len(f[49]) == 3 && len(f[52]) == 8 && len(f[53]) == 16 &&
		len(f[64]) == 8
	return fixed && len(f[2]) <= 19 && len(f[35]) <= 48 && len(f[55]) <= 512 && len(f[60]) <= 99
}

// packOdd packs any number of digits from the left; an odd one leaves a half byte of 0.
func packOdd(dst, s []byte) (bad uint64) {
	for ; len(s) >= 8; s, dst = s[8:], dst[4:] {
		bad |= pack8(dst, s)
	}
	for ; len(s) >= 2; s, dst = s[2:], dst[1:] {
		bad |= pack2(dst, s)
	}
	if len(s) == 1 {
		bad |= pack1(dst, s)
	}
	return bad
}

// packTrack packs track characters: eight at a time where they are digits, else one by one.
func packTrack(dst, s []byte) (bad uint64) {
	for ; len(s) >= 8; s, dst = s[8:], dst[4:] {
		if pack8(dst, s) != 0 {
			bad |= packNibbles(dst, s[:8])
		}
	}
	return bad | packNibbles(dst, s)
}

func packNibbles(dst, s []byte) (bad uint64) {
	for ; len(s) >= 2; s, dst = s[2:], dst[1:] {
		a, b := nibbleOf[s[0]], nibbleOf[s[1]]
		bad |= uint64(a|b) & 0xF0
		dst[0] = a<<4 | b
	}
	if len(s) == 1 {
		a := nibbleOf[s[0]]
		bad |= uint64(a) & 0xF0
		dst[0] = a << 4
	}
	return bad
}

func bcd(n int) byte { return byte(n/10<<4 | n%10) }
